# Schedules and backfills that cannot be meant: each says what, where and what to type instead.
$ mkdir pipelines; cat > make <<'Y'
> printf 'pipeline: p\nabout: x\nschedule: %s\nsteps:\n  a: {shell: echo}\n' "$1" > pipelines/p.yaml
> shift
> leat validate p | sed -n 's/^error[^:]*: //p; s/^ *| *\^* *\([a-z`].*\)/  \1/p; s/^ *= help: /  /p; s/^pipelines.p.yaml *//p'
> Y
# It never fires.
$ sh make '{cron: "0 6 30 2 *", timezone: UTC}'
1 error
no date from 1970 to 2199 matches the day fields
  the last day of any month is `L`
$ sh make '{cron: "0 0 6 29 2 * 2023", timezone: UTC}'
1 error
no date from 1970 to 2199 matches the day fields
  the last day of any month is `L`
$ sh make '{cron: "0 0 6 1 1 * 2020", timezone: UTC}'
1 error
no firing of it has a window
  each covers `previous firing`
$ sh make '{every: day at 06:15, timezone: UTC, start: 2300-01-01}'
1 error
no window starts after that
  each covers `previous day`
# It is over.
$ sh make '{every: day at 06:15, timezone: UTC, end: 2020-01-01}'
ok   1 step, no more runs: its schedule is over
$ leat next p
! p does not fire any more: its schedule is over
$ leat why p
nothing comes any more: its schedule has no later slot; it has never run
# start and end.
$ sh make '{every: day at 06:15, timezone: UTC, start: 2021-01-01, end: 2020-01-01}'
1 error
`end` is not after `start`
$ sh make '{every: day at 06:15, timezone: UTC, start: 2026-01-01T06:00:00Z, end: 2026-01-01T07:00:00Z}'
1 error
no window lies between `start` and `end`
  each covers `previous day`
$ sh make '{every: day at 06:15, timezone: UTC, start: 2026-02-30}'
1 error
`2026-02-30` is not a date
  write `2026-01-31`, or with a time and zone `2026-01-31T06:00:00Z`
# No interval.
$ sh make '{every: 0m, timezone: UTC}'
1 error
`every: 0m` is not a schedule
  write the unit as a word of its own: `20 minutes`
$ sh make '{every: 0 minutes, timezone: UTC}'
1 error
`every: 0 minutes` is not a schedule
  a count starts at 1
$ sh make '{every: 999999999999 minutes, timezone: UTC}'
1 error
`every: 999999999999 minutes` is not a schedule
  a count has 9 digits at most
$ sh make '{cron: "@every 0s", timezone: UTC}'
1 error
`0s` is not a duration of `@every`
  such as `90s`, `15m`, `1h30m`, `2d` or `1w`; one second at least
$ sh make '{cron: "*/0 * * * *", timezone: UTC}'
1 error
a step of minute goes from 1 to 59, not `0`
# Names and zones.
$ sh make '[{name: a, every: day at 06:15, timezone: UTC}, {name: a, every: day at 07:15, timezone: UTC}]'
1 error
two schedules are called `a`
$ sh make '{every: day at 06:15, timezone: Europe/Berln}'
1 error
unknown time zone `Europe/Berln`
  did you mean `Europe/Berlin`?
$ sh make '{every: day at 06:15, timezone: ../../etc/passwd}'
1 error
unknown time zone `../../etc/passwd`
  write an IANA name such as `Europe/Berlin` or `UTC`
# Backfills that cannot be.
$ printf 'pipeline: sec\nschedule: {cron: "* * * * * *", timezone: UTC}\nsteps:\n  a: {shell: echo}\n' > pipelines/sec.yaml; leat backfill sec --from 2025-01-01 --to 2026-01-01
! error: that is more than 1000000 windows of sec
!   hint: take a shorter stretch, or larger ones: --every day
[2]
$ leat backfill sec --from tomorrow --to 2199-01-01
! error: a window of sec would end in the future, at .*: it is .* (re)
!   hint: only what has ended can be done: up to now is --from … --to now
[2]
$ leat backfill sec --from 2025-01-02 --to 2025-01-01
! error: --from 2025-01-02 is not before --to 2025-01-01 (UTC)
!   hint: --to is exclusive: --from 2026-11-01 --to 2026-11-08 is seven days
[2]
$ leat backfill sec --from 2025-01-01 --to 2025-01-02 --every '2000000000 hours'
! error: --every `2000000000 hours` is not a unit of time
!   hint: write hour, day, week or month, or several of them: "6 hours"
[2]
$ printf 'pipeline: none\nsteps:\n  a: {shell: echo}\n' > pipelines/none.yaml; leat backfill none --from 2025-01-01 --to 2025-01-03 --schedule main
! error: none has no schedule `main` that fires by the clock
!   hint: leave --schedule out: it has windows of days, or say which: --every hour
[4]
$ leat backfill none --from 2025-01-01 --to 2025-01-03 --dry-run | head -n 1
none: 2 windows 2025-01-01 … 2025-01-02 (to is exclusive, UTC); 2 to run
! no earlier run tells how long this takes
$ leat backfill nobody --from 2025-01-01 --to 2025-01-03
! error: no pipeline is called `nobody` in $TMP/project
!   hint: see `leat validate` for those there are
[4]
$ leat restate raw.nothing --window yesterday
! error: no dataset `raw.nothing`: nothing was ever run in $TMP/project
!   hint: run something first: leat run PIPELINE
[4]
# One of several files that cannot be read: the others are looked at all the same.
$ sh make '{every: day at 06:15, timezone: UTC}' > /dev/null; ln -s nowhere pipelines/lost.yaml; mkfifo pipelines/pipe.yaml; leat validate | grep -e '^pip' -e '^error' -e ' not valid'
pipelines/lost.yaml               1 error
error[E0124]: cannot read $TMP/project/pipelines/lost.yaml: No such file or directory
pipelines/none.yaml               ok   1 step, 1 warning
pipelines/p.yaml                  ok   1 step, next run .* (re)
pipelines/pipe.yaml               1 error
error[E0124]: cannot read $TMP/project/pipelines/pipe.yaml: it is a pipe, not a file
pipelines/sec.yaml                ok   1 step, next run .*, 1 warning (re)
5 files, 2 not valid
