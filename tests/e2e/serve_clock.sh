#!/usr/bin/env bash
# serve_clock: lives of the daemon at times that are made up: what a pause held back past a restart, and clocks that are set
# back by hours. Each slot keeps one outcome, and none is without.
. "$(dirname "$0")/lib.sh"
at() { # TIME COMMAND…: the wall clock says so
    local time
    time=$(date -u -d "$1" +%s)
    shift
    LD_PRELOAD=$BUILD/tests/set_clock.so SET_CLOCK=$time "$@"
}
serves_at() { exits 0 at "$1" leat serve --once; }
# slots SCHEDULE FROM: their outcomes from that hour on: hours of the first and last, how many, what became of them
slots() {
    db "select strftime('%d %H', fire / 1000000, 'unixepoch'), strftime('%H', last_fire / 1000000, 'unixepoch'), count,
        coalesce(reason, outcome) from slot s join schedule c on c.id = s.schedule join pipeline p on p.id = c.pipeline
        where p.name = '$1' order by fire"
}
mkdir -p pipelines
pipeline() { # NAME SCHEDULE
    printf 'pipeline: %s\nschedule: {cron: "0 * * * *", timezone: UTC, %s}\nsteps:\n  a: {shell: "true"}\n' "$1" "$2" >"pipelines/$1.yaml"
}

step "what a pause held back stays of the pause when the daemon that ended it is gone"
pipeline held "jitter: 59m, if_missed: run_all"
serves_at 2026-03-01T00:30
exits 0 at 2026-03-01T00:40 leat pause held
exits 0 at 2026-03-01T06:00:01 leat resume held
serves_at 2026-03-01T06:00:01
same "$(slots held)" "01 01|05|5|paused" "those that are due"
serves_at 2026-03-01T07:59:59
same "$(slots held)" "01 01|06|6|paused
01 07|07|1|run" "with the one that fired in the pause and was due after it"

step "set back by hours, and not there when the time comes again: what was decided stays"
pipeline back "if_missed: run_latest"
serves_at 2026-03-02T00:30
serves_at 2026-03-02T02:30
serves_at 2026-03-02T09:30
all="02 01|01|1|missed
02 02|02|1|run
02 03|08|6|missed
02 09|09|1|run"
same "$(slots back)" "$all" "with the clock ahead"
serves_at 2026-03-02T02:40
log_line() { grep -q "the clock was set back by more than three hours" "$WORK/out.txt" "$WORK/err.txt"; }
log_line || fail "it does not say that the clock was set back"
same "$(slots back)" "$all" "with the clock set back"
serves_at 2026-03-02T10:30
same "$(slots back)" "$all
02 10|10|1|run" "when it has caught up"

step "a slot that comes again is decided anew, and with it what was skipped ahead of it; what ran does not run again"
serves_at 2026-03-02T20:30
serves_at 2026-03-02T10:40
serves_at 2026-03-02T12:30
same "$(slots back | tail -3)" "02 11|11|1|missed
02 12|12|1|run
02 20|20|1|run" "after the twelfth hour came again"
serves_at 2026-03-02T22:30
same "$(slots back | tail -5)" "02 12|12|1|run
02 13|19|7|missed
02 20|20|1|run
02 21|21|1|missed
02 22|22|1|run" "when it has caught up"
same "$(db "select count(*) - count(distinct scheduled_for) from run r join pipeline p on p.id = r.pipeline where p.name = 'back'")" 0 "slots that ran twice"

step "what fired while its file was gone is nobody's, and why says so"
pipeline away "if_missed: run_all"
serves_at 2026-03-03T00:30
serves_at 2026-03-03T01:30
mv pipelines/away.yaml away.yaml
serves_at 2026-03-03T01:40
mv away.yaml pipelines/away.yaml
serves_at 2026-03-03T04:30
exits 0 at 2026-03-03T04:40 leat why away 2026-03-03T02
says "came while this schedule was not there: its file was gone, or did without it"
exits 0 at 2026-03-03T04:40 leat why away 2026-03-02T02
says "came before this schedule was first served"
