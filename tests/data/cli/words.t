# What the words and flags of a command line may be, whatever the verb.
$ leat version
leat 0\.\d+\.\d+.* (re)
$ leat --version
leat 0\.\d+\.\d+.* (re)
$ leat --json version
{
  "schema": "leat.version/1",
...
}
$ leat verson
! error: unknown verb `verson`
!   hint: did you mean `leat version`?
[2]
$ leat
! leat: pipelines in YAML, checked data in versioned tables, one program.
!
! Start
!   validate            Reads and checks pipeline files; runs nothing.
! Run
!   run                 Runs a pipeline now and shows what happens.
!   serve               Runs pipelines by themselves: by their schedules, and when data arrives.
! Look
!   runs                Lists runs, newest first.
!   status              Says whether everything is all right.
!   why                 Says why something runs, waits, failed, was skipped or never came.
!   logs                Shows what the steps of a run wrote, in order of time.
!   sql                 Runs a SELECT over the zones' datasets and the project's files.
!   zone history        Lists the versions of a dataset, newest first.
! Mend
!   retry               Re-runs a run's failed steps and what follows them, or goes on with an interrupted run.
!
! Examples
!   leat validate   check every pipeline of this project
!   leat run hello  run one now, and again: it says what is new
!   leat runs -n 5  the last five runs
!
! Every verb: leat help     One verb: leat VERB --help     Concepts: leat help topics
[2]
$ leat version --jsn
! error: unknown flag `--jsn` of leat version
!   hint: did you mean `--json`?
[2]
$ leat version --color=blue
! error: --color takes one of: auto, always, never; not `blue`
[2]
$ leat version --color
! error: --color needs a value: --color WHEN
[2]
$ leat -C
! error: --directory needs a value: --directory DIR
[2]
$ leat -C /nowhere version
! error: cannot work in /nowhere: No such file or directory
[4]
$ leat version extra
! error: `leat version` does not take `extra`
!   hint: see `leat version --help`
[2]
$ leat -x version
! error: unknown flag `-x` of leat version
!   hint: see `leat version --help`
[2]
$ leat version --json=yes
! error: --json takes no value
[2]
$ leat help exit-codez
! error: no verb and no topic is called `exit-codez`
!   hint: did you mean `leat help exit-codes`?
[4]
$ leat help exit-codes
   0  done, or nothing to do
   1  the work failed: a step failed
   2  usage error: unknown verb, flag or argument
   3  definition invalid
   4  not found: pipeline, run, dataset or bookmark
   5  stopped by a data-quality gate
   6  environment: database, engine, disk or credential
   7  --wait timed out; the run continues
   8  conflict: already running, bookmark or version moved underneath
  10  with --exit-code only: finished, and there are findings
 130  interrupted by SIGINT
 143  ended by SIGTERM
$ leat version > /dev/full
! error: cannot write to stdout: No space left on device
!   hint: free some space and run the same command again
[6]
$ leat version >&-
$ leat version <&-
leat .* (re)
$ leat help topics | head -n 1
Topics
$ leat validate --help | head -n 1
Reads and checks pipeline files; runs nothing.
$ leat --color=always validate --help | sed -n 3p | od -c | head -n 1
0000000 033   [   1   m   U   s   a   g   e 033   [   0   m  \n
$ NO_COLOR=1 leat help topics | head -n 1 | od -c
0000000   T   o   p   i   c   s  \n
0000007
$ leat worker
! error: `leat worker` is started by Leat itself, with --request FILE
!   hint: to run a pipeline: leat run NAME
[2]
$ leat schema | python3 -c "import json, sys; s = json.load(sys.stdin); print(s['\$schema'], s['required'])"
http://json-schema.org/draft-07/schema# ['pipeline', 'steps']
$ leat schema nothing
! error: there are schemas of `pipeline` and `project`, none of `nothing`
[4]
