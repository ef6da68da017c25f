/* wait.c: `wait:`, until something is there: a file, a URL, a dataset, a time, what a query says. The
 * conductor looks; only a query needs a process, for as long as it takes to answer. */
#include "base/json.h"
#include "base/tz_set.h"
#include "engine/duck.h"
#include "operators/operators.h"
#include "operators/work.h"
#include "zones/attach.h"
#include "zones/sqltext.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define POLL_DEFAULT (30 * US_PER_SECOND)
#define POLL_MIN     US_PER_SECOND

const char *const attend_words[] = {
    [ATTEND_PATH] = "path", [ATTEND_URL] = "url",   [ATTEND_DATASET] = "dataset",
    [ATTEND_SQL] = "sql",   [ATTEND_TIME] = "time", [ATTEND_RUN] = "run"};

/* ---- times ---- */

static bool time_of_day(const char *text, struct civil *day) {
    if (strlen(text) != 5 || text[2] != ':') return false;
    day->hour = (text[0] - '0') * 10 + text[1] - '0';
    day->minute = (text[3] - '0') * 10 + text[4] - '0';
    day->second = day->micros = 0;
    return day->hour >= 0 && day->hour < 24 && day->minute >= 0 && day->minute < 60;
}

/* An hour is one of the day on which the window ends; without a window, of the day on which the run began. */
static bool instant_meant(const char *text, const struct tz *tz, const struct op_asked *asked,
                          instant_t *out) {
    struct civil wall = tz_civil(tz, asked->window_end == INSTANT_NONE ? asked->began : asked->window_end);
    if (instant_parse(text, out)) return true;
    if (!time_of_day(text, &wall) && !civil_parse(text, &wall)) return false;
    *out = tz_instant(tz, &wall);
    return true;
}

static int attend_time(const struct op_asked *asked, const char *text, struct op_attend *out,
                       struct err *err) {
    struct tz *tz = tz_set_load(asked->zones, asked->timezone, err);
    if (!tz) return -1;
    bool known = instant_meant(text, tz, asked, &out->at);
    tz_free(tz);
    if (known) return 0;
    err_set(err, EX_INVALID, "`wait`: `%.80s` is not a time", text);
    return err_hint(err, "write 06:15, 2026-11-20 06:15, or with a zone 2026-11-20T06:15:00Z");
}

/* ---- attend ---- */

static bool is_url(const char *text) {
    return strncasecmp(text, "http://", 7) == 0 || strncasecmp(text, "https://", 8) == 0;
}

/* The one member of `for` says what it is. */
static int attend_target(const struct op_asked *asked, const json_t *target, struct op_attend *out,
                         struct err *err) {
    const char *path = json_text(target, "path"), *time = json_text(target, "time");
    const char *dataset = json_text(target, "dataset"),
               *sql = json_text(json_object_get(target, "sql"), "text");
    out->what = path ? path : time ? time : dataset ? dataset : sql;
    if (!out->what || !out->what[0]) return err_set(err, EX_INVALID, "`wait` does not say what for");
    out->kind = path      ? is_url(path) ? ATTEND_URL : ATTEND_PATH
                : time    ? ATTEND_TIME
                : dataset ? ATTEND_DATASET
                          : ATTEND_SQL;
    return time ? attend_time(asked, time, out, err) : 0;
}

static int attend(const struct op_asked *asked, struct op_attend *out, struct err *err) {
    const json_t *complete = json_object_get(asked->config, "complete");
    duration_t poll = json_int(asked->config, "poll", POLL_DEFAULT);
    *out = (struct op_attend){.at = INSTANT_NONE,
                              .poll = poll < POLL_MIN ? POLL_MIN : poll,
                              .timeout = json_int(asked->config, "timeout", 0),
                              .unit = json_text(complete, "unit"),
                              .count = json_int(complete, "count", 1)};
    return attend_target(asked, json_object_get(asked->config, "for"), out, err);
}

/* ---- what a query says ---- */

/* A number that does not fit 64 bits, or has a fixed point, comes as text. */
static bool is_numeric(const char *type) {
    static const char *const types[] = {"DECIMAL", "HUGEINT", "UHUGEINT", "UBIGINT"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strncmp(type, types[i], strlen(types[i])) == 0) return true;
    return false;
}

