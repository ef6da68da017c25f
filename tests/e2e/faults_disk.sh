#!/usr/bin/env bash
# faults_disk: small file systems that fill up while staging, logging, committing, publishing; zones and a state
# folder that are read-only. Needs root for its mounts, which it makes in a mount namespace of its own.
[ -n "${LEAT_OWN_MOUNTS:-}" ] || ! unshare -m true 2>/dev/null || LEAT_OWN_MOUNTS=1 exec unshare -m bash "$0" "$@"
. "$(dirname "$0")/lib.sh"
mkdir -p small
mount -t tmpfs -o size=1m tmpfs small 2>/dev/null || cannot_run "no file system can be mounted (not root?)"
umount small
mkdir -p pipelines landing lake/raw lake/trusted .leat
cat >pipelines/p.yaml <<'Y'
pipeline: p
steps:
  land:
    copy: landing/*.csv
    into: raw.orders
    bookmark: files
  sum:
    sql: select count(*) as n from raw.orders
    into: trusted.total
    write: replace
Y
cat >pipelines/fill.yaml <<'Y'
pipeline: fill
steps:
  fill:
    shell: |
      dd if=/dev/zero of=.leat/filler bs=64k 2>/dev/null || true
      head -c 2000000 /dev/zero | tr '\0' 'x' | fold -w 100
      echo filled >filled
  next:
    after: fill
    shell: echo next
Y
small() { mount -t tmpfs -o "size=$2" tmpfs "$1"; }
free_of() { umount "$1" 2>/dev/null || umount -l "$1"; }
rows() { python3 -c "print('id,t'); [print(i, 'x' * 80, sep=',') for i in range($1)]"; }
total() { one 'select n from trusted.total'; }
versions() { leat zone history raw.orders --plain | wc -l; }

step "full while staging: the step fails with the reason, its stage is gone, readers keep their version"
small lake 3m
rows 10000 >landing/1.csv
exits 0 leat run p
rows 30000 >landing/2.csv
exits 6 leat run p
says "/files/2.csv: No space left on device"
says "free some space and run the same command again"
says "leat retry 2"
same "$(total)" 10000 "rows"
same "$(versions)" 1 "versions"
same "$(find lake/raw/_leat_stage -mindepth 1)" "" "left in the stage"
mount -o remount,size=20m lake
exits 0 leat retry 2
same "$(total)" 40000 "rows after the space was found"
free_of lake

# After the state folder was full: what ran is recorded, the next run goes on.
state_was_full() {
    exits 6 leat run fill
    [ -e filled ] || fail "the step was stopped by its full log"
    says "the disk is full: nothing was half published, and what ran is recorded"
    says "hint: free some space and run the same command again"
    exits 0 leat runs --json
    says '"result": "failed"'
    rm .leat/filler filled
    exits 0 leat run p
    same "$(total)" 40000 "rows"
    python3 -c "import sqlite3; d = sqlite3.connect('.leat/leat.db'); assert d.execute('pragma integrity_check').fetchone()[0] == 'ok'"
}

step "full while logging and committing: the ballast makes room to record it"
rm -rf .leat lake
mkdir -p .leat
small .leat 80m
state_was_full
same "$(stat -c %s .leat/ballast)" 67108864 "the ballast, made again"
free_of .leat

step "the same where no ballast can be set aside, which is said"
rm -rf .leat lake
mkdir -p .leat
small .leat 8m
exits 0 leat run p
says "warning: no 64 MiB could be set aside"
state_was_full
free_of .leat

step "no room even to begin"
rm -rf .leat lake
mkdir -p .leat
small .leat 128k
exits 6 leat run p
says "hint: free some space"
[ ! -e lake ] || fail "something was started"
free_of .leat

read_only() { mount --bind "$1" "$1" && mount -o remount,ro,bind "$1"; }
step "a read-only zone: the step says which zone must be writable"
rm -rf .leat lake landing/*
rows 1 >landing/1.csv
exits 0 leat run p
rows 2 >landing/2.csv
read_only lake/trusted
exits 6 leat run p
says "Read-only file system"
says 'zone `trusted` must be writable'
same "$(total)" 1 "rows"
free_of lake/trusted
exits 0 leat run p
same "$(total)" 3 "rows"

step "read-only from the moment of publishing on: checked and staged, published when it can be"
rows 3 >landing/3.csv
read_only lake/raw/orders
exits 6 leat run p
says "land is checked and staged but cannot be published"
says "goes on from here"
same "$(one 'select count(*) from raw.orders')" 3 "rows"
exits 6 leat run p
free_of lake/raw/orders
exits 0 leat run p
says "raw.orders v2"
same "$(total)" 6 "rows"
same "$(versions)" 3 "versions"

step "a read-only state folder: nothing is started, looking works"
read_only .leat
exits 6 leat run p
says ".leat/lock: Read-only file system"
exits 0 leat runs
exits 0 leat status
free_of .leat
exits 0 leat run p
says "nothing new"
