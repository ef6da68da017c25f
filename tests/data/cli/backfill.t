# leat backfill and leat restate: what is asked, shown, refused. What they do is in tests/e2e.
$ mkdir -p pipelines; cat > pipelines/day.yaml <<'Y'
> pipeline: day
> schedule: {every: day at 06:15, timezone: Europe/Berlin}
> backfill: {max_failures: 9}
> steps:
>   work: {shell: "test ! -e $LEAT_PROJECT_DIR/broken"}
> Y
$ leat backfill list
! no backfills
$ leat backfill show 1
! error: there is no backfill `1`
!   hint: see: leat backfill list
[4]
$ leat backfill day
! error: `leat backfill` needs --from and --to
!   hint: --to is exclusive: --from 2026-11-01 --to 2026-11-08 is seven days
[2]
$ leat backfill day --from 2025-10-03 --to 2025-10-01
! error: --from 2025-10-03 is not before --to 2025-10-01 (Europe/Berlin)
!   hint: --to is exclusive: --from 2026-11-01 --to 2026-11-08 is seven days
[2]
$ leat backfill day --from 2025-10-01 --to 2100-01-01
! error: a window of day would end in the future, at .*: it is .* (re)
!   hint: only what has ended can be done: up to now is --from … --to now
[2]
$ leat backfill day --from 2025-10-01 --to 2025-10-03 --every '0 hours'
! error: --every `0 hours` is an interval of zero
[2]
$ leat backfill day --from 2025-10-01 --to 2025-10-03 --step wrok
! error: pipeline day has no step 'wrok'
!   hint: did you mean 'work'?
[4]
$ leat backfill day --from 2025-10-01 --to 2025-10-03 --step work --from-step work
! error: give --step or --from-step, not both
[2]
$ leat backfill day --from 2025-10-01 --to 2025-10-03 --max-parallel 0
! error: --max-parallel takes a whole number from 1 on, not `0`
[2]
$ leat backfill dya --from 2025-10-01 --to 2025-10-03
! error: no pipeline is called `dya` in $TMP/project
!   hint: did you mean `day`?
[4]
$ leat backfill day --from 2025-10-01 --to 2025-10-04 < /dev/null
day: 3 windows 2025-10-01 … 2025-10-03 (to is exclusive, Europe/Berlin); 3 to run
! no earlier run tells how long this takes
! error: this needs a yes, and nobody can be asked
!   hint: give --yes when you mean it
[2]
$ leat backfill day --from 2025-10-01 --to 2025-10-04 --dry-run
day: 3 windows 2025-10-01 … 2025-10-03 (to is exclusive, Europe/Berlin); 3 to run
ACTION  WINDOWS  WHICH                    WHY
run           3  2025-10-01 … 2025-10-03  never ran
! no earlier run tells how long this takes
$ leat backfill day --from 2025-10-25 --to 2025-10-27 --every hour --dry-run | head -n 3
day: 49 windows 2025-10-25 00:00 … 2025-10-26 23:00 (to is exclusive, Europe/Berlin); 49 to run
ACTION  WINDOWS  WHICH                                WHY
run          49  2025-10-25 00:00 … 2025-10-26 23:00  never ran
! no earlier run tells how long this takes
$ touch broken; leat backfill day --from 2025-10-01 --to 2025-10-03 --yes
day: 2 windows 2025-10-01 … 2025-10-02 (to is exclusive, Europe/Berlin); 2 to run
backfill 1
[0-9:]{8}  1 of 2  FAILED     2025\-10\-01  run 1  [0-9.]+s  at work   leat logs 1 work (re)
[0-9:]{8}  2 of 2  FAILED     2025\-10\-02  run 2  [0-9.]+s  at work   leat logs 2 work (re)
backfill 1 FAILED in [0-9.]+s   ok 0  failed 2  kept 0 (re)
! no earlier run tells how long this takes
! see      leat backfill show 1
! go on    leat backfill resume 1
[1]
$ rm broken; leat backfill day --from 2025-10-02 --to 2025-10-05 --yes
day: 3 windows 2025-10-02 … 2025-10-04 (to is exclusive, Europe/Berlin); 2 to run, 1 failed before (kept; --redo failed to repeat)
backfill 2
[0-9:]{8}  1 of 2  ok         2025\-10\-03  run 3  [0-9.]+s (re)
[0-9:]{8}  2 of 2  ok         2025\-10\-04  run 4  [0-9.]+s (re)
backfill 2 ok in [0-9.]+s   ok 2  failed 0  kept 1 (re)
! no earlier run tells how long this takes
$ leat backfill day --from 2025-10-01 --to 2025-10-05 --redo failed --detach --name again --yes
day: 4 windows 2025-10-01 … 2025-10-04 (to is exclusive, Europe/Berlin); 2 to run, 2 already ok (kept; --redo all to repeat)
backfill 3 is written down; it begins with the next `leat serve`, or: leat backfill resume 3
! about [0-9.]+s, 1 at once, by what earlier runs took (re)
# A name stands for what it was first used for.
$ leat backfill day --from 2025-10-01 --to 2025-10-06 --name again --yes
! error: `again` is the name of backfill 3, from 2025-10-01 to 2025-10-05, not from 2025-10-01 to 2025-10-06 (Europe/Berlin)
!   hint: take another --name; see: leat backfill show 3
[8]
$ leat restate raw.days --window 2025-10-01 --name again --yes
! error: `again` is the name of backfill 3, a backfill of day
!   hint: take another --name; see: leat backfill show 3
[8]
$ leat backfill list --plain | cut -f 1-8
3	day	2025-10-01	2025-10-05	queued	0	2	0
2	day	2025-10-02	2025-10-05	ok	2	2	0
1	day	2025-10-01	2025-10-03	failed	0	2	2
$ leat backfill pause again
backfill 3 paused: nothing more of it starts
# A script does not undo what somebody decided.
$ leat backfill day --from 2025-10-01 --to 2025-10-05 --name again --yes
! backfill 3 `again` is there: 0 of 2 windows are done
! error: backfill 3 `again` of day is paused: the same --name does not undo that
!   hint: go on with it: leat backfill resume 3
[8]
$ leat status | grep PAUSED
PAUSED    backfill 3 of day  0 of 2 windows done, 0 failed   leat backfill resume 3
$ leat backfill pause 3
backfill 3 paused: nothing more of it starts
$ leat backfill resume 3
backfill 3
[0-9:]{8}  1 of 2  ok         2025\-10\-01  run 5  [0-9.]+s (re)
[0-9:]{8}  2 of 2  ok         2025\-10\-02  run 6  [0-9.]+s (re)
backfill 3 ok in [0-9.]+s   ok 2  failed 0  kept 2 (re)
$ leat backfill resume 3
backfill 3 is done
$ leat backfill cancel 3
! error: backfill 3 has ended: it is ok
!   hint: see: leat backfill show 3
[8]
$ leat backfill day --from 2025-12-01 --to 2025-12-03 --name given-up --detach --yes > /dev/null 2>&1; leat backfill cancel given-up > /dev/null
$ leat backfill day --from 2025-12-01 --to 2025-12-03 --name given-up --yes
! backfill 4 `given-up` is there: 0 of 2 windows are done
! error: backfill 4 `given-up` of day is cancelled: the same --name does not undo that
!   hint: go on with it: leat backfill resume 4
[8]
$ leat backfill cancel three
! error: there is no backfill `three`
!   hint: see: leat backfill list
[4]
$ leat backfill show again
backfill 3  day  2025-10-01 … 2025-10-05 (to is exclusive, Europe/Berlin)  ok
ok 2  failed 0  running 0  not started 0  kept 2  1 at once
again  [a-z_][a-z0-9_-]* (re)

