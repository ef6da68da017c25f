/* judge.c: what must be true of the database when everything has come to rest: counted minute by minute from
 * what the files said, without the code that decided it. */
#include "judge.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int wrong(struct judgement *j, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    vsnprintf(j->why, j->size, fmt, args);
    va_end(args);
    return 1;
}

int64_t number(struct judgement *j, const char *sql) {
    sqlite3_stmt *st;
    int64_t n = -1;
    if (sqlite3_prepare_v2(j->db, sql, -1, &st, NULL) != SQLITE_OK)
        return wrong(j, "%s", sqlite3_errmsg(j->db)), -1;
    if (sqlite3_step(st) == SQLITE_ROW) n = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return n;
}

/* ---- numbers that must be zero ---- */

static const struct {
    const char *what, *sql;
} zeros[] = {
    {"runs that never ended", "SELECT count(*) FROM run WHERE finished_at IS NULL"},
    {"attempts that never ended", "SELECT count(*) FROM attempt WHERE finished_at IS NULL"},
    {"steps that never ended in runs that began", "SELECT count(*) FROM step s JOIN run r ON r.id = s.run "
                                                  "WHERE s.state IN ('running','ready','retry_wait')"},
    {"slots without their run",
     "SELECT count(*) FROM slot s LEFT JOIN run r ON r.id = s.run WHERE s.outcome = 'run' AND r.id IS NULL"},
    {"runs of a schedule without their slot", "SELECT count(*) FROM run r LEFT JOIN slot s ON s.run = r.id "
                                              "WHERE r.trigger = 'schedule' AND s.run IS NULL"},
    {"two runs of one slot", "SELECT count(*) FROM (SELECT 1 FROM run WHERE trigger = 'schedule' GROUP BY "
                             "pipeline, schedule, scheduled_for HAVING count(*) > 1)"},
    {"windows of a run that are not its slot's",
     "SELECT count(*) FROM slot s JOIN run r ON r.id = s.run WHERE r.window_start IS NOT s.window_start OR "
     "r.window_end IS NOT s.window_end"},
    {"good runs with a step that did not end well",
     "SELECT count(*) FROM step s JOIN run r ON r.id = s.run WHERE r.state = 'ok' AND s.state NOT IN "
     "('success','skipped')"},
    {"backfills that never ended", "SELECT count(*) FROM backfill WHERE finished_at IS NULL"},
    {"items of an ended backfill that are open",
     "SELECT count(*) FROM backfill_item WHERE state IN ('planned','running')"},
    {"windows of a backfill that ran twice", "SELECT count(*) FROM (SELECT 1 FROM run WHERE backfill IS NOT "
                                             "NULL GROUP BY backfill, window_start HAVING count(*) > 1)"},
    {"counters of a backfill that are not its items'",
     "SELECT count(*) FROM backfill b WHERE done != (SELECT count(*) FROM backfill_item WHERE backfill = "
     "b.id AND state = 'ok')"
     " OR failed != (SELECT count(*) FROM backfill_item WHERE backfill = b.id AND state = 'failed')"},
    {"runs given up though the daemon goes on with all",
     "SELECT count(*) FROM run WHERE reason = 'interrupted'"},
    {"pauses that nobody ended", "SELECT count(*) FROM pause"},
};

static int judge_zeros(struct judgement *j) {
    for (size_t i = 0; i < sizeof zeros / sizeof *zeros; i++) {
        int64_t n = number(j, zeros[i].sql);
        if (n) return wrong(j, "%lld %s", (long long)n, zeros[i].what);
    }
    char sql[128];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM run WHERE backfill IS NOT NULL AND id > %lld",
             (long long)stage->newest_at_cancel);
    if (stage->newest_at_cancel && number(j, sql))
        return wrong(j, "a backfill went on after its cancel was answered");
    return 0;
}

/* ---- what the files said ---- */

#define AWAY_AS_IF_NOT (60 * US_PER_SECOND)

/* A file that was away so shortly that it never was; ambiguous: by how much, depends on who died over it. */
static void judge_absence(struct edit *gone, struct edit *back) {
    duration_t least = back->at - gone->unsure_to, most = back->unsure_to - gone->at;
    if (most <= AWAY_AS_IF_NOT) {
        gone->was_short = true;
        back->unsure_from = gone->words.zone == back->words.zone ? back->unsure_to : gone->unsure_from;
    } else if (least > AWAY_AS_IF_NOT) {
        back->unsure_from = back->at;
    } else {
        back->unsure_from = gone->unsure_from;
    }
}

static void judge_absences(void) {
    for (int i = 0; i < stage->edit_count; i++) {
        struct edit *e = &stage->edits[i], *back = e + 1;
        if (e->words.minute >= 0) continue;
        while (back < stage->edits + stage->edit_count && back->pipe != e->pipe) back++;
        judge_absence(e, back);
    }
}

