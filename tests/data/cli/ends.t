# How a run that failed ends: as its first failed step says, also when somebody looks later.
$ mkdir pipelines; printf 'leat: 1\nsecrets: {lost: env:NO_SUCH_VARIABLE}\n' > leat.yaml; cat > pipelines/work.yaml <<'Y'
> pipeline: work
> steps:
>   forgiven: {shell: "exit 3", allow_failure: true, env: {S: "x"}}
>   bad: {after: forgiven, shell: "exit 4"}
> Y
$ cat > pipelines/gate.yaml <<'Y'
> pipeline: gate
> steps:
>   forgiven: {shell: "exit 3", allow_failure: true}
>   bad: {after: forgiven, sql: select 1 as n, into: refined.n, checks: [n > 1]}
> Y
$ cat > pipelines/host.yaml <<'Y'
> pipeline: host
> steps:
>   forgiven: {shell: "exit 3", allow_failure: true}
>   bad: {after: forgiven, shell: "echo $S", env: {S: "${secrets.lost}"}}
> Y
$ leat run work -q > /dev/null 2>&1
[1]
$ leat run gate -q > /dev/null 2>&1
[5]
$ leat run host 2> /dev/null | grep cause
  cause  pipelines/host.yaml:4:54: the secret `lost` cannot be had   pipelines/host.yaml:4
$ leat run host -q > /dev/null 2>&1
[6]
$ leat retry 3 -q > /dev/null 2>&1
[6]
$ leat logs 1 -f > /dev/null
[1]
$ leat logs 2 -f > /dev/null
[5]
$ leat logs 3 -f > /dev/null
[6]
$ leat run host --json | grep run_finished | grep -o '"exit": *6'
"exit":6
# What the engine cannot find by the statement's own word is no fault of the machine.
$ printf 'pipeline: word\nsteps: {a: {sql: "select * from read_csv(%s)", into: refined.w}}\n' "'nothing/*.csv'" > pipelines/word.yaml
$ leat run word -q > /dev/null 2>&1
[1]
