# Pipelines that start after datasets: what is refused, what a run says, who is stale.
$ mkdir pipelines && cat > pipelines/load.yaml <<'Y'
> pipeline: load
> about: Loads days.
> schedule: {every: day at 06:00, timezone: UTC, start: 2025-01-01, end: 2025-01-03, if_missed: run_all}
> steps:
>   day: {sql: "select cast(${window.date} as date) as day", into: raw.days}
> Y
$ cat > pipelines/sum.yaml <<'Y'
> pipeline: sum
> about: Counts them.
> schedule: {after: raw.dayz, timezone: UTC}
> steps:
>   sums: {sql: "select count(*) as n from raw.days", into: trusted.sums, checks: [n > 0]}
> Y
$ leat validate sum
pipelines/sum.yaml                ok   1 step, 1 check, 1 warning
warning[W0112]: no pipeline writes `raw.dayz`
 --> pipelines/sum.yaml:3:19
  |
3 | schedule: {after: raw.dayz, timezone: UTC}
  |                   ^^^^^^^^ did you mean `raw.days`?

1 warning in pipelines/sum.yaml.  1 can be fixed for you: leat validate --fix
$ sed -i 's/dayz/days/' pipelines/sum.yaml && leat validate
pipelines/load.yaml               ok   1 step, no more runs: its schedule is over
pipelines/sum.yaml                ok   1 step, 1 check

2 files, 0 not valid
$ leat serve --once > /dev/null 2>&1; leat runs --trigger dataset --plain | cut -f 1-4,7
4	sum	2025-01-02	ok	dataset
3	sum	2025-01-01	ok	dataset
$ leat runs show 3 | sed -n '1s/ *definition.*//p;/^by/p'
run 3  sum  ok  window 2025-01-01 (UTC)  dataset
by      raw.days v0 of run 1
$ leat runs show 3 --json | grep -A 4 '"started_by"'
      "started_by": {
        "dataset": "raw.days",
        "version": 0,
        "run": "1"
      },
$ leat run load --window 2025-01-01 -q > /dev/null; leat status | grep STALE
STALE     sum  1 window, 2025-01-01: raw.days has changed since   leat restate raw.days --from 2025-01-01T00:00:00Z --to 2025-01-02T00:00:00Z
$ leat status --json | python3 -c "import json, sys; print([(i['pipeline'], [s['command'] for s in i['stale']]) for i in json.load(sys.stdin)['items']])"
[('load', []), ('sum', ['leat restate raw.days --from 2025-01-01T00:00:00Z --to 2025-01-02T00:00:00Z'])]
$ leat backfill sum --from 2025-01-01 --to 2025-01-02 --every day --redo all --yes > /dev/null 2>&1; leat status | grep -c STALE
0
[1]
$ sed -i 's/^schedule: .*/schedule: {after: trusted.sums}/' pipelines/load.yaml; leat validate --format gcc
pipelines/load.yaml:3:19: error: pipelines start each other: `load` -> raw.days -> `sum` -> trusted.sums -> `load`: it would, in the end, start itself [E0416]
pipelines/sum.yaml:3:19: error: pipelines start each other: `sum` -> trusted.sums -> `load` -> raw.days -> `sum`: it would, in the end, start itself [E0416]
[3]
$ leat explain E0416
E0416: pipelines start each other

wrong

  # a.yaml
  schedule: {after: refined.b}
      into: raw.a
  # b.yaml
  schedule: {after: raw.a}
      into: refined.b

right

  # a.yaml
  schedule: {every: day at 06:15}
      into: raw.a
