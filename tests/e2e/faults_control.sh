#!/usr/bin/env bash
# faults_control: two conductors at once; cancel from another terminal; a step that ignores TERM; Ctrl-C once and twice.
. "$(dirname "$0")/lib.sh"
mkdir -p pipelines
cat >pipelines/p.yaml <<'Y'
pipeline: p
steps:
  data:
    shell: |
      printf 'id\n1\n' >"$LEAT_OUTPUT_PATH/x.csv"
      echo up
      sleep 300
    into: raw.never
  after:
    after: data
    shell: echo never
Y
cat >pipelines/stubborn.yaml <<'Y'
pipeline: stubborn
steps:
  deaf:
    exec: [bash, -c, "trap '' TERM; echo up; while :; do sleep 0.1; done"]
Y
cat >pipelines/small.yaml <<'Y'
pipeline: small
steps:
  a:
    shell: echo hi
Y

run=0 shown=
at_end() { [ -z "$shown" ] || kill "$shown" 2>/dev/null || true; }
# begin PIPELINE: runs it in the background until its first step is up; its transcript is run.txt.
begin() {
    leat run "$1" >"$WORK/run.txt" 2>&1 &
    shown=$!
    run=$((run + 1))
    soon "the step of run $run is up" is_up
}
is_up() { grep -qs "^[^ ]* up$" .leat/log/$run/*.log; }
# ends CODE: the run in the background ends with it.
ends() {
    local got=0
    wait "$shown" || got=$?
    shown=
    cp "$WORK/run.txt" "$WORK/out.txt"
    [ $got -eq "$1" ] || { cat "$WORK/out.txt"; fail "the run ended with $got, not $1"; }
}
# Nothing of a cancelled step is left: no process, no stage, no version.
nothing_left() {
    [ -z "$(ls lake/raw/_leat_stage 2>/dev/null)" ] || fail "a stage is left"
    [ ! -e lake/raw/never ] || fail "something of raw.never is published"
    soon "no process of the step is left" no_process
}
no_process() { ! grep -lsa "LEAT_PROJECT_DIR=$WORK" /proc/[0-9]*/environ >"$WORK/left.txt"; }

step "two at once: the second is told who holds the project, and changes nothing"
begin p
exits 8 leat run small
says "error: another leat is writing to this project: process $shown on $(hostname)"
says "leat status"
exits 0 leat status
says "AT WORK   process $shown"
same "$(leat runs --plain | wc -l)" 1 "runs"

step "cancel from another terminal"
exits 0 leat cancel $run
says "run $run cancelling"
ends 1
says "cancel  data"
says "cancel  after"
nothing_left
same "$(leat runs --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["items"][0]["result"])')" cancelled "the run's result"
exits 4 leat cancel $run
says "run 1 is not running: it is cancelled"

step "a step that ignores TERM is killed: at once with --kill"
begin stubborn
exits 0 leat cancel $run --kill
ends 1
nothing_left

step "Ctrl-C: steps are asked to stop"
begin p
kill -INT "$shown"
ends 130
says "cancelling"
nothing_left

step "Ctrl-C twice: a step that does not listen is killed"
begin stubborn
kill -INT "$shown"
soon "the run says that it is cancelling" grep -q cancelling "$WORK/run.txt"
kill -0 "$shown" || fail "the run did not wait for its step"
kill -INT "$shown"
ends 130
says "killing"
nothing_left

step "TERM: as Ctrl-C, with 143"
begin p
kill -TERM "$shown"
ends 143
nothing_left

step "a step that ignores TERM and its timeout: killed after the grace"
cat >pipelines/late.yaml <<'Y'
pipeline: late
steps:
  deaf:
    exec: [bash, -c, "trap '' TERM; while :; do sleep 0.1; done"]
    timeout: 1s
Y
exits 1 timeout 300 leat run late
says "ran past its timeout and was stopped"
nothing_left
exits 0 leat run small

step "a warden whose control groups somebody removed makes new ones"
cat >pipelines/groups.yaml <<'Y'
pipeline: groups
steps:
  a1: {shell: "true"}
  a2: {shell: "true"}
  wait: {shell: "while [ ! -e go ]; do sleep 0.05; done; echo up", after: [a1, a2]}
  b1: {shell: "sleep 0.2", after: wait}
  b2: {shell: "sleep 0.2", after: wait}
Y
rm -f go
leat run groups >"$WORK/run.txt" 2>&1 &
shown=$!
soon "the waiting step is started" grep -q "start   wait" "$WORK/run.txt"
if [ -s .leat/warden.cgroup ]; then find "$(cat .leat/warden.cgroup)" -mindepth 1 -type d -exec rmdir {} + 2>/dev/null || true; fi
touch go
ends 0
says "ok 5"
