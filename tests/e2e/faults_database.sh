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

step "gone: the same"
rm -rf .leat
exits 1 leat run hello
says "version 0 is on disk"
unchanged

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
