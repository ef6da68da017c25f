#!/usr/bin/env bash
# faults_database: a database that is corrupt, cut off, another program's, a newer leat's, older than the lake or gone;
# an engine that is missing or is none. Each is refused with the next step; no file is changed.
. "$(dirname "$0")/lib.sh"
example hello
exits 0 leat run hello
for _ in $(seq 100); do [ -e .leat/warden.sock ] || break; sleep 0.05; done # the warden goes by itself
cp -r .leat "$WORK/state"

state() { rm -rf .leat; cp -r "$WORK/state" .leat; }
sum_of() { sha256sum .leat/leat.db | cut -d' ' -f1; }
# refused TEXT…: verbs that write and verbs that read say each text, and leave the database as it is.
refused() {
    local before after text
    before=$(sum_of)
    for verb in "run hello" "runs" "retry 1" "zone list"; do
        exits 6 leat $verb
        for text in "$@"; do says "$text"; done
        says "hint: "
    done
    after=$(sum_of)
    same "$after" "$before" "the database"
}
change() { python3 -c "import sqlite3, sys; d = sqlite3.connect('.leat/leat.db'); d.execute(sys.argv[1]); d.commit()" "$1"; }

step "of a newer leat"
state
change "pragma user_version = 99"
refused "written by a newer leat (version 99 of the schema" "no file was changed"

step "of another program"
state
change "pragma application_id = 1234"
refused "is the database of another program" "move it aside"

step "no database at all"
state
head -c 100000 /dev/urandom >.leat/leat.db
rm -f .leat/leat.db-*
refused ".leat/leat.db"
printf 'short' >.leat/leat.db
refused "is damaged" "put a backup in place"

