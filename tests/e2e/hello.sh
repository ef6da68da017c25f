#!/usr/bin/env bash
# hello: the example of the README: land, publish, nothing new, one more file, a gate.
. "$(dirname "$0")/lib.sh"
example hello

step "it is valid, and nothing has run yet"
exits 0 leat validate
exits 0 leat status

step "the first run lands 1,000 rows and publishes seven countries"
exits 0 leat run hello
same "$(one 'select count(*) from raw.orders')" 1000 "rows landed"
leat sql --csv "select country, sum(cast(amount as decimal(12, 2))) as revenue from read_csv('landing/*.csv')
    group by country order by all" >"$WORK/want.csv"
leat sql --csv "select * from refined.revenue order by all" >"$WORK/got.csv"
same_files "$WORK/want.csv" "$WORK/got.csv" "refined.revenue is not the revenue of the landing files"

step "the second run consumes nothing and says so"
exits 0 leat run hello
says "nothing new"
same "$(leat zone history raw.orders --plain | wc -l)" 1 "versions of raw.orders"
same "$(leat zone history refined.revenue --plain | wc -l)" 1 "versions of refined.revenue"

step "another file: only that is read"
printf 'order_id,country,amount,ordered_at\n2001,AT,10.50,2026-11-20T10:00:00Z\n' >landing/more.csv
exits 0 leat run hello
same "$(one 'select count(*) from raw.orders')" 1001 "rows after the second file"
same "$(one "select revenue from refined.revenue where country = 'AT'")" 10.50 "revenue of the new country"

step "a row without a country: the gate stops the table, readers keep theirs"
printf 'order_id,country,amount,ordered_at\n2002,,11.00,2026-11-20T11:00:00Z\n' >landing/bad.csv
before=$(leat zone show refined.revenue --json | grep '"version"')
exits 5 leat run hello
says "missing(country) = 0"
same "$(leat zone show refined.revenue --json | grep '"version"')" "$before" "version of refined.revenue"
exits 0 leat status
says FAILING
exits 10 leat status --exit-code

step "everything is there for a script"
exits 0 leat runs --json
python3 - "$WORK/out.txt" <<'P'
import json, sys
doc = json.load(open(sys.argv[1]))
assert doc["schema"] == "leat.runs/1", doc["schema"]
assert [item["result"] for item in doc["items"]] == ["failed", "ok", "ok", "ok"], doc
assert all(isinstance(item["id"], str) for item in doc["items"])
P
exits 0 leat logs 1 land --timestamps none
says "copied 1 files"
