#!/usr/bin/env bash
# faults_yaml: files that are no pipeline. Each is refused with 3, with the place, by `validate` and by `run`; no run
# is made of any.
. "$(dirname "$0")/lib.sh"
mkdir pipelines
file=pipelines/p.yaml
good=$'pipeline: p\nsteps:\n  a:\n    shell: echo hi\n'

# refused WHAT TEXT…: both verbs refuse the file now there and say each text.
refused() {
    local what=$1 text
    shift
    step "$what"
    for verb in validate run; do
        exits 3 timeout 300 leat $verb p
        for text in "$@"; do says "$text"; done
    done
    [ ! -e .leat/leat.db ] || same "$(leat runs --plain | wc -l)" 0 "runs"
}

printf '%s    env: {A: "un' "$good" >$file
refused "cut off in a quoted value" "this quote is never closed" "$file:5:14" "opened here"
printf 'pipeline: p\nsteps:\n  a:\n    shell: [echo, hi' >$file
refused "cut off in a list" "this list is never closed" "$file:4:12"
printf 'pipeline: p\nabout: caf\xe9\nsteps:\n  a:\n    shell: echo\n' >$file
refused "Latin-1" "the file is not UTF-8" "$file:2:11" "save the file as UTF-8"
printf '\xff\xfep\0i\0' >$file
refused "UTF-16" "the file is UTF-16, not UTF-8" "$file:1:1"
printf 'pipeline: p\0\nsteps:\n' >$file
refused "a NUL" "control character" "$file:1:12"
: >$file
refused "an empty file" "the file is empty" "$file:1:1"
head -c 65536 /dev/zero | tr '\0' '\377' >$file
refused "no text at all" "not UTF-8" "$file:1:1"

python3 -c "print('pipeline: p\nsteps:\n  a:\n    env: ' + '[' * 100 + ']' * 100)" >$file
refused "100 levels" "nested more than 64 levels deep" "$file:4:71"
python3 -c "print('pipeline: p\nsteps: ' + '{a: ' * 1000000)" >$file
refused "a million levels" "nested more than 64 levels deep" "$file:2:"
{
    echo 'pipeline: p'
    echo 'a0: &a0 [x, x, x, x, x, x, x, x, x, x]'
    for i in 1 2 3 4 5 6 7 8 9; do printf 'a%s: &a%s [%s]\n' $i $i "$(printf "*a$((i - 1)),%.0s" 1 2 3 4 5 6 7 8 9)*a$((i - 1))"; done
} >$file
refused "an alias bomb" "aliases add more than 10000 values" "$file:5:"
printf 'pipeline: p\nsteps: &s\n  a: *s\n' >$file
refused "an alias of itself" "is used inside of what it names" "$file:3:6"

{ printf '%s' "$good"; head -c 104857600 /dev/zero | tr '\0' '#'; } >$file
refused "100 MB" "the file has 100 MiB; at most 64 MiB are read"
{ printf '%s' "$good"; python3 -c "print(('# ' + 'x' * 60 + '\n') * 950000)"; } >$file
step "60 MB of comments are fine"
exits 0 timeout 300 leat validate p

printf 'pipeline: p\nsteps:\n  a: {shell: echo, after: c}\n  b: {shell: echo, after: a}\n  c: {shell: echo, after: b}\n' >$file
refused "a cycle: its path is shown" '`a` -> `b` -> `c` -> `a`' "$file:3:3"

step "what is no file"
rm $file
mkfifo $file
exits 6 timeout 300 leat validate p
says "it is a pipe, not a file"
rm $file
mkdir $file
exits 6 timeout 300 leat run p
says "Is a directory"
rmdir $file
ln -s p.yaml $file
exits 6 timeout 300 leat run p
says "$file: Too many levels of symbolic links"
rm $file
if [ "$(id -u)" != 0 ]; then
    printf '%s' "$good" >$file
    chmod 0 $file
    exits 6 timeout 300 leat run p
    says "Permission denied"
    rm -f $file
fi
exits 4 timeout 300 leat run p
says 'no pipeline is called `p`'
