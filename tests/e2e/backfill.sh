#!/usr/bin/env bash
# backfill: a plan that is shown is what happens; killed, held, given up, named twice, beside a live schedule.
. "$(dirname "$0")/lib.sh"
mkdir -p "$WORK/p/pipelines"
cd "$WORK/p"
SERVE=0
at_end() { [ $SERVE -eq 0 ] || kill -9 "$SERVE" 2>/dev/null || :; }
serve() { leat serve >>"$WORK/serve.txt" 2>&1 & SERVE=$!; wait_for "grep -q ' serving ' '$WORK/serve.txt'"; }
no_serve() { kill "$SERVE"; wait "$SERVE" || :; SERVE=0; : >"$WORK/serve.txt"; }
wait_for() {
    for _ in $(seq 300); do eval "$1" && return; sleep 0.1; done
    fail "waited in vain for: $1"
}
states() { leat backfill show "$1" --plain | awk -F'\t' 'NF > 3 { print $1 }' | sort | uniq -c | awk '{ printf "%s%s %s", sep, $2, $1; sep = ", " }'; }
state() { leat backfill list --plain | awk -F'\t' -v id="$1" '$1 == id { print $5 }'; }
# Runs of each window: all one, unless it was meant to run again.
most_runs() { leat runs "$1" -n 500 --plain | cut -f 3 | sort | uniq -c | sort -rn | awk 'NR == 1 { print $1 }'; }

cat >pipelines/day.yaml <<'Y'
pipeline: day
schedule:
  every: day at 06:15
  timezone: Europe/Berlin
steps:
  work:
    shell: |
      echo "$LEAT_WINDOW_START" >>../started
      test ! -e ../slow || sleep 1
      case $LEAT_WINDOW_START in 2025-10-0[35]*) test ! -e ../broken;; esac
  tell:
    after: work
    shell: echo "$LEAT_WINDOW_START" >>../told
Y
sed -i "s|\.\./|$WORK/|" pipelines/day.yaml

step "the plan says what will be, and nothing is written down"
exits 0 leat backfill day --from 2025-10-01 --to 2025-10-11 --dry-run
says "10 windows 2025-10-01 … 2025-10-10"
[ ! -e .leat/leat.db ] || fail "a dry run made a database"
exits 2 leat backfill day --from 2025-10-01 --to 2025-10-11 </dev/null
says "give --yes"

step "in its own process: failures are told, and only they run again"
touch "$WORK/broken"
exits 1 leat backfill day --from 2025-10-01 --to 2025-10-11 --max-parallel 3 -y
says "FAILED"
same "$(states 1)" "failed 2, ok 8" "windows of 1"
rm "$WORK/broken"
exits 0 leat backfill day --from 2025-10-01 --to 2025-10-11 -y
says "2 failed before (kept; --redo failed to repeat)"
same "$(leat backfill list --plain | wc -l)" 1 "backfills: there was nothing to do"
exits 0 leat backfill resume 1
same "$(states 1)" "ok 10" "windows of 1, resumed"
same "$(state 1)" ok "state of 1"
same "$(leat runs --trigger backfill -n 100 --plain | wc -l)" 12 "runs"

step "a part of the pipeline: a whole run did it, too; but a part is not the whole"
: >"$WORK/told"
exits 0 leat backfill day --from 2025-10-01 --to 2025-10-04 --step tell --dry-run
says "3 already ok"
exits 0 leat backfill day --from 2025-10-01 --to 2025-10-04 --step tell --redo all -y
same "$(wc -l <"$WORK/told")" 3 "windows told again"
exits 0 leat backfill day --from 2025-09-28 --to 2025-10-01 --step tell -y
exits 0 leat backfill day --from 2025-09-28 --to 2025-10-01 --step tell --dry-run
says "3 already ok"
exits 0 leat backfill day --from 2025-09-28 --to 2025-10-01 --dry-run
says "3 to run"

step "so many failures, and nothing more starts; what is left can go on"
touch "$WORK/broken"
exits 1 leat backfill day --from 2025-10-01 --to 2025-10-11 --redo all --max-failures 1 -y
says "not started 6"
same "$(states 4)" "failed 1, ok 3, planned 6" "windows of 4"
rm "$WORK/broken"
exits 0 leat backfill resume 4
same "$(states 4)" "ok 10" "windows of 4, resumed"

