#!/usr/bin/env bash
# delta_readers: an independent reader (the deltalake package) sees the same rows as Leat at every version.
. "$(dirname "$0")/lib.sh"
python=$SOURCE/.deps/venv/bin/python
[ -x "$python" ] || fail "no .deps/venv: scripts/setup --tests makes it"
example flights
LEAT=leat ./prepare 8
exits 0 leat run flights
mv late/*.csv landing/flights/
exits 0 leat run flights

for dataset in trusted.flights refined.daily_delay refined.route_delay; do
    path=lake/${dataset/./\/}
    for version in $(leat zone history "$dataset" --json | sed -n 's/.*"version": \([0-9]*\).*/\1/p'); do
        leat sql --csv "select * from $dataset@$version order by all" >"$WORK/leat.csv"
        "$python" "$SOURCE/tests/e2e/delta_rows.py" "$WORK/leat.csv" "$path" "$version"
    done
done
