# why: from what was recorded, and from arithmetic. `hide` hides times that are not of 2025.
$ cat > hide <<'S'
> #!/bin/sh
> sed 's/[A-Z][a-z][a-z] 20\(2[6-9]\|[3-9].\)-..-.. ..:..:.. [A-Z]*/T/g; s/20\(2[6-9]\|[3-9].\)-..-..T[0-9:.]*Z/T/g; s/process [0-9]*/process N/; s/  */ /g'
> S
$ chmod +x hide && mkdir pipelines landing && cat > leat.yaml <<'Y'
> leat: 1
> pools: {db: 1}
> calendars: {fair: [2025-01-07]}
> Y
$ cat > pipelines/daily.yaml <<'Y'
> pipeline: daily
> schedule: {every: day at 02:30, timezone: Europe/Berlin, start: 2025-01-02, end: 2025-03-30, covers: previous day, calendar: fair}
> steps:
>   day: {sql: "select cast(${window.date} as date) as day", into: raw.days}
> Y
$ cat > pipelines/sum.yaml <<'Y'
> pipeline: sum
> schedule: {after: raw.days, timezone: Europe/Berlin}
> steps:
>   sums: {sql: "select count(*) as n from raw.days", into: trusted.sums}
> Y
# Nobody has ever served.
$ leat why daily | ./hide
nothing of it starts: no daemon is at work, and its slot of Fri 2025-01-03 02:30:00 CET is due
 due since Fri 2025-01-03 02:30:00 CET (schedule)
 last sign of life of a daemon none was ever recorded (the database)
 next leat serve (the conductor)
$ leat why daily 2025-01-03 | ./hide
the slot of Sat 2025-01-04 02:30:00 CET never started: no daemon is at work; the next `leat serve` decides about it (if_missed: run_latest)
 last sign of life of a daemon none was ever recorded (the database)
 next leat serve (the conductor)
 schedule main, covers previous day, Europe/Berlin (pipelines/daily.yaml:2)
 fires at Sat 2025-01-04 02:30:00 CET (pipelines/daily.yaml:2)
 covers 2025-01-03 (pipelines/daily.yaml:2)
$ leat why sum 2025-01-03 | ./hide
sum starts after datasets, and nothing has ever run here
# No slot is about it, and why.
$ leat why daily 2025-01-01 | ./hide
no slot is about it: the schedule's windows begin at Thu 2025-01-02 00:00:00 CET (`start`)
 start Thu 2025-01-02 00:00:00 CET (pipelines/daily.yaml:2)
 schedule main, covers previous day, Europe/Berlin (pipelines/daily.yaml:2)
 the slot after covers 2025-01-02 (pipelines/daily.yaml:2)
$ leat why daily 2025-04-01 | ./hide
no slot is about it: the schedule's windows end at Sun 2025-03-30 00:00:00 CET (`end`)
 end Sun 2025-03-30 00:00:00 CET (pipelines/daily.yaml:2)
 schedule main, covers previous day, Europe/Berlin (pipelines/daily.yaml:2)
 the slot before covers 2025-03-29 (pipelines/daily.yaml:2)
$ leat why daily 2025-01-06 | ./hide
no slot is about it: the calendar `fair` leaves out the day on which it would fire, Tue 2025-01-07 02:30:00 CET
 calendar fair (pipelines/daily.yaml:2)
 schedule main, covers previous day, Europe/Berlin (pipelines/daily.yaml:2)
 the slot before covers 2025-01-04 (pipelines/daily.yaml:2)
 the slot after covers 2025-01-05 (pipelines/daily.yaml:2)
# A local time that does not exist that day: 02:30.
$ leat why daily 2025-03-29 | ./hide
the slot of Sun 2025-03-30 03:00:00 CEST never started: no daemon is at work; the next `leat serve` decides about it (if_missed: run_latest)
 last sign of life of a daemon none was ever recorded (the database)
 next leat serve (the conductor)
 schedule main, covers previous day, Europe/Berlin (pipelines/daily.yaml:2)
 fires at Sun 2025-03-30 03:00:00 CEST (pipelines/daily.yaml:2)
 covers 2025-03-29 (pipelines/daily.yaml:2)
 the clocks 2025-03-30 has 23 hours: 02:00 to 03:00 does not exist; the run of 02:30 is at 03:00 (zone data)
