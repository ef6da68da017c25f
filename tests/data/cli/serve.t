# leat serve --once: what is due and what waits, and its log as text and as JSON.
@ project shop
$ leat run tell --queue
run 1 queued; watch it with: leat logs 1 -f
$ leat status | grep -v "^STOPPED"
DAEMON    not running: nothing starts by itself   leat serve
QUEUED    run 1  tell    waits for `leat serve`   leat logs 1 -f
$ leat status --daemon
! error: no daemon is running here: nothing starts by itself
!   hint: start it with: leat serve (or: systemctl restart leat)
[6]
$ leat serve --once | sed 's/^[^ ]* //' | grep -v definition_broken
info  serving pid=[0-9]+ pipelines=[0-9]+ (re)
info  run_started run=1 pipeline=tell trigger=manual generation=1 definition=[0-9a-f]+ steps=2 (re)
...
info  run_finished run=1 pipeline=tell result=ok exit=0 took=.* (re)
info  stopped left_running=0
$ leat run tell --queue > /dev/null; leat serve --once --log-format json | python3 -c "import json, sys; print(sorted({json.loads(l)['type'] for l in sys.stdin} - {'definition_broken'}))"
['run_finished', 'run_started', 'serving', 'step_finished', 'step_started', 'stopped']
$ leat runs --plain | cut -f 1,2,4,7
2	tell	ok	manual
1	tell	ok	manual
$ leat serve --log-format xml
! error: --log-format takes one of: text, json; not `xml`
[2]
$ leat serve --drain-timeout soon
! error: --drain-timeout `soon` is not a duration
!   hint: write `30s`, `5m` or `1h`
[2]
$ leat status --watch --json
! error: --watch is for people: leave out --json, --daemon and --exit-code
[2]
$ leat status --watch=fast
! error: --watch takes a duration of a tenth of a second or more, not `fast`
!   hint: write --watch=5s
[2]
