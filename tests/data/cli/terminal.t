# The same verbs before a terminal, a narrow one, without UTF-8, without colour, with the reader gone.
@ project shop
$ leat run orders -q > /dev/null
$ script -qec "stty cols 100; leat zone list" /dev/null < /dev/null | sed 's/\x1b\[[0-9;]*m/~/g; s/\r//; s/[A-Z][a-z][a-z] [-0-9]* [0-9:]* UTC/WHEN/; s/[0-9]* B /N B /'
~DATASET~          ~FORMAT~  ~VERSION~  ~ROWS~   ~SIZE~  ~FILES~  ~PUBLISHED~                    ~BY~
raw.orders       files        v0         N B      1  WHEN  run 1
refined.revenue  delta        v0     2  N B      1  WHEN  run 1
$ script -qec "stty cols 60; leat zone history refined.revenue" /dev/null < /dev/null | sed 's/\x1b\[[0-9;]*m//g; s/\r//' | awk 'length($0) > 60' | wc -l
0
$ script -qec "stty cols 60; leat zone history refined.revenue --plain" /dev/null < /dev/null | cut -f 4
replace
$ NO_COLOR=1 script -qec "leat status" /dev/null < /dev/null | od -c | grep -c 033
0
[1]
$ TERM=dumb script -qec "leat status" /dev/null < /dev/null | od -c | grep -c 033
0
[1]
$ FORCE_COLOR=1 leat status | od -c | head -n 1
0000000 033   [   3   2   m   O   K 033   [   0   m                    
$ leat status --color=never | od -c | head -n 1
0000000   O   K                                   o   r   d   e   r   s
$ LANG=C LC_ALL=C leat bookmark reset orders.land --dry-run
orders.land   1 file -> nothing
the next run reads every file it finds
! nothing was changed
$ LC_ALL=C.UTF-8 leat bookmark reset orders.land --dry-run
orders.land   1 file → nothing
the next run reads every file it finds
! nothing was changed
$ leat sql --csv "select * from range(1000000)" | head -n 2
range
0
$ leat sql --csv "select * from range(3)" > /dev/full
! error: cannot write to stdout: No space left on device
!   hint: free some space and run the same command again
[6]
$ leat runs >&-
$ leat status 2>&- <&-
OK        orders
