/* judge_data.c: every version of a dataset that somebody waits for is consumed once: it has one slot, or
 * joined a run for the same window that had not begun; a run that a version started has read it, or a newer
 * one; what starts after both datasets does so when each has a new version; a day starts once, when it is
 * complete. */
#include "judge.h"

#include <stdio.h>
#include <string.h>

struct query {
    struct judgement *j;
    sqlite3_stmt *st;
};

static struct query ask(struct judgement *j, const char *sql, const char *text) {
    struct query q = {.j = j};
    if (sqlite3_prepare_v2(j->db, sql, -1, &q.st, NULL) != SQLITE_OK) wrong(j, "%s", sqlite3_errmsg(j->db));
    if (q.st && text) sqlite3_bind_text(q.st, 1, text, -1, SQLITE_STATIC);
    return q;
}

static bool step(struct query *q) { return q->st && sqlite3_step(q->st) == SQLITE_ROW; }
static const char *text(struct query *q, int i) { return (const char *)sqlite3_column_text(q->st, i); }
static int64_t integer(struct query *q, int i) { return sqlite3_column_int64(q->st, i); }
static void done(struct query *q) { sqlite3_finalize(q->st); }

/* ---- numbers that must be zero ---- */

static const struct {
    const char *what, *sql;
} zeros[] = {
    {"runs of a dataset without their slot", "SELECT count(*) FROM run r LEFT JOIN slot s ON s.run = r.id "
                                             "WHERE r.trigger = 'dataset' AND s.run IS NULL"},
    {"runs that began with an older version than the one that started them",
     "SELECT count(*) FROM slot s JOIN attempt a ON a.run = s.run JOIN step_input i ON i.attempt = a.id"
     " JOIN dataset d ON d.id = i.dataset WHERE d.name = json_extract(s.detail, '$.dataset')"
     " AND i.version < json_extract(s.detail, '$.version')"},
    {"versions without a step that published them",
     "SELECT count(*) FROM version v LEFT JOIN step s ON s.run = v.run AND s.state = 'success'"
     " WHERE v.run IS NOT NULL AND s.run IS NULL"},
    {"versions of a run twice",
     "SELECT count(*) FROM (SELECT 1 FROM version GROUP BY dataset, run HAVING count(*) > 1)"},
    {"runs that published well and left no version",
     "SELECT count(*) FROM run r JOIN pipeline p ON p.id = r.pipeline WHERE p.name IN ('thirds', 'quarters')"
     " AND r.state = 'ok' AND NOT EXISTS (SELECT 1 FROM version v WHERE v.run = r.id)"},
    {"windows of versions that are not their runs'", "SELECT count(*) FROM version v JOIN run r ON r.id = "
                                                     "v.run WHERE v.window_start IS NOT r.window_start OR "
                                                     "v.window_end IS NOT r.window_end"},
    {"days that started twice",
     "SELECT count(*) FROM (SELECT 1 FROM slot s JOIN schedule c ON c.id = s.schedule JOIN pipeline p ON "
     "p.id = "
     "c.pipeline WHERE p.name = 'day' GROUP BY s.window_start HAVING count(*) > 1)"},
    {"publishes that are not over", "SELECT count(*) FROM intent WHERE state NOT IN ('done', 'aborted')"},
};

static int judge_zeros(struct judgement *j) {
    for (size_t i = 0; i < sizeof zeros / sizeof *zeros; i++) {
        int64_t n = number(j, zeros[i].sql);
        if (n) return wrong(j, "%lld %s", (long long)n, zeros[i].what);
    }
    return 0;
}

/* ---- each version, once ---- */

#define SLOTS_OF                                                                                             \
    "FROM slot s JOIN schedule c ON c.id = s.schedule JOIN pipeline p ON p.id = c.pipeline "                 \
    "WHERE p.name = ?1 AND c.name LIKE '%.after' "
#define NAMED_BY                                                                                             \
    "AND json_extract(s.detail, '$.dataset') = d.name AND json_extract(s.detail, '$.version') = v.version"