/* Fires at this instant, by what the file said then. */
static bool fires(int pipe, instant_t t) {
    struct words w = {.minute = -1};
    for (int i = 0; i < stage->edit_count; i++) {
        const struct edit *e = &stage->edits[i];
        if (e->pipe == pipe && e->at < t && !e->was_short) w = e->words;
    }
    return zone_fires(&w, &stage->zones[w.zone], t);
}

bool unsure(int pipe, instant_t t) {
    for (int i = 0; i < stage->edit_count; i++) {
        const struct edit *e = &stage->edits[i];
        if (e->pipe == pipe && !e->was_short && t > e->unsure_from && t <= e->unsure_to) return true;
    }
    return false;
}

/* By some words and some zone data that there were. */
static bool ever_fires(int pipe, instant_t t) {
    for (int i = 0; i < stage->edit_count; i++) {
        const struct edit *e = &stage->edits[i];
        for (int z = 0; e->pipe == pipe && z < stage->zone_count; z++)
            if (!z == !e->words.zone && zone_fires(&e->words, &stage->zones[z], t)) return true;
    }
    return false;
}

static bool may_fire(int pipe, instant_t t) {
    return fires(pipe, t) || (unsure(pipe, t) && ever_fires(pipe, t));
}

bool was_gone(int pipe, instant_t from, instant_t to) {
    for (int i = 0; i < stage->edit_count; i++) {
        const struct edit *e = &stage->edits[i];
        if (e->pipe == pipe && e->words.minute < 0 && !e->was_short && e->unsure_to >= from && e->at <= to)
            return true;
    }
    return false;
}

/* ---- every fire in exactly one slot ---- */

struct row {
    instant_t fire, last, window_start, window_end, decided;
    int64_t count;
};

/* The first fire after *at that must have an outcome, or `until` when that comes first: those are counted. */
struct walked {
    int64_t must, may;
};

static instant_t walk(int pipe, instant_t at, instant_t until, struct walked *n) {
    instant_t missed = INSTANT_NONE;
    for (instant_t t = (at / US_PER_MINUTE + 1) * US_PER_MINUTE; t < until; t += US_PER_MINUTE) {
        bool may = unsure(pipe, t), must = !may && fires(pipe, t);
        n->may += may && ever_fires(pipe, t);
        n->must += must;
        if (must && missed == INSTANT_NONE) missed = t;
    }
    return missed;
}

static int judge_fires(struct judgement *j, int pipe, const struct row *r, instant_t at) {
    struct walked before = {0}, within = {0};
    instant_t missed = walk(pipe, at, r->fire, &before);
    if (missed != INSTANT_NONE)
        return wrong(j, "%s: a slot at %lld, expected one at %lld", pipe_name(pipe),
                     (long long)(r->fire / US_PER_SECOND), (long long)(missed / US_PER_SECOND));
    if (!may_fire(pipe, r->fire) || !may_fire(pipe, r->last))
        return wrong(j, "%s: a slot at %lld to %lld, when nothing fires", pipe_name(pipe),
                     (long long)(r->fire / US_PER_SECOND), (long long)(r->last / US_PER_SECOND));
    if (r->fire == r->last && r->count == 1) return 0;
    walk(pipe, r->fire, r->last, &within);
    if (r->count < within.must + 2 || r->count > within.must + within.may + 2)
        return wrong(j, "%s: a stretch from %lld to %lld counts %lld, expected %lld", pipe_name(pipe),
                     (long long)(r->fire / US_PER_SECOND), (long long)(r->last / US_PER_SECOND),
                     (long long)r->count, (long long)within.must + 2);
    return 0;
}

/* When its file goes, what a pause held back ends with it. */
static bool decided_as_it_went(int pipe, instant_t decided) {
    for (int i = 0; i < stage->edit_count; i++) {
        const struct edit *e = &stage->edits[i];
        if (e->pipe == pipe && e->words.minute < 0 && decided >= e->at && decided <= e->unsure_to)
            return true;
    }
    return false;
}

static int judge_row(struct judgement *j, int pipe, const struct row *r, const struct row *before,
                     instant_t at) {
    if (judge_fires(j, pipe, r, at)) return 1;
    bool tiles = r->window_start == before->window_end;
    /* without a file windows need not go on where they ended */
    if (was_gone(pipe, before->last, r->fire)) tiles = r->window_start >= before->window_end;
    if (before->fire && !tiles)
        return wrong(j, "%s: the windows do not tile at %lld", pipe_name(pipe),
                     (long long)(r->fire / US_PER_SECOND));
    bool may = stage->went_back || decided_as_it_went(pipe, r->decided);
    for (int i = 0; i < stage->pause_count && !may; i++) {
        const struct pause_span *p = &stage->pauses[i];
        if (p->pipe == pipe && r->decided > p->from && p->to != INSTANT_NONE && r->decided < p->to)
            return wrong(j, "%s: a slot was decided during a pause", pipe_name(pipe));
    }
    return 0;
}

