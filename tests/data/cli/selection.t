# which pipelines are meant: names, patterns, tags, datasets, zones, states, results
$ mkdir pipelines; printf 'leat: 1\n' > leat.yaml
$ printf 'pipeline: sales_day\nabout: x\ntags: [finance, daily]\nschedule: {cron: "0 6 * * *"}\nsteps:\n  a: {copy: in/*.csv, into: raw.orders}\n' > pipelines/sales_day.yaml
$ printf 'pipeline: sales_hour\nabout: x\ntags: finance\nschedule: {cron: "0 * * * *"}\nsteps:\n  a: {shell: exit 3}\n' > pipelines/sales_hour.yaml
$ printf 'pipeline: other\nabout: x\nschedule: {cron: "0 12 * * *"}\nsteps:\n  a: {shell: "true"}\n' > pipelines/other.yaml
$ leat next sales_day other -n 2 --from 2026-11-20 --plain
sales_day  Fri 2026-11-20 06:00 UTC  window 2026-11-19 06:00 → 2026-11-20 06:00
other      Fri 2026-11-20 12:00 UTC  window 2026-11-19 12:00 → 2026-11-20 12:00
$ leat next 'sales_*' -n 2 --from 2026-11-20 --plain
sales_hour  Fri 2026-11-20 00:00 UTC  window 2026-11-19 23:00 → 2026-11-20 00:00
sales_hour  Fri 2026-11-20 01:00 UTC  window 2026-11-20 00:00 → 2026-11-20 01:00
$ leat next tag:daily -n 1 --from 2026-11-20 --plain
Fri 2026-11-20 06:00 UTC  window 2026-11-19 06:00 → 2026-11-20 06:00
$ leat next tag:finance dataset:raw.orders zone:raw -n 2 --from 2026-11-20 --plain
sales_hour  Fri 2026-11-20 00:00 UTC  window 2026-11-19 23:00 → 2026-11-20 00:00
sales_hour  Fri 2026-11-20 01:00 UTC  window 2026-11-20 00:00 → 2026-11-20 01:00
$ leat forecast 'sales_d*' --for 1d --from 2026-11-20 --plain
Fri 2026-11-20 06:00:00 UTC	sales_day	2026-11-19 06:00 → 2026-11-20 06:00			Fri 2026-11-20 06:00:00 UTC	ok
! 1 run in 1d00h from Fri 2026-11-20 00:00:00 UTC
! never ran, counted as 0.00s (--assume 10m says otherwise): sales_day.a
# what nothing has
$ leat next 'seles_*'
! error: no pipeline's name matches `seles_*`
!   hint: what a word may say: leat help selection
[4]
$ leat next tag:finence
! error: no pipeline is meant by `tag:finence`
!   hint: what a word may say: leat help selection
[4]
$ leat next dataset:raw.order
! error: no pipeline is meant by `dataset:raw.order`
!   hint: what a word may say: leat help selection
[4]
$ leat next sales_days
! error: no pipeline is called `sales_days` in $TMP/project
!   hint: did you mean `sales_day`?
[4]
$ leat next state:stalle
! error: state: takes one of: broken, paused, queued, running, stale; not `stalle`
!   hint: did you mean `state:stale`?
[2]
$ leat status result:bad
! error: result: takes one of: ok, warn, failed, cancelled; not `bad`
[2]
# by what ran
$ leat run other -q; leat run sales_hour -q
[1]
$ leat status result:failed --json | python3 -c 'import json, sys; print([p["pipeline"] for p in json.load(sys.stdin)["items"]])'
['sales_hour']
$ leat status result:ok state:running
OK        other
$ leat status state:stale
$ leat pause other --reason moving -q; leat status state:paused
other paused until it is resumed: leat resume other. Running runs are not touched.
PAUSED    other  until it is resumed: moving   leat resume other
$ echo 'steps: oops' >> pipelines/sales_day.yaml
$ leat next state:broken
! error: pipelines/sales_day.yaml:7:1: key `steps` is defined twice (and again here)
!   hint: see what is wrong: leat validate
[3]
# a pipeline whose file is gone is known by what it did
$ rm pipelines/other.yaml; leat resume other -q; leat status other
other resumed.
GONE      other  its file is gone, its history is kept   leat runs other
$ leat next 'oth*'
# refused beside others: two files of one name, pipelines that start each other
$ rm pipelines/*; printf 'pipeline: one\nsteps:\n  a: {shell: "true"}\n' | tee pipelines/a.yaml > pipelines/b.yaml
$ printf 'pipeline: left\nschedule: {after: raw.r}\nsteps:\n  a: {sql: "select 1 as x", into: raw.l}\n' > pipelines/left.yaml
$ printf 'pipeline: right\nschedule: {after: raw.l}\nsteps:\n  a: {sql: "select 1 as x", into: raw.r}\n' > pipelines/right.yaml
$ leat status
BROKEN    one  pipelines/a.yaml:1:1: pipeline `one` is defined twice (pipelines/b.yaml has this name too)   leat validate
BROKEN    one  pipelines/b.yaml:1:1: pipeline `one` is defined twice (pipelines/a.yaml has this name too)   leat validate
BROKEN    left  pipelines/left.yaml:2:19: pipelines start each other: `left` -> raw.l -> `right` -> raw.r -> `left` (it would, in the end, start itself)   leat validate
BROKEN    right  pipelines/right.yaml:2:19: pipelines start each other: `right` -> raw.r -> `left` -> raw.l -> `right` (it would, in the end, start itself)   leat validate
$ leat status right
BROKEN    right  pipelines/right.yaml:2:19: pipelines start each other: `right` -> raw.r -> `left` -> raw.l -> `right` (it would, in the end, start itself)   leat validate
$ leat status --exit-code state:broken
BROKEN    one  pipelines/a.yaml:1:1: pipeline `one` is defined twice (pipelines/b.yaml has this name too)   leat validate
BROKEN    one  pipelines/b.yaml:1:1: pipeline `one` is defined twice (pipelines/a.yaml has this name too)   leat validate
BROKEN    left  pipelines/left.yaml:2:19: pipelines start each other: `left` -> raw.l -> `right` -> raw.r -> `left` (it would, in the end, start itself)   leat validate
BROKEN    right  pipelines/right.yaml:2:19: pipelines start each other: `right` -> raw.r -> `left` -> raw.l -> `right` (it would, in the end, start itself)   leat validate
[10]
$ leat status state:paused
