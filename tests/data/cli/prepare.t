# SQL, keys and checks are looked at against the columns that are known, before anything runs.
@ project shop
$ cat > pipelines/clean.yaml <<'Y'
> pipeline: clean
> about: Types the orders.
> owner: me@example.com
> steps:
>   clean:
>     sql: |
>       select cast(order_id as integer) as order_id, country, cast(amount as decimal(10, 2)) as amount
>       from raw.orders
>     into: trusted.orders
>     checks: [missing(order_id) = 0]
>   totals:
>     sql: |
>       select country,
>              sum(amuont) as revenue
>       from trusted.orders
>       group by country
>     into: refined.totals
>     checks: [missing(contry) = 0]
> Y
# The first day: nothing was ever published, but one step says what the next one reads.
$ leat validate clean
pipelines/clean.yaml              2 errors
error[E0601]: no column `amuont` in trusted.orders
  --> pipelines/clean.yaml:14:18
   |
14 |              sum(amuont) as revenue
   |                  ^^^^^^ did you mean `amount`?
   = note: columns of trusted.orders: order_id, country, amount
   |
error[E0412]: no column `contry` in refined.totals
  --> pipelines/clean.yaml:18:22
   |
18 |     checks: [missing(contry) = 0]
   |                      ^^^^^^ did you mean `country`?
   = note: columns of refined.totals: country, revenue

2 errors in pipelines/clean.yaml.
[3]
$ leat validate clean --format gcc
pipelines/clean.yaml:14:18: error: no column `amuont` in trusted.orders: did you mean `amount`? [E0601]
pipelines/clean.yaml:18:22: error: no column `contry` in refined.totals: did you mean `country`? [E0412]
[3]
$ leat run clean
! error[E0601]: no column `amuont` in trusted.orders
!   --> pipelines/clean.yaml:14:18
!    |
! 14 |              sum(amuont) as revenue
!    |                  ^^^^^^ did you mean `amount`?
!    = note: columns of trusted.orders: order_id, country, amount
!    |
! error[E0412]: no column `contry` in refined.totals
!   --> pipelines/clean.yaml:18:22
!    |
! 18 |     checks: [missing(contry) = 0]
!    |                      ^^^^^^ did you mean `country`?
!    = note: columns of refined.totals: country, revenue
!
! 2 errors in pipelines/clean.yaml.
! error: clean is not valid; nothing was started
!   hint: mend it, then look again with `leat validate`
[3]
$ sed -i 's/amuont/amount/; s/contry/country/' pipelines/clean.yaml
$ leat validate
pipelines/clean.yaml              ok   2 steps, 2 checks
pipelines/orders.yaml             ok   2 steps, 2 checks, next run ... ....-..-.. 06:15 CES?T (re)
pipelines/tell.yaml               ok   2 steps

3 files, 0 not valid
$ leat run orders -q --progress none > /dev/null && leat run clean -q --progress none > /dev/null
# What was published is known to other pipelines, types and all.
$ cat > pipelines/report.yaml <<'Y'
> pipeline: report
> about: Reads what another pipeline publishes.
> owner: me@example.com
> params: {since: 2026-01-01}
> steps:
>   report:
>     sql: select upper(countri) as country, revenue from refined.totals
>     into: refined.report
>     checks: [row_count > 0]
>   compared:
>     sql: select country from refined.totals where revenue > ${params.since}::date
>     into: refined.compared
>     checks: [row_count > 0]
> Y
$ leat validate report
pipelines/report.yaml             2 errors
error[E0601]: no column `countri` in refined.totals
  --> pipelines/report.yaml:7:23
   |
 7 |     sql: select upper(countri) as country, revenue from refined.totals
   |                       ^^^^^^^ did you mean `country`?
   = note: columns of refined.totals: country, revenue
   |
error[E0601]: Cannot compare values of type DECIMAL(38,2) and type DATE - an explicit cast is required
  --> pipelines/report.yaml:11:59
   |
11 |     sql: select country from refined.totals where revenue > ${params.since}::date
   |                                                           ^

