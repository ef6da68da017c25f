#!/usr/bin/env bash
# serve_files: what becomes of a daemon whose files are edited: broken, mended, renamed, deleted while they run, a name
# used twice; leat.yaml changed and broken; the folder of pipelines that comes late.
. "$(dirname "$0")/lib.sh"
at_end() {
    touch "$WORK/go"
    stop_daemon
}
printf 'leat: 1\nproject: files\n' >leat.yaml
tick() { printf 'pipeline: tick\nschedule: {cron: "* * * * * *", if_missed: run_all}\nsteps:\n  a:\n    shell: echo %s\n' "$1"; }
newest() { db "select coalesce(max(r.id), 0) from run r join pipeline p on p.id = r.pipeline where p.name = 'tick' and r.state = 'ok'"; }
newer() { [ "$(newest)" -gt "$1" ]; }
goes_on() { soon "tick goes on" newer "$(newest)"; }
# said WORD: the newest run of tick said it.
said() { grep -qs " $1$" .leat/log/"$(newest)"/*.log; }

step "the folder of pipelines comes while it serves"
serve_up
mkdir pipelines
tick one >new.yaml
mv new.yaml pipelines/tick.yaml
log_says ' definition .*pipeline=tick'
soon "it runs" said one

step "a broken file: the last good definition goes on"
printf 'steps: [' >>pipelines/tick.yaml
log_says ' warn  definition_broken .*pipelines/tick.yaml:6:.* keeps_last_good=true'
exits 10 leat status --exit-code
says "BROKEN    tick  pipelines/tick.yaml:6:"
says "the last good definition keeps running"
goes_on
said one || fail "another definition ran"

step "also over a restart"
serve_ends 0 TERM
serve_up
log_says 'definition_broken .*pipelines/tick.yaml'
goes_on
said one || fail "another definition ran"

step "renamed while it is broken: the last good definition goes on"
mv pipelines/tick.yaml pipelines/tuck.yaml
log_says ' warn  definition_broken .*pipelines/tuck.yaml:6:.* keeps_last_good=true'
goes_on
said one || fail "another definition ran"
! log_has "error  broken" || fail "the daemon broke"
mv pipelines/tuck.yaml pipelines/tick.yaml

step "mended: the new definition runs"
tick two >pipelines/tick.yaml
soon "the new one runs" said two

step "renamed on disk: the pipeline goes on, every second once"
mv pipelines/tick.yaml pipelines/tock.yaml
goes_on
goes_on
! log_has definition_gone || fail "it was said to be gone"
every_second_once 1

step "a second file of the same name is refused, and takes over when the first goes"
tick three >pipelines/also.yaml
log_says 'definition_broken pipeline=pipelines/also.yaml .*the name `tick` belongs to pipelines/tock.yaml'
goes_on
said two || fail "the second file ran"
rm pipelines/tock.yaml
soon "the second file runs" said three
every_second_once 1

step "another name in the same file: the old pipeline is gone, the new one runs"
sed 's/^pipeline: tick/pipeline: tack/' pipelines/also.yaml >new.yaml
mv new.yaml pipelines/also.yaml
log_says ' definition_gone .*pipeline=tick'
log_says ' definition .*pipeline=tack'
soon "tack runs" db_is "select count(*) > 0 from run r join pipeline p on p.id = r.pipeline where p.name = 'tack' and r.state = 'ok'" 1
soon "tick's schedule is gone" db_is "select gone_at is not null from schedule where id = 1" 1
rm pipelines/also.yaml

step "deleted while it runs: the run ends as it would, those that wait are skipped"
printf 'pipeline: hold\nsteps:\n  a: {shell: "while [ ! -e go ]; do sleep 0.05; done"}\n  b: {shell: echo b, after: a}\n' >pipelines/hold.yaml
log_says ' definition .*pipeline=hold'
exits 0 leat run hold --queue
hold=$(db "select max(r.id) from run r join pipeline p on p.id = r.pipeline where p.name = 'hold'")
soon "it runs" db_is "select state from run where id = $hold" running
exits 0 leat run hold --queue
rm pipelines/hold.yaml
log_says ' definition_gone .*pipeline=hold'
touch go
soon "the first is ok" db_is "select state from run where id = $hold" ok
soon "the second is skipped" db_is "select state, reason from run where id = $hold + 1" 'skipped|pipeline_gone'

step "a text that a pipeline includes: HUP looks at it"
mkdir queries
echo 'select 1 as n' >queries/q.sql
printf 'pipeline: q\nsteps:\n  a: {sql_file: queries/q.sql, into: raw.q, write: replace}\n' >pipelines/q.yaml
log_says ' definition .*pipeline=q '
looks=$(grep -c 'pipeline=q ' "$WORK/serve.log")
echo 'select 22 as n' >queries/q.sql
kill -HUP "$daemon"
again() { [ "$(grep -c 'pipeline=q ' "$WORK/serve.log")" -gt "$looks" ]; }
soon "the definition is another one" again

step "leat.yaml broken: it keeps going; mended: it starts itself again, the same process"
tick four >pipelines/tick.yaml
soon "the new one runs" said four
printf 'leat: 1\nproject: files\npools: {api: many}\n' >leat.yaml
log_says ' project_broken .*leat.yaml'
goes_on
printf 'leat: 1\nproject: files\npools: {api: 3}\n' >leat.yaml
twice() { [ "$(grep -c ' serving ' "$WORK/serve.log")" = 2 ]; }
soon "it serves again" twice
kill -0 "$daemon" || fail "the process is gone"
goes_on
exits 8 leat serve
serve_ends 0 TERM
