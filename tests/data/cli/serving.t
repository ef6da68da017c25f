# What is asked of a daemon that serves.
$ mkdir pipelines && printf 'leat: 1\n' > leat.yaml
$ printf 'pipeline: sales\nsteps:\n  a: {shell: "while ! test -e go; do sleep 0.1; done"}\n' > pipelines/sales.yaml
$ printf 'pipeline: gone\nsteps:\n  a: {shell: "true"}\n' > pipelines/gone.yaml && leat run gone > /dev/null 2>&1
$ (leat serve --drain-timeout 2m > serve.log 2>&1 & echo $! > pid); for i in $(seq 200); do grep -q ' serving ' serve.log && break; sleep 0.1; done
# A name that never was, and one whose file is gone.
$ leat pause slaes
! error: no pipeline is called `slaes` in $TMP/project
!   hint: did you mean `sales`?
[4]
$ rm pipelines/gone.yaml; for i in $(seq 200); do grep -q definition_gone serve.log && break; sleep 0.1; done
$ leat pause gone
! error: there is no pipeline `gone` any more: its file is gone
[4]
# What has a line of its own is not counted as OK.
$ touch go; leat run sales --queue > /dev/null; for i in $(seq 200); do leat status | grep -q OK && break; sleep 0.1; done; leat status | grep -v DAEMON
OK        sales
$ rm go; leat run sales --queue > /dev/null; for i in $(seq 200); do leat status | grep -q RUNNING && break; sleep 0.1; done; leat status | grep -v DAEMON | sed 's/  a [0-9].*/  a …/'
RUNNING   run 3  sales    a …
$ leat status gone | grep -v DAEMON
GONE      gone  its file is gone, its history is kept   leat runs gone
# What has no file any more.
$ cat > hide <<'S'
> #!/bin/sh
> sed 's/[A-Z][a-z][a-z] 20..-..-.. ..:..:.. [A-Z]*/T/g; s/  */ /g'
> S
$ chmod +x hide; printf 'pipeline: hourly\nschedule: {every: day at 00:10, timezone: UTC, start: 2025-01-01, end: 2025-01-03, if_missed: run_all}\nsteps:\n  a: {shell: "true"}\n' > pipelines/hourly.yaml; for i in $(seq 200); do leat runs hourly --plain 2> /dev/null | grep -c ok | grep -q 2 && break; sleep 0.1; done; leat why hourly | ./hide
nothing comes any more: its schedule has no later slot; its last run, 5, ended ok
 last run ended at T (run 5)
$ rm pipelines/hourly.yaml; for i in $(seq 200); do grep -q 'definition_gone pipeline=hourly' serve.log && break; sleep 0.1; done; leat why hourly | ./hide
the file of hourly is gone since T, and nothing of it starts any more; its last run, 5, ended ok
 gone since T (schedule)
 last run ended at T (run 5)
$ leat why hourly 2025-02-01 | ./hide
no slot is about it: the file of hourly is gone since T
 gone since T (schedule)
$ leat why hourly 2025-01-01 | ./hide | head -n 1
run 4, of the slot of T, ended ok at T
$ leat why gone | ./hide
the file of gone is gone, and nothing of it starts any more; its last run, 1, ended ok
 last run ended at T (run 1)
$ mv pipelines/sales.yaml off.txt; for i in $(seq 200); do grep -q 'definition_gone pipeline=sales' serve.log && break; sleep 0.1; done; leat why sales | ./hide | head -n 1
run 3 is running: step a runs since T; the file of sales is gone, so nothing follows
$ mv off.txt pipelines/sales.yaml; leat run sales 2>&1 | sed 's/process .*since/process …, since/' | ./hide
error: another leat is writing to this project: process …, since T
 hint: let the daemon run it: leat run sales --queue
# It is to stop, and a step runs.
$ kill -TERM $(cat pid); for i in $(seq 200); do leat status | grep -q stopping && break; sleep 0.1; done; leat status | sed 's/up .* busy, //; s/lag .*/lag …/; s/  a [0-9].*/  a …/'
DAEMON    stopping: starts nothing more, and waits for 1 step, lag …
RUNNING   run 3  sales    a …
$ leat status --daemon
! error: the daemon stops: it starts nothing more
!   hint: start it with: leat serve (or: systemctl restart leat)
[6]
$ touch go; for i in $(seq 200); do kill -0 $(cat pid) 2> /dev/null || break; sleep 0.1; done; leat status
OK        sales
