# wait and pipeline steps: what is waited for is said while it is; how their ends read; what is refused before.
$ mkdir pipelines landing && cat > pipelines/w.yaml <<'Y'
> pipeline: w
> steps:
>   file: {wait: {for: landing/x.csv, poll: 1s, timeout: 1m}}
>   call: {pipeline: kid}
>   end: {shell: echo end, after: [file, call]}
> Y
$ cat > pipelines/kid.yaml <<'Y'
> pipeline: kid
> params: {word: none}
> steps:
>   go: {wait: {for: landing/go.csv, poll: 1s}}
>   say: {shell: echo "$LEAT_PARAM_WORD", after: go}
> Y
$ leat validate | tail -n 1
2 files, 0 not valid
$ leat run w -q > /dev/null 2>&1 & for i in $(seq 100); do leat status -q 2> /dev/null | grep -q 'go: waiting' && break; sleep 0.05; done
$ leat status | grep : | grep -v ^AT | sed 's/waiting [0-9.]*s/waiting N/; s/until .*/until T/; s/^  *//'
file: waiting N for landing/x.csv, at most until T
call: run 2 of kid
go: waiting N for landing/go.csv
$ leat runs show 1 | grep -E '^(file|call|end)' | sed 's/  *[0-9.]*s / /; s/waiting [0-9.]*s/waiting N/; s/until .*/until T/; s/  */ /g'
file wait running 1 waiting N for landing/x.csv, at most until T
call pipeline running 1 run 2 of kid
end shell waiting
$ leat runs show 2 | grep ^by
by      step call of run 1 (w)
$ leat status --json | grep -c '"since"'
3
$ touch landing/x.csv landing/go.csv; for i in $(seq 200); do leat status -q | grep -q '^OK  *2 pipelines' && break; sleep 0.05; done; leat runs --plain | cut -f 1,2,4,7
2	kid	ok	pipeline
1	w	ok	manual
$ cat > pipelines/late.yaml <<'Y'
> pipeline: late
> steps:
>   never: {wait: {for: landing/never.csv, timeout: 1s}}
> Y
$ leat run late --progress none | sed -n 's/^[0-9:]*  1 of 1  FAILED  *//p; s/^  *cause *//p' | sed 's/ *[0-9.]*s$//'
never             step never waited 1.0s for landing/never.csv, in vain
step never waited 1.0s for landing/never.csv, in vain   pipelines/late.yaml:3
$ cat > pipelines/round.yaml <<'Y'
> pipeline: round
> steps:
>   a: {pipeline: round}
>   b: {pipeline: {name: kid, with: {wrod: x}}}
>   c: {pipeline: kdi}
> Y
$ leat run round
! error[E0414]: pipelines run each other: `round` -> `round`
!  --> pipelines/round.yaml:3:17
!   |
! 3 |   a: {pipeline: round}
!   |                 ^^^^^ the run would, in the end, wait for itself
!   |
! error[E0415]: pipeline `kid` has no parameter `wrod`
!  --> pipelines/round.yaml:4:36
!   |
! 4 |   b: {pipeline: {name: kid, with: {wrod: x}}}
!   |                                    ^^^^ did you mean `word`?
!   |
! error[E0415]: unknown pipeline `kdi`
!  --> pipelines/round.yaml:5:17
!   |
! 5 |   c: {pipeline: kdi}
!   |                 ^^^ did you mean `kid`?
!
! 3 errors in pipelines/round.yaml.  2 can be fixed for you: leat validate --fix
! error: round is not valid; nothing was started
!   hint: mend it, then look again with `leat validate`
[3]
$ leat explain E0414 | head -n 1
E0414: pipelines run each other
$ printf 'pipeline: d\nsteps:\n  a: {wait: {for: raw.x, complete: window}}\n' > pipelines/d.yaml; leat run d
! error: d uses window.*, and no window was given
!   hint: leat run d --window yesterday
[2]
$ cat > pipelines/umlaut.yaml <<'Y'
> pipeline: umlaut
> steps:
>   never: {wait: {for: landing/aäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöü.csv, timeout: 1s}}
> Y
$ leat run umlaut --progress none | grep -a 'in vain' | sed 's/^  *cause *//; s/waited [0-9.]*s/waited N/' | tail -n 1
step never waited N for landing/aäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüä…, in vain   pipelines/umlaut.yaml:3
$ leat runs show 4 --json | grep -ac 'in vain'
2
