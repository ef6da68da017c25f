# A database older than its lake: what is on disk is adopted, and every bookmark that knows nothing of it is named.
$ mkdir pipelines landing; printf 'id\n1\n' > landing/a.csv; cat > pipelines/p.yaml <<'Y'
> pipeline: p
> steps:
>   land: {copy: landing/*.csv, into: raw.n, bookmark: files}
>   good: {promote: raw.n, into: trusted.n}
> Y
$ leat zone repair raw.n
! error: no dataset `raw.n`: nothing was ever run in $TMP/project
!   hint: run something first: leat run PIPELINE
[4]
$ leat run p -q > /dev/null; cp .leat/leat.db older.db
$ printf 'id\n2\n' > landing/b.csv; leat run p -q > /dev/null; printf 'id\n3\n' > landing/c.csv; leat run p -q > /dev/null
$ cp older.db .leat/leat.db; leat bookmark list -q > /dev/null
# The next command that writes notices, whatever it is about.
$ leat bookmark reset p.land --yes --reason test 2>&1 | grep -o '^stopped .*: version'
stopped  raw.n is ahead of the database: version
stopped  trusted.n is ahead of the database: version
$ leat bookmark undo p.land --yes > /dev/null 2>&1; leat zone list --plain | grep -c STOPPED
2
$ leat zone rollback raw.n --to 0 --yes 2>&1 | grep -o '^error: raw.n is'
error: raw.n is
$ leat zone repair raw.n 2>&1 | sed 's/run [0-9]* of/run N of/'
raw.n is at v0 in the database, at v2 on disk:
  v1  append  1 file  by p.land in run N of the database that is not here
  v2  append  1 file  by p.land in run N of the database that is not here
the bookmark of p.land knows nothing of this: its next run would read again what it was made from, and an append would have it twice
  to have it read again, and once: after this, leat zone rollback raw.n --to 0
the bookmark of p.good has read raw.n up to v0: its next run reads the rest
  if what it writes to has that already: leat bookmark set p.good --to raw.n=2
error: raw.n is ahead of the database
  hint: put the newer database back if there is one; else take what is on disk as it is: leat zone repair raw.n --adopt
$ leat zone repair raw.n --adopt
! raw.n is at v0 in the database, at v2 on disk:
! ...
! error: this needs a yes, and nobody can be asked
!   hint: give --yes when you mean it
[2]
$ leat zone repair raw.n --adopt --yes --json 2> /dev/null | python3 -c "import json, sys; i = json.load(sys.stdin)['items'][0]; print(i['dataset'], i['action'], i['from'], i['version'], [(b['pipeline'], b['step'], b['kind'], b['value']) for b in i['bookmarks_behind']])"
raw.n adopted 0 2 [('p', 'land', 'files', {'files': 1}), ('p', 'good', 'version', {'raw.n': 0})]
$ leat zone repair trusted.n --adopt --yes -q
trusted.n v2 is live; it is published to again
$ leat zone history trusted.n --plain | cut -f 1,4,5,9
v2	append	3	live
v1	append	2	kept
v0	append	1	kept
# The reader is told what it has; what was landed comes again in the place of what is rolled back.
$ leat bookmark set p.good --to raw.n=2 --yes -q --reason "adopted" > /dev/null; leat run p --only good 2>&1 | grep -o 'none    good'
none    good
$ leat zone rollback raw.n --to 0 --yes -q > /dev/null; leat run p --only land -q > /dev/null; leat sql --csv 'select id from raw.n order by all' | paste -sd,
id,1,2,3
$ leat sql --csv 'select id from trusted.n order by all' | paste -sd,
id,1,2,3
$ leat zone repair raw.n
! raw.n is in order: the database and the disk agree