step "killed in the middle, it goes on where it was; the same name never doubles"
: >"$WORK/started"
touch "$WORK/slow"
leat backfill day --from 2024-10-01 --to 2024-10-13 --max-parallel 4 --name autumn -y >"$WORK/killed.txt" 2>&1 &
killed=$!
wait_for "[ \$(wc -l <'$WORK/started') -ge 6 ]"
kill -9 $killed
wait $killed 2>/dev/null || :
same "$(state 5)" running "state of 5 after the kill"
exits 0 leat backfill day --from 2024-10-01 --to 2024-10-13 --max-parallel 4 --name autumn -y
says "is there"
same "$(states 5)" "ok 12" "windows of 5"
same "$(sort "$WORK/started" | uniq -d | wc -l)" 0 "windows that ran twice"
exits 0 leat backfill day --from 2024-10-01 --to 2024-10-13 --name autumn -y
says "is done"
exits 8 leat backfill day --from 2024-10-01 --to 2024-10-14 --name autumn -y
same "$(wc -l <"$WORK/started")" 12 "windows started"

step "killed, and another command recovers: what it interrupted is planned again"
leat backfill day --from 2024-11-01 --to 2024-11-09 --max-parallel 4 -y >/dev/null 2>&1 &
killed=$!
wait_for "[ \$(wc -l <'$WORK/started') -ge 14 ]"
kill -9 $killed
wait $killed 2>/dev/null || :
printf 'pipeline: other\nsteps:\n  a:\n    shell: echo\n' >pipelines/other.yaml
exits 0 leat run other
same "$(state 6)" running "state of 6"
exits 0 leat backfill resume 6
same "$(states 6)" "ok 8" "windows of 6"

step "Ctrl-C lets go of it; the daemon goes on"
rm "$WORK/slow"
: >"$WORK/started"
touch "$WORK/slow"
setsid leat backfill day --from 2024-01-01 --to 2024-01-13 --max-parallel 4 -y >"$WORK/int.txt" 2>&1 &
wait_for "[ \$(wc -l <'$WORK/started') -ge 5 ]"
code=0
kill -INT $!
wait $! || code=$?
same $code 130 "exit code"
grep -q "leat backfill resume 7" "$WORK/int.txt" || fail "it did not say how it goes on"
serve
wait_for "[ \"\$(state 7)\" = ok ]"
same "$(states 7)" "ok 12" "windows of 7"
same "$(sort "$WORK/started" | uniq -d | wc -l)" 0 "windows that ran twice"

step "held and given up: after the answer nothing starts"
: >"$WORK/started"
exits 0 leat backfill day --from 2024-02-01 --to 2024-02-21 --max-parallel 4 -y --detach
says "goes on in the daemon"
wait_for "[ \$(wc -l <'$WORK/started') -ge 5 ]"
exits 0 leat backfill pause 8
before=$(wc -l <"$WORK/started")
sleep 2.5
same "$(wc -l <"$WORK/started")" "$before" "windows started while it was held"
same "$(state 8)" paused "state of 8"
exits 0 leat backfill resume 8 --detach
wait_for "[ \$(wc -l <'$WORK/started') -gt $before ]"
exits 0 leat backfill cancel 8 --running
before=$(wc -l <"$WORK/started")
wait_for "! leat runs --result running --plain 2>&1 | grep -q running"
sleep 1
same "$(wc -l <"$WORK/started")" "$before" "windows started after it was given up"
same "$(state 8)" cancelled "state of 8"
exits 8 leat backfill cancel 8
rm "$WORK/slow"
exits 0 leat backfill resume 8
same "$(states 8)" "ok 20" "windows of 8 after all"

step "two backfills over the same windows: each window is done once"
touch "$WORK/slow"
: >"$WORK/started"
leat backfill day --from 2024-03-01 --to 2024-03-09 --max-parallel 4 -y -q & one=$!
wait_for "[ \$(wc -l <'$WORK/started') -ge 1 ]"
leat backfill day --from 2024-03-01 --to 2024-03-13 --max-parallel 4 -y -q & two=$!
wait $one && wait $two
same "$(sort "$WORK/started" | uniq -d | wc -l)" 0 "windows that ran twice"
same "$(wc -l <"$WORK/started")" 12 "windows that ran"

step "the live schedule neither waits for it nor holds it up"
cat >pipelines/live.yaml <<Y
pipeline: live
schedule:
  cron: "* * * * * *"
  if_running: skip
steps:
  work:
    env: {MADE_BY: "\${run.trigger}"}
    shell: echo "\$MADE_BY" >>$WORK/live; test "\$MADE_BY" = schedule || sleep 0.5
Y
wait_for "grep -q schedule '$WORK/live' 2>/dev/null"
exits 0 leat backfill live --from 2024-01-01T00 --to 2024-01-01T00:00:16 --max-parallel 2 -y
n=$(sed -n '/backfill/,$p' "$WORK/live" | grep -c schedule)
[ "$n" -ge 2 ] || fail "beside a backfill of four seconds the schedule ran $n times"

step "what a pause holds back is its schedule's"
exits 0 leat pause live --catch-up all
from=$(date -u +%Y-%m-%dT%H:%M:%S)
sleep 2
exits 0 leat backfill live --from "$from" --to now --dry-run
says "left to the schedule"
no_serve
