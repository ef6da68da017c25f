#!/usr/bin/env bash
# chains: `pipeline` steps: parameters, windows, ends of all kinds, cancel, timeouts, circles, kill -9 with nothing
# doubled; under `leat run` and under `leat serve`.
. "$(dirname "$0")/lib.sh"
mkdir -p pipelines landing

shown=
at_end() { [ -z "$shown" ] || kill "$shown" 2>/dev/null || true; }
begin() {
    leat "$@" >"$WORK/run.txt" 2>&1 &
    shown=$!
}
until_says() {
    for _ in $(seq 400); do
        if grep -qF -- "$1" "$WORK/run.txt"; then return; fi
        sleep 0.05
    done
    cat "$WORK/run.txt"
    fail "it did not say: $1"
}
ends() {
    local got=0
    wait "$shown" || got=$?
    shown=
    cp "$WORK/run.txt" "$WORK/out.txt"
    : >"$WORK/err.txt"
    [ $got -eq "$1" ] || { cat "$WORK/out.txt"; fail "it ended with $got, not $1"; }
}
killed() {
    kill -9 "$shown"
    wait "$shown" 2>/dev/null || true
    shown=
}
# runs FIELD [PIPELINE]: that field of all runs, oldest first, on one line.
runs() {
    leat runs --json -n 100 ${2:+"$2"} | python3 -c '
import json, sys
print(*[r[sys.argv[1]] for r in reversed(json.load(sys.stdin)["items"])])' "$1"
}

cat >pipelines/leaf.yaml <<'Y'
pipeline: leaf
params:
  region: eu
  rows: {type: integer, default: 1}
  day: {type: date, default: 2026-01-01}
  fails: false
steps:
  say:
    shell: |
      echo "$REGION $ROWS $DAY $LEAT_WINDOW_START" >>said.txt
      test "$FAILS" = false
    env: {REGION: "${params.region}", ROWS: "${params.rows}", DAY: "${params.day}", FAILS: "${params.fails}"}
Y

step "parameters by the types of the other pipeline; the window of this run, its own, or none"
cat >pipelines/top.yaml <<'Y'
pipeline: top
steps:
  plain: {pipeline: leaf}
  with: {pipeline: {name: leaf, with: {region: us, rows: 20, day: "${window.date}"}}, after: plain}
  own: {pipeline: {name: leaf, window: {from: 2025-01-01, to: "${window.start}"}}, after: with}
  none: {pipeline: {name: leaf, window: none}, after: own}
  tell: {shell: 'echo "run $RUN" >>said.txt', env: {RUN: "${steps.none.outputs.run}"}, after: none}
Y
exits 0 leat run top --window 2026-11-20
says "ok 5"
cat >want.txt <<'T'
eu 1 2026-01-01 2026-11-20T00:00:00Z
us 20 2026-11-20 2026-11-20T00:00:00Z
eu 1 2026-01-01 2025-01-01T00:00:00Z
eu 1 2026-01-01 
run 5
T
same_files want.txt said.txt "what the runs were given"
same "$(runs trigger)" "manual pipeline pipeline pipeline pipeline" "who started the runs"
exits 0 leat runs show 2
says "by      step plain of run 1 (top)"

step "a run that fails: which, where, why; the step may be tried again, and is a run of its own then"
cat >pipelines/fails.yaml <<'Y'
pipeline: fails
steps:
  call: {pipeline: {name: leaf, with: {fails: true}}, retry: {times: 1, wait: 1s}}
  never: {shell: echo never, after: call}
finally:
  tell: {shell: 'echo "finally" >>said.txt'}
Y
exits 1 leat run fails
says "run 7 of leaf failed at say: step say ended with exit code 1"
says "run 8 of leaf failed at say"
says "leat runs show 8"
same "$(tail -n 1 said.txt)" finally "the finally step"

step "a gate of the other pipeline is a gate here: exit 5; a warning is a warning"
cat >pipelines/gated.yaml <<'Y'
pipeline: gated
params: {severity: fail}
steps:
  rows: {sql: select 1 as n, into: raw.n, checks: [n > 1]}
Y
printf 'pipeline: asks\nsteps:\n  g: {pipeline: gated}\n' >pipelines/asks.yaml
exits 5 leat run asks
sed -i 's/checks: .n > 1./checks: [{warn: n > 1}]/' pipelines/gated.yaml
exits 0 leat run asks
says "warn    g"

