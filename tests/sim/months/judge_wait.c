/* judge_wait.c: a step that waits ends well when there is what it waits for, fails when its time is over, and not
 * much later than either; it is one attempt, whoever dies meanwhile, and no job. */
#include "judge.h"

#include <string.h>

/* Until somebody is there to look, after those who died. */
#define PATIENCE (2 * US_PER_HOUR)
#define TIMEOUT  (WAIT_HOURS * US_PER_HOUR)

struct wait {
    const char *step, *state, *reason;
    instant_t from, to, window_end, run_began;
    int64_t run, attempts;
};

/* What the clock jumped over is no time. */
static duration_t elapsed(instant_t from, instant_t to) {
    duration_t n = to - from;
    for (int i = 0; i < stage->jump_count; i++) {
        const struct jump *j = &stage->jumps[i];
        instant_t begins = j->at > from ? j->at : from, ends = j->at + j->by < to ? j->at + j->by : to;
        if (begins < ends) n -= ends - begins;
    }
    return n;
}

static bool came_twice(const struct wait *w) {
    for (int i = 0; i < stage->jump_count; i++) {
        const struct jump *j = &stage->jumps[i];
        if (j->by < 0 && w->to >= j->at + j->by && w->from <= j->at) return true;
    }
    return false;
}

/* ---- until a file is there ---- */

static instant_t end_of(const struct landing *l) { return l->to == INSTANT_NONE ? INT64_MAX : l->to; }

static bool is_there(instant_t t) {
    for (int i = 0; i < stage->landing_count; i++)
        if (stage->landings[i].from <= t && t <= end_of(&stage->landings[i])) return true;
    return false;
}

/* The longest time that it was there meanwhile. */
static duration_t overlooked(const struct wait *w) {
    duration_t longest = 0;
    for (int i = 0; i < stage->landing_count; i++) {
        const struct landing *l = &stage->landings[i];
        instant_t from = l->from > w->from ? l->from : w->from, to = end_of(l) < w->to ? end_of(l) : w->to;
        if (from < to && elapsed(from, to) > longest) longest = elapsed(from, to);
    }
    return longest;
}

static const char *judge_arrival(const struct wait *w, bool well) {
    if (well && !is_there(w->to)) return "ended well, and nothing was there";
    if (overlooked(w) > WAIT_POLL_M * US_PER_MINUTE + PATIENCE) return "overlooked what was there";
    return NULL;
}

/* ---- until a time ---- */

/* By the zone data that there was while it waited. */
static void times_meant(const struct wait *w, instant_t *first, instant_t *last) {
    instant_t day_of = w->window_end ? w->window_end : w->run_began;
    *first = INT64_MAX;
    *last = INT64_MIN;
    for (int i = 1; i < stage->zone_count; i++) {
        bool over = i + 1 < stage->zone_count && stage->zones[i + 1].since < w->from;
        if (over || stage->zones[i].since > w->to) continue;
        instant_t at = zone_at(&stage->zones[i], day_of, MORNING_M * US_PER_MINUTE);
        if (at < *first) *first = at;
        if (at > *last) *last = at;
    }
}

static const char *judge_time(const struct wait *w, bool well) {
    instant_t first, last;
    times_meant(w, &first, &last);
    instant_t due = last > w->from ? last : w->from;
    if (well && w->to < first) return "ended well before its time";
    if (!well && w->to > last) return "failed though its time had come";
    if (elapsed(due, w->to) > PATIENCE) return "ended long after its time";
    return NULL;
}

/* ---- either ---- */

static const char *judge_end(const struct wait *w, bool well) {
    bool in_vain = !well && w->reason && strcmp(w->reason, "timeout") == 0;
    if (!well && !in_vain) return "failed, and not because its time was over";
    if (in_vain && w->to < w->from + TIMEOUT) return "gave up before its time was over";
    if (elapsed(w->from, w->to) > TIMEOUT + PATIENCE) return "waited on when its time was over";
    return strcmp(w->step, "arrives") == 0 ? judge_arrival(w, well) : judge_time(w, well);
}

static int judge_wait(struct judgement *j, const struct wait *w) {
    const char *what = NULL;
    bool cancelled = strcmp(w->state, "cancelled") == 0;
    if (w->attempts > 1) what = "was attempted twice";
    if (!what && !cancelled && !came_twice(w)) what = judge_end(w, strcmp(w->state, "success") == 0);
    if (!what) return 0;
    return wrong(j, "`%s` of run %lld, from %lld to %lld, %s", w->step, (long long)w->run,
                 (long long)(w->from / US_PER_SECOND), (long long)(w->to / US_PER_SECOND), what);
}

int judge_waits(struct judgement *j) {
    static const char sql[] =
        "SELECT d.name, a.state, a.reason, a.started_at, a.finished_at, coalesce(r.window_end, 0), "
        "coalesce(r.started_at, 0), a.run, (SELECT count(*) FROM attempt o WHERE o.run = a.run AND o.step = "
        "a.step AND o.generation = a.generation) FROM attempt a JOIN run r ON r.id = a.run JOIN generation g "
        "ON g.run = a.run AND g.number = a.generation JOIN definition_step d ON d.definition = g.definition "
        "AND d.idx = a.step WHERE d.verb = 'wait'";
    sqlite3_stmt *st;
    int bad = 0;
    if (stage->jobs_of_waits)
        return wrong(j, "%lld jobs of steps that wait", (long long)stage->jobs_of_waits);
    if (sqlite3_prepare_v2(j->db, sql, -1, &st, NULL) != SQLITE_OK)
        return wrong(j, "%s", sqlite3_errmsg(j->db));
    while (!bad && sqlite3_step(st) == SQLITE_ROW) {
        struct wait w = {.step = (const char *)sqlite3_column_text(st, 0),
                         .state = (const char *)sqlite3_column_text(st, 1),
                         .reason = (const char *)sqlite3_column_text(st, 2),
                         .from = sqlite3_column_int64(st, 3),
                         .to = sqlite3_column_int64(st, 4),
                         .window_end = sqlite3_column_int64(st, 5),
                         .run_began = sqlite3_column_int64(st, 6),
                         .run = sqlite3_column_int64(st, 7),
                         .attempts = sqlite3_column_int64(st, 8)};
        bad = judge_wait(j, &w);
    }
    sqlite3_finalize(st);
    return bad;
}
