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
# A window's append is made once, also by a promote; what a bookmark would find stays out of it.
$ mkdir landing && printf 'id,d\n1,2026-01-01\n2,2026-01-02\n' > landing/a.csv && cat > pipelines/w.yaml <<'Y'
> pipeline: w
> steps:
>   land: {copy: landing/*.csv, into: raw.o, bookmark: files}
>   new:
>     sql: select id from raw.o__new
>     into: raw.new
>   window:
>     promote:
>       dataset: raw.o
>       select: select id from source where d >= ${window.start} and d < ${window.end}
>     into: trusted.o
>   plain: {sql: "select ${window.date} as d", into: raw.plain, write: append}
> Y
$ leat run w --window 2026-01-01 --move-bookmark -q > /dev/null; leat run w --window 2026-01-02 2>&1 | grep -Eo '(ok|skip|kept) .*(new|window|plain|raw)\b.*(v[0-9]|nothing)' | sort
> leat run w --window 2026-01-02 2>&1 | grep kept; leat run w --window 2026-01-02 --move-bookmark 2>&1 | grep kept
> leat zone list --plain | cut -f 1,3,4
ok      plain             1 row → raw.plain v1
ok      window            1 row → trusted.o v1
window kept: already appended in v1 (--force repeats it)
plain kept: already appended in v1 (--force repeats it)
plain kept: already appended in v1 (--force repeats it)
raw.n	v0	1
raw.new	v0	2
raw.o	v0	
raw.plain	v1	2
trusted.o	v1	2
