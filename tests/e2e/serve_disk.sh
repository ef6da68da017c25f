#!/usr/bin/env bash
# serve_disk: the disk of the state folder fills up while a daemon serves: it says so, keeps the ends of steps that
# run, and goes on when there is room again; a state folder that is read-only is said at once. Needs root for its mounts.
[ -n "${LEAT_OWN_MOUNTS:-}" ] || ! unshare -m true 2>/dev/null || LEAT_OWN_MOUNTS=1 exec unshare -m bash "$0" "$@"
. "$(dirname "$0")/lib.sh"
at_end() {
    touch "$WORK/go"
    stop_daemon
}
mkdir -p pipelines .leat
mount -t tmpfs -o size=9m tmpfs .leat 2>/dev/null || cannot_run "no file system can be mounted (not root?)"
cat >pipelines/hold.yaml <<'Y'
pipeline: hold
steps:
  a: {shell: "while [ ! -e go ]; do sleep 0.05; done; echo whole"}
  b: {shell: "while [ ! -e go ]; do sleep 0.05; done; exit 3", allow_failure: true}
Y
cat >pipelines/tick.yaml <<'Y'
pipeline: tick
schedule: {cron: "* * * * * *", if_missed: run_all}
steps:
  a: {shell: "echo tick"}
Y
newest() { db "select coalesce(max(r.id), 0) from run r join pipeline p on p.id = r.pipeline where p.name = 'tick' and r.state = 'ok'"; }
newer() { [ "$(newest)" -gt "$1" ]; }

step "the disk fills up while steps run: it says so, and again"
serve_up
exits 0 leat run hold --queue
hold=$(db "select max(r.id) from run r join pipeline p on p.id = r.pipeline where p.name = 'hold'")
up() { [ "$(db "select count(*) from attempt where run = $hold and state = 'running'")" = 2 ]; }
soon "its steps run" up
cat /dev/zero >.leat/filler 2>/dev/null || true
log_says ' error broken .*disk is full'
log_says 'hint="free some space'
kill -0 "$daemon" || fail "it has ended"

step "the steps end while nothing can be written down"
touch go
said_again() { [ "$(grep -c ' error broken' "$WORK/serve.log")" -ge 2 ]; }
soon "it says it again" said_again

step "there is room again: it goes on by itself; what ended is recorded as it was; no slot is missing"
rm .leat/filler
lives() { [ "$(grep -c ' serving ' "$WORK/serve.log")" -ge 2 ]; }
soon "it serves again" lives
soon "the run has ended" db_is "select state from run where id = $hold" ok
same "$(db "select exit_code from attempt where run = $hold order by step" | tr '\n' ' ')" "0 3 " "exit codes of the steps"
grep -q whole .leat/log/"$hold"/*.log || fail "output is missing"
soon "tick goes on" newer "$(newest)"
same "$(db "select count(*) - count(distinct scheduled_for) from run where schedule is not null")" 0 "slots that ran twice"
every_second_once "(select id from schedule)"
same "$(db 'pragma integrity_check')" ok "the database"
serve_ends 0 TERM

step "a state folder that is read-only: said at once"
soon "nobody writes there any more" mount -o remount,ro .leat
exits 6 leat serve
says "Read-only file system"
mount -o remount,rw .leat
serve_up
serve_ends 0 TERM
umount .leat 2>/dev/null || umount -l .leat
