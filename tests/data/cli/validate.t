# leat validate: good files, bad files, names that are not there.
@ project shop
$ leat validate
pipelines/orders.yaml             ok   2 steps, 2 checks, next run ... ....-..-.. 06:15 CES?T (re)
pipelines/tell.yaml               ok   2 steps

2 files, 0 not valid
$ leat validate orders
pipelines/orders.yaml             ok   2 steps, 2 checks, next run ... ....-..-.. 06:15 CES?T (re)
$ leat validate pipelines/orders.yaml --format gcc
$ leat lint
pipelines/orders.yaml             ok   2 steps, 2 checks, next run ... ....-..-.. 06:15 CES?T (re)
pipelines/tell.yaml               ok   2 steps

2 files, 0 not valid
$ leat validate ordes
! error: no pipeline is called `ordes` in $TMP/project
!   hint: did you mean `orders`?
[4]
$ leat validate nothing.yaml
! error: cannot read nothing.yaml: No such file or directory
[4]
$ leat validate --format xml
! error: --format takes one of: human, json, gcc, github; not `xml`
[2]
# one file with several mistakes: all in one pass
$ cat > pipelines/bad.yaml <<'Y'
> pipeline: bad
> about: Wrong in several ways.
> owner: me@example.com
> steps:
>   one:
>     shel: echo hello
>   two:
>     shell: echo two
>     after: onne
>     timeout: 10
> Y
$ leat validate bad
pipelines/bad.yaml                3 errors
error[E0104]: unknown key `shel` in step `one`
  --> pipelines/bad.yaml:6:5
   |
 6 |     shel: echo hello
   |     ^^^^ did you mean `shell`?
   |
error[E0401]: step `two` comes after `onne`, which does not exist
  --> pipelines/bad.yaml:9:12
   |
 9 |     after: onne
   |            ^^^^ did you mean `one`?
   |
error[E0203]: `timeout` needs a unit
  --> pipelines/bad.yaml:10:14
   |
10 |     timeout: 10
   |              ^^ write `10s`, `10m` or `10h`

3 errors in pipelines/bad.yaml.  2 can be fixed for you: leat validate --fix
[3]
$ leat validate bad --format gcc
pipelines/bad.yaml:6:5: error: unknown key `shel` in step `one`: did you mean `shell`? [E0104]
pipelines/bad.yaml:9:12: error: step `two` comes after `onne`, which does not exist: did you mean `one`? [E0401]
pipelines/bad.yaml:10:14: error: `timeout` needs a unit: write `10s`, `10m` or `10h` [E0203]
[3]
$ leat validate bad --format github
::error file=pipelines/bad.yaml,line=6,col=5,endColumn=9,title=E0104::unknown key `shel` in step `one`: did you mean `shell`?
::error file=pipelines/bad.yaml,line=9,col=12,endColumn=16,title=E0401::step `two` comes after `onne`, which does not exist: did you mean `one`?
::error file=pipelines/bad.yaml,line=10,col=14,endColumn=16,title=E0203::`timeout` needs a unit: write `10s`, `10m` or `10h`
[3]
$ leat validate --json | python3 -c "import json, sys; d = json.load(sys.stdin); print(d['schema'], [(i['file'], i['ok'], [(g['code'], g['line'], g['column']) for g in i['diagnostics']]) for i in d['items']])"
leat.validate/1 [('pipelines/bad.yaml', False, [('E0104', 6, 5), ('E0401', 9, 12), ('E0203', 10, 14)]), ('pipelines/orders.yaml', True, []), ('pipelines/tell.yaml', True, [])]
$ leat validate bad --fix
pipelines/bad.yaml                3 errors
error[E0104]: unknown key `shel` in step `one`
  --> pipelines/bad.yaml:6:5
   |
 6 |     shel: echo hello
   |     ^^^^ did you mean `shell`?
   |
error[E0401]: step `two` comes after `onne`, which does not exist
  --> pipelines/bad.yaml:9:12
   |
 9 |     after: onne
   |            ^^^^ did you mean `one`?
   |
error[E0203]: `timeout` needs a unit
  --> pipelines/bad.yaml:10:14
   |
10 |     timeout: 10
   |              ^^ write `10s`, `10m` or `10h`

3 errors in pipelines/bad.yaml.  2 can be fixed for you: leat validate --fix
! pipelines/bad.yaml: 2 fixes applied; run `leat validate` again
[3]
$ cat pipelines/bad.yaml
pipeline: bad
about: Wrong in several ways.
owner: me@example.com
steps:
  one:
    shell: echo hello
  two:
    shell: echo two
    after: one
    timeout: 10
$ leat run bad
! error[E0203]: `timeout` needs a unit
!   --> pipelines/bad.yaml:10:14
!    |
! 10 |     timeout: 10
!    |              ^^ write `10s`, `10m` or `10h`
!
! 1 error in pipelines/bad.yaml.
! error: bad is not valid; nothing was started
!   hint: mend it, then look again with `leat validate`
[3]
$ rm pipelines/*.yaml; leat validate
! error: no pipeline files in $TMP/project
!   hint: put one into pipelines/NAME.yaml; it begins with `pipeline: NAME`
[4]
# what only several files together can have wrong
$ printf 'pipeline: orders\nsteps:\n  land: {copy: a/*.csv, into: raw.orders}\n' > pipelines/a.yaml
$ printf 'pipeline: orders\nsteps:\n  one: {shell: "true"}\n' > pipelines/b.yaml
$ printf 'pipeline: more\nsteps:\n  land: {copy: b/*.csv, into: raw.orders}\n' > pipelines/c.yaml
$ leat validate --format gcc
pipelines/a.yaml:1:1: error: pipeline `orders` is defined twice: pipelines/b.yaml has this name too [E0411]
pipelines/a.yaml:1:1: warning: the pipeline has neither `about` nor `owner`: say in one line what it does, and who to ask [W0101]
pipelines/a.yaml:3:25: warning: pipeline `more` writes `raw.orders` too: their writes are serialised, in no order of yours [W0111]
pipelines/b.yaml:1:1: error: pipeline `orders` is defined twice: pipelines/a.yaml has this name too [E0411]
pipelines/b.yaml:1:1: warning: the pipeline has neither `about` nor `owner`: say in one line what it does, and who to ask [W0101]
pipelines/c.yaml:1:1: warning: the pipeline has neither `about` nor `owner`: say in one line what it does, and who to ask [W0101]
pipelines/c.yaml:3:25: warning: pipeline `orders` writes `raw.orders` too: their writes are serialised, in no order of yours [W0111]
[3]
$ leat validate pipelines/b.yaml
pipelines/b.yaml                  1 error, 1 warning
error[E0411]: pipeline `orders` is defined twice
 --> pipelines/b.yaml:1:1
  |
1 | pipeline: orders
  | ^^^^^^^^ pipelines/a.yaml has this name too
  |
  = help: history, bookmarks and metrics belong to the name: rename one of them
  |
warning[W0101]: the pipeline has neither `about` nor `owner`
 --> pipelines/b.yaml:1:1
  |
1 | pipeline: orders
  | ^^^^^^^^ say in one line what it does, and who to ask

1 error, 1 warning in pipelines/b.yaml.
[3]
