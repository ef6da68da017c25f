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
  clean: {shell: "if [ -e hold ]; then touch held; while [ -e hold ]; do sleep 0.05; done; exit 1; fi; echo clean >>told"}
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
for _ in $(seq 200); do [ -e held ] && break; sleep 0.05; done
killed
rm hold
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

step "killed after an attempt was written down, before the warden heard of it: it was never started"
cat >pipelines/again.yaml <<'Y'
pipeline: again
steps:
  twice:
    shell: echo "$LEAT_ATTEMPT" >>tries; test -e good
    retry: {times: 2, wait: 500ms}
  after: {after: twice, shell: "echo"}
Y
# about_to_start LOG: runs it up to the second attempt of `twice`, with a warden that does not listen any more.
about_to_start() {
    rm -f tries
    begin "$1" leat run again
    for _ in $(seq 200); do grep -q "retry   twice" "$WORK/run.txt" && break; sleep 0.02; done
    kill -STOP "$(cat .leat/warden.lock)"
    for _ in $(seq 200); do grep -q "start   twice .*attempt 2" "$WORK/run.txt" && break; sleep 0.02; done
    killed
    kill -9 "$(cat .leat/warden.lock)"
}
attempts() { leat runs show "$1" --json | python3 -c 'import json, sys; i = json.load(sys.stdin)["items"][0]; print(*[str(a["number"]) + ":" + a["state"] for a in i["steps"][0]["attempts"]])'; }

about_to_start 9/twice.g1.a1.log
exits 0 leat run small
says "recovered  run 9 twice: was about to start, never did"
same "$(attempts 9)" "1:failed 2:cancelled" "attempts of run 9"
same "$(state 9)" "failed interrupted twice:cancelled after:cancelled" "run 9"
exits 0 leat runs show 9
says "it never ran"
same "$(paste -sd, tries)" 1 "tries"

step "gone on with, the same attempt starts"
about_to_start 11/twice.g1.a1.log
touch good
exits 0 leat retry 11
says "recovered  run 11 twice: was about to start, never did"
same "$(attempts 11)" "1:failed 2:success" "attempts of run 11"
same "$(paste -sd, tries)" 1,2 "tries"

step "what failed before the kill decides how the run ends"
printf 'leat: 1\nsecrets: {lost: env:NO_SUCH_VARIABLE}\n' >leat.yaml
cat >pipelines/host.yaml <<'Y'
pipeline: host
steps:
  bad: {shell: echo, env: {S: "${secrets.lost}"}}
  slow: {shell: "while [ ! -e go ]; do sleep 0.05; done"}
Y
rm -f go
begin 12/slow.g1.a1.log leat run host
for _ in $(seq 200); do grep -q "FAILED  bad" "$WORK/run.txt" && break; sleep 0.02; done
killed
touch go
exits 6 leat retry 12
exits 6 leat logs 12 -f
same "$(state 12 | cut -d' ' -f1)" failed "run 12"