$ printf 'pipeline: weekdays\nschedule: {cron: "15 6 * * MON-FRI", timezone: UTC, covers: previous day}\nsteps:\n  a: {shell: echo a}\n' > pipelines/weekdays.yaml
$ leat why weekdays 2025-01-10 | ./hide
no slot is about it: its schedule has none whose window meets it
 schedule main, covers previous day, UTC (pipelines/weekdays.yaml:2)
 the slot before covers 2025-01-08 (pipelines/weekdays.yaml:2)
 the slot after covers 2025-01-09 (pipelines/weekdays.yaml:2)
# Without a `start` it begins when it is first served: nothing decides what came before.
$ leat why weekdays 2025-01-09 | ./hide
the slot of Fri 2025-01-10 06:15:00 UTC came before this schedule was ever served, and it has no `start` that reaches back so far
 next leat backfill weekdays --from 2025-01-09T00:00:00Z --to 2025-01-10T00:00:00Z (schedule)
 schedule main, covers previous day, UTC (pipelines/weekdays.yaml:2)
 fires at Fri 2025-01-10 06:15:00 UTC (pipelines/weekdays.yaml:2)
 covers 2025-01-09 (pipelines/weekdays.yaml:2)
$ leat why weekdays 2025-01 | ./hide
22 slots are about the window 2025-01: 22 while it was not served; the first that is not done: the slot of Thu 2025-01-02 06:15:00 UTC came before this schedule was ever served, and it has no `start` that reaches back so far
 next leat backfill weekdays --from 2025-01-01T00:00:00Z --to 2025-01-02T00:00:00Z (schedule)
 schedule main, covers previous day, UTC (pipelines/weekdays.yaml:2)
 fires at Thu 2025-01-02 06:15:00 UTC (pipelines/weekdays.yaml:2)
 covers 2025-01-01 (pipelines/weekdays.yaml:2)
$ printf 'pipeline: hand\nsteps:\n  a: {shell: exit 3}\n' > pipelines/hand.yaml && leat why hand 2025-01-10
hand has no schedule: only `leat run` and `leat backfill` make runs of it
$ leat why hand
it does not start by itself: it has no schedule; it has never run
# Served: of what was missed only the newest runs; what comes after it starts with the same window.
$ leat serve --once > /dev/null 2>&1
$ leat why daily | ./hide
nothing comes any more: its schedule has no later slot; its last run, 1, ended ok
 last run ended at T (run 1)
$ leat why daily 2025-01-03 | ./hide
the slot of Sat 2025-01-04 02:30:00 CET was skipped: it was only decided at T, late, and of what is late only the newest runs (if_missed: run_latest)
 schedule main, covers previous day, Europe/Berlin (pipelines/daily.yaml:2)
 fires at Sat 2025-01-04 02:30:00 CET (pipelines/daily.yaml:2)
 covers 2025-01-03 (pipelines/daily.yaml:2)
 skipped missed, one of a stretch of 85 (slot)
 decided at T (slot)
 next leat backfill daily --from 2025-01-02T23:00:00Z --to 2025-01-03T23:00:00Z (slot)
$ leat why daily 2025-03-29 | ./hide
run 1, of the slot of Sun 2025-03-30 03:00:00 CEST, ended ok at T
 started at T (run 1)
 ended at T (run 1)
 schedule main (slot)
 fires at Sun 2025-03-30 03:00:00 CEST (slot)
 covers 2025-03-29 (slot)
 decided at T (slot)
$ leat why daily 2025-03 | ./hide
29 slots are about the window 2025-03: 1 done, 28 skipped; the first that is not done: the slot of Sun 2025-03-02 02:30:00 CET was skipped: it was only decided at T, late, and of what is late only the newest runs (if_missed: run_latest)
 schedule main, covers previous day, Europe/Berlin (pipelines/daily.yaml:2)
 fires at Sun 2025-03-02 02:30:00 CET (pipelines/daily.yaml:2)
 covers 2025-03-01 (pipelines/daily.yaml:2)
 skipped missed, one of a stretch of 85 (slot)
 decided at T (slot)
 next leat backfill daily --from 2025-02-28T23:00:00Z --to 2025-03-01T23:00:00Z (slot)
