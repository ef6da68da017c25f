#!/usr/bin/env bash
# serve_slots: scheduled runs come, a row each; nothing is lost or doubled over kill -9, TERM and a pause; --once; two
# daemons.
. "$(dirname "$0")/lib.sh"
at_end() { stop_daemon; }
mkdir -p pipelines
cat >pipelines/tick.yaml <<'Y'
pipeline: tick
schedule: {cron: "* * * * * *", if_missed: run_all}
steps:
  a:
    shell: echo "at $LEAT_WINDOW_START"
Y
runs_of() { db "select count(*) from run join pipeline p on p.id = run.pipeline where p.name = '$1' and $2"; }
at_least() { [ "$(runs_of "$1" "$2")" -ge "$3" ]; }

step "every second a run, and a slot's row for each"
serve_up
soon "three runs" at_least tick "state = 'ok'" 3
same "$(runs_of tick "trigger <> 'schedule' or schedule <> 'main' or window_end <> scheduled_for")" 0 "runs with odd rows"
same "$(db "select count(*) from slot where outcome <> 'run' or fire <> last_fire")" 0 "slots that did not run"

step "status: who serves, and what comes next"
exits 0 leat status
says "DAEMON    up "
says "pid $daemon, "
says "next: tick at "
exits 0 leat status --daemon
exits 0 leat status --exit-code

step "a second daemon is told who serves"
exits 8 leat serve
says "process $daemon"

step "kill -9, and the slots of its absence are made up for, each once"
serve_ends 137 KILL
absent=$(db "select max(fire) from slot")
soon "three more slots are due" test "$(date +%s)" -ge 0
until [ "$(date +%s)" -gt $((absent / 1000000 + 3)) ]; do sleep 0.1; done
serve_up
soon "what was missed has run" at_least tick "state = 'ok' and scheduled_for > $absent" 4
every_second_once 1

step "paused: what comes meanwhile is one stretch, skipped; resumed with --catch-up all: made up for"
exits 0 leat pause tick --until 3s --reason "moving house"
says "scheduled runs will be skipped"
exits 0 leat status
says "PAUSED    tick  until "
says ": moving house"
skipped() { db_is "select count(*) > 0 from slot where outcome = 'skipped' and reason = 'paused'" 1; }
soon "the pause is over" skipped
same "$(db "select count(*) from slot where outcome = 'skipped'")" 1 "stretches"
exits 0 leat pause tick --catch-up all
said=$(db "select max(fire) from slot")
until [ "$(date +%s)" -gt $((said / 1000000 + 3)) ]; do sleep 0.1; done
same "$(db "select max(fire) from slot")" "$said" "the last slot during the pause"
exits 0 leat resume tick
says "of the pause are made up for now"
soon "they have run" at_least tick "state = 'ok' and scheduled_for > $said" 3
same "$(db "select count(*) from slot where outcome = 'skipped'")" 1 "stretches"
every_second_once 1

step "TERM: it ends with 0 and says what it leaves"
serve_ends 0 TERM
exits 6 leat status --daemon
says "no daemon is running here"
log_has ' stopped left_running=0' || fail "it did not say that it stopped"
same "$(db "select count(*) from slot s where outcome = 'run' and not exists (select 1 from run where id = s.run)")" 0 "slots without a run"
same "$(db "select count(*) - count(distinct scheduled_for) from run")" 0 "slots that ran twice"

step "--once: what is due, and an end"
exits 0 leat serve --once
every_second_once 1
same "$(runs_of tick "state in ('queued', 'running')")" 0 "runs left"

step "its schedule went while nobody served: what fired until the file was written is made up for, and no more"
last=$(db "select max(last_fire) from slot")
until [ "$(date +%s)" -gt $((last / 1000000 + 2)) ]; do sleep 0.1; done
cp pipelines/tick.yaml tick.before
sed -i '/^schedule/d' pipelines/tick.yaml
written=$(stat -c %Y pipelines/tick.yaml)
until [ "$(date +%s)" -gt $((written + 2)) ]; do sleep 0.1; done
exits 0 leat serve --once
every_second_once 1
same "$(db "select max(last_fire) / 1000000 from slot where outcome = 'run'")" "$written" "the last slot that ran"
same "$(db "select gone_at is not null from schedule where id = 1")" 1 "the schedule that is gone"

step "its file went while nobody served: what had fired is skipped, and says why; then it is gone"
mv tick.before pipelines/tick.yaml
serve_up
soon "it runs again" db_is "select max(fire) / 1000000 > $written + 2 from slot where outcome = 'run'" 1
serve_ends 137 KILL
rm pipelines/tick.yaml
last=$(db "select max(last_fire) from slot")
until [ "$(date +%s)" -gt $((last / 1000000 + 2)) ]; do sleep 0.1; done
exits 0 leat serve --once
same "$(db "select outcome, reason, min(fire) - $last from slot where fire > $last")" "skipped|pipeline_gone|1000000" "what had fired"
same "$(db "select count(*) - count(distinct scheduled_for) from run where trigger = 'schedule'")" 0 "slots that ran twice"
same "$(db "select gone_at is not null from schedule where id = 1")" 1 "the schedule that is gone"

step "one whose rule cannot be read is kept, and that is said; when it can be read again it goes"
written() { python3 - "$1" <<'P'
import sqlite3, sys
with sqlite3.connect(".leat/leat.db") as db:
    db.execute("update schedule set gone_at = null, rule = json_set(rule, '$.timezone', ?) where id = 1", sys.argv[1:])
P
}
last=$(db "select max(last_fire) from slot where schedule = 1")
written Nowhere/Land
until [ "$(date +%s)" -gt $((last / 1000000 + 2)) ]; do sleep 0.1; done
exits 0 leat serve --once
says " warn  clock what=\"what a schedule that is gone missed cannot be decided: the next start tries again\""
same "$(db "select gone_at is null from schedule where id = 1")" 1 "the schedule that is kept"
written UTC
exits 0 leat serve --once
same "$(db "select gone_at is null from schedule where id = 1")" 0 "the schedule that is kept"
same "$(db "select max(last_fire) > $last from slot where schedule = 1 and reason = 'pipeline_gone'")" 1 "what had fired is decided"

step "a command asks it: run --queue begins at once, cancel reaches a queued run"
cat >pipelines/hold.yaml <<'Y'
pipeline: hold
steps:
  a:
    shell: |
      while [ ! -e go ]; do sleep 0.05; done
Y
serve_up
exits 0 leat run hold --queue
first=$(db "select max(r.id) from run r join pipeline p on p.id = r.pipeline where p.name = 'hold'")
soon "it runs" db_is "select state from run where id = $first" running
exits 0 leat run hold --queue
exits 0 leat cancel $((first + 1))
says "cancelled before it began"
touch go
soon "the first is ok" db_is "select state from run where id = $first" ok
same "$(db "select state from run where id = $first + 1")" cancelled "the second"
serve_ends 0 INT
