# leat runs, runs show, status, logs: before anything ran, after runs that went well and badly.
@ project shop
$ leat runs
! no runs
$ leat runs show
! error: no run: nothing was ever run in $TMP/project
!   hint: run something first: leat run PIPELINE
[4]
$ leat status
! nothing has run yet: leat run PIPELINE, or leat serve
$ leat logs 1
! error: no run `1`: nothing was ever run in $TMP/project
!   hint: run something first: leat run PIPELINE
[4]
$ leat runs nope
! error: no pipeline is called `nope` in $TMP/project
!   hint: see `leat validate` for those there are
[4]
$ leat run tell -q --progress none > /dev/null
$ touch broken; leat run tell -q --progress none > /dev/null 2>&1
[1]
$ leat runs --plain | cut -f 1,2,4,7
2	tell	failed	manual
1	tell	ok	manual
$ leat runs --result failed --plain | cut -f 1,4
2	failed
$ leat runs tell --result ok --json | grep -c '"id"'
1
$ leat runs --result fine
! error: --result takes one of: queued, running, ok, warn, failed, cancelled, skipped; not `fine`
[2]
$ leat runs -n 0
! error: --limit takes a whole number from 1 on, not `0`
[2]
$ leat runs --since tomorrowish
! error: `tomorrowish` is not a time
!   hint: write 2026-11-19, 2026-11-19T10:30, today, monday, -2h or "7d ago"
[2]
$ leat runs --since 1h --plain | wc -l
2
$ leat runs show 2 | head -n 1
run 2  tell  failed  manual  definition [0-9a-f]{6} (re)
!
! see  leat logs 2
! then leat retry 2
$ leat runs show 2 --plain | grep -v '^started' | cut -f 1,2,3
run 2  tell  failed  manual  definition [0-9a-f]{6} (re)
reason  exit_code

hello	shell	success
maybe	shell	failed
!
! see  leat logs 2
! then leat retry 2
$ leat runs show 9
! error: there is no run 9
!   hint: see `leat runs`
[4]
$ leat runs show tell --json | python3 -c "import json, sys; i = json.load(sys.stdin)['items'][0]; print(i['id'], i['result'], [(s['name'], s['state'], len(s['attempts']), s['attempts'][0]['exit_code']) for s in i['steps']])"
2 failed [('hello', 'success', 1, 0), ('maybe', 'failed', 1, 1)]
$ leat logs 1 --timestamps none
hello | hello
hello | to stderr
$ leat logs 1 hello --timestamps none --grep 'to std'
to stderr
$ leat logs 1 hello --timestamps none --tail 1
to stderr
$ leat logs 1 nope
! error: run 1 of tell has no step `nope`
!   hint: see `leat runs show 1`
[4]
$ leat logs 1 --grep '('
! error: --grep `(`: Unmatched ( or \(
[2]
$ leat logs 1 -f --timestamps none | sed 's/in [0-9].*/in …/'
hello | hello
hello | to stderr
run 1 ok in …
$ leat logs 2 -f > /dev/null
[1]
$ leat logs 1 --json | grep -c '"text"'
2
$ leat status
FAILING   tell  since \w+ [-0-9]+ [0-9:]+ UTC, 1 run; maybe: exit_code   leat runs show 2 (re)
$ leat status --exit-code > /dev/null
[10]
$ leat status tell --json | python3 -c "import json, sys; i = json.load(sys.stdin)['items'][0]; print(i['pipeline'], i['state'], i['failing_runs'], i['last_run'])"
tell failing 1 2
$ leat status nope
! error: no pipeline is called `nope` in $TMP/project
!   hint: see `leat validate` for those there are
[4]
# A run goes on when nobody reads what it says.
$ rm broken; { leat run tell; echo $? > code; } 2>&1 | true; cat code
0
$ { leat run tell --json; echo $? > code; } | true; cat code
0
$ leat runs -n 2 --plain | cut -f 1,4
4	ok
3	ok
# A run may be named by its pipeline; a parameter that is a date is told as one.
$ leat cancel tell
! error: run 4 is not running: it is ok
!   hint: see: leat runs show 4
[4]
$ leat cancel tel
! error: no pipeline is called `tel` in $TMP/project
!   hint: did you mean `tell`?
[4]
$ printf 'pipeline: dated\nparams: {d: {type: date, default: 2026-01-01}}\nsteps:\n  one: {shell: echo, env: {D: "${params.d}"}}\n' > pipelines/dated.yaml; leat run dated -q > /dev/null; leat runs show dated --json | grep '"d"'
        "d": "2026-01-01"
