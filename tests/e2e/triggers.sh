#!/usr/bin/env bash
# triggers: pipelines that start after datasets: windows from end to end; days that are complete; published without a
# daemon; kill -9 again and again with nothing lost or doubled; who is stale; circles refused while it serves.
. "$(dirname "$0")/lib.sh"
at_end() { stop_daemon; }
mkdir -p pipelines sql

# runs_of PIPELINE: windows of its runs that ended well, in order, on one line.
runs_of() {
    db "select strftime('%m-%d', r.window_start / 1000000, 'unixepoch') from run r join pipeline p on p.id = r.pipeline
        where p.name = '$1' and r.state in ('ok', 'warn') order by r.window_start, r.id" | tr '\n' ' '
}
count() { db "select count(*) from run r join pipeline p on p.id = r.pipeline where p.name = '$1'"; }
is_count() { [ "$(count "$1")" -ge "$2" ]; }

cat >pipelines/load.yaml <<'Y'
pipeline: load
schedule: {every: day at 06:15, timezone: UTC, start: 2026-01-01, end: 2026-01-06, if_missed: run_all}
steps:
  day:
    sql: select cast(${window.date} as date) as day, 1 as n
    into: raw.days
    partition_by: {column: day, of: window}
Y
cat >pipelines/sum.yaml <<'Y'
pipeline: sum
schedule: {after: raw.days}
steps:
  sums:
    sql: select cast(day as date) as day, sum(n) as n from raw.days where cast(day as date) = cast(${window.date} as date) group by 1
    into: trusted.sums
    partition_by: {column: day, of: window}
Y
cat >pipelines/tell.yaml <<'Y'
pipeline: tell
schedule: {after: trusted.sums}
steps:
  tell: {shell: 'echo "$LEAT_WINDOW_START" >>told.txt'}
Y
cat >pipelines/month.yaml <<'Y'
pipeline: month
schedule: {after: {all: [raw.days, trusted.sums], same: day}, timezone: UTC}
steps:
  daily: {sql: "select count(*) as days from trusted.sums where cast(day as date) <= cast(${window.date} as date)", into: refined.days}
Y
exits 0 leat validate

step "every window travels down the chain; a day starts once when all are complete"
days='01-01 01-02 01-03 01-04 01-05 '
exits 0 timeout 300 leat serve --once
for p in load sum tell month; do same "$(runs_of $p)" "$days" "windows of $p"; done
same "$(sort told.txt | uniq -d)" "" "told twice"
same "$(db "select count(*) from run where trigger = 'dataset'")" 15 "runs that datasets started"
exits 0 leat runs tell -n 1
says dataset
exits 0 leat sql "select count(*), sum(n) from trusted.sums" --csv
says "5,5"

step "nothing new, nothing started"
exits 0 timeout 60 leat serve --once
same "$(count tell)" 5 "runs of tell"

step "published by hand while nobody serves: its readers are stale; the next daemon starts them, and they are not"
exits 0 leat run load --window 2026-01-02
exits 0 leat status
says "STALE"
says "sum  1 window, 2026-01-02: raw.days has changed since   leat restate raw.days --from 2026-01-02T00:00:00Z --to 2026-01-03T00:00:00Z"
exits 0 leat next state:stale -n 1
says "sum runs when raw.days has a new version"
leat status --json >status.json
python3 - <<'P'
import json
items = {i["pipeline"]: i for i in json.load(open("status.json"))["items"]}
stale = items["sum"]["stale"][0]
assert stale["dataset"] == "raw.days" and stale["windows"] == 1, stale
assert items["load"]["stale"] == [], items["load"]
P
exits 0 timeout 120 leat serve --once
same "$(runs_of sum)" "01-01 01-02 01-02 01-03 01-04 01-05 " "windows of sum"
same "$(runs_of tell)" "01-01 01-02 01-02 01-03 01-04 01-05 " "windows of tell"
same "$(runs_of month)" "$days" "a day starts once" # what it read is stale now instead
exits 0 leat status
says "month  1 window, 2026-01-02: trusted.sums has changed since"
exits 0 leat restate raw.days --window 2026-01-02 --yes
exits 0 leat status
if grep -q STALE out.txt; then cat out.txt; fail "something is stale after the restatement"; fi
before=$(count sum)
exits 0 timeout 60 leat serve --once
same "$(count sum)" "$before" "a restatement starts nothing by itself"

step "kill -9 again and again: every version starts its run, once"
sed -i 's/end: 2026-01-06/end: 2026-01-21/' pipelines/load.yaml
for i in $(seq 12); do
    serve_up
    sleep "0.$((RANDOM % 9 + 1))"
    serve_ends 137 KILL
done
exits 0 timeout 300 leat serve --once
published() { db "select count(distinct v.window_start) from version v join dataset d on d.id = v.dataset where d.name = '$1'"; }
same "$(published raw.days)" 20 "days that were published"
for p in sum tell month; do
    same "$(db "select count(distinct window_start) from run r join pipeline p on p.id = r.pipeline where p.name = '$p'
        and r.state = 'ok'")" 20 "windows of $p"
done
same "$(db "select count(*) from run where state not in ('ok', 'warn')")" 0 "runs that did not end well"
# Each version of a window is decided: a slot of its own, or part of the run that still waited.
same "$(db "select count(*) from version v join dataset d on d.id = v.dataset where d.name = 'raw.days' and v.run is not null
    and v.version > (select version from trigger_seen where dataset = 'raw.days' order by version limit 1)")" 0 "versions not decided"
same "$(db "select count(*) from (select 1 from slot s join schedule c on c.id = s.schedule where c.name like '%.after'
    and json_extract(s.detail, '$.version') is not null
    group by s.schedule, json_extract(s.detail, '$.dataset'), json_extract(s.detail, '$.version') having count(*) > 1)")" 0 "versions decided twice"
same "$(db "select count(*) from (select 1 from run r join pipeline p on p.id = r.pipeline where p.name = 'month' and r.trigger = 'dataset'
    group by r.window_start having count(*) > 1)")" 0 "days that started twice"

step "a definition that closes a circle is refused, the last good one goes on; mended, it is taken"
serve_up
cp pipelines/load.yaml load.before
sed -i 's/^schedule: .*/schedule: {after: trusted.sums}/' pipelines/load.yaml
soon "it is refused" log_has 'pipelines start each other: `load` -> raw.days -> `sum` -> trusted.sums -> `load`'
exits 0 leat status
says "BROKEN"
says "the last good definition keeps running"
sed -i 's/^schedule: .*/schedule: {every: day at 07:00, timezone: UTC}/' pipelines/sum.yaml
soon "both are in force" db_is "select count(*) from schedule s join pipeline p on p.id = s.pipeline
    where s.name = 'main.after' and p.name = 'load' and gone_at is null" 1
serve_ends 0 TERM
exits 0 leat validate

step "a daemon that begins with a circle: the older file is in force"
sed -i 's/^schedule: .*/schedule: {after: raw.days}/' pipelines/sum.yaml
touch -d '2026-01-01' pipelines/load.yaml
serve_up
log_has 'pipelines start each other: `sum` -> trusted.sums -> `load` -> raw.days -> `sum`' || fail "it was not refused"
serve_ends 0 TERM
exits 3 leat validate
says "error[E0416]"