STATE    WINDOW      PIPELINE  RUN  PLANNED AS
ok       2025-10-01  day         5  failed in run 1
ok       2025-10-02  day         6  failed in run 2
skipped  2025-10-03  day         3  ok in run 3
skipped  2025-10-04  day         4  ok in run 4
$ leat backfill show again --json | python3 -c "import json, sys; d = json.load(sys.stdin); i = d['items'][0]; print(d['schema'], {k: i[k] for k in ('id', 'pipeline', 'state', 'total', 'done', 'failed', 'running', 'skipped')}); print(i['windows'][0])"
leat.backfill/1 {'id': '3', 'pipeline': 'day', 'state': 'ok', 'total': 4, 'done': 2, 'failed': 0, 'running': 0, 'skipped': 2}
{'window': {'start': '2025-09-30T22:00:00Z', 'end': '2025-10-01T22:00:00Z'}, 'pipeline': 'day', 'action': 'run', 'reason': 'failed in run 1', 'run': '5', 'result': 'ok', 'state': 'ok', 'stage': 0, 'steps': None}
$ leat backfill list --json | python3 -c "import json, sys; print([(i['id'], i['name'], i['from'], i['to']) for i in json.load(sys.stdin)['items']])"
[('4', 'given-up', '2025-11-30T23:00:00Z', '2025-12-02T23:00:00Z'), ('3', 'again', '2025-09-30T22:00:00Z', '2025-10-04T22:00:00Z'), ('2', None, '2025-10-01T22:00:00Z', '2025-10-04T22:00:00Z'), ('1', None, '2025-09-30T22:00:00Z', '2025-10-02T22:00:00Z')]
$ leat backfill day --from 2025-10-01 --to 2025-10-05 --redo all --dry-run --json | python3 -c "import json, sys; i = json.load(sys.stdin)['items'][0]; print(i['to_run'], i['max_parallel'], i['expected_seconds'] >= 0, i['windows'][0]['action'], i['windows'][0]['reason'])"
4 1 True run ok in run 5, to be repeated
$ leat backfill day --from 2025-11-01 --to 2025-11-03 --yes --json | python3 -c "import json, sys; e = [json.loads(line) for line in sys.stdin]; print([x['seq'] for x in e] == list(range(1, len(e) + 1)), e[-1]['type'], e[-1]['result'], sorted(x['state'] for x in e if x['type'] == 'backfill_item'))"
True backfill_finished ok ['ok', 'ok', 'running', 'running']
$ leat backfill day --from 2025-10-01 --to 2025-10-05 --redo all -q --yes
# A pipeline that looks at nothing, one that cannot, one whose slots have a day of 25 hours.
$ printf 'pipeline: p\nsteps:\n  a: {promote: raw.a, into: trusted.a, key: [id], write: merge}\n' > pipelines/p.yaml; leat backfill p --from 2025-10-01 --to 2025-10-03
! error: p cannot be run for a window: step a: it cannot tell which rows are the window's: give it a `select` that uses ${window.start} and ${window.end}
!   hint: leave it out (--step, --from-step), or bring what is new: --move-bookmark
[3]
$ printf 'pipeline: q\nsteps:\n  a: {copy: landing/*.csv, into: raw.a, bookmark: files}\n' > pipelines/q.yaml; leat backfill q --from 2025-10-01 --to 2025-10-03
! error: q has no step that can run for a window: step a: it brings what its bookmark finds, whatever the window
!   hint: let it look at ${window.…} and replace partitions, or bring what is new: --move-bookmark
[3]
$ leat restate
! error: `leat restate` needs more: leat restate DATASET --window W | --from A --to B [--downstream none|pipeline|all]
!   hint: see `leat restate --help`
[2]
$ leat restate trusted.b --window 2025-10-01
! error: no step writes `trusted.b`
!   hint: did you mean `trusted.a`?
[4]
$ leat restate raw.a --window 2025-10-01
! error: raw.a cannot be restated: step q.a: it brings what its bookmark finds, whatever the window
!   hint: steps that write with replace_partitions, merge or replace can
[3]
$ leat restate trusted.a
! error: `leat restate` needs --window, or --from and --to
!   hint: --window 2026-11-19; or --from 2026-11-01 --to 2026-11-08: seven days, --to is exclusive
[2]
# A window that has not ended; a dataset's times are those of the pipeline that writes it.
$ cat > pipelines/made.yaml <<'Y'
> pipeline: made
> schedule: {every: day at 02:30, timezone: Europe/Berlin, covers: previous day}
> steps:
>   day: {sql: "select cast(${window.date} as date) as day, 1 as n", into: raw.made, partition_by: day}
> Y
$ leat run made --window 2025-10-01 | head -n 1 | cut -d " " -f 4-8
made  window 2025-10-01 (Europe/Berlin)
$ leat restate raw.made --window tomorrow 2>&1 | sed 's/at [A-Z].. .*/at …/'
error: a window of made would end in the future, at …
  hint: only what has ended can be done: up to now is --from … --to now
$ leat restate raw.made --from 2025-10-02 --to 2025-10-01
! error: --from 2025-10-02 is not before --to 2025-10-01 (Europe/Berlin)
!   hint: --to is exclusive: --from 2026-11-01 --to 2026-11-08 is seven days
[2]
$ leat restate raw.made --window 2025-10-01 --detach --yes
restate raw.made: 1 run in 1 stage
STAGE  ACTION  PIPELINE  STEPS  WINDOWS  WHICH       WHY
    1  run     made      day          1  2025-10-01  writes raw.made
backfill 7 is written down; it begins with the next `leat serve`, or: leat backfill resume 7
$ leat backfill list --plain | head -n 1 | cut -f 2-4
restate raw.made	2025-10-01	2025-10-02
