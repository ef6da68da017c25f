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
