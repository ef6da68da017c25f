#!/usr/bin/env bash
# waits: `wait` steps on real files, a real web server, real SQL, the clock; timeouts, cancel, kill -9 and recovery; no
# process while they wait.
. "$(dirname "$0")/lib.sh"
mkdir -p pipelines landing www

server= shown=
at_end() { for p in $server $shown; do kill "$p" 2>/dev/null || true; done; }
serve_files() {
    python3 -u -m http.server --bind 127.0.0.1 --directory www 0 >"$WORK/http.txt" 2>&1 &
    server=$!
    for _ in $(seq 100); do
        port=$(sed -n 's/.*port \([0-9]*\).*/\1/p' "$WORK/http.txt")
        [ -z "$port" ] || return 0
        sleep 0.05
    done
    cannot_run "no web server can be started"
}
# begin PIPELINE…: runs it in the background; its transcript is run.txt.
begin() {
    leat "$@" >"$WORK/run.txt" 2>&1 &
    shown=$!
}
# until_says TEXT: in the transcript of the run in the background.
until_says() {
    for _ in $(seq 400); do
        if grep -qF -- "$1" "$WORK/run.txt"; then return; fi
        sleep 0.05
    done
    cat "$WORK/run.txt"
    fail "the run did not say: $1"
}
# ends CODE: the run in the background ends with it.
ends() {
    local got=0
    wait "$shown" || got=$?
    shown=
    cp "$WORK/run.txt" "$WORK/out.txt"
    : >"$WORK/err.txt"
    [ $got -eq "$1" ] || { cat "$WORK/out.txt"; fail "the run ended with $got, not $1"; }
}
# member RUN STEP PATH: of `runs show --json`, such as attempts.0.number
member() {
    leat runs show "$1" --json | python3 -c '
import json, sys
at = next(s for s in json.load(sys.stdin)["items"][0]["steps"] if s["name"] == sys.argv[1])
for key in sys.argv[2].split("."): at = at[int(key)] if key.isdigit() else at[key]
print(at)' "$2" "$3"
}
newest() { leat runs --json -n 1 | python3 -c 'import json, sys; print(json.load(sys.stdin)["items"][0]["id"])'; }

step "a file, and what the step after it does then; nothing runs meanwhile"
cat >pipelines/file.yaml <<'Y'
pipeline: file
steps:
  here: {wait: {for: landing/here.csv, poll: 1s}}
  any: {wait: {for: "landing/*/part-?.csv", poll: 1s}}
  not_now:
    wait: landing/never.csv
    when: 1 == 2
  land: {copy: landing/here.csv, into: raw.orders, after: [here, any]}
Y
touch landing/other.csv
begin run file
until_says "start   here"
until_says "start   any"
exits 0 leat status
says "here: waiting"
says "for landing/here.csv"
exits 0 leat runs show
says "waiting 0"
sleep 1.2
same "$(pgrep -P "$shown" -x leat | wc -l)" 0 "workers of a run that only waits"
mkdir landing/2026-11-20
touch landing/2026-11-20/part-1.csv
printf 'id\n1\n2\n' >landing/here.csv
ends 0
says "ok 3"
same "$(one 'select count(*) from raw.orders')" 2 "rows"
same "$(member "$(newest)" here attempts.0.log)" None "the log of a step without a process"

step "a URL: not there, trouble, there"
serve_files
cat >pipelines/url.yaml <<Y
pipeline: url
steps:
  ready: {wait: {for: "http://127.0.0.1:$port/ready", poll: 1s, timeout: 1m}}
Y
begin run url
until_says "start   ready"
sleep 1.2
kill "$server"
wait "$server" || true
for _ in $(seq 60); do leat status | grep -q "Failed to connect" && break; sleep 0.1; done
exits 0 leat status
says "http://127.0.0.1:$port/ready: Failed to connect"
touch www/ready
python3 -u -m http.server --bind 127.0.0.1 --directory www "$port" >"$WORK/http.txt" 2>&1 &
server=$!
ends 0

step "a URL that was computed may not lead inside; one that was written may"
cat >pipelines/inside.yaml <<Y
pipeline: inside
params: {name: ready}
steps:
  ready: {wait: {for: "http://127.0.0.1:$port/\${params.name}", poll: 1s, timeout: 1s}}
Y
exits 1 leat run inside
says "leads to an address inside: refused"
grep -q "GET\|HEAD" "$WORK/http.txt" && { grep -c ready "$WORK/http.txt" >"$WORK/hits.txt"; }
same "$(cat "$WORK/hits.txt")" 1 "requests that reached the server"

step "a dataset: seen at once when it is published here, however long the poll"
cat >pipelines/dataset.yaml <<'Y'
pipeline: dataset
steps:
  there: {wait: {for: raw.items, poll: 1h, timeout: 1m}}
  slow: {shell: "sleep 0.5; mkdir -p landing/items; echo id > landing/items/a.csv"}
  write: {pipeline: items, after: slow}
