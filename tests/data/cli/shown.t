# What a run's lines say: nothing new is no skipped step; what a check about history compared with; times in JSON.
$ mkdir pipelines landing; printf 'id\n1\n2\n3\n' > landing/a.csv; cat > pipelines/p.yaml <<'Y'
> pipeline: p
> steps:
>   land: {copy: landing/*.csv, into: raw.n, bookmark: files}
>   count:
>     sql: select * from raw.n
>     into: refined.n
>     when_unchanged: skip
>     checks: [warn: row_count within 30% of average(last 7 runs)]
>   left: {after: count, shell: echo, when: run.trigger == "schedule"}
> Y
$ leat run p | grep -E ' of 3|^run 1 ok' | grep -v start | sed 's/^[0-9:]* *//; s/  *[0-9.]*s$//; s/ in [0-9.]*s//'
1 of 3  ok      land              raw.n v0
2 of 3  ok      count             3 rows → refined.n v0
3 of 3  skip    left              when
run 1 ok   ok 2  warn 0  failed 0  skipped 1
$ leat run p | grep -E ' of 3|^run 2 ok' | grep -v start | sed 's/^[0-9:]* *//; s/  *[0-9.]*s$//; s/ in [0-9.]*s//'
1 of 3  none    land              nothing new
2 of 3  none    count             nothing new
3 of 3  skip    left              when
run 2 ok   ok 2  warn 0  failed 0  skipped 1
$ printf 'id\n4\n5\n' > landing/b.csv; leat run p | grep -E 'check|of 3  warn' | sed 's/^[0-9:]* *//; s/  *[0-9.]*s$//'
check warn: row_count within 30% of average(last 7 runs), found 5, 66.7% above the 1-run average 3
2 of 3  warn    count             5 rows → refined.n v1
$ leat runs show p --json | grep '"actual"'
              "actual": "5, 66.7% above the 1-run average 3",
$ leat run p --json | grep -oE '"(took|elapsed)":[0-9.]*' | grep -cE '[.][0-9]{7}'
0
[1]
