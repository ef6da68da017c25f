# Some hours of a day must not take the place of the whole day.
$ mkdir pipelines; cat > pipelines/h.yaml <<'Y'
> pipeline: h
> steps:
>   day:
>     sql: select cast(${window.start} as date) as d, hour(${window.start}) as h
>     into: trusted.h
>     partition_by: d
> Y
$ leat run h --window 2026-01-01 -q > /dev/null; leat sql --csv 'from trusted.h'
d,h
2026-01-01,0
$ leat run h --window 2026-01-01T05 2>&1 | grep -E '^  (cause|hint)' | cut -c 1-90
  cause  a window shorter than a day would replace whole days of trusted.h with a part of 
  hint   partition `d` by the hour as well, use `write: merge`, or run it for windows of d
$ leat sql --csv 'from trusted.h'
d,h
2026-01-01,0
$ leat run h --window 2026-01-01 --tz Mars/Base
! error: unknown time zone `Mars/Base`
[2]
$ leat runs --tz Mars/Base
! error: unknown time zone `Mars/Base`
!   hint: write one such as Europe/Berlin or UTC
[2]
# A step that does not name the window has nothing to do for the next one when nothing else changed.
$ cat > pipelines/u.yaml <<'Y'
> pipeline: u
> steps:
>   all: {sql: select 1 as n, into: trusted.all, when_unchanged: skip}
>   day: {sql: "select ${window.start} as d", into: trusted.day, when_unchanged: skip}
> Y
$ leat run u --window 2026-01-01 -q > /dev/null
$ leat run u --window 2026-01-02 | grep -oE '(ok|none) +(all|day)'
none    all
ok      day
