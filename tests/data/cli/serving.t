# What is asked of a daemon that serves.
$ mkdir pipelines && printf 'leat: 1\n' > leat.yaml
$ printf 'pipeline: sales\nsteps:\n  a: {shell: "while ! test -e go; do sleep 0.1; done"}\n' > pipelines/sales.yaml
$ printf 'pipeline: gone\nsteps:\n  a: {shell: "true"}\n' > pipelines/gone.yaml && leat run gone > /dev/null 2>&1
$ (leat serve > serve.log 2>&1 & echo $! > pid); for i in $(seq 200); do grep -q ' serving ' serve.log && break; sleep 0.1; done
# A name that never was, and one whose file is gone.
$ leat pause slaes
! error: no pipeline is called `slaes` in $TMP/project
!   hint: did you mean `sales`?
[4]
$ rm pipelines/gone.yaml; for i in $(seq 200); do grep -q definition_gone serve.log && break; sleep 0.1; done
$ leat pause gone
! error: there is no pipeline `gone` any more: its file is gone
[4]
$ kill -TERM $(cat pid); for i in $(seq 200); do kill -0 $(cat pid) 2>/dev/null || break; sleep 0.1; done
