#!/bin/sh
# mutants.sh: are the tests of the core any good? Each line below breaks the core in one way, in a copy; simulator
# or unit tests must notice. A line is: name | file in scheduler/core/ | sed script. One that changes nothing, does not
# compile, or survives is an error. `mutants.sh NAME` tries one and shows who noticed.
set -eu
cd "$(dirname "$0")/../.."
only=${1:-}
work=$(mktemp -d "${TMPDIR:-/tmp}/leat-mutants-XXXXXX")
trap 'rm -rf "$work"' EXIT INT TERM
cc=${CC:-cc}
flags="-std=gnu17 -O1 -D_GNU_SOURCE -I."
core="core core_events core_add heap idmap plan pools retry rules states"

build() { # source, object
    $cc $flags -DLEAT_SOURCE_DIR="\"$PWD\"" -c "$1" -o "$2"
}

for f in main scene image world conductor check backend_memory backend_none; do build tests/sim/$f.c "$work/sim_$f.o"; done
for f in arena err map suggest utf8; do build base/$f.c "$work/base_$f.o"; done
for t in cases model parts; do build tests/unit/test_core_$t.c "$work/test_$t.o"; done
for f in $core; do build scheduler/core/$f.c "$work/core_$f.o"; done

# Links everything with the objects of $1 in the place of the core's own; says who failed, or nothing.
judge() {
    objects=""
    for f in $core; do
        if [ -f "$1/$f.o" ]; then objects="$objects $1/$f.o"; else objects="$objects $work/core_$f.o"; fi
    done
    $cc "$work"/sim_*.o $objects "$work"/base_*.o -o "$1/sim"
    timeout 30 "$1/sim" --seeds 4000 >"$1/log" 2>&1 || { echo "sim: $(tail -1 "$1/log")"; return; }
    for t in cases model parts; do
        $cc "$work/test_$t.o" $objects "$work"/base_*.o -lcmocka -ljansson -o "$1/test_$t"
        timeout 30 "$1/test_$t" >"$1/log" 2>&1 || { echo "test_core_$t"; return; }
    done
}

mkdir "$work/none"
noticed=$(judge "$work/none")
[ -z "$noticed" ] || { echo "the core as it is fails: $noticed"; exit 1; }

bad=0 count=0
while IFS='|' read -r name file script; do
    case $name in '' | '#'*) continue ;; esac
    name=$(echo $name) file=$(echo $file)
    [ -z "$only" ] || [ "$only" = "$name" ] || continue
    count=$((count + 1))
    here="$work/$name"
    mkdir "$here"
    sed "$script" "scheduler/core/$file.c" >"$here/$file.c"
    if cmp -s "scheduler/core/$file.c" "$here/$file.c"; then
        echo "$name: the sed script changes nothing"; bad=1; continue
    fi
    if ! flags="$flags -O0" build "$here/$file.c" "$here/$file.o" 2>"$here/log"; then
        echo "$name: does not compile"; cat "$here/log"; bad=1; continue
    fi
    noticed=$(judge "$here")
    if [ -z "$noticed" ]; then echo "$name: SURVIVED"; bad=1; elif [ -n "$only" ]; then echo "$name: $noticed"; fi
    rm -rf "$here"
