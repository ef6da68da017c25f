#!/usr/bin/env bash
# A files bookmark with a horizon: what is older leaves the set, and is not taken for new because of that.
. "$(dirname "$0")/lib.sh"

mkdir -p pipelines in/old in/new
cat >pipelines/land.yaml <<'Y'
pipeline: land
steps:
  land:
    copy: in/*/*.csv
    into: raw.files
    bookmark: {files: {horizon: 30 days}}
Y
printf 'a\n1\n' >in/new/1.csv
printf 'a\n2\n' >in/old/2.csv
touch -d '20 days ago' in/old/2.csv

step "both are within the horizon"
exits 0 leat run land
same "$(one 'select count(*) from raw.files')" 2 "rows landed"

step "one grows old: the next publish forgets it, and no run takes it again"
touch -d '40 days ago' in/old/2.csv
printf 'a\n3\n' >in/new/3.csv
exits 0 leat run land
exits 0 leat run land
says "nothing new"
same "$(one 'select count(*) from raw.files')" 3 "rows landed"
