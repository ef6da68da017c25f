# Retries whose pauses are as short as the loop's own turns: none may wait for something else to happen.
$ mkdir pipelines && cat > pipelines/a.yaml <<'Y'
> pipeline: a
> steps:
>   often:
>     shell: test "$LEAT_ATTEMPT" = 120
>     retry: {times: 200, wait: 1ms}
> Y
$ timeout 60 leat run a -q --progress none > /dev/null; leat runs --plain | cut -f 1,2,4
1	a	ok
# A retry keeps out what the run left out, and what it kept.
$ cat > pipelines/o.yaml <<'Y'
> pipeline: o
> steps:
>   before:
>     sql: select 1 as n
>     into: raw.n
>     write: append
>   middle: {after: before, shell: test ! -e broken}
>   behind: {after: middle, shell: echo}
> Y
$ touch broken; leat run o --only middle -q > /dev/null 2>&1; rm broken
$ leat retry 2 -q > /dev/null; leat runs show 2 | grep -E '^(before|middle|behind)' | sed 's/  */ /g; s/ [0-9.]*s *$//'
before sql skipped left out by the plan
middle shell success 1
behind shell skipped left out by the plan
$ leat zone list -q --plain | wc -l
0
$ leat run o --window 2026-01-01 -q > /dev/null; touch broken; leat run o --window 2026-01-01 > /dev/null 2> why; grep kept why; rm broken
before kept: already appended in v0 (--force repeats it)
$ leat retry 4 -q > /dev/null; leat zone history raw.n --plain | wc -l
1
