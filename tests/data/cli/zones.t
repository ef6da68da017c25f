# Datasets, versions, rollback, bookmarks and ad-hoc SQL.
@ project shop
$ leat zone list
! no datasets yet: a step with `into:` publishes one
$ leat bookmark list
! no bookmarks yet: a step with `bookmark:` makes one when it first runs
$ leat sql "select * from raw.orders"
! error: no dataset `raw.orders`
!   hint: see `leat zone list`
[4]
$ leat run orders -q --progress none > /dev/null
$ printf 'order_id,country,amount\n4,AT,5\n' > landing/two.csv; leat run orders -q --progress none > /dev/null
$ leat zone list --plain | cut -f 1,2,3,4,6,8
raw.orders	files	v1		2	run 2
refined.revenue	delta	v1	3	1	run 2
$ leat zone show refined.revenue | grep -v '^published' | sed 's/[0-9]* B in/N B in/'
refined.revenue v1  delta  3 rows  N B in 1 file
in $TMP/project/lake/refined/revenue

COLUMN   TYPE
country  string
revenue  integer
$ leat zone show refined.revenue@0 --sample 5 | tail -n 3
country  revenue
DE            40
FR            20
$ leat zone show refined.revenu
! error: no dataset `refined.revenu`
!   hint: did you mean `refined.revenue`?
[4]
$ leat zone show refined.revenue@7
! error: refined.revenue has no version 7
!   hint: see `leat zone history refined.revenue`
[4]
$ leat zone history refined.revenue --plain | cut -f 1,3,4,5,6,8,9
v1	run 2	replace	3	+50.0%	2 ok	live
v0	run 1	replace	2		2 ok	kept
$ leat zone history refined.revenue --json | python3 -c "import json, sys; print([(i['version'], i['operation'], i['rows'], i['live']) for i in json.load(sys.stdin)['items']])"
[(1, 'replace', 3, True), (0, 'replace', 2, False)]
$ leat sql "select * from refined.revenue"
country  revenue
AT             5
DE            40
FR            20
$ leat sql --csv "select *, null as n, '' as e, 'a,\"b\"' as q from refined.revenue@0 order by 1"
country,revenue,n,e,q
DE,40,,"","a,""b"""
FR,20,,"","a,""b"""
$ leat sql --json "select country, revenue from refined.revenue limit 1" | tail -n 2
{"country":"AT","revenue":5}
]}
$ leat sql --plain "select * from refined.revenue order by 1"
AT	5
DE	40
FR	20
$ leat sql "select * from refined.revenues"
! error: no dataset `refined.revenues`
!   hint: did you mean `refined.revenue`?
[4]
$ leat sql "select count(*) from refined.revenue@9"
! error: refined.revenue has no version 9
!   hint: see `leat zone history refined.revenue`
[4]
$ leat sql "delete from refined.revenue"
! error: `leat sql` runs SELECT statements only: datasets change by publishing
!   hint: a step with `into:` publishes; see `leat help checks`
[2]
$ leat sql "select * from read_csv('/etc/passwd')"
! error: Cannot access file "/etc/passwd" - file system operations are disabled by configuration
!   hint: SQL may read the project's zones and the folders under allow_paths in leat.yaml
[3]
$ leat sql "select 1 -- a comment with raw.orders@3 in it"
1
1
$ leat sql -- "-- first a comment
> select 2 as two"
two
  2
$ leat zone rollback refined.revenue --dry-run
! refined.revenue v1 → v0. Readers switch at once; the files of v1 are kept.
$ leat zone rollback refined.revenue
! refined.revenue v1 → v0. Readers switch at once; the files of v1 are kept.
! error: this needs a yes, and nobody can be asked
!   hint: give --yes when you mean it
[2]
$ leat zone rollback refined.revenue --yes
refined.revenue v2 is live: the rows of v0
! refined.revenue v1 → v0. Readers switch at once; the files of v1 are kept.
$ leat zone history refined.revenue --plain | cut -f 1,4,5,9
v2	rollback	2	live
v1	replace	3	kept
v0	replace	2	kept
$ leat zone rollback refined.revenue --yes
! error: refined.revenue has no version to go back to
!   hint: see `leat zone history refined.revenue`
[4]
$ leat zone rollback refined.revenue --to 9 --yes
! error: refined.revenue has no version 9
!   hint: see `leat zone history refined.revenue`
[4]
$ leat zone rollback refined.revenue --to x --yes
! error: `x` is not a version
[2]
$ leat bookmark list --plain | cut -f 1,2,3,4,5,7
orders.land	files	raw.orders	2 files	2	run 2
$ leat bookmark show orders | grep -v ^changed
orders.land  files  raw.orders
value    2 files
version  2
  landing/one.csv  48 B
  landing/two.csv  31 B