static bool was_away(const struct judgement *j, int pipe, instant_t t) {
    bool gone = false;
    for (int i = 0; i < stage->edit_count; i++) {
        const struct edit *e = &stage->edits[i];
        if (e->pipe == pipe && e->at <= t && !e->was_short) gone = e->words.minute < 0;
    }
    return gone || unsure(pipe, t) || was_unknown(j, pipe, t);
}

static bool is_held(const struct judgement *j, int pipe, instant_t t) {
    for (int i = 0; i < stage->pause_count; i++) {
        const struct pause_span *p = &stage->pauses[i];
        if (p->pipe == pipe && t >= p->from && (p->to == INSTANT_NONE || t <= p->to)) return true;
    }
    return was_away(j, pipe, t);
}

/* A run of it for this window was waiting then. Of a version that a pause held back, and where the clock was
 * set back, any run for it will do. */
static bool joined(struct judgement *j, int pipe, instant_t start, instant_t at) {
    char sql[400];
    snprintf(
        sql, sizeof sql,
        "SELECT count(*) FROM run r JOIN pipeline p ON p.id = r.pipeline WHERE p.name = '%s' AND r.trigger = "
        "'dataset' AND coalesce(r.window_start, 0) = %lld AND (%d OR (r.created_at <= %lld AND "
        "coalesce(r.started_at, r.finished_at) >= %lld))",
        pipe_name(pipe), (long long)start, stage->went_back || is_held(j, pipe, at), (long long)at,
        (long long)at);
    return number(j, sql) > 0;
}

static int judge_version(struct judgement *j, struct query *q) {
    int64_t slots = integer(q, 2);
    instant_t at = integer(q, 3);
    bool prompt = slots != 1 || integer(q, 5) == at || stage->went_back || is_held(j, EACH, at);
    if (!prompt)
        return wrong(j, "%s %lld started `each` later than it was published", text(q, 0),
                     (long long)integer(q, 1));
    if (slots > 1)
        return wrong(j, "%s %lld started `each` %lld times", text(q, 0), (long long)integer(q, 1),
                     (long long)slots);
    if (slots == 1 || was_away(j, EACH, at) || joined(j, EACH, integer(q, 4), at)) return 0;
    return wrong(j, "%s %lld started nothing", text(q, 0), (long long)integer(q, 1));
}

static int judge_each(struct judgement *j) {
    struct query q = ask(j,
                         "SELECT d.name, v.version, (SELECT count(*) " SLOTS_OF NAMED_BY "), v.published_at, "
                         "coalesce(v.window_start, 0), (SELECT s.decided_at " SLOTS_OF NAMED_BY
                         ") FROM version v JOIN dataset d ON d.id = v.dataset",
                         pipe_name(EACH));
    int bad = 0;
    while (!bad && step(&q)) bad = judge_version(j, &q);
    done(&q);
    return bad;
}

/* ---- both, when each has a new one ---- */

/* What was published at one instant. Only where neither a clock that was set back nor an absence makes it
 * hard to say what came first. While it is held, versions gather; the end of the pause, or the first one
 * afterwards, starts one run for all of them. */
static const char both_sql[] =
    "SELECT max(name = 'raw.thirds'), max(name = 'raw.quarters'), sum(slots), published_at, max(window) FROM "
    "(SELECT d.name, v.published_at, coalesce(v.window_start, 0) AS window, (SELECT count(*) " SLOTS_OF
        NAMED_BY ") AS slots FROM version v JOIN dataset d ON d.id = v.dataset) GROUP BY published_at ORDER "
    "BY published_at";

static int judge_instant(struct judgement *j, struct query *q, bool pending[2]) {
    int64_t slots = integer(q, 2);
    instant_t at = integer(q, 3);
    for (int i = 0; i < 2; i++) pending[i] = pending[i] || integer(q, i);
    bool due = pending[0] && pending[1];
    if (is_held(j, BOTH, at) && !slots) return 0;
    if (due) pending[0] = pending[1] = false;
    if (slots > due)
        return wrong(j, "`both` started at %lld though only one was new", (long long)(at / US_PER_SECOND));
    if (due && !slots && !joined(j, BOTH, integer(q, 4), at))
        return wrong(j, "`both` did not start at %lld", (long long)(at / US_PER_SECOND));
    return 0;
}

