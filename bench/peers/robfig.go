// robfig/cron v3 in the terms of next.c: lines `expression<TAB>zone` in, `parse ns<TAB>next ns` out.
package main

import (
	"bufio"
	"fmt"
	"os"
	"sort"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

const batches, calls = 9, 200

func median(call func()) float64 {
	var took []float64
	for b := 0; b < batches; b++ {
		start := time.Now()
		for i := 0; i < calls; i++ {
			call()
		}
		took = append(took, float64(time.Since(start).Nanoseconds())/calls)
	}
	sort.Float64s(took)
	return took[batches/2]
}

func main() {
	parser := cron.NewParser(cron.SecondOptional | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		cell := strings.Split(in.Text(), "\t")
		zone, err := time.LoadLocation(cell[1])
		schedule, refused := parser.Parse(cell[0])
		if err != nil || refused != nil {
			fmt.Println("-")
			continue
		}
		begin := time.Date(2024, 1, 1, 0, 0, 0, 0, zone)
		at := begin
		nexts := median(func() {
			if at = schedule.Next(at); at.IsZero() {
				at = begin
			}
		})
		parses := median(func() { parser.Parse(cell[0]) })
		fmt.Printf("%.1f\t%.1f\n", parses, nexts)
	}
}
