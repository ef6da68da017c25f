#!/usr/bin/env bash
# serve_zones: zone data is replaced by other data: while nobody serves, where windows go on where the last one ended;
# and under a daemon, which goes by it at once, also where the pipeline's file is broken.
. "$(dirname "$0")/lib.sh"
at_end() { stop_daemon; }
export TZDIR=$WORK/zoneinfo
town_is() {
    cp "/usr/share/zoneinfo/$1" "$TZDIR/Town.new"
    mv "$TZDIR/Town.new" "$TZDIR/Town"
}
[ -f /usr/share/zoneinfo/Asia/Tokyo ] || cannot_run "there is no zone data"
mkdir -p pipelines "$TZDIR"
cat >pipelines/daily.yaml <<'Y'
pipeline: daily
schedule: {cron: "0 6 * * *", timezone: Town}
steps:
  a: {shell: "true"}
Y
# serve_at TIME
serve_at() {
    : >"$WORK/serve.log"
    LD_PRELOAD=$BUILD/tests/set_clock.so SET_CLOCK=$(date -ud "$1" +%s) leat serve >>"$WORK/serve.log" 2>&1 &
    daemon=$!
    log_says ' serving '
}
seconds() { date -ud "$1" +%s; }
slots() { db "select (fire / 1000000) || ' ' || (window_start / 1000000) || ' ' || (window_end / 1000000) from slot order by fire"; }
# fired TIME: a slot of that instant has run.
fired() { soon "a run at $1" db_is "select count(*) from slot s join run r on r.id = s.run where r.state = 'ok' and fire / 1000000 = $(seconds "$1")" 1; }

step "six in the morning, in Tokyo"
town_is Asia/Tokyo
serve_at "2026-03-01 20:59:58"
fired "2026-03-01 21:00"
serve_ends 0 TERM

step "replaced while nobody serves: six in Karachi, and no hour twice"
town_is Asia/Karachi
serve_at "2026-03-02 00:59:58"
fired "2026-03-02 01:00"
same "$(slots | tail -n 1)" "$(seconds "2026-03-02 01:00") $(seconds "2026-03-01 21:00") $(seconds "2026-03-02 01:00")" "the window"
serve_ends 0 TERM

step "replaced under a daemon, with a broken file: six in Dhaka"
printf 'nonsense: 1\n' >>pipelines/daily.yaml
serve_at "2026-03-02 23:59:55"
town_is Asia/Dhaka
kill -HUP "$daemon"
log_says ' zones '
fired "2026-03-03 00:00"
same "$(slots | tail -n 1)" "$(seconds "2026-03-03 00:00") $(seconds "2026-03-02 01:00") $(seconds "2026-03-03 00:00")" "the window"
serve_ends 0 TERM
