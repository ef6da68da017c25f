# leat forecast: the scheduler on a clock that runs ahead; what a step takes is given here, since nothing ever ran.
$ printf 'leat: 1\nproject: fc\npools: {api: 1}\n' > leat.yaml; mkdir pipelines
$ printf 'pipeline: a\nschedule: {cron: "0 * * * *"}\nsteps:\n  load: {shell: "true", pool: api}\n  sum: {shell: "true", after: load}\n' > pipelines/a.yaml
$ printf 'pipeline: b\nschedule: {cron: "0 * * * *"}\nsteps:\n  load: {shell: "true", pool: api}\n' > pipelines/b.yaml
$ printf 'pipeline: c\nschedule: {cron: "*/5 * * * *", if_running: cancel}\nsteps:\n  load: {shell: "true"}\n' > pipelines/c.yaml
$ printf 'pipeline: d\nschedule: {cron: "*/5 * * * *", if_running: skip}\nsteps:\n  load: {shell: "true"}\n' > pipelines/d.yaml
$ printf 'pipeline: e\nschedule: {cron: "*/5 * * * *"}\ntimeout: 6m\nsteps:\n  load: {shell: "true"}\n' > pipelines/e.yaml
$ leat forecast a b --from 2026-11-20 --for 2h --assume 10m
STARTS                       PIPELINE  WINDOW                                WAITS   TAKES  FINISHES                     RESULT
Fri 2026-11-20 01:00:00 UTC  a         2026-11-20 00:00 → 2026-11-20 01:00          20m00s  Fri 2026-11-20 01:20:00 UTC  ok
Fri 2026-11-20 01:00:00 UTC  b         2026-11-20 00:00 → 2026-11-20 01:00  10m00s  20m00s  Fri 2026-11-20 01:20:00 UTC  ok
FULL  pool api  Fri 2026-11-20 01:00:00 UTC to Fri 2026-11-20 01:10:00 UTC: 1 step waits, at most 10m00s (b.load)
! 2 runs in 2h00m from Fri 2026-11-20 00:00:00 UTC
! never ran, counted as 10m00s (--assume 10m says otherwise): a.load, a.sum, b.load
$ leat forecast c --from 2026-11-20 --for 21m --assume 7m
STARTS                       PIPELINE  WINDOW                               WAITS  TAKES  FINISHES                     RESULT
Fri 2026-11-20 00:05:00 UTC  c         2026-11-20 00:00 → 2026-11-20 00:05         5m00s  Fri 2026-11-20 00:10:00 UTC  cancelled
Fri 2026-11-20 00:10:00 UTC  c         2026-11-20 00:05 → 2026-11-20 00:10         5m00s  Fri 2026-11-20 00:15:00 UTC  cancelled
Fri 2026-11-20 00:15:00 UTC  c         2026-11-20 00:10 → 2026-11-20 00:15         5m00s  Fri 2026-11-20 00:20:00 UTC  cancelled
Fri 2026-11-20 00:20:00 UTC  c         2026-11-20 00:15 → 2026-11-20 00:20         7m00s  Fri 2026-11-20 00:27:00 UTC  ok
! 4 runs in 21m00s from Fri 2026-11-20 00:00:00 UTC
! never ran, counted as 7m00s (--assume 10m says otherwise): c.load
$ leat forecast d --from 2026-11-20 --for 21m --assume 7m
STARTS                       PIPELINE  WINDOW                               WAITS  TAKES  FINISHES                     RESULT
Fri 2026-11-20 00:05:00 UTC  d         2026-11-20 00:00 → 2026-11-20 00:05         7m00s  Fri 2026-11-20 00:12:00 UTC  ok
Fri 2026-11-20 00:15:00 UTC  d         2026-11-20 00:10 → 2026-11-20 00:15         7m00s  Fri 2026-11-20 00:22:00 UTC  ok
SKIP  d.main  2 slots, running: Fri 2026-11-20 00:10:00 UTC to Fri 2026-11-20 00:20:00 UTC
! 2 runs in 21m00s from Fri 2026-11-20 00:00:00 UTC
! never ran, counted as 7m00s (--assume 10m says otherwise): d.load
$ leat forecast e --from 2026-11-20 --for 16m --assume 7m
STARTS                       PIPELINE  WINDOW                               WAITS  TAKES  FINISHES                     RESULT
Fri 2026-11-20 00:05:00 UTC  e         2026-11-20 00:00 → 2026-11-20 00:05         6m00s  Fri 2026-11-20 00:11:00 UTC  failed
Fri 2026-11-20 00:11:00 UTC  e         2026-11-20 00:05 → 2026-11-20 00:10  1m00s  6m00s  Fri 2026-11-20 00:17:00 UTC  failed
Fri 2026-11-20 00:17:00 UTC  e         2026-11-20 00:10 → 2026-11-20 00:15  2m00s  6m00s  Fri 2026-11-20 00:23:00 UTC  failed
! 3 runs in 16m00s from Fri 2026-11-20 00:00:00 UTC
! never ran, counted as 7m00s (--assume 10m says otherwise): e.load
$ leat forecast c d --from 2026-11-20 --for 11m --assume 3m --jobs 1
STARTS                       PIPELINE  WINDOW                               WAITS  TAKES  FINISHES                     RESULT
Fri 2026-11-20 00:05:00 UTC  c         2026-11-20 00:00 → 2026-11-20 00:05         3m00s  Fri 2026-11-20 00:08:00 UTC  ok
Fri 2026-11-20 00:05:00 UTC  d         2026-11-20 00:00 → 2026-11-20 00:05  3m00s  6m00s  Fri 2026-11-20 00:11:00 UTC  ok
Fri 2026-11-20 00:10:00 UTC  c         2026-11-20 00:05 → 2026-11-20 00:10  1m00s  4m00s  Fri 2026-11-20 00:14:00 UTC  ok
FULL  all slots  Fri 2026-11-20 00:05:00 UTC to Fri 2026-11-20 00:08:00 UTC: 1 step waits, at most 3m00s (d.load)
FULL  all slots  Fri 2026-11-20 00:10:00 UTC to Fri 2026-11-20 00:11:00 UTC: 1 step waits, at most 1m00s (c.load)
SKIP  d.main  1 slot, running: Fri 2026-11-20 00:10:00 UTC to Fri 2026-11-20 00:10:00 UTC
! 3 runs in 11m00s from Fri 2026-11-20 00:00:00 UTC
! never ran, counted as 3m00s (--assume 10m says otherwise): c.load, d.load
$ leat forecast d --from 2026-11-20 --for 1d --assume 1m -n 1
STARTS                       PIPELINE  WINDOW                               WAITS  TAKES  FINISHES                     RESULT
Fri 2026-11-20 00:05:00 UTC  d         2026-11-20 00:00 → 2026-11-20 00:05         1m00s  Fri 2026-11-20 00:06:00 UTC  ok
! and 286 more: -n 0 shows all
! 287 runs in 1d00h from Fri 2026-11-20 00:00:00 UTC
! never ran, counted as 1m00s (--assume 10m says otherwise): d.load
$ leat forecast a b --from 2026-11-20 --for 2h --assume 10m --json | python3 -c "import json, sys; d = json.load(sys.stdin); print(d['forecast']['full'], [(i['pipeline'], i['starts_at'], i['finishes_at'], i['step_waits_us']) for i in d['items']])"
[{'pool': 'api', 'from': '2026-11-20T01:00:00Z', 'until': '2026-11-20T01:10:00Z', 'steps': 1, 'longest_us': 600000000, 'longest_step': 'b.load'}] [('a', '2026-11-20T01:00:00Z', '2026-11-20T01:20:00Z', 0), ('b', '2026-11-20T01:00:00Z', '2026-11-20T01:20:00Z', 600000000)]
$ leat forecast --for soon
! error: --for `soon` is not a duration
!   hint: write 7d, 36h or 90m
[2]
$ leat forecast nope
! error: no pipeline is called `nope` in $TMP/project
!   hint: see `leat validate` for those there are
[4]
$ echo 'pipeline: [' > pipelines/e.yaml; leat forecast --from 2026-11-20 --for 6m -n 0
STARTS                       PIPELINE  WINDOW                               WAITS  TAKES  FINISHES                     RESULT
Fri 2026-11-20 00:05:00 UTC  c         2026-11-20 00:00 → 2026-11-20 00:05                Fri 2026-11-20 00:05:00 UTC  ok
Fri 2026-11-20 00:05:00 UTC  d         2026-11-20 00:00 → 2026-11-20 00:05                Fri 2026-11-20 00:05:00 UTC  ok
! left out: pipelines/e.yaml:2:1: this is not YAML: did not find expected node content (while parsing a flow node)
! 2 runs in 6m00s from Fri 2026-11-20 00:00:00 UTC
! never ran, counted as 0.00s (--assume 10m says otherwise): a.load, a.sum, b.load, c.load, d.load
$ leat forecast --for 0d
! error: --for `0d` is no time at all
!   hint: write 7d, 36h or 90m
[2]
$ rm pipelines/e.yaml; printf 'pipeline: g\nschedule: {after: raw.days}\nsteps: {load: {shell: "true"}}\n' > pipelines/g.yaml; leat forecast g --from 2026-11-20 --for 6m
! not in it: runs that start when data arrive: g
! 0 runs in 6m00s from Fri 2026-11-20 00:00:00 UTC
! never ran, counted as 0.00s (--assume 10m says otherwise): g.load
$ leat forecast g --from 2026-11-20 --for 6m --json | grep -A1 starts_
    "starts_after_data": [
      "g"
--
    "starts_others": []
  },
# A slot that has fired and is not due yet is to come.
$ printf 'pipeline: j\nschedule: {cron: "0 6 * * *", timezone: UTC, jitter: 50m}\nsteps: {load: {shell: "true"}}\n' > pipelines/j.yaml; leat forecast j --from 2026-11-20T06:00:01 --for 55m
STARTS                       PIPELINE  WINDOW                               WAITS  TAKES  FINISHES                     RESULT
Fri 2026-11-20 06:37:57 UTC  j         2026-11-19 06:00 → 2026-11-20 06:00                Fri 2026-11-20 06:37:57 UTC  ok
! 1 run in 55m00s from Fri 2026-11-20 06:00:01 UTC
! never ran, counted as 0.00s (--assume 10m says otherwise): j.load