2 errors in pipelines/report.yaml.
[3]
# A column that the other pipeline is going to add is no error where both are looked at.
$ sed -i 's/countri/currency/; /^params/d; /compared/,$d' pipelines/report.yaml
$ leat validate report --format gcc
pipelines/report.yaml:6:23: error: no column `currency` in refined.totals [E0601]
[3]
$ sed -i "s/select country,/select country, 'EUR' as currency,/" pipelines/clean.yaml
$ leat validate report clean
pipelines/report.yaml             ok   1 step, 1 check
pipelines/clean.yaml              ok   2 steps, 2 checks

2 files, 0 not valid
# Where nobody can tell what a step will write, what was published last is a hint, not a verdict.
$ cat > pipelines/star.yaml <<'Y'
> pipeline: star
> about: A step that may write anything.
> owner: me@example.com
> steps:
>   write:
>     sql: select * exclude (x) from (select *, 1 as x from raw.orders)
>     into: trusted.orders
>     checks: [row_count > 0]
>   read:
>     sql: select order_id, shop from trusted.orders
>     into: refined.read
>     checks: [row_count > 0]
> Y
$ leat validate star
pipelines/star.yaml               ok   2 steps, 2 checks, 1 warning
warning[W0601]: no column `shop` in trusted.orders
  --> pipelines/star.yaml:10:27
   |
10 |     sql: select order_id, shop from trusted.orders
   |                           ^^^^
   = note: columns of trusted.orders: order_id, country, amount
   |
   = help: this is what was published last; a step that comes first may change it

1 warning in pipelines/star.yaml.
# Columns that the dataset's policy will not take.
$ cat > pipelines/policy.yaml <<'Y'
> pipeline: policy
> about: Changes a type.
> owner: me@example.com
> steps:
>   totals:
>     sql: select country, 'a lot' as revenue from trusted.orders
>     into: refined.totals
>     checks: [row_count > 0]
> Y
$ leat validate policy --format gcc
pipelines/policy.yaml:7:5: warning: the schema of refined.totals may not change like this (policy `add`): type of `revenue` decimal(38,2) -> string [W0602]
# Files that SQL names are not looked for.
$ cat > pipelines/files.yaml <<'Y'
> pipeline: files
> about: Reads files.
> owner: me@example.com
> steps:
>   files:
>     sql: select anything from read_parquet('later/*.parquet')
>     into: refined.files
>     checks: [missing(anything) = 0]
> Y
$ leat validate files
pipelines/files.yaml              ok   1 step, 1 check
# SQL in a file of its own has its own lines.
$ mkdir sql; printf -- '-- how much\nselect country,\n       amuont\nfrom trusted.orders\n' > sql/much.sql
$ cat > pipelines/much.yaml <<'Y'
> pipeline: much
> about: Reads a file of SQL.
> owner: me@example.com
> steps:
>   much: {sql_file: sql/much.sql, into: refined.much, checks: [row_count > 0]}
> Y
$ leat validate much --format gcc
sql/much.sql:3:8: error: no column `amuont` in trusted.orders: did you mean `amount`? [E0601]
[3]
# Without the engine nothing of this is known.
$ LEAT_DUCKDB=/nowhere/libduckdb.so leat validate report --format gcc | sed 's/: the order.*//'
pipelines/report.yaml:6:5: warning: what this SQL reads is not known
$ cat > pipelines/up.yaml <<'Y'
> pipeline: up
> about: Promotes.
> owner: me@example.com
> steps:
>   up: {promote: {dataset: trusted.orders, types: {amuont: double}}, into: refined.orders, checks: [row_count > 0]}
> Y
$ LEAT_DUCKDB=/nowhere/libduckdb.so leat validate up
pipelines/up.yaml                 ok   1 step, 1 check
$ leat validate up --format gcc
pipelines/up.yaml:5:51: error: `types`: no column `amuont` in trusted.orders: did you mean `amount`? [E0412]
[3]
# A damaged database is for those who need it to speak of.
$ printf 'no database' > .leat/leat.db; leat validate up
pipelines/up.yaml                 ok   1 step, 1 check