/* true, a number other than zero, a text that is not empty, any other value. */
static bool says_yes(const json_t *value, const char *type) {
    if (json_is_null(value)) return false;
    if (json_is_boolean(value)) return json_is_true(value);
    if (json_is_number(value)) return json_number_value(value) != 0;
    const char *text = json_string_value(value);
    if (!text) return true;
    return is_numeric(type) ? strtod(text, NULL) != 0 : text[0] != 0;
}

static int ask(struct work *w, const char *sql, const json_t *params, struct err *err) {
    struct duck_rows *rows = duck_query(w->duck, sql, params, err);
    int there = rows ? duck_next(rows, err) : -1;
    if (there == 1) {
        json_t *value = duck_json(rows, 0);
        there = says_yes(value, duck_column_type(rows, 0));
        json_put(w->result, "value", value);
    }
    duck_rows_free(rows);
    json_put(w->result, "there", json_boolean(there == 1));
    return there < 0 ? -1 : 0;
}

/* A dataset that was never published is something to wait for, not an error. */
static const char *unpublished(const struct work *w) {
    size_t i;
    json_t *in;
    json_array_foreach(w->request.inputs, i, in) {
        if (json_int(in, "version", -1) < 0) return json_text_or(in, "dataset", "");
    }
    return NULL;
}

/* What can never be asked ends the wait; all else is asked again. */
static int refuse_statement(struct work *w, struct err *err) {
    json_put(w->result, "hopeless", json_true());
    if (strstr(err->msg, "Only SELECT")) {
        err_set(err, EX_INVALID, "`wait` asks with one SELECT, and this is another statement");
        err_hint(err, "a query waits until its first value is true, a number other than zero, or a text");
    }
    return err_reason(err, "sql");
}

static int attach_and_ask(struct work *w, const char *sql, const json_t *params, struct err *err) {
    struct store *store = NULL;
    struct arena *arena = arena_new();
    struct duck_reads reads;
    int rc = duck_parse_reads(w->duck, sql, arena, &reads, err);
    arena_free(arena);
    if (rc < 0) return refuse_statement(w, err);
    if (unpublished(w)) {
        json_put(w->result, "there", json_false());
        json_put(w->result, "why", json_sprintf("%s has not been published yet", unpublished(w)));
        return 0;
    }
    if (work_store(w, &store, err) < 0) return -1;
    if (zone_attach_request(w->duck, store, w->request.json, NULL, err) < 0) return -1;
    return ask(w, sql, params, err);
}

static int work(struct work *w, struct err *err) {
    const json_t *statement = json_object_get(json_object_get(w->request.config, "for"), "sql");
    const char *text = json_text(statement, "text");
    if (!text) return err_set(err, EX_INVALID, "this wait asks no query");
    char *sql = sql_one_statement(text, err);
    if (!sql) return refuse_statement(w, err);
    int rc = work_duck(w, err) ? attach_and_ask(w, sql, json_object_get(statement, "params"), err) : -1;
    free(sql);
    return rc;
}

/* ---- the verb ---- */

static const struct field fields[] = {
    {.name = "for",
     .kind = FK_TARGET,
     .flags = FIELD_REQUIRED | FIELD_SHORT,
     .help = "A path or pattern, an http(s):// URL, a dataset, a time (06:15, 2026-11-20 06:15, ${…} that is "
             "a time), "
             "or one SELECT whose first value says yes.",
     .example = "landing/orders/${window.date}/*.csv"},
    {.name = "poll",
     .kind = FK_DURATION,
     .otherwise = "30s",
     .help =
         "How long to wait between two looks; at least 1s. A dataset is noticed at once when this project "
         "publishes it.",
     .example = "2 minutes"},
    {.name = "timeout",
     .kind = FK_DURATION,
     .otherwise = "the step's `timeout`",
     .help = "How long to wait in all. A step that waited for so long fails and is not tried again, unless "
             "`retry: {if: "
             "[timeout]}` asks for it.",
     .example = "3 hours"},
    {.name = "complete",
     .kind = FK_SPAN,
     .flags = FIELD_FIXED,
     .help = "For a dataset: wait until every run that was due to write it for the run's `window`, or for "
             "the `previous "
             "30 days` before its end, has ended well.",
     .example = "window"},
    {0},
};

const struct op op_wait = {
    .verb = {.name = "wait",
             .about = "Waits until something is there, without a process or a thread.",
             .fields = fields,
             .traits = VERB_ATTENDED},
    .work = work,
    .attend = attend,
};
