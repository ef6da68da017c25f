# lib.sh: sourced by the end-to-end tests: NAME.sh BUILD-FOLDER. Each works in a folder of its own.
set -euo pipefail
SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=$(cd "${1:?the build folder}" && pwd)
export PATH="$BUILD:$PATH" LANG=C.UTF-8 LEAT_NO_COLOR=1
WORK=$(mktemp -d "${TMPDIR:-/tmp}/leat-e2e-XXXXXX")
SECONDS=0

at_end() { :; } # a test may stop here what it started
finish() {
    local code=$?
    at_end
    if [ $code -eq 0 ]; then
        rm -rf "$WORK"
        printf 'ok in %ss\n' "$SECONDS"
    else
        printf 'FAILED with %s; its files are in %s\n' "$code" "$WORK"
    fi
}
trap finish EXIT
cd "$WORK"

fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }
step() { printf -- '-- %s\n' "$*"; }

# cannot_run REASON: this machine cannot run the test; anything else that is skipped is a failure of ./check.
cannot_run() {
    printf 'cannot run here: %s\n' "$*"
    rm -rf "$WORK"
    trap - EXIT
    exit 77
}

# exits CODE COMMAND…: runs it with its output in out.txt and err.txt.
exits() {
    local want=$1 got=0
    shift
    "$@" >"$WORK/out.txt" 2>"$WORK/err.txt" || got=$?
    [ "$got" -eq "$want" ] || {
        cat "$WORK/out.txt" "$WORK/err.txt"
        fail "$* ended with $got, not $want"
    }
}

# says TEXT: the command before said so on stdout or stderr.
says() { grep -qF -- "$1" "$WORK/out.txt" "$WORK/err.txt" || { cat "$WORK/out.txt" "$WORK/err.txt"; fail "it did not say: $1"; }; }
same() { [ "$1" = "$2" ] || fail "$3: '$1' is not '$2'"; }
same_files() { diff -u "$1" "$2" | head -20; cmp -s "$1" "$2" || fail "$3"; }

# soon WHAT COMMAND…: waits until the command succeeds; two minutes only end a test that hangs.
soon() {
    local what=$1 end=$((SECONDS + 120))
    shift
    until "$@" 2>/dev/null; do
        [ $SECONDS -lt $end ] || fail "never: $what"
        sleep 0.05
    done
}

# one SQL: its single value.
one() { leat sql --csv "$1" | tail -n 1; }

# example NAME: a copy of an example with the place of its data, as in the source tree; goes there.
example() {
    mkdir -p "$WORK/tree/examples" "$WORK/tree/.deps"
    cp -r "$SOURCE/examples/$1" "$WORK/tree/examples/"
    rm -rf "$WORK/tree/examples/$1"/{lake,.leat,late}
    if [ "$1" = flights ]; then
        [ -f "$SOURCE/.deps/flights/flights-3m.parquet" ] || fail "the flights data is missing: scripts/fetch-flights"
        cp -r "$SOURCE/.deps/flights" "$WORK/tree/.deps/"
    fi
    cd "$WORK/tree/examples/$1"
}

# straight TABLE: the same table as one query over everything that landed (examples/flights/straight.sql).
straight() { leat sql --csv "$(sed "s/\$TABLE/$1/" straight.sql)"; }
refined() { leat sql --csv "select * from refined.$1 order by all"; }
# same_as_straight [TABLE…]: by default those of the pipeline `flights`.
same_as_straight() {
    local table
    for table in ${*:-daily_delay route_delay}; do
        straight $table >"$WORK/straight.csv"
        refined $table >"$WORK/refined.csv"
        same_files "$WORK/straight.csv" "$WORK/refined.csv" "refined.$table is not what one query over all files gives"
        [ "$(wc -l <"$WORK/refined.csv")" -gt 1 ] || fail "refined.$table is empty"
    done
}

# ---- a daemon, for serve_*.sh ----
daemon=
stop_daemon() { [ -z "$daemon" ] || kill -9 "$daemon" 2>/dev/null || true; daemon=; }
log_has() { grep -qE -- "$1" "$WORK/serve.log"; }
log_says() { soon "the daemon says: $1" log_has_or_gone "$1"; log_has "$1" || { cat "$WORK/serve.log"; fail "the daemon ended before it said: $1"; }; }
log_has_or_gone() { log_has "$1" || ! kill -0 "$daemon"; }
# serve_up FLAG…: a daemon in the background whose log of this life is serve.log; it serves when this returns.
serve_up() {
    : >"$WORK/serve.log"
    leat serve "$@" >>"$WORK/serve.log" 2>&1 &
    daemon=$!
    log_says ' serving '
}
# serve_ends CODE [SIGNAL]: it gets the signal, and ends with the code.
serve_ends() {
    local got=0
    [ -z "${2:-}" ] || kill "-$2" "$daemon"
    wait "$daemon" || got=$?
    daemon=
    [ "$got" -eq "$1" ] || { tail -n 20 "$WORK/serve.log"; fail "the daemon ended with $got, not $1"; }
}
# db SQL: rows of the project's database, a line each.
db() { python3 "$SOURCE/tests/e2e/db.py" "$1"; }
db_is() { [ "$(db "$1")" = "$2" ]; }
# Every instant from the first slot to the last is decided, and once.
every_second_once() {
    db "select fire, last_fire, count from slot where schedule = $1 order by fire" | python3 -c '
import sys
last = None
for line in sys.stdin:
    fire, end, count = map(int, line.split("|"))
    assert last is None or fire == last + 10**6, f"after {last} comes {fire}"
    assert end - fire == (count - 1) * 10**6, line
    last = end
assert last, "no slot at all"'
}
