#!/bin/sh
# mutants.sh BUILD [NAME]: is the simulator of the daemon any good? Each line below breaks the program in one way: the
# broken file is compiled and linked before the libraries; some of 25 seeds must notice: the first, or those from NAME@SEED
# on where what it takes is rare. A line is: name | file | sed script.
# One that changes nothing, does not compile, or survives is an error.
set -eu
root=$(cd "$(dirname "$0")/../../.." && pwd)
build=$(cd "${1:-$root/build/debug}" && pwd)
only=${2:-}
work=$(mktemp -d "${TMPDIR:-/tmp}/leat-months-mutants-XXXXXX")
memory=$work
[ -w /dev/shm ] && memory=$(mktemp -d /dev/shm/leat-months-mutants-XXXXXX)
trap 'rm -rf "$work" "$memory"' EXIT INT TERM
ninja -C "$build" months >/dev/null
link=$(ninja -C "$build" -t commands months | tail -n 1)
survived=0 tried=0

flags_of() { # the compiler's words for a source, without its input and outputs
    python3 - "$build/compile_commands.json" "$root/$1" <<'P'
import json, shlex, sys
for e in json.load(open(sys.argv[1])):
    if e["file"] == sys.argv[2]:
        words = shlex.split(e["command"])
        cut = words.index("-o")
        print(" ".join(w for w in words[:cut] if w not in ("ccache", "-Werror")))
P
}

