# why of what is at work: asked from the daemon. `why` waits until the answer holds the words given first.
$ cat > why <<'S'
> #!/bin/sh
> words=$1; shift
> for i in $(seq 200); do leat why "$@" | grep -q "$words" && break; sleep 0.1; done
> leat why "$@" | sed 's/[A-Z][a-z][a-z] 20..-..-.. ..:..:.. [A-Z]*/T/g; s/  */ /g'
> S
$ chmod +x why && mkdir pipelines landing && printf 'leat: 1\npools: {db: 2}\n' > leat.yaml
$ cat > pipelines/slow.yaml <<'Y'
> pipeline: slow
> steps:
>   query: {shell: "while ! test -e go; do sleep 0.1; done", pool: {name: db, tokens: 2}}
> Y
$ cat > pipelines/quick.yaml <<'Y'
> pipeline: quick
> steps:
>   ask: {shell: echo asked, pool: db}
> Y
$ cat > pipelines/tries.yaml <<'Y'
> pipeline: tries
> steps:
>   try: {shell: "test -e there", retry: {times: 3, wait: 1h}}
> Y
$ cat > pipelines/waits.yaml <<'Y'
> pipeline: waits
> steps:
>   file: {wait: {for: landing/x.csv, timeout: 1h}}
> Y
$ cat > pipelines/past.yaml <<'Y'
> pipeline: past
> depends_on_past: true
> schedule: {every: day at 06:00, timezone: UTC, start: 2025-01-01, end: 2025-01-03, if_missed: run_all}
> steps:
>   a: {shell: "test -e there"}
> Y
$ : > serve.log; (leat serve > serve.log 2>&1 & echo $! > pid); for i in $(seq 200); do grep -q ' serving ' serve.log && break; sleep 0.1; done
$ for p in slow slow quick tries waits; do leat run $p --queue > /dev/null; done
$ ./why "step query runs" slow
run 3 is running: step query runs since T
 step query runs since T (run 3)
 running since T (run 3)
 asked for at T (run 3)
 started by manual (run 3)
$ ./why "max_active_runs" 4
run 4 of slow waits for its turn: max_active_runs is 1, and run 3 is running
 running since T (run 3)
 max_active_runs 1 (pipelines/slow.yaml)
 asked for at T (run 4)
 started by manual (run 4)
$ ./why "pool db" quick
run 5 is running: step ask waits for 1 of the 2 tokens of pool db, and step query of run 3 (slow) holds 2
 ask waits for 1 of the 2 tokens of pool db, and step query of run 3 (slow) holds 2 (the conductor)
 held by step query of run 3 (slow) holds 2 (the conductor)
 running since T (run 5)
 asked for at T (run 5)
 started by manual (run 5)
$ ./why "tried again" tries
run 6 is running: step try is tried again at T
 step try is tried again at T, after: step try ended with exit code 1 (run 6)
 running since T (run 6)
 asked for at T (run 6)
 started by manual (run 6)
$ ./why "landing/x.csv" waits
run 7 is running: step file waits for landing/x.csv
 step file waits for landing/x.csv (run 7)
 running since T (run 7)
 asked for at T (run 7)
 started by manual (run 7)
$ ./why "depends_on_past" 2
run 2 of past waits for the success of the slot before (depends_on_past): run 1 is failed
 the one before covers 2025-01-01 (run 1)
 next leat retry 1 (run 1)
 schedule main (slot)
 fires at T (slot)
 covers 2025-01-02 (slot)
 decided at T (slot)
$ leat status past | grep QUEUED
QUEUED    run 2  past  2025-01-02  waits for run 1, which is failed (depends_on_past)   leat logs 2 -f
$ leat pause past --reason "moving house" > /dev/null; ./why "paused" 2 | grep -v 'paused by'
run 2 of past waits: past is paused until it is resumed
 paused at T (pause)
 because moving house (pause)
 next leat resume past (pause)
 schedule main (slot)
 fires at T (slot)
 covers 2025-01-02 (slot)
 decided at T (slot)
$ leat pause slow --reason "too much" > /dev/null; ./why "it is paused" slow | grep -v 'paused by'
run 3 is running: step query runs since T; it is paused until it is resumed, so nothing follows by itself
 step query runs since T (run 3)
 running since T (run 3)
 asked for at T (run 3)
 started by manual (run 3)
 because too much (pause)
 paused at T (pause)
 next leat resume slow (pause)
$ leat cancel slow > /dev/null; touch go; ./why cancelled 4
run 4 of slow was cancelled: somebody cancelled it
 asked for at T (run 4)
 started by manual (run 4)
$ kill $(cat pid); for i in $(seq 300); do kill -0 $(cat pid) 2> /dev/null || break; sleep 0.1; done; ./why "no daemon" 2 | grep -v 'last sign'
run 2 of past waits: no daemon is at work; it begins with the next `leat serve`
 schedule main (slot)
 fires at T (slot)
 covers 2025-01-02 (slot)
 decided at T (slot)
