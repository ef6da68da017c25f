#!/usr/bin/env bash
# faults_data: a landing file that changes while it is read; a CSV whose columns moved, are missing, are none; a step
# that needs more memory than it may have.
. "$(dirname "$0")/lib.sh"
mkdir -p pipelines landing
cat >pipelines/p.yaml <<'Y'
pipeline: p
steps:
  land:
    copy: landing/*.csv
    into: raw.orders
    bookmark: files
  good:
    promote: raw.orders
    into: trusted.orders
    checks: [missing(id) = 0]
Y
rows() { leat sql --csv "select id, amount, country from trusted.orders order by all" | tail -n +2 | paste -sd' '; }

step "a landing file that grows while it is copied is left for the next run"
{ echo id,amount,country; yes 7,7,DE | head -n 200000 || true; } >landing/big.csv
printf 'id,amount,country\n1,10,DE\n' >landing/1.csv
bash -c 'while :; do echo 7,7,DE; done >>landing/big.csv' &
writer=$!
at_end() { kill $writer 2>/dev/null || true; }
changed="landing/big.csv changed while it was copied: it is left for the next run"
for try in {1..20}; do # a busy machine may not let the writer write just then
    rm -rf .leat lake
    exits 0 leat run p
    ! grep -qF "$changed" "$WORK/out.txt" "$WORK/err.txt" || break
done
says "$changed"
same "$(rows)" "1,10,DE" "rows"
kill $writer
wait $writer || true
exits 0 leat run p
same "$(one 'select count(*) + 1 from trusted.orders where id = 7')" "$(wc -l <landing/big.csv)" "rows of the grown file"
rm -rf .leat lake landing/big.csv
exits 0 leat run p

step "columns that moved are found by their names, also when old and new files come together"
printf 'country,id,amount\nAT,2,20\n' >landing/2.csv
printf 'amount,country,id\n30,CH,3\n' >landing/3.csv
printf 'id,amount,country\n4,40,DE\n' >landing/4.csv
exits 0 leat run p
same "$(rows)" "1,10,DE 2,20,AT 3,30,CH 4,40,DE" "rows"

step "a column that is missing is NULL, and said"
printf 'id,country\n5,DE\n' >landing/5.csv
exits 0 leat run p
says 'column `amount` of trusted.orders is not given by the step'
same "$(rows)" "1,10,DE 2,20,AT 3,30,CH 4,40,DE 5,,DE" "rows"

step "another separator, so no known column: the gate stops it, readers keep their version"
before=$(rows)
printf 'id;amount;country\n6;60;DE\n' >landing/6.csv
exits 5 leat run p
says "missing(id) = 0"
says "nothing was published"
same "$(rows)" "$before" "rows"
rm -rf .leat lake landing/6.csv
exits 0 leat run p

step "a column renamed under an exact schema is shown column by column"
cat >leat.yaml <<'Y'
leat: 1
project: columns
zones:
  raw: {path: lake/raw}
  trusted: {path: lake/trusted, schema: strict}
Y
before=$(rows)
printf 'id,price,country\n6,60,DE\n' >landing/6.csv
exits 5 leat run p
says 'missing `amount`; new column `price` long'
same "$(rows)" "$before" "rows"
rm landing/6.csv leat.yaml

step "text where numbers were: the row is refused with its place, nothing of the batch is published"
printf 'id,amount,country\n7,70,DE\neight,80,DE\n' >landing/7.csv
if leat run p >"$WORK/out.txt" 2>"$WORK/err.txt"; then fail "a text became a number"; fi
says "values fit their types"
same "$(rows)" "$before" "rows"
rm landing/7.csv

step "a step that needs more memory than it may have"
cat >pipelines/eat.yaml <<'Y'
pipeline: eat
steps:
  eat:
    exec: [python3, -c, "x = [bytearray(10 ** 7) for i in range(200)]"]
    limits: {memory: 200MiB}
  alone:
    shell: echo fine
Y
exits 1 leat run eat
says "memory"
says "limits: {memory:"
says "ok      alone"
