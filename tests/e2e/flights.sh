#!/usr/bin/env bash
# flights: the example on 30 days of its real data: refined equals one straight query, a second run consumes
# nothing, the late file is found, bad rows are set aside.
. "$(dirname "$0")/lib.sh"
example flights
LEAT=leat ./prepare 30

step "raw to refined"
exits 0 leat run flights
same_as_straight
same "$(one 'select count(distinct flight_date) from trusted.flights')" 29 "days, one is late"

step "bad rows are set aside with the rule they broke"
same "$(one 'select count(*) from trusted.flights__quarantine')" 5 "quarantined rows"
same "$(one "select count(*) from trusted.flights__quarantine where _leat_check like 'delay between%'")" 2 "impossible delays"
same "$(one "select count(*) from trusted.flights__quarantine where _leat_check like '%references%'")" 2 "unknown airports"

step "the second run consumes nothing and says so"
leat zone history trusted.flights --plain >"$WORK/before.txt"
exits 0 leat run flights
says "nothing new"
leat zone history trusted.flights --plain >"$WORK/after.txt"
same_files "$WORK/before.txt" "$WORK/after.txt" "the second run published trusted.flights again"

step "the late file comes, and one that was there before comes again"
mv late/*.csv landing/flights/
cp landing/flights/flights_2001-01-08.csv landing/flights/flights_2001-01-08_again.csv
exits 0 leat run flights
same_as_straight
same "$(one 'select count(distinct flight_date) from trusted.flights')" 30 "days"

step "older versions are still there"
same "$(one 'select count(distinct flight_date) from trusted.flights@0')" 29 "days of version 0"