step "cancel reaches the run that was started; so does a timeout"
printf 'pipeline: slow\nsteps:\n  s: {shell: "echo up; sleep 60"}\n' >pipelines/slow.yaml
printf 'pipeline: calls\nsteps:\n  c: {pipeline: slow}\n' >pipelines/calls.yaml
begin run calls
until_says "start   slow/s"
exits 0 leat cancel calls
ends 1
same "$(runs result | tr ' ' '\n' | tail -n 2 | tr '\n' ' ')" "cancelled cancelled " "both runs"
printf 'pipeline: hurried\nsteps:\n  c: {pipeline: slow, timeout: 1s}\n' >pipelines/hurried.yaml
exits 1 timeout 30 leat run hurried
says "step c ran past its timeout: run"
step "the other run alone is cancelled: the step fails and says so"
begin run calls
until_says "start   slow/s"
exits 0 leat cancel slow
ends 1
says "of slow is cancelled"

step "circles, unknown pipelines, missing parameters: told before anything runs"
printf 'pipeline: one\nsteps:\n  a: {pipeline: two}\n' >pipelines/one.yaml
printf 'pipeline: two\nsteps:\n  a: {pipeline: three}\n' >pipelines/two.yaml
printf 'pipeline: three\nsteps:\n  a: {pipeline: one}\n' >pipelines/three.yaml
exits 3 leat validate
says "pipelines run each other: \`one\` -> \`two\` -> \`three\` -> \`one\`"
exits 3 leat run two
says "nothing was started"
rm pipelines/three.yaml
exits 3 leat validate pipelines/two.yaml
says "unknown pipeline \`three\`"
rm pipelines/one.yaml pipelines/two.yaml

step "max_active_runs of the other pipeline holds: one after the other"
cat >pipelines/fan.yaml <<'Y'
pipeline: fan
steps:
  f: {each: {n: [1, 2, 3]}, pipeline: {name: counted, with: {n: "${each.n}"}}}
Y
cat >pipelines/counted.yaml <<'Y'
pipeline: counted
params: {n: 0}
steps:
  c: {shell: "mkdir busy; sleep 0.2; rmdir busy"}
Y
exits 0 timeout 60 leat run fan --jobs 1
same "$(runs result counted)" "ok ok ok" "the three runs"

step "kill -9 while it runs: the same run goes on, nothing is started twice"
cat >pipelines/deep.yaml <<'Y'
pipeline: deep
steps:
  c: {pipeline: middle}
  end: {shell: echo end >>order.txt, after: c}
Y
cat >pipelines/middle.yaml <<'Y'
pipeline: middle
steps:
  first: {shell: echo first >>order.txt}
  c: {pipeline: bottom, after: first}
Y
cat >pipelines/bottom.yaml <<'Y'
pipeline: bottom
steps:
  a: {shell: "echo begin >>order.txt; sleep 2; echo done >>order.txt"}
  w: {wait: {for: landing/go.csv, poll: 1s, timeout: 1m}, after: a}
Y
begin run deep
until_says "start   bottom/a"
before=$(runs id | wc -w)
for _ in 1 2; do
    killed
    begin retry "$((before - 2))"
    until_says "of bottom"
    sleep 0.3
done
touch landing/go.csv
ends 0
printf 'first\nbegin\ndone\nend\n' >want.txt
same_files want.txt order.txt "what ran"
same "$(runs id | wc -w)" "$before" "runs"

step "a run that nobody goes on with takes along what it started"
rm landing/go.csv order.txt
begin run deep
until_says "start   bottom/a"
killed
exits 0 timeout 60 leat run leaf
same "$(runs result | tr ' ' '\n' | tail -n 4 | tr '\n' ' ')" "failed failed failed ok " "the abandoned runs, and the new one"
printf 'first\nbegin\ndone\n' >want.txt
same_files want.txt order.txt "what ran"

step "under a daemon that is killed: it goes on by itself"
rm -f order.txt
exits 0 leat run deep --queue
begin serve
until_says "serving"
for _ in $(seq 200); do grep -qs begin order.txt && break; sleep 0.05; done
before=$(runs id | wc -w)
killed
touch landing/go.csv
begin serve
for _ in $(seq 200); do grep -qs end order.txt && break; sleep 0.1; done
printf 'first\nbegin\ndone\nend\n' >want.txt
same_files want.txt order.txt "what ran"
same "$(runs id | wc -w)" "$before" "runs"
kill "$shown"
ends 0