static int judge_both(struct judgement *j) {
    bool pending[2] = {false, false};
    int bad = 0;
    if (stage->went_back || was_gone(BOTH, 0, INT64_MAX)) return 0;
    struct query q = ask(j, both_sql, pipe_name(BOTH));
    while (!bad && step(&q)) bad = judge_instant(j, &q, pending);
    done(&q);
    return bad;
}

/* ---- a day, when it is complete ---- */

#define DAY_OF_SLOTS                                                                                         \
    "FROM slot s JOIN schedule c ON c.id = s.schedule JOIN pipeline p ON p.id = c.pipeline LEFT JOIN run r " \
    "ON r.id = s.run WHERE p.name = 'thirds' AND s.window_start < %lld AND s.window_end > %lld"

static bool is_complete(struct judgement *j, instant_t day) {
    char sql[600];
    long long from = (long long)day, to = from + US_PER_DAY;
    snprintf(sql, sizeof sql,
             "SELECT count(*) " DAY_OF_SLOTS " AND (r.id IS NULL OR r.state NOT IN ('ok', 'warn'))", to,
             from);
    if (number(j, sql)) return false;
    snprintf(sql, sizeof sql,
             "SELECT max(s.window_end) >= %lld AND min(s.window_start) <= %lld " DAY_OF_SLOTS, to, from, to,
             from);
    return number(j, sql) == 1;
}

/* Days that started though a run that was due for a part of them ended well later, or never. */
static int judge_early(struct judgement *j) {
    static const char sql[] =
        "SELECT count(*) FROM slot t JOIN schedule e ON e.id = t.schedule JOIN pipeline d ON d.id = "
        "e.pipeline "
        "AND d.name = 'day' JOIN pipeline p ON p.name = 'thirds' JOIN schedule c ON c.pipeline = p.id JOIN "
        "slot s ON "
        "s.schedule = c.id AND s.outcome = 'run' AND s.window_start < t.window_end AND s.window_end > "
        "t.window_start "
        "WHERE NOT EXISTS (SELECT 1 FROM run x WHERE x.pipeline = p.id AND x.window_start = s.window_start "
        "AND "
        "x.window_end = s.window_end AND x.state IN ('ok', 'warn') AND x.finished_at <= t.decided_at)";
    if (stage->went_back || was_gone(THIRDS, 0, INT64_MAX)) return 0;
    int64_t n = number(j, sql);
    return n ? wrong(j, "%lld runs ended well only after the day that they are part of had started",
                     (long long)n)
             : 0;
}

static int judge_day(struct judgement *j, instant_t day) {
    char sql[300];
    if (!is_complete(j, day) || was_gone(THIRDS, day - US_PER_DAY, day + 2 * US_PER_DAY)) return 0;
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM slot s JOIN schedule c ON c.id = s.schedule JOIN pipeline p ON p.id = "
             "c.pipeline "
             "WHERE p.name = 'day' AND s.window_start = %lld",
             (long long)day);
    return number(j, sql) == 1 ? 0
                               : wrong(j, "the day %lld is complete and did not start `day`",
                                       (long long)(day / US_PER_SECOND));
}

static int judge_days(struct judgement *j) {
    instant_t first = number(j, "SELECT min(created_at) FROM schedule"), end = stage_wall();
    int bad = 0;
    for (instant_t day = (first / US_PER_DAY + 1) * US_PER_DAY; day + US_PER_DAY <= end && !bad;
         day += US_PER_DAY)
        bad = judge_day(j, day);
    return bad;
}

int judge_data(struct judgement *j) {
    return judge_zeros(j) || judge_each(j) || judge_both(j) || judge_days(j) || judge_early(j);
}
