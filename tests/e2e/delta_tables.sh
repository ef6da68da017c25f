#!/usr/bin/env bash
# delta_tables: tables with everything odd in them, read by the deltalake package at every version, and from the
# checkpoint alone.
. "$(dirname "$0")/lib.sh"
python=$SOURCE/.deps/venv/bin/python
[ -x "$python" ] || fail "no .deps/venv: scripts/setup --tests makes it"
mkdir -p "$WORK/tables"
"$BUILD/tests/delta_tables" "$WORK/tables"
"$python" "$SOURCE/tests/e2e/read_delta.py" "$WORK/tables"