step "damaged in its pages"
state
python3 - <<'P'
import os
size = os.path.getsize(".leat/leat.db")
with open(".leat/leat.db", "r+b") as f:
    for page in range(1, size // 4096):
        f.seek(page * 4096)
        f.write(b"\xaa" * 300)
P
refused "leat.db" "put a backup in place"

step "cut off"
state
truncate -s 20000 .leat/leat.db
refused "malformed" "put a backup in place"

# Files that were moved for the refused version may lie beside the old ones: without a log entry nobody reads them.
unchanged() {
    sha256sum --quiet -c "$WORK/before.txt" || fail "the lake was changed"
    same "$(ls lake/raw/orders/_leat lake/refined/revenue/_delta_log | grep -c json)" 4 "log entries"
}

step "older than the lake (a restored backup): the dataset is stopped, nothing is published over it"
state
printf 'order_id,country,amount,ordered_at\n2001,AT,10.50,2026-11-20T10:00:00Z\n' >landing/more.csv
exits 0 leat run hello
find lake -type f | sort | xargs sha256sum >"$WORK/before.txt"
state
exits 1 leat run hello
says "stopped  raw.orders is ahead of the database: version 1 is on disk"
says "stopped  refined.revenue is ahead of the database: version 1 is on disk"
says "leat zone repair refined.revenue --adopt"
[ ! -e .leat/log/2/land.g1.a1.log ] || fail "the step was started for a stopped dataset"
exits 1 leat run hello
says "raw.orders is stopped"
unchanged

operations() { leat zone history "$1" --plain | cut -f 4 | paste -sd' '; }

step "what is on disk is taken as it is: nothing is read or made again, and who would do so is named"
exits 8 leat zone repair raw.orders
says "raw.orders is at v0 in the database, at v1 on disk"
says "v1  append  1 file  by hello.land in run 2"
says "leat zone repair raw.orders --adopt"
exits 2 leat zone repair raw.orders --adopt --yes --no-input
says "needs --reason"
exits 0 leat zone repair raw.orders --adopt --dry-run
says "the bookmark of hello.land knows nothing of this"
exits 0 leat zone repair raw.orders --adopt --yes --reason "old backup"
exits 0 leat zone repair refined.revenue --adopt --yes --json
says '"action": "adopted"'
unchanged
same "$(leat zone history raw.orders --json | grep -c 'adopted: old backup')" 1 "reasons"
same "$(operations refined.revenue)" "replace replace" "operations"
same "$(one 'select count(*) from raw.orders')" 1001 "rows"
same "$(one 'select count(*) from raw.orders@0')" 1000 "rows of the version before"
same "$(one "select revenue from refined.revenue where country = 'AT'")" 10.50 "revenue of the new country"
exits 0 leat zone repair raw.orders
says "is in order"

step "made anew without doubling: adopted, rolled back, and read again"
exits 0 leat zone rollback raw.orders --to 0 --yes
exits 0 leat run hello
same "$(one 'select count(*) from raw.orders')" 1001 "rows"
same "$(one "select revenue from refined.revenue where country = 'AT'")" 10.50 "revenue of the new country"

step "gone: the same"
rm -rf .leat
exits 1 leat run hello
says "version 0 is on disk"
exits 8 leat zone repair raw.orders
says "raw.orders is not in the database; on disk it is at v3"
rm -rf .leat
mkdir .leat
exits 0 leat zone repair raw.orders --adopt --yes
says "the database has no bookmark of hello.land"
exits 0 leat zone repair refined.revenue --adopt --yes
same "$(one 'select count(*) from raw.orders')" 1001 "rows"
same "$(operations raw.orders)" "append rollback append append" "operations"
for version in 0 1 2 3; do one "select count(*) from raw.orders@$version"; done | paste -sd' ' >"$WORK/counts.txt"
same "$(cat "$WORK/counts.txt")" "1000 1001 1000 1001" "rows of all versions"

step "a file is missing: said, and nothing is adopted; back in its place the dataset goes on"
change "update dataset set stopped = 'somebody looked' where name = 'raw.orders'"
file=$(echo lake/raw/orders/v=3-*/more.csv) # the live one; that of v1 was rolled back
mv "$file" "$WORK/more.csv"
exits 8 leat zone repair raw.orders --yes
says "/more.csv is missing from"
mv "$WORK/more.csv" "$file"
exits 0 leat zone repair raw.orders --yes
says "raw.orders was stopped: somebody looked"
says "raw.orders is published to again"
exits 0 leat run hello

step "another lake's database is told from an older one"
rm -rf .leat lake
exits 0 leat run hello
state
exits 8 leat zone repair raw.orders --adopt --yes
says "version 0 on disk is not the one the database knows"

# engine TEXT: with this LEAT_DUCKDB nothing starts, and it is said why.
engine() {
    local runs
    runs=$(leat runs --plain | wc -l)
    exits 6 leat run hello
    says "the order of hello's steps cannot be known"
    says "$1"
    says "scripts/setup"
    exits 6 leat sql "select 1"
    says "$1"
    exits 0 leat validate hello
    says "$1"
    same "$(leat runs --plain | wc -l)" "$runs" "runs"
}

step "the engine is a text file, another library, not there"
rm -rf .leat lake
echo text >"$WORK/text.so"
export LEAT_DUCKDB=$WORK/text.so
engine "$WORK/text.so cannot be used as the embedded engine"
LEAT_DUCKDB=$(ldd "$BUILD/leat" | awk '/libjansson/ {print $3}')
engine "it has no function duckdb_library_version"
LEAT_DUCKDB=/nowhere/libduckdb.so
engine "No such file or directory"
unset LEAT_DUCKDB

step "none is found anywhere: only steps that need it fail"
mkdir -p "$WORK/other/build/x"
cp "$BUILD/leat" "$BUILD/leat-warden" "$WORK/other/build/x/"
if "$WORK/other/build/x/leat" sql "select 1" >/dev/null 2>&1; then
    printf 'the system has an engine of its own\n'
else
    PATH=$WORK/other/build/x:$PATH
    engine "DuckDB is not installed"
    printf 'pipeline: plain\nsteps:\n  a:\n    shell: echo hi\n' >pipelines/plain.yaml
    exits 0 leat run plain
    PATH=${PATH#*:}
fi
exits 0 leat run hello
