#!/usr/bin/env bash
# serve_garbage: what a daemon makes of surroundings that nobody would wish for: clients that say nonsense, files that
# are no files, signals in heaps, a log that nobody takes, a clock that cannot be right, a state folder that goes while
# it serves. It goes on deciding slots, answers who asks well, says what is wrong, and loses nothing.
. "$(dirname "$0")/lib.sh"
at_end() {
    touch "$WORK/go"
    stop_daemon
}
mkdir -p pipelines
cat >pipelines/tick.yaml <<'Y'
pipeline: tick
schedule: {cron: "* * * * * *", timezone: UTC, if_missed: run_all}
steps:
  a: {shell: "echo tick"}
Y
cat >pipelines/hold.yaml <<'Y'
pipeline: hold
steps:
  a: {shell: "while [ ! -e go ]; do sleep 0.05; done; echo whole; exit 7"}
Y
newest() { db "select coalesce(max(r.id), 0) from run r join pipeline p on p.id = r.pipeline where p.name = 'tick' and r.state = 'ok'"; }
newer() { [ "$(newest)" -gt "$1" ]; }
goes_on() { soon "tick goes on" newer "$(newest)"; }
lives() { [ "$(grep -c ' serving ' "$WORK/serve.log")" -ge "$1" ]; }

step "a folder without pipelines: it serves, and says so"
mkdir empty
(
    cd empty
    exits 0 leat serve --once
    says " warn  nothing_to_serve "
    says "leat -C FOLDER serve"
)

step "files that are no pipelines: said, one by one; the good one runs"
mkfifo pipelines/pipe.yaml
mkdir pipelines/folder.yaml
ln -s nowhere pipelines/lost.yaml
ln -s loop.yaml pipelines/loop.yaml
ln -s /dev/zero pipelines/endless.yaml
: >pipelines/empty.yaml
head -c 5000 /dev/zero >pipelines/nul.yaml
head -c 68000000 /dev/zero | tr '\0' '#' >pipelines/large.yaml
serve_up
for file in pipe folder lost loop endless empty nul large; do
    log_has " warn  definition_broken pipeline=pipelines/$file.yaml .*problem=" || fail "$file.yaml: not a word"
done
goes_on
exits 10 leat status --exit-code
says "BROKEN    pipelines/pipe.yaml  cannot read"
rm -r pipelines/{pipe,folder,lost,loop,endless,empty,nul,large}.yaml

step "a second daemon, and a run, are told who is at work"
exits 8 leat serve
says "process $daemon"
exits 8 leat run tick
says "hint: let the daemon run it: leat run tick --queue"

step "clients that say nonsense"
python3 "$SOURCE/tests/e2e/garbage.py" "$daemon"
goes_on

step "signals in heaps, while a step runs: it is the same process, and the same step"
exits 0 leat run hold --queue
hold=$(db "select max(r.id) from run r join pipeline p on p.id = r.pipeline where p.name = 'hold'")
up() { db_is "select count(*) from attempt where run = $hold and state = 'running'" 1; }
soon "its step runs" up
for _ in $(seq 200); do kill -HUP "$daemon"; done
kill -USR2 "$daemon"
kill -USR2 "$daemon"
soon "it serves again" lives 2
for _ in 1 2 3 4 5; do kill -USR2 "$daemon" && kill -HUP "$daemon"; done
kill -0 "$daemon" || fail "it is gone"
goes_on
exits 0 leat status --daemon

step "the state folder is moved away: nothing is begun anew; put back: it goes on"
before=$(newest)
mv .leat away
log_says ' error broken message=".*/leat.db was removed while it was open"'
log_says ' error broken message="the database .*/leat.db is gone" hint="put the state folder back'
[ ! -e .leat ] || fail "another state folder was made"
mv away .leat
soon "tick goes on" newer "$before"
up || fail "the step was not adopted"

step "another project's database in its place: it is not taken for its own"
mv .leat away
cp -r empty/.leat .leat
log_says ' error broken message=".*/leat.db is the database of another project'
rm -r .leat
mv away .leat
goes_on
touch go
soon "the step has ended" db_is "select state from run where id = $hold" failed
same "$(db "select exit_code from attempt where run = $hold")" 7 "its exit code"
grep -q whole .leat/log/"$hold"/*.log || fail "its output is lost"
every_second_once "(select id from schedule)"
same "$(db "select count(*) - count(distinct scheduled_for) from run where schedule is not null")" 0 "slots that ran twice"
same "$(db 'pragma integrity_check')" ok "the database"
kill -TERM "$daemon" && kill -TERM "$daemon"
serve_ends 0

# logs_to FILE-DESCRIPTOR…: a daemon whose log goes there, until tick went on; ends with its code.
logs_to() {
    leat serve 2>"$WORK/err.txt" &
    daemon=$!
    goes_on
    got=0
    kill -TERM "$daemon"
    wait "$daemon" || got=$?
    daemon=
}
step "a log that nobody takes: a full device, a closed one, a reader that is gone or asleep"
logs_to >/dev/full
same "$got" 6 "the exit code"
grep -q "the log cannot be written to stdout: No space left on device; the daemon goes on" "$WORK/err.txt" || fail "stderr was not told"
logs_to >&-
same "$got" 0 "the exit code"
logs_to > >(true)
same "$got" 0 "the exit code"
mkfifo asleep
exec 8<>asleep
python3 -c 'import fcntl; fcntl.fcntl(8, fcntl.F_SETPIPE_SZ, 4096)'
leat serve >asleep 2>"$WORK/err.txt" &
daemon=$!
told() { grep -q "nobody reads it" "$WORK/err.txt"; }
soon "stderr is told" told
goes_on
cat <&8 >"$WORK/serve.log" &
reader=$!
log_says ' warn  log_lost lines=[0-9]+ message="nobody reads it"'
serve_ends 0 TERM
kill "$reader"
exec 8>&-

step "a clock that cannot be right: no schedule is decided by it, and all goes on when it is"
runs=$(db "select count(*) from run")
at_the_time_of() {
    : >"$WORK/serve.log"
    LD_PRELOAD=$BUILD/tests/set_clock.so SET_CLOCK=$1 leat serve >>"$WORK/serve.log" 2>&1 &
    daemon=$!
    log_says ' warn  clock what="the clock cannot be right'
    log_has "^$2-" || fail "the clock is not set"
    exits 0 leat status
    says "CLOCK     it is "
    serve_ends 0 TERM
    same "$(db "select count(*) from run")" "$runs" "runs"
}
at_the_time_of 5 1970
at_the_time_of 7270000000 2200
serve_up
goes_on
every_second_once "(select id from schedule)"
serve_ends 0 TERM
