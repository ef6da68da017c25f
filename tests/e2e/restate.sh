#!/usr/bin/env bash
# restate: one bad day is mended everywhere: in its own pipeline, in another one's weeks, in the order of the data.
. "$(dirname "$0")/lib.sh"
mkdir -p "$WORK/p/pipelines" "$WORK/p/landing"
cd "$WORK/p"
wait_for() {
    for _ in $(seq 300); do eval "$1" && return; sleep 0.1; done
    fail "waited in vain for: $1"
}
field() { leat backfill list --plain | awk -F'\t' -v id="$1" -v f="$2" '$1 == id { print $f }'; }
versions() { leat zone history "$1" --plain | wc -l; }
revenue() { one "select coalesce(sum(revenue), -1) from refined.revenue where d = '$1'"; }
week() { one "select coalesce(sum(revenue), -1) from refined.week where week = '$1'"; }

for i in $(seq 6 19); do
    day=$(printf '2025-10-%02d' "$i")
    printf 'd,country,amount\n%s,DE,%s\n%s,AT,1\n' "$day" "$i" "$day" >"landing/$day.csv"
done

cat >pipelines/orders.yaml <<'Y'
pipeline: orders
schedule: {every: day at 06:00}
steps:
  clean:
    sql: >
      select cast(d as date) as d, country, cast(amount as bigint) as amount
      from read_csv(format('landing/{}.csv', cast(${window.date} as varchar)))
    into: trusted.orders
    partition_by: {column: d, of: window}
  revenue:
    sql: >
      select d, sum(amount) as revenue from trusted.orders
      where d >= cast(${window.start} as date) and d < cast(${window.end} as date) group by d
    into: refined.revenue
    partition_by: {column: d, of: window}
Y
cat >pipelines/weeks.yaml <<'Y'
pipeline: weeks
schedule: {every: monday at 07:00, covers: previous week}
steps:
  sum:
    sql: >
      select cast(${window.start} as date) as week, sum(amount) as revenue from trusted.orders
      where d >= cast(${window.start} as date) and d < cast(${window.end} as date)
    into: refined.week
    partition_by: {column: week, of: window}
  note:
    after: sum
    reads: [refined.week]
    shell: |
      test ! -e slow || sleep 2
      echo "$LEAT_WINDOW_START" >>noted
Y
sed -i "s|test ! -e slow|test ! -e $WORK/slow|; s|>>noted|>>$WORK/noted|" pipelines/weeks.yaml
cat >pipelines/totals.yaml <<'Y'
pipeline: totals
steps:
  all:
    sql: select sum(amount) as total from trusted.orders
    into: refined.total
Y

step "two weeks of days and of weeks"
exits 4 leat restate trusted.orders --window 2025-10-08
exits 0 leat backfill orders --from 2025-10-06 --to 2025-10-20 --max-parallel 4 -y
exits 0 leat backfill weeks --from 2025-10-06 --to 2025-10-20 -y
exits 0 leat run totals
same "$(week 2025-10-06)" 70 "the first week"
same "$(revenue 2025-10-08)" 9 "the day"

step "the plan: who read that day, in which order, and what it cannot do"
exits 0 leat restate trusted.orders --window 2025-10-08 --dry-run
says "2 runs in 2 stages"
says "totals.all reads trusted.orders, but never did for a window: run it afterwards: leat run totals"
leat restate trusted.orders --window 2025-10-08 --dry-run --json >"$WORK/plan.json"
python3 - "$WORK/plan.json" <<'P'
import json, sys
item, = json.load(open(sys.argv[1]))["items"]
assert [(w["stage"], w["pipeline"], w["steps"], w["window"]["start"][:10]) for w in item["windows"]] == [
    (0, "orders", ["clean", "revenue"], "2025-10-08"), (1, "weeks", ["sum", "note"], "2025-10-06")], item
P
exits 4 leat restate trusted.order --window 2025-10-08 --dry-run
says "did you mean \`trusted.orders\`?"
exits 2 leat restate trusted.orders --dry-run
exits 2 leat restate trusted.orders --window 2025-10-08 --from 2025-10-08 --dry-run
exits 2 leat restate trusted.orders --from 2025-10-08 --to 2025-10-08 --dry-run

step "the day is corrected: it is mended everywhere, and nothing else moves"
sed -i 's/DE,8/DE,1008/' landing/2025-10-08.csv
before=$(versions refined.week)
exits 0 leat restate trusted.orders --window 2025-10-08 -y
same "$(revenue 2025-10-08)" 1009 "the day"
same "$(week 2025-10-06)" 1070 "its week"
same "$(week 2025-10-13)" 119 "the other week"
same "$(versions refined.week)" $((before + 1)) "versions of refined.week"
same "$(leat runs --trigger backfill -n 100 --plain | wc -l)" 18 "runs: 14 days, 2 weeks, 1 day, 1 week"