Y
cat >pipelines/items.yaml <<'Y'
pipeline: items
steps:
  land: {copy: landing/items/*.csv, into: raw.items}
Y
exits 0 timeout 30 leat run dataset
says "ok      there"

step "SQL: asked by a worker at each look, over what is published then"
cat >pipelines/rows.yaml <<'Y'
pipeline: rows
params: {wanted: 3}
steps:
  rows: {wait: {for: "select count(*) >= ${params.wanted} from raw.orders", poll: 1s, timeout: 1m}}
Y
begin run rows
until_says "start   rows"
sleep 1.5
kill -INT "$shown"
ends 130
same "$(member "$(newest)" rows state)" cancelled "the wait"
cat >pipelines/broken.yaml <<'Y'
pipeline: broken
steps:
  rows: {wait: {for: "select nothing from raw.orders", poll: 1s, timeout: 2s}}
Y
exits 1 timeout 60 leat run broken
says 'Referenced column "nothing" not found'
cat >pipelines/own.yaml <<'Y'
pipeline: own
steps:
  rows: {wait: {for: "select count(*) > 2 from read_csv('landing/here.csv')", poll: 1s, timeout: 30s}}
  data: {shell: "sleep 0.5; printf '3\n4\n' >> landing/here.csv"}
Y
exits 0 timeout 60 leat run own

step "the clock: what has passed is there, what is to come is waited for"
soon=$(python3 -c 'import datetime as d; print((d.datetime.now(d.timezone.utc) + d.timedelta(seconds=3)).strftime("%Y-%m-%dT%H:%M:%SZ"))')
cat >pipelines/clock.yaml <<Y
pipeline: clock
steps:
  past: {wait: 2020-01-01 06:15}
  midnight: {wait: "00:00"}
  soon: {wait: {for: "$soon", timeout: 1m}}
  window: {wait: "\${add(window.end, 1h)}"}
Y
exits 0 timeout 30 leat run clock --window 2026-01-01
says "ok 4"
[ "$(date -u +%s)" -ge "$(date -u -d "$soon" +%s)" ] || fail "it did not wait for the time"

step "a timeout: the step fails for that reason, once, whatever retry says; finally steps run"
cat >pipelines/late.yaml <<'Y'
pipeline: late
steps:
  never: {wait: {for: landing/never.csv, poll: 1s, timeout: 2s}, retry: 5}
  after_it: {shell: echo no, after: never}
finally:
  tell: {shell: echo "$LEAT_RUN_ID" > told.txt}
Y
exits 1 timeout 30 leat run late
says "step never waited 2.0s for landing/never.csv, in vain"
same "$(member "$(newest)" never reason)" timeout "the reason"
same "$(cat told.txt)" "$(newest)" "the finally step's run"
cat >pipelines/again.yaml <<'Y'
pipeline: again
steps:
  never: {wait: {for: landing/never.csv, poll: 1s, timeout: 1s}, retry: {times: 1, wait: 1s, if: [timeout]}}
Y
exits 1 timeout 30 leat run again
same "$(leat runs show --json | grep -c '"number"')" 2 "attempts of a wait whose timeout is to be tried again"

step "cancel: at once"
cat >pipelines/long.yaml <<'Y'
pipeline: long
steps:
  never: {wait: {for: landing/never.csv, poll: 1h}}
Y
begin run long
until_says "start   never"
exits 0 leat cancel long
ends 1
says "cancel  never"

step "kill -9 while it waits: the next one goes on with the same attempt and the same deadline"
cat >pipelines/killed.yaml <<'Y'
pipeline: killed
steps:
  come: {wait: {for: landing/come.csv, poll: 1s, timeout: 8s}}
  rows: {wait: {for: "select count(*) > 5 from read_csv('landing/come.csv')", poll: 1s, timeout: 9s}}
  end: {shell: echo end >> ends.txt, after: [come, rows]}
Y
begin run killed
until_says "start   rows"
run=$(newest)
sleep 1
deadline=$(member "$run" come attempts.0.detail.waits.until)
kill -9 "$shown"
wait "$shown" 2>/dev/null || true
exits 0 leat status
says "leat retry $run goes on with it"
begin retry "$run"
until_says "goes on waiting (2 steps)"
same "$(member "$run" come attempts.0.detail.waits.until)" "$deadline" "the deadline"
seq 0 9 >landing/come.csv
ends 0
for name in come rows end; do same "$(member "$run" $name attempts | grep -o "'number'" | wc -l)" 1 "attempts of $name"; done
same "$(cat ends.txt)" end "what ran after it"

step "the deadline of a wait goes on while nobody is there"
rm landing/come.csv
begin run killed
until_says "start   rows"
run=$(newest)
kill -9 "$shown"
wait "$shown" 2>/dev/null || true
sleep 8
exits 1 timeout 20 leat retry "$run"
says "waited 8.0s for landing/come.csv, in vain"
says "waited 9.0s for select count(*) > 5"

step "a run that nobody goes on with: its waits end with it, at once"
begin run long
until_says "start   never"
run=$(newest)
kill -9 "$shown"
wait "$shown" 2>/dev/null || true
exits 0 timeout 30 leat run items
same "$(member "$run" never reason)" interrupted "the wait of the abandoned run"

step "waits do not take the place of steps that work"
cat >pipelines/many.yaml <<'Y'
pipeline: many
steps:
  w: {each: {n: [1, 2, 3, 4, 5, 6, 7, 8]}, wait: {for: "landing/go.csv", poll: 1s}}
  work: {shell: "touch landing/go.csv"}
Y
exits 0 timeout 30 leat run many --jobs 1
says "ok 9"
