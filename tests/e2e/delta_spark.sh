#!/usr/bin/env bash
# delta_spark: Spark with Delta's own reader sees the same rows as Leat at every version.
. "$(dirname "$0")/lib.sh"
python=$SOURCE/.deps/venv/bin/python
export DELTA_JARS=$SOURCE/.deps/delta-jars
[ -x "$python" ] || fail "no Spark: scripts/setup --tests fetches it"
[ -f "$DELTA_JARS/pins" ] || cannot_run "Delta's jars are not there; scripts/setup --tests fetches them where it can"
example flights
LEAT=leat ./prepare 5
exits 0 leat run flights
mv late/*.csv landing/flights/
exits 0 leat run flights

tables=()
for dataset in trusted.flights refined.daily_delay refined.route_delay; do
    tables+=("$dataset=$PWD/lake/${dataset/./\/}")
    for version in $(leat zone history "$dataset" --json | sed -n 's/.*"version": \([0-9]*\).*/\1/p'); do
        leat sql --csv "select * from $dataset@$version order by all" >"$WORK/$dataset.$version.csv"
    done
done
"$python" "$SOURCE/tests/e2e/delta_spark_rows.py" "$WORK" "${tables[@]}"