$ leat why sum | ./hide
nothing is in its way: its last run, 2, ended ok; it starts after raw.days
 last run ended at T (run 2)
 starts after raw.days (pipelines/sum.yaml)
 last sign of life of a daemon T (the database)
$ leat why sum 2025-03-29 | ./hide
run 2, started by raw.days version 0, ended ok at T
 started at T (run 2)
 ended at T (run 2)
 schedule main (slot)
 started by raw.days version 0, which run 1 published (slot)
 covers 2025-03-29 (slot)
 decided at T (slot)
$ leat why sum 2025-03-28 | ./hide
sum starts after raw.days, of which nothing has been published for the window 2025-03-28
 missing daily for the window from Fri 2025-03-28 00:00:00 CET is skipped (missed) (raw.days)
$ leat why weekdays 2025-01-09 | ./hide
the slot of Fri 2025-01-10 06:15:00 UTC came before this schedule was first served, and it has no `start` that reaches back so far
 first served at T (schedule)
 next leat backfill weekdays --from 2025-01-09T00:00:00Z --to 2025-01-10T00:00:00Z (schedule)
 schedule main, covers previous day, UTC (pipelines/weekdays.yaml:2)
 fires at Fri 2025-01-10 06:15:00 UTC (pipelines/weekdays.yaml:2)
 covers 2025-01-09 (pipelines/weekdays.yaml:2)
# Done by a backfill since.
$ leat run daily --window 2025-01-03 -q > /dev/null; leat why daily 2025-01-03 | ./hide
the slot of Sat 2025-01-04 02:30:00 CET was skipped (missed), but run 3 (manual) has done its window since
 schedule main, covers previous day, Europe/Berlin (pipelines/daily.yaml:2)
 fires at Sat 2025-01-04 02:30:00 CET (pipelines/daily.yaml:2)
 covers 2025-01-03 (pipelines/daily.yaml:2)
 skipped missed, one of a stretch of 85 (slot)
 decided at T (slot)
# What it read has been published anew since.
$ leat run daily --window 2025-03-29 -q > /dev/null; leat why sum 2025-03-29 | ./hide
run 2, started by raw.days version 0, ended ok, but raw.days has been published anew since it read it: it is stale
 step sums read raw.days version 0 (what was read)
 version 2 came at T (raw.days)
 next leat restate raw.days --from 2025-03-28T23:00:00Z --to 2025-03-29T23:00:00Z (what was read)
 started at T (run 2)
 ended at T (run 2)
 schedule main (slot)
 started by raw.days version 0, which run 1 published (slot)
 covers 2025-03-29 (slot)
 decided at T (slot)
$ leat why sum | ./hide
it is stale: raw.days has been published anew for 1 window that it has read
 they lie in 2025-03-29 (raw.days)
 next leat restate raw.days --from 2025-03-28T23:00:00Z --to 2025-03-29T23:00:00Z (raw.days)
