# leat pause and resume, while nobody serves: on the database; the next daemon finds it.
@ project shop
$ leat pause tell
tell paused until it is resumed: leat resume tell. Running runs are not touched.
$ leat pause tell --until 2h --reason "moving house" --json | python3 -c "import json, sys; i = json.load(sys.stdin)['items'][0]; print(i['pipeline'], i['catch_up'], i['reason'], i['slots'])"
tell none moving house 0
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
! error: nope is not paused
[4]