done <<'MUTANTS'
# ---- trigger rules
upstream_failed_is_no_failure | rules | /RULE_all_success\]/,/\]/ s/ROW(FAIL, FAIL/ROW(FAIL, WAIT/
one_done_takes_upstream_failed | rules | /RULE_one_done\]/ s/ROW(RUN,  WAIT/ROW(RUN,  RUN/
one_failed_waits | rules | /RULE_one_failed\]/,/done/ s/ROW(RUN,  RUN/ROW(WAIT, RUN/
skip_wins_over_failure | rules | s/if (failed && r->failed)/if (failed \&\& r->failed \&\& !p->skipped)/
allowed_failure_is_lost | rules | s/r->wants_failures ? p->allowed : 0/0 * p->allowed/
no_parents_waits | rules | s/ || p->total == 0//
left_out_is_a_skip | core | s/l->left_out ? &of_child->success/0 ? \&of_child->success/
# ---- runs
failure_is_hidden | core | s/bool whole = r->cut == 0 && r->failed == 0;/bool whole = r->cut == 0;/
allowed_failure_fails | core | s/if (bad && !s->allow_failure) failure_tally/if (bad) failure_tally/
warning_is_lost | core | s/if (l->state == STEP_success && l->warned) r->warned = true;/(void)l;/
finally_too_early | core | s/if (r->main_left || run_state_final/if (r->main_left > 1 || run_state_final/
finally_stopped_by_cancel | core | s/r->stop == STOP_KILL || r->state == RUN_queued;/r->stop != STOP_NO || r->state == RUN_queued;/
finally_stopped_by_freeze | core | s/r->stop == STOP_KILL || r->state == RUN_queued;/r->stop == STOP_KILL || r->stop == STOP_FREEZE || r->state == RUN_queued;/
freeze_cancels_attempts | core | s/if (r->stop == STOP_FREEZE) return;//
stop_forgets_the_ready | core | s/if (step_state_final(state) || !stop_reaches(r, step)) return;/if (step_state_final(state) || state == STEP_ready || !stop_reaches(r, step)) return;/
stop_is_not_told | core | s/a->stop = (uint8_t)stop;//
weaker_stop_wins | core | s/if (stops\[stop\].rank <= stops\[r->stop\].rank/if (stop == r->stop/
group_one_too_many | core_add | s/g->active < g->limit/g->active <= g->limit/
group_not_kicked | core_add | /^void group_leave/,/^}/ s/group_kick(c, r->group);//
# ---- attempts
same_attempt_number | core | /^static void step_start/,/^}/ s/r->steps\[step\].attempts++;//
old_attempt_taken | core_events | s/l->state == STEP_running && e->attempt == l->attempts/l->state == STEP_running/
ended_twice | core_events | s/return l->state == STEP_running && e->attempt == l->attempts ? CORE_TAKEN : CORE_STALE/return CORE_TAKEN/
retry_in_a_stopped_run | core_events | s/ || (r->stop != STOP_NO && stop_reaches(r, e->step))//
one_retry_too_many | retry | s/(int64_t)q->attempts > policy->times/(int64_t)q->attempts > policy->times + 1/
gate_retried | retry | s/return q->outcome != OUTCOME_gate;/return true;/
jitter_above_the_cap | retry | s/wait + spread <= cap ? wait : cap - spread/wait/
when_asked_twice | core | s/l->state != STEP_waiting || l->deciding/l->state != STEP_waiting/
ready_is_told_wrong | core | s/a->from = l->reported;/a->from = l->state == STEP_running ? STEP_ready : l->reported;/
timer_not_set | core_events | s/if (step_move(r, e->step, move, out)) timer_set(c, r, e->step, due);/step_move(r, e->step, move, out);/
# ---- limits
one_job_too_many | pools | s/c->jobs_used < c->jobs)/c->jobs_used <= c->jobs)/
one_token_too_many | pools | s/pool->used + lane->tokens <= pool->capacity/pool->used + lane->tokens <= pool->capacity + 1/
jobs_not_given_back | pools | /^void pools_give/,/^}/ s/if (!s->remote) c->jobs_used--;//
stopped_starts | pools | s/ && !c->stopped//
big_step_starves | pools | s/pool->bypasses >= c->bypasses;/pool->bypasses >= UINT32_MAX;/
no_ageing | pools | s/(int64_t)r->seq - p \* c->ageing/-p * c->ageing/
more_tokens_than_there_are | pools | s/want > capacity && capacity > 0 ? capacity : want/want/
# ---- names
hold_not_taken | pools | /^void pools_take/,/^}/ s/names_take(c, (struct names){s->hold, s->hold_count});//
hold_not_given_back | pools | /^void pools_give/,/^}/ s/names_give(c, (struct names){s->hold, s->hold_count});//
publish_not_taken | pools | /^bool pools_next/,/^}/ s/names_take(c, names_wanted(\*r, \*step));//
publish_not_given_back | pools | /^void pools_give/,/^}/ s/if (l->publishing) names_give/if (0) names_give/
publish_not_restored | core_add | s/l->publishing = now.publishing;//
sleep_passes_nobody_by | pools | /^static bool head_sleeps/,/^}/ s/names_pass(c, r, step);//
leave_passes_nobody_by | pools | /^void pools_leave/,/^}/ s/names_pass(c, r, step);//
only_one_lane_woken | pools | s/if (!name_kept(c, name, r, step)) step_wake(c, h->waiters\[i\]->lane, r, step);/if (!name_kept(c, name, r, step)) step_wake(c, h->waiters[i]->lane, r, step);break;/
champion_blocks_publishing | pools | s/ || r->steps\[step\].wanting) return false;/) return false;/
champion_for_ever | pools | /^static void champion_retire/,/^}/ s/if (is_champion(c, r, step)) c->champion = (struct step_ref){0};/(void)c, (void)r, (void)step;/
no_champion | pools | s/if (l->bypassed < c->bypasses || c->champion.seq) return;/return;/
# ---- recovery, structures
live_attempt_not_counted | core_add | s/if (now->state == STEP_running) pools_take(c, r, step);//
due_forgotten | core_add | s/timer_set(c, r, step, now->due);/(void)now;/
warning_not_restored | core_add | s/l->warned = now.warned;//
heap_takes_wrong | heap | s/if (at > 0 && heap_before(&last, &h->nodes\[(at - 1) \/ 2\]))/if (0)/
idmap_leaves_gaps | idmap | s/((at - home) & mask) < ((at - gap) & mask)/1/
MUTANTS

[ "$count" -gt 0 ] || { echo "no such mutant: $only"; exit 1; }
[ "$bad" -eq 0 ] && echo "$count mutants, all noticed"
exit "$bad"