static void note_first_runs(struct judgement *j) {
    char sql[200];
    for (int p = 0; p < PIPES; p++) {
        snprintf(
            sql, sizeof sql,
            "SELECT coalesce(min(r.created_at), %lld) FROM run r JOIN pipeline p ON p.id = r.pipeline WHERE "
            "p.name = '%s'",
            (long long)INT64_MAX, pipe_name(p));
        j->first_run[p] = number(j, sql);
    }
}

bool was_unknown(const struct judgement *j, int pipe, instant_t t) {
    return stage->first_broken[pipe] && t >= stage->first_broken[pipe] && t <= j->first_run[pipe];
}

/* Whoever starts with other zone data does so from the last fire that was decided on. */
static void judge_zone_edit(struct judgement *j, struct edit *e) {
    char sql[300];
    bool unknown = e->broken_until && was_unknown(j, e->pipe, e->at);
    if (e->unsure_from == e->at && !unknown) return; /* who changed it lived on */
    if (unknown && e->broken_until > e->unsure_to) e->unsure_to = e->broken_until;
    snprintf(
        sql, sizeof sql,
        "SELECT coalesce(max(s.fire), 0) FROM slot s JOIN schedule c ON c.id = s.schedule JOIN pipeline p ON "
        "p.id = c.pipeline WHERE p.name = '%s' AND s.last_fire <= %lld AND s.decided_at < %lld",
        pipe_name(e->pipe), (long long)e->unsure_from, (long long)e->at);
    e->unsure_from = number(j, sql);
}

static int judge_pipe(struct judgement *j, int pipe) {
    char sql[300];
    sqlite3_stmt *st;
    struct row before = {0};
    int bad = 0;
    snprintf(sql, sizeof sql,
             "SELECT s.created_at FROM schedule s JOIN pipeline p ON p.id = s.pipeline WHERE p.name = '%s'",
             pipe_name(pipe));
    instant_t at = number(j, sql);
    snprintf(sql, sizeof sql,
             "SELECT s.cursor FROM schedule s JOIN pipeline p ON p.id = s.pipeline WHERE p.name = '%s'",
             pipe_name(pipe));
    instant_t cursor = number(j, sql);
    snprintf(sql, sizeof sql,
             "SELECT fire, last_fire, window_start, window_end, decided_at, count FROM slot s JOIN schedule "
             "c ON c.id = s.schedule"
             " JOIN pipeline p ON p.id = c.pipeline WHERE p.name = '%s' ORDER BY fire",
             pipe_name(pipe));
    if (sqlite3_prepare_v2(j->db, sql, -1, &st, NULL) != SQLITE_OK)
        return wrong(j, "%s", sqlite3_errmsg(j->db));
    while (!bad && sqlite3_step(st) == SQLITE_ROW) {
        struct row r = {.fire = sqlite3_column_int64(st, 0),
                        .last = sqlite3_column_int64(st, 1),
                        .window_start = sqlite3_column_int64(st, 2),
                        .window_end = sqlite3_column_int64(st, 3),
                        .decided = sqlite3_column_int64(st, 4),
                        .count = sqlite3_column_int64(st, 5)};
        bad = judge_row(j, pipe, &r, &before, at);
        before = r;
        at = r.last;
    }
    sqlite3_finalize(st);
    if (bad) return bad;
    struct walked rest = {0};
    instant_t next = walk(pipe, at, cursor + 1, &rest);
    if (next != INSTANT_NONE)
        return wrong(j, "%s: the fire at %lld has no outcome", pipe_name(pipe),
                     (long long)(next / US_PER_SECOND));
    next = walk(pipe, at, stage_wall() - US_PER_HOUR, &rest);
    if (next != INSTANT_NONE && !stage->went_back)
        return wrong(j, "%s: nothing was decided since %lld", pipe_name(pipe),
                     (long long)(next / US_PER_SECOND));
    return 0;
}

int judge(char *why, size_t size) {
    struct judgement j = {.why = why, .size = size};
    char path[300];
    snprintf(path, sizeof path, "%s/.leat/leat.db", stage->folder);
    if (sqlite3_open_v2(path, &j.db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
        return wrong(&j, "no database");
    int bad = judge_zeros(&j);
    note_first_runs(&j);
    judge_absences();
    for (int i = 0; i < stage->edit_count; i++)
        if (stage->edits[i].of_zone) judge_zone_edit(&j, &stage->edits[i]);
    for (int p = 0; p < CLOCKED && !bad; p++) bad = judge_pipe(&j, p);
    if (!bad) bad = judge_data(&j) || judge_waits(&j);
    sqlite3_close(j.db);
    return bad;
}
