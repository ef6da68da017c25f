#!/usr/bin/env bash
# serve_steps: a hundred running steps survive kill -9, TERM and an upgrade (USR2) of their daemon; none is disturbed,
# all are adopted with their output whole, and whoever asks meanwhile is answered.
. "$(dirname "$0")/lib.sh"
asker=
at_end() {
    touch "$WORK/go"
    [ -z "$asker" ] || kill "$asker" 2>/dev/null || true
    stop_daemon
}
mkdir -p pipelines
python3 - >pipelines/many.yaml <<'P'
print("pipeline: many\nsteps:")
for i in range(100):
    print(f"  s{i}:\n    shell: echo begun $$; while [ ! -e go ]; do sleep 0.3; echo tick; done; echo over $LEAT_STEP $$")
P
all_up() { [ "$(cat .leat/log/1/*.log | grep -c begun)" = 100 ]; }

step "a hundred steps run"
serve_up --jobs 100
exits 0 leat run many --queue
soon "all are up" all_up
step "kill -9, and another daemon: it adopts all"
serve_ends 137 KILL
serve_up --jobs 100
same "$(db "select count(*) from attempt where state = 'running'")" 100 "attempts that run"

step "TERM, and another daemon"
serve_ends 0 TERM
log_has ' stopped left_running=100' || fail "it did not say that it left them running"
serve_up --jobs 100

step "USR2: replaced by the program that is installed, while somebody asks all the time"
(
    while :; do
        leat status --json >/dev/null && leat run many --queue --reason asked >/dev/null || echo "not answered: $?" >>"$WORK/asked.txt"
        echo answered >>"$WORK/answers.txt"
    done
) 2>>"$WORK/asked.txt" &
asker=$!
some_answers() { [ "$(wc -l <"$WORK/answers.txt")" -ge "$1" ]; }
soon "somebody asks" some_answers 2
for life in 2 3; do
    kill -USR2 "$daemon"
    lives() { [ "$(grep -c ' serving ' "$WORK/serve.log")" -ge "$1" ]; }
    soon "life $life serves" lives $life
    soon "somebody asks in life $life" some_answers $((life * 4))
done
kill "$asker"
wait "$asker" 2>/dev/null || true
asker=
[ ! -s "$WORK/asked.txt" ] || { cat "$WORK/asked.txt"; fail "somebody was not answered"; }
kill -0 "$daemon" || fail "the process is another one"

step "each ends well, once, with its output whole"
for queued in $(db "select id from run where state = 'queued'"); do leat cancel "$queued" >/dev/null; done
touch go
soon "the run is ok" db_is "select state from run where id = 1" ok
same "$(db "select count(*) from attempt join run on run.id = attempt.run where run.id = 1")" 100 "attempts"
# By the process it was when it began.
words_of() { cat .leat/log/1/*.log | sed -n "s/^[^ ]* $1 //p" | awk '{ print $NF }' | sort; }
words_of begun >begun.txt
words_of over >over.txt
same "$(sort -u begun.txt | wc -l)" 100 "processes that began"
same_files begun.txt over.txt "not every step said its last word as the process that it was"

step "a process that is adopted publishes what it made, and moves its bookmark"
cat >pipelines/make.yaml <<'Y'
pipeline: make
steps:
  make:
    shell: |
      echo up >up
      while [ ! -e made ]; do sleep 0.1; done
      printf 'n\n1\n' >"$LEAT_OUTPUT_PATH/n.csv"
      echo 7 >"$LEAT_BOOKMARK_FILE"
    into: raw.made
    bookmark: value
Y
log_says ' definition .*pipeline=make'
exits 0 leat run make --queue
is_up() { [ -e up ]; }
soon "it runs" is_up
serve_ends 137 KILL
serve_up --jobs 100
touch made
soon "it is ok" db_is "select r.state from run r join pipeline p on p.id = r.pipeline where p.name = 'make'" ok
exits 0 leat sql "select count(*) from raw.made" --csv
says "1"
same "$(db "select v.value from bookmark b join bookmark_version v on v.bookmark = b.id and v.version = b.version")" '"7"' "the bookmark"
serve_ends 0 TERM
