#!/usr/bin/env bash
# interrupted: the conductor is killed in the middle of a run; what the next command makes of it.
. "$(dirname "$0")/lib.sh"
mkdir -p pipelines
cat >pipelines/p.yaml <<'Y'
pipeline: p
params: {who: {type: text, default: nobody}}
steps:
  first: {shell: "echo n=7 >>$LEAT_OUTPUT"}
  bad: {shell: "exit 3"}
  slow: {after: first, shell: "while [ ! -e go ]; do sleep 0.05; done"}
  never: {after: slow, shell: "echo never >>never"}
finally:
  tell:
    shell: 'echo "$RESULT $FAILED $WHO $N" >>told'
    env:
      RESULT: ${run.result}
      FAILED: ${join(run.failed_steps, ",")}
      WHO: ${params.who}
      N: ${steps.first.outputs.n}
  good: {when: run.result == "ok", shell: "echo ok >>told"}
  clean: {shell: "[ ! -e hold ] || sleep 300; echo clean >>told"}
Y
cat >pipelines/small.yaml <<'Y'
pipeline: small
steps: {a: {shell: echo hi}}
Y

shown=0
at_end() { [ "$shown" = 0 ] || kill -9 "$shown" 2>/dev/null || true; }
# begin LOG COMMAND…: in the background until that log is there.
begin() {
    local log=$1
    shift
    "$@" >"$WORK/run.txt" 2>&1 &
    shown=$!
    for _ in $(seq 200); do
        if [ -e ".leat/log/$log" ]; then return; fi
        sleep 0.05
    done
    cat "$WORK/run.txt"
    fail "$log did not come"
}
killed() {
    kill -9 "$shown"
    wait "$shown" 2>/dev/null || true
    shown=0
}
state() { leat runs show "$1" --json | python3 -c 'import json, sys; i = json.load(sys.stdin)["items"][0]; print(i["result"], i["reason"], *[s["name"] + ":" + s["state"] for s in i["steps"]])'; }

step "the next run lets it end, with its finally steps"
begin 1/slow.g1.a1.log leat run p -p who=me
killed
mv pipelines/p.yaml . # what it began with is in the database
(sleep 0.5; touch go) &
exits 0 leat run small
says "recovered  run 1: interrupted: its finally steps run"
says "recovered  run 1 slow: still running, adopted"
same "$(state 1)" "failed interrupted first:success bad:failed slow:success never:cancelled tell:success good:skipped clean:success" "run 1"
same "$(sort told | paste -sd,)" "clean,failed bad me 7" "what the finally steps said"
[ ! -e never ] || fail "a step of a frozen run was started"

step "killed once more while it was finished: its finally steps go on, each once; then it can be retried"
rm -f go told
cp p.yaml pipelines/p.yaml
touch hold
begin 3/slow.g1.a1.log leat run p
killed
touch go
begin 3/clean.g1.a1.log leat run small
killed
rm hold
for job in $(grep -lsa "LEAT_STEP=clean" /proc/[0-9]*/environ | cut -d/ -f3); do kill "$job" 2>/dev/null || true; done
exits 0 leat run small
says "recovered  run 3: interrupted: its finally steps run"
same "$(state 3)" "failed interrupted first:success bad:failed slow:success never:cancelled tell:success good:skipped clean:failed" "run 3"
same "$(grep -c . told)" 1 "finally steps that ended well"
exits 1 leat retry 3
same "$(cat never)" never "the step that had not run"

step "a definition that cannot be had any more is said, where the steps are listed"
rm -f go told
begin 5/slow.g1.a1.log leat run p
killed
touch go
printf 'leat: 1\ndefaults: {timeout: 5m}\n' >leat.yaml
exits 0 leat run small
says "recovered  run 5: interrupted: its finally steps cannot run: definition"
exits 0 leat runs show 5
says "its finally steps could not run: definition"
[ ! -e told ] || fail "a finally step of another definition ran"
rm leat.yaml

step "a run that was being cancelled stays cancelled"
rm -f go told
cat >pipelines/deaf.yaml <<'Y'
pipeline: deaf
steps:
  deaf: {shell: "trap '' TERM; while [ ! -e go ]; do sleep 0.05; done"}
  after: {after: deaf, shell: "echo never"}
finally:
  tell: {shell: 'echo "$RESULT" >>told', env: {RESULT: "${run.result}"}}
Y
begin 7/deaf.g1.a1.log leat run deaf
exits 0 leat cancel 7
for _ in $(seq 200); do grep -q "cancel  after" "$WORK/run.txt" && break; sleep 0.05; done
killed
touch go
exits 0 leat run small
same "$(state 7 | cut -d' ' -f1)" cancelled "the cancelled run"
same "$(cat told)" cancelled "run.result"