step "less of it"
sed -i 's/DE,9/DE,1009/' landing/2025-10-09.csv
exits 0 leat restate trusted.orders --window 2025-10-09 --downstream none -y
same "$(revenue 2025-10-09)" 10 "the day's revenue stays"
exits 0 leat restate trusted.orders --window 2025-10-09 --downstream pipeline -y
same "$(revenue 2025-10-09)" 1010 "the day's revenue"
same "$(week 2025-10-06)" 1070 "the week stays"
exits 0 leat restate refined.week --window 2025-10-06..2025-10-13 -y
same "$(week 2025-10-06)" 2070 "the week"

step "killed between its stages, it goes on; the same name never doubles"
touch "$WORK/slow"
sed -i 's/DE,15/DE,1015/' landing/2025-10-15.csv
leat restate trusted.orders --from 2025-10-09 --to 2025-10-16 --max-parallel 4 --name mend -y >/dev/null 2>&1 &
killed=$!
wait_for "[ \"\$(leat runs weeks --result running --plain 2>&1 | grep -c running)\" -ge 1 ]"
kill -9 $killed
wait $killed 2>/dev/null || :
rm "$WORK/slow"
exits 0 leat restate trusted.orders --from 2025-10-09 --to 2025-10-16 --name mend -y
same "$(field 7 5)" ok "state"
same "$(week 2025-10-13)" 1119 "the second week"
exits 0 leat restate trusted.orders --from 2025-10-09 --to 2025-10-16 --name mend -y
says "is done"
leat backfill show mend --json >"$WORK/show.json"
python3 - "$WORK/show.json" <<'P'
import json, sys
item, = json.load(open(sys.argv[1]))["items"]
assert item["kind"] == "restate" and item["dataset"] == "trusted.orders" and item["pipeline"] is None
assert [(w["stage"], w["pipeline"], w["result"]) for w in item["windows"]] == [(0, "orders", "ok")] * 7 + [(1, "weeks", "ok")] * 2
P

step "a failure in one stage keeps from starting what needs it, and only that"
mv landing/2025-10-10.csv landing/away
exits 1 leat restate trusted.orders --from 2025-10-10 --to 2025-10-14 -y
leat backfill show 8 --plain | awk -F'\t' 'NF > 3 { print $1, $3 }' | sort >"$WORK/states.txt"
printf 'cancelled weeks\nfailed orders\nok orders\nok orders\nok orders\nok weeks\n' >"$WORK/want.txt"
same_files "$WORK/want.txt" "$WORK/states.txt" "windows of the restatement that failed"
mv landing/away landing/2025-10-10.csv
exits 0 leat backfill resume 8
same "$(field 8 5)" ok "state after it was resumed"

step "what the data do not have"
exits 0 leat backfill orders --from 2025-10-06 --to 2025-10-20 --missing --dry-run
says "0 to run, 14 there in the data"
before=$(leat zone history refined.revenue --plain | head -n 1 | cut -f 1)
sed -i 's/DE,19/DE,1019/' landing/2025-10-19.csv
exits 0 leat backfill orders --from 2025-10-20 --to 2025-10-21 --dry-run
printf 'd,country,amount\n2025-10-20,DE,20\n' >landing/2025-10-20.csv
exits 0 leat backfill orders --from 2025-10-20 --to 2025-10-21 -y
exits 0 leat zone rollback refined.revenue --to "${before#v}" --reason test -y
exits 0 leat backfill orders --from 2025-10-06 --to 2025-10-21 --missing --dry-run
says "1 to run, 14 there in the data"
exits 0 leat backfill orders --from 2025-10-06 --to 2025-10-21 --missing -y
same "$(revenue 2025-10-20)" 20 "the day that was rolled away"

step "what an input has lost cannot be made anew: nothing would take its place"
first=$(leat zone history trusted.orders --plain | tail -n 1 | cut -f 1)
exits 0 leat zone rollback trusted.orders --to "${first#v}" --reason test -y
exits 8 leat backfill orders --from 2025-10-19 --to 2025-10-21 --step revenue --redo all --dry-run
says "2 refused: an input has nothing of them any more"

step "what a window needs is there no more"
cat >pipelines/snap.yaml <<'Y'
pipeline: snap
schedule: {every: day at 06:00}
steps:
  take:
    sql: select cast(${window.start} as date) as d, 1 as n
    into: raw.snap
    write: replace
  keep:
    sql: select d, n from raw.snap
    into: trusted.snap
    partition_by: {column: d, of: window}
Y
exits 0 leat backfill snap --from 2025-10-06 --to 2025-10-09 -y
exits 8 leat restate trusted.snap --window 2025-10-06 -y
says "raw.snap is about another window now"
exits 0 leat restate trusted.snap --window 2025-10-08 -y
exits 0 leat restate raw.snap --window 2025-10-06 -y