# It failed.
$ leat run hand -q > /dev/null 2>&1; leat why hand | ./hide
its last run, 5, failed at step a: step a ended with exit code 3
 failing since T (the pipeline's summary)
 attempt 1, ended T (run 5)
 step a (shell) (pipelines/hand.yaml:3)
 log leat logs 5 a (run 5)
 next leat retry 5 (run 5)
 asked for at T (run 5)
 started by manual (run 5)
$ leat why 5 --json | python3 -c "import json, sys; i = json.load(sys.stdin)['items'][0]; print(i['subject'], '|', i['answer'], '|', i['facts'][-1])"
run 5 | run 5 of hand failed at step a: step a ended with exit code 3 | {'what': 'started by', 'value': 'manual', 'source': 'run 5'}
# Too late by start_within; paused, and not caught up with.
$ printf 'pipeline: late\nschedule: {every: day at 06:00, timezone: UTC, start: 2025-01-01, end: 2025-01-03, if_missed: run_all, start_within: 2h}\nsteps:\n  a: {shell: echo a}\n' > pipelines/late.yaml
$ printf 'pipeline: calm\nschedule: {every: day at 06:00, timezone: UTC, start: 2025-01-01, end: 2025-01-03, if_missed: run_all}\nsteps:\n  a: {shell: echo a}\n' > pipelines/calm.yaml
$ leat pause calm --reason "moving house" > /dev/null; leat serve --once > /dev/null 2>&1; leat why late 2025-01-02 | ./hide
the slot of Fri 2025-01-03 06:00:00 UTC was skipped: it was only decided at T, later than start_within: 2h00m allows
 schedule main, covers previous day, UTC (pipelines/late.yaml:2)
 fires at Fri 2025-01-03 06:00:00 UTC (pipelines/late.yaml:2)
 covers 2025-01-02 (pipelines/late.yaml:2)
 skipped too_late, one of a stretch of 2 (slot)
 decided at T (slot)
 next leat backfill late --from 2025-01-02T00:00:00Z --to 2025-01-03T00:00:00Z (slot)
$ leat why calm 2025-01-02 | ./hide | grep -v 'paused by'
the slot of Fri 2025-01-03 06:00:00 UTC has not been decided: calm is paused, and what comes meanwhile is decided when it is resumed
 paused at T (pause)
 next leat resume calm [--catch-up all|latest|none] (pause)
 schedule main, covers previous day, UTC (pipelines/calm.yaml:2)
 fires at Fri 2025-01-03 06:00:00 UTC (pipelines/calm.yaml:2)
 covers 2025-01-02 (pipelines/calm.yaml:2)
$ leat why calm | ./hide | grep -v 'paused by'
it is paused until it is resumed: moving house
 paused at T (pause)
 next leat resume calm (pause)
# As if the pause had begun before those slots came.
$ python3 -c "import sqlite3; d = sqlite3.connect('.leat/leat.db'); d.execute('UPDATE pause SET at = 1'); d.commit()"
$ leat resume calm > /dev/null; leat serve --once > /dev/null 2>&1; leat why calm 2025-01-02 | ./hide
the slot of Fri 2025-01-03 06:00:00 UTC was skipped: it came while the pipeline was paused, and was not caught up with
 schedule main, covers previous day, UTC (pipelines/calm.yaml:2)
 fires at Fri 2025-01-03 06:00:00 UTC (pipelines/calm.yaml:2)
 covers 2025-01-02 (pipelines/calm.yaml:2)
 skipped paused, one of a stretch of 2 (slot)
 decided at T (slot)
 next leat backfill calm --from 2025-01-02T00:00:00Z --to 2025-01-03T00:00:00Z (slot)
# It waits for a daemon; its file is gone when one comes.
$ leat run hand --queue > /dev/null; leat why hand | ./hide
run 8 waits: no daemon is at work; it begins with the next `leat serve`
 last sign of life of a daemon T (the database)
 asked for at T (run 8)
 started by manual (run 8)
$ rm pipelines/hand.yaml; leat serve --once > /dev/null 2>&1; leat why 8 | ./hide
run 8 of hand was skipped: its pipeline was gone before it began
 asked for at T (run 8)
 started by manual (run 8)
# Its file is broken.
$ printf 'pipeline: late\nsteps:\n  a: {shel: echo a}\n' > pipelines/late.yaml; leat why late | ./hide
its file is broken: pipelines/late.yaml:3:7: unknown key `shel` in step `a` (did you mean `shell`?)
 next mend it, then: leat validate late (the file)
$ leat why lat
! error: no pipeline is called `lat` in $TMP/project
!   hint: did you mean `late`?
[4]
$ leat why 99
! error: there is no run 99
!   hint: see: leat runs
[4]
$ leat why 5 2025-01-01
! error: a run has its own window
!   hint: leave out `2025-01-01`
[2]
$ leat why daily someday
! error: `someday` is not a window
!   hint: write a day (2026-11-19, yesterday), hour (2026-11-19T10), month (2026-11) or A..B; see `leat help windows`
[2]
