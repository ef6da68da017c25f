#!/usr/bin/env bash
# serve_notify: what a daemon tells systemd, on a real datagram socket: READY only after recovery, WATCHDOG only while
# the database can be written, STOPPING at the end, MAINPID after an upgrade.
. "$(dirname "$0")/lib.sh"
listener=
at_end() {
    touch "$WORK/go"
    stop_daemon
    [ -z "$listener" ] || kill "$listener" 2>/dev/null || true
}
cat >listen.py <<'P'
import os, socket, sys, time

s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("listening", flush=True)
while True:
    for line in s.recv(4096).decode().split("\n"):
        print(f"{time.time():.6f} {line}", flush=True)
P
python3 listen.py "$WORK/notify.sock" >"$WORK/told.txt" &
listener=$!
told() { grep -qE -- "$1" "$WORK/told.txt"; }
soon "somebody listens" told listening
export NOTIFY_SOCKET=$WORK/notify.sock WATCHDOG_USEC=400000
mkdir -p pipelines
cat >pipelines/hold.yaml <<'Y'
pipeline: hold
steps:
  a: {shell: "while [ ! -e go ]; do sleep 0.05; done"}
Y

step "ready once it serves, alive twice an interval, a line about what it does"
serve_up
soon "ready" told 'READY=1$'
soon "its process" told "MAINPID=$daemon"
soon "alive" told 'WATCHDOG=1'
exits 0 leat run hold --queue
soon "what it does" told 'STATUS=1 run.*, 1 step'
step_of() {
    grep -lsa "LEAT_PROJECT_DIR=$WORK" /proc/[0-9]*/environ >"$WORK/step.txt" || true
    [ -s "$WORK/step.txt" ]
}
soon "its step runs" step_of
! xargs grep -lsa NOTIFY_SOCKET <step.txt || fail "a step was told of the socket"

step "after kill -9: ready only when what ran has been adopted"
serve_ends 137 KILL
: >"$WORK/told.txt"
serve_up
soon "ready" told 'READY=1$'
recovered=$(tr -d '\0' <"$WORK/serve.log" | sed -n 's/^\([^ ]*\) info  recovered .*/\1/p' | tail -n 1)
[ -n "$recovered" ] || fail "nothing was adopted"
python3 - "$recovered" "$(tr -d '\0' <"$WORK/told.txt" | sed -n 's/ READY=1$//p' | head -n 1)" <<'P'
import datetime, sys
recovered = datetime.datetime.fromisoformat(sys.argv[1].replace("Z", "+00:00")).timestamp()
assert recovered <= float(sys.argv[2]) + 1e-3, "READY came before recovery"
P

step "no sign of life while the database cannot be written"
cat >lock.py <<'P'
import sqlite3, sys
db = sqlite3.connect(".leat/leat.db", timeout=20, isolation_level=None)
db.execute("begin immediate")
print("locked", flush=True)
sys.stdin.read()
P
mkfifo hold_it
python3 lock.py <hold_it >"$WORK/locked.txt" &
exec 9>hold_it
locked() { grep -q locked "$WORK/locked.txt"; }
soon "the database is locked" locked
: >"$WORK/told.txt"
log_says ' error broken '
! told WATCHDOG=1 || [ "$(grep -c WATCHDOG=1 "$WORK/told.txt")" -le 1 ] || fail "it said that it lives"
soon "what is wrong" told 'STATUS=broken, tries again in 1 s: .*locked'
soon "patience for the pause" told 'WATCHDOG_USEC=1400000$'
exec 9>&-
soon "alive again" told 'WATCHDOG=1'
soon "the usual interval" told 'WATCHDOG_USEC=400000$'

step "upgraded: the same process goes on being the main one"
: >"$WORK/told.txt"
kill -USR2 "$daemon"
soon "its process" told "MAINPID=$daemon"

step "old versions and garbage are collected while a step runs, too"
db_is "select count(*) from attempt where state = 'running'" 1 || fail "its step has ended"
rm -f .leat/collected
soon "collected" test -e .leat/collected

step "reloading"
kill -HUP "$daemon"
soon "reloading" told 'RELOADING=1'
touch go
soon "nothing runs" db_is "select count(*) from run where state in ('queued', 'running')" 0

step "upkeep that fails is said, once, and not taken for death"
rm -f .leat/collected
mkdir -p .leat/collected/in_the_way
touch -d '3 days ago' .leat/collected
log_says ' warn  upkeep_failed .*collected'
: >"$WORK/told.txt"
soon "alive" told 'WATCHDOG=1'
soon "alive again" eval '[ "$(grep -c WATCHDOG=1 "$WORK/told.txt")" -ge 3 ]'
same "$(grep -c upkeep_failed "$WORK/serve.log")" 1 "times it was said"

step "stopping"
serve_ends 0 TERM
soon "stopping" told 'STOPPING=1'
