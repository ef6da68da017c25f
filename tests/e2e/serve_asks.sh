#!/usr/bin/env bash
# serve_asks: what is asked of a daemon and cannot be written down was never said: the daemon begins a new life that
# knows what the database knows. What is cancelled ends, whoever is there; and one that is told to stop is not
# replaced.
. "$(dirname "$0")/lib.sh"
at_end() {
    touch "$WORK/go"
    stop_daemon
}
command -v prlimit >/dev/null || cannot_run "there is no prlimit (util-linux)"
mkdir -p pipelines
cat >pipelines/slow.yaml <<'Y'
pipeline: slow
steps:
  a: {shell: "while [ ! -e go ]; do sleep 0.05; done"}
Y
lives() { [ "$(grep -c ' serving ' "$WORK/serve.log")" -ge "$1" ]; }
# Nothing can be written any more, as on a full disk, and the daemon has not noticed yet.
write_nothing() { prlimit --pid "$daemon" --fsize=1:unlimited; }
write_again() { prlimit --pid "$daemon" --fsize=unlimited:unlimited; }

step "a backfill and a pause that cannot be written down: refused, and nothing is left of them"
trap '' XFSZ # writing fails instead
serve_up
life=1
for ask in "backfill slow --every day --from 2026-05-01 --to 2026-05-04 --yes --detach" "pause slow"; do
    write_nothing
    # shellcheck disable=SC2086
    exits 6 leat $ask
    write_again
    life=$((life + 1))
    soon "life $life serves" lives $life
    kill -0 "$daemon" || fail "the daemon has ended"
done
same "$(db 'select (select count(*) from backfill) + (select count(*) from pause)')" 0 "backfills and pauses"
exits 4 leat resume slow
exits 0 leat pause slow
exits 0 leat resume slow

step "it goes on: what is asked now runs"
exits 0 leat run slow --queue
runs() { [ "$(db "select count(*) from attempt where state = 'running'")" = 1 ]; }
soon "its step runs" runs

step "cancelled while nobody is at work: the next one stops it"
serve_ends 137 KILL
exits 0 leat cancel slow --reason late
says "is stopped by the next leat that is at work here"
exits 0 timeout 60 leat serve --once
same "$(db "select state || ' ' || reason from run")" "cancelled late" "the run"
exits 4 leat cancel 1
says "run 1 is not running: it is cancelled"

step "a queued run that is cancelled is in nobody's way; one that a killed daemon left is"
cat >pipelines/past.yaml <<'Y'
pipeline: past
schedule: {cron: "* * * * * *", if_running: skip}
depends_on_past: true
steps:
  a: {shell: exit 1}
Y
queued="select coalesce(max(id), 0) from run where state = 'queued'"
another() { [ "$(db "$queued")" -gt "$1" ]; }
serve_up
soon "a run waits for the success of the one before" another 0
first=$(db "$queued")
exits 0 leat cancel "$first"
soon "the next slot waits in its place" another "$first"
log_says "run_finished run=$first .*result=cancelled"
second=$(db "$queued")
serve_ends 137 KILL
skips="select coalesce(sum(count), 0) from slot where outcome = 'skipped'"
more_skips() { [ "$(db "$skips")" -gt "$1" ]; }
before=$(db "$skips")
serve_up
soon "slots are skipped" more_skips "$before"
same "$(db "$queued")" "$second" "the run that waits"
same "$(db "select count(*) from run where state = 'queued'")" 1 "runs that wait"
serve_ends 0 TERM
rm pipelines/past.yaml

step "a run of another pipeline that has not begun is cancelled with the step that waits for it, and that is told"
printf 'pipeline: asks\nsteps:\n  a: {pipeline: slow}\n' >pipelines/asks.yaml
serve_up
exits 0 leat run slow --queue
soon "its step runs" runs
busy=$(db "select max(id) from run")
exits 0 leat run asks --queue
soon "a run of slow waits for its turn" another 0
child=$(db "$queued")
exits 0 leat cancel "$(db "select id from run where state = 'running' and id > $busy")"
log_says "run_finished run=$child .*result=cancelled"
exits 0 leat cancel "$busy"
soon "nothing runs" db_is "select count(*) from run where state in ('queued', 'running')" 0
serve_ends 0 TERM
rm pipelines/asks.yaml

step "told to stop, it is neither upgraded nor begun anew by an edit of leat.yaml"
serve_up --drain-timeout 60s
exits 0 leat run slow --queue
soon "its step runs" runs
served=$(grep -c ' serving ' serve.log)
kill -TERM "$daemon"
log_says ' draining running=1'
kill -USR2 "$daemon"
printf 'leat: 1\n' >leat.yaml
exits 0 leat status
touch go
code=0
wait "$daemon" || code=$?
daemon=
same "$code" 0 "exit code"
same "$(grep -c ' serving ' serve.log)" "$served" "lives"
same "$(db "select state from run order by id desc limit 1")" ok "the run"