while IFS='|' read -r name file script; do
    name=$(echo "$name" | tr -d ' ') file=$(echo "$file" | tr -d ' ')
    [ -n "$name" ] || continue
    from=1
    case $name in *@*) from=${name#*@} name=${name%@*} ;; esac
    [ -z "$only" ] || [ "$only" = "$name" ] || continue
    tried=$((tried + 1))
    mkdir -p "$work/$name"
    sed "$script" "$root/$file" >"$work/$name/mutant.c"
    if cmp -s "$root/$file" "$work/$name/mutant.c"; then echo "$name: the script changes nothing"; survived=$((survived + 1)); continue; fi
    (cd "$build" && $(flags_of "$file") -w -I"$root" -I"$root/$(dirname "$file")" -c "$work/$name/mutant.c" -o "$work/$name/mutant.o")
    mutant=$(echo "$link" | sed "s,-o tests/sim/months,-o $work/$name/months $work/$name/mutant.o,")
    (cd "$build" && sh -c "$mutant")
    if timeout 120 "$work/$name/months" --in "$memory" --from "$from" --seeds 25 --at-once 2 >"$work/$name/log" 2>&1; then
        echo "$name: SURVIVED"
        survived=$((survived + 1))
    else
        echo "$name: $(tail -n 1 "$work/$name/log" | cut -c 1-120)"
    fi
    rm -rf "$memory"/leat-months-??????
done <<'LIST'
skips-unrecorded  | scheduler/conductor/clock.c    | s/int hit = store_slot_add(c->store, slot, err);/int hit = 1; (void)err;/
cursor-ahead      | scheduler/conductor/clock.c    | s/store_schedule_move(c->store, m->id, m->from, m->to, err)/store_schedule_move(c->store, m->id, m->from, m->to + 7200000000, err)/
edits-unseen      | scheduler/conductor/hands.c    | s/if (!same) hand_change/if (0) hand_change/
edits-late        | scheduler/conductor/hands.c    | s/hand_change(c, h, s, turn_wall(c))/hand_change(c, h, s, turn_wall(c) + 10800000000)/
first-day-lost    | scheduler/conductor/hands.c    | s/slots_first_cursor(slots, now)/slots_first_cursor(slots, now) + 7200000000/
pause-ignored     | scheduler/conductor/pauses.c   | s/if (clock_timetable(c)) timetable_pause/if (0) timetable_pause/
pause-for-ever    | scheduler/conductor/pauses.c   | /^    timetable_resume(/d
windows-shifted   | cron/window.c                  | s/\*start = before->at;/*start = before->at + 60000000;/
recovery-gives-up | scheduler/conductor/restore.c  | s/struct pipeline \*p = restore_definition(c, &d);/struct pipeline *p = NULL;/
queue-forgotten   | scheduler/conductor/runs.c     | s/^    lane_touch(c, l);/    (void)l;/
items-left-open   | scheduler/conductor/backfills.c| s/if (found == 1) rc = end_item/if (found == 2) rc = end_item/
cancel-goes-on    | scheduler/conductor/backfill_asks.c | s/ || store_backfill_cancel_planned(c->store, b->id, &n, err) < 0) return -1;/) return -1; (void)n;/
slots-twice       | store/slots.c                  | s/if (found && b.last_fire >= full.fire) return 0;//
gone-undecided    | scheduler/conductor/hands.c    | s/timetable_end(k->timetable, h->id, at);//;s/return !h->leaving || timetable_ended.*;/return true;/
gone-breaks       | scheduler/conductor/clock.c    | s/return err->exit == EX_NOT_FOUND ?/return 0 ?/
gone-unattended   | scheduler/conductor/hands.c    | s/hand_leave(c, h, at);/hand_leave(c, h, row->cursor);/
back-as-if-never  | scheduler/conductor/schedules.c | s/row->gone_at > AWAY_AS_IF_NOT/row->gone_at > 365 * US_PER_DAY/
moved-is-lost     | scheduler/catalog.c            | s/if (!before || before == f || !before->gone/if (1/
version-again     | scheduler/conductor/trigger_decide.c | s/    return store_trigger_move(k->c->store, k->t->id, s->dataset, version, err) < 0 ? -1 : 0;/    (void)k; (void)err; return 0;/
publish-unheard   | scheduler/conductor/publishing.c | s/triggers_published(c, .*);//
all-is-any        | scheduler/conductor/trigger_decide.c | s/if (move_to(k, &s\[i\], v\[i\].version, err)) return -1;/if (i == last \&\& move_to(k, \&s[i], v[i].version, err)) return -1;/
day-again         | scheduler/conductor/trigger_decide.c | s/if (decided) return decided < 0 ? -1 : 0;/(void)decided;/
day-before-time   | scheduler/conductor/trigger_decide.c | s/if (complete <= 0) return complete;/if (complete < 0) return complete;/
held-is-forgotten@40 | scheduler/conductor/triggers.c | s/if (decide_last_ones(c, t, err)) return -1;//
request-unkept    | scheduler/conductor/effects.c  | s/if (keeps_request(k->a) \&\& write_request/if (0 \&\& write_request/
pins-of-before    | scheduler/conductor/claim.c    | s/store_pin_take(k->c->store, &pin, &version, err) < 0/store_pin_take(k->c->store, \&pin, \&version, err) < 0 || (version -= version > 0) < 0/
zone-ignored      | scheduler/conductor/hands.c    | s/if (s \&\& !schedule_same_zones(was, s))/if (0)/
zone-late         | scheduler/conductor/hands.c    | s/schedule_same_zones(was, s)) hand_change(c, h, s, turn_wall(c))/schedule_same_zones(was, s)) hand_change(c, h, s, turn_wall(c) + 10800000000)/
zone-kept         | base/tz.c                      | s/if (!z->path) return false;/return false;/
zone-untiled      | scheduler/conductor/clock_zones.c | s/if (!is_by_other_zones(rule, s)) return false;/return false;/
zone-twice        | scheduler/conductor/hands.c    | s/.cursor = row->cursor,/.cursor = row->cursor - (schedule->rule.join.there ? US_PER_DAY : 0),/
wait-begins-anew  | scheduler/conductor/attended.c | s/set_deadline(c, a, until);/set_deadline(c, a, until == INSTANT_NONE ? until : turn_wall(c) + a->attended->what.timeout);/
wait-for-ever     | scheduler/conductor/attended.c | s/return a->attended->over != INSTANT_NONE .*/(void)c, (void)a; return false;/
wait-sees-ghosts  | scheduler/conductor/waits.c    | s/t->there = there;/t->there = true;/
wait-early        | scheduler/conductor/waits.c    | s/w->walls.nodes\[0\].key <= now/w->walls.nodes[0].key <= now + US_PER_HOUR/
wait-looks-once   | scheduler/conductor/waits.c    | s/t->next = t->woken ? turn_now(c) : next_look(c, t);/t->next = INSTANT_NONE;/
broken-goes-back@90 | scheduler/conductor/hands.c    | s/ \&\& !e->is_broken)/)/
LIST

echo "$tried mutants, $survived not noticed"
[ "$survived" -eq 0 ]