$ leat bookmark show order.land
! error: no bookmark belongs to `order.land`
!   hint: did you mean `orders.land`?
[4]
$ leat bookmark rewind orders.land --to-run 1 --dry-run
orders.land   2 files → 1 file
the next run reads 1 file again, where it is still there
! nothing was changed
$ leat bookmark rewind orders.land --to-run 1 --yes --reason "to see it again"
orders.land   2 files → 1 file
the next run reads 1 file again, where it is still there
! done. undo: leat bookmark undo orders.land
$ leat bookmark history orders.land --plain | cut -f 1,2,3,6
3	rewind	1 file	to see it again
2	advance	2 files	
1	advance	1 file	
$ leat bookmark undo orders --yes
orders.land   1 file → 2 files
the next run leaves out 1 file more
! done. undo: leat bookmark undo orders.land
$ leat bookmark reset orders.land
orders.land   2 files → nothing
the next run reads every file it finds
! error: this needs a yes, and nobody can be asked
!   hint: give --yes when you mean it
[2]
$ leat bookmark reset orders.land --no-input --yes
! error: with --no-input this needs --reason TEXT, for the history
[2]
$ leat bookmark rewind orders.land
! error: `leat bookmark rewind` needs one of --by, --to-run, --to-version
!   hint: see `leat bookmark history orders.land`
[2]
$ leat bookmark set orders.land
! error: `leat bookmark set` needs --to VALUE
[2]
$ leat bookmark list --json | python3 -c "import json, sys; print([(i['pipeline'], i['step'], i['kind'], i['value'], i['version']) for i in json.load(sys.stdin)['items']])"
[('orders', 'land', 'files', {'files': 2}, 4)]
# A rollback names the bookmarks that stay ahead of it, until they are rewound.
$ leat zone rollback raw.orders --dry-run
! raw.orders v1 → v0. Readers switch at once; the files of v1 are kept.
! refined.revenue v1 was built from v1 by orders.revenue and stays as it is
! the bookmark of orders.land stays ahead: what those rows were made from is not read again
!   to read it again: leat bookmark rewind orders.land --to-version 1
!   2 files → 1 file: the next run reads 1 file again, where it is still there
$ leat zone rollback raw.orders --yes --json 2> /dev/null | grep -A 7 bookmarks_ahead | tr -d ' \n'; echo
"bookmarks_ahead":[{"pipeline":"orders","step":"land","version":4,"rewind_to":1}]
$ leat run orders 2>&1 | grep -c 'none    land .* nothing new'
1
$ leat bookmark rewind orders.land --to-version 1 --yes > /dev/null 2>&1
$ leat run orders 2>&1 | grep -o 'ok      land .* raw.orders v[0-9]'
ok      land              raw.orders v3
$ leat zone rollback raw.orders --to 0 --dry-run 2>&1 | grep rewind
  to read it again: leat bookmark rewind orders.land --to-version 1
$ leat bookmark rewind orders.land --to-version 1 --yes > /dev/null 2>&1; leat zone rollback raw.orders --to 0 --dry-run 2>&1 | grep -c rewind
0
[1]
$ leat bookmark undo orders.land --yes > /dev/null 2>&1; leat zone rollback raw.orders --to 0 --dry-run 2>&1 | grep -c rewind
1
$ leat bookmark reset orders.land --yes > /dev/null 2>&1; leat zone rollback raw.orders --to 0 --dry-run 2>&1 | grep -c rewind
0
[1]
$ leat zone
! error: `leat zone` needs one of: list, show, history, rollback, repair
!   hint: see `leat zone list --help`
[2]
$ leat zone promot
! error: unknown verb `zone promot`
!   hint: see `leat help`
[2]
$ leat bookmark lst
! error: unknown verb `bookmark lst`
!   hint: did you mean `leat bookmark list`?
[2]
$ leat sql --csv "select count(*) as n from refined.revenue@v0 union all select count(*) from refined.\"revenue@1\""
n
2
3
$ leat sql 'from refined."revenue@first"'
! error: `first` is not a version
[2]
# A dataset that was named but never published is no typing mistake.
$ cat > pipelines/gate.yaml <<'Y'
> pipeline: gate
> steps:
>   one: {sql: select 1 as n, into: refined.never, checks: [n > 1]}
> Y
$ leat run gate -q > /dev/null 2>&1
[5]
$ leat sql 'from refined.never'
! error: refined.never has no version yet: nothing was published
!   hint: run the step that writes it; see `leat runs`
[4]
