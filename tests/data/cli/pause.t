# leat pause and resume, while nobody serves: on the database; the next daemon finds it.
@ project shop
$ leat pause tell
tell paused until it is resumed: leat resume tell. Running runs are not touched.
$ leat pause tell --until 2h --reason "moving house" --json | python3 -c "import json, sys; i = json.load(sys.stdin)['items'][0]; print(i['pipeline'], i['catch_up'], i['reason'], i['slots'])"
tell none moving house None
$ leat pause tell --until yesterday
! error: --until yesterday is in the past
!   hint: write when it is to go on: tomorrow, monday, 2h, 2026-11-23T06:00
[2]
$ leat pause tell --until soon
! error: `soon` is not a time
!   hint: write 2026-11-19, 2026-11-19T10:30, today, monday, -2h or "7d ago"
[2]
$ leat pause tell --catch-up some
! error: --catch-up takes one of: none, latest, all; not `some`
[2]
$ leat pause nope
! error: no pipeline is called `nope` in $TMP/project
!   hint: see `leat validate` for those there are
[4]
$ printf 'pipeline: hourly\nschedule: {cron: "0 * * * *"}\nsteps:\n  a: {shell: echo a}\n' > pipelines/hourly.yaml
$ leat pause hourly --until 6h --catch-up all
hourly paused until .*\. 6 scheduled runs will run then\. Running runs are not touched\. (re)
$ leat pause hourly --until 1h
hourly paused until .*\. 1 scheduled run will be skipped\. Running runs are not touched\. (re)
$ leat resume hourly --catch-up latest
hourly resumed.
$ leat pause hourly --until 1s >/dev/null && sleep 1.1 && leat resume hourly | cut -d, -f1
hourly: the pause ended already
$ leat resume nope
! error: no pipeline is called `nope` in $TMP/project
!   hint: see `leat validate` for those there are
[4]
$ leat resume hourly
hourly: the pause ended already, at .*\. (re)
# several at once, as everywhere
$ leat pause 'h*' tell --catch-up all --json | python3 -c "import json, sys; print([(i['pipeline'], i['catch_up']) for i in json.load(sys.stdin)['items']])"
[('hourly', 'all'), ('tell', 'all')]
$ leat pause state:running
! that means no pipeline: nothing was changed
$ leat resume state:paused
hourly resumed.
tell resumed.
$ leat pause tell > /dev/null; leat resume tell hourly
hourly: the pause ended already, at .*\. (re)
tell resumed.
$ leat resume tell hourly
hourly: the pause ended already, at .*\. (re)
tell: the pause ended already, at .*\. (re)
$ leat pause
! error: `leat pause` needs more: leat pause SELECTION... [--until TIME] [--reason TEXT] [--catch-up none|latest|all]
!   hint: see `leat pause --help`
[2]
# a paused pipeline whose file is gone
$ leat pause hourly > /dev/null; rm pipelines/hourly.yaml; leat resume hourly
hourly resumed.
# one pipeline alone is meant, not several
$ leat backfill 'tell*' --from 2025-10-01 --to 2025-10-02
! error: no pipeline is called `tell*` in $TMP/project
!   hint: one pipeline is meant here: its name, or its file
[4]
# runs of all of them
$ leat cancel 'tell*'
! no run of tell* waits or runs
$ leat run tell --queue > /dev/null; leat run tell --queue > /dev/null; leat cancel 'tell*'
run 1 cancelled before it began
run 2 cancelled before it began
# a pipeline's newest run that has not ended
$ leat run tell --queue > /dev/null; leat run tell --queue > /dev/null; leat cancel tell; leat cancel tell; leat cancel tell
run 4 cancelled before it began
run 3 cancelled before it began
! error: run 4 is not running: it is cancelled
!   hint: see: leat runs show 4
[4]
# nothing of it starts by the clock, so nothing is counted
$ printf 'pipeline: hand\nsteps:\n  a: {shell: "true"}\n' > pipelines/hand.yaml; leat pause hand --until 2h | sed 's/until .* UTC/until T/'
hand paused until T. Running runs are not touched.
