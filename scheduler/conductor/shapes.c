/* shapes.c: whether what another program asks has the shape that its handler takes: one row a member.
 *
 * Handlers may then trust that what is needed is there, and that what is there is of its kind. What a row
 * does not name is not looked at: a newer command may say more. */
#include "scheduler/conductor/inner.h"

#include "base/json.h"

#include <stdio.h>
#include <string.h>

/* From the year 1 to the year 9999. */
#define FIRST_INSTANT (INT64_C(-62135596800) * US_PER_SECOND)
#define LAST_INSTANT  (INT64_C(253402300799) * US_PER_SECOND)

/* ---- kinds ---- */

static bool is_text(const json_t *v) { return json_is_string(v); }
static bool is_whole(const json_t *v) { return json_is_integer(v); }
static bool is_count(const json_t *v) { return json_is_integer(v) && json_integer_value(v) >= 1; }
static bool is_flag(const json_t *v) { return json_is_boolean(v); }
static bool is_object(const json_t *v) { return json_is_object(v); }

static bool is_instant(const json_t *v) {
    json_int_t t = json_integer_value(v);
    return json_is_integer(v) && t >= FIRST_INSTANT && t <= LAST_INSTANT;
}

static bool is_texts(const json_t *v) {
    size_t i;
    json_t *each;
    if (!json_is_array(v)) return false;
    json_array_foreach((json_t *)(uintptr_t)v, i, each) if (!json_is_string(each)) return false;
    return true;
}

static bool is_catch_up(const json_t *v) {
    const char *word = json_is_string(v) ? json_string_value(v) : "";
    return strcmp(word, "none") == 0 || strcmp(word, "latest") == 0 || strcmp(word, "all") == 0;
}

enum kind { TEXT, TEXTS, WHOLE, COUNT, INSTANT, FLAG, CATCH_UP, OBJECT };

static const struct {
    bool (*is)(const json_t *v);
    const char *words;
} kinds[] = {
    [TEXT] = {is_text, "a text"},
    [TEXTS] = {is_texts, "a list of texts"},
    [WHOLE] = {is_whole, "a whole number"},
    [COUNT] = {is_count, "a whole number from 1 on"},
    [INSTANT] = {is_instant, "microseconds since 1970, of a year from 1 to 9999"},
    [FLAG] = {is_flag, "true or false"},
    [CATCH_UP] = {is_catch_up, "none, latest or all"},
    [OBJECT] = {is_object, "an object"},
};

/* ---- members ---- */

static const struct shape {
    const char *of, *key;
    enum kind kind;
    bool needed;
} shapes[] = {
    {"cancel", "run", WHOLE, true},
    {"cancel", "kill", FLAG, false},
    {"cancel", "reason", TEXT, false},
    {"queue", "pipeline", TEXT, true},
    {"queue", "params", OBJECT, false},
    {"queue", "window", OBJECT, false},
    {"queue", "only", TEXTS, false},
    {"queue", "from_step", TEXT, false},
    {"queue", "reason", TEXT, false},
    {"queue", "force", FLAG, false},
    {"queue", "move_bookmark", FLAG, false},
    {"queue.window", "start", INSTANT, true},
    {"queue.window", "end", INSTANT, true},
    {"queue.window", "explicit", FLAG, false},
    {"pause", "pipeline", TEXT, true},
    {"pause", "until", INSTANT, false},
    {"pause", "catch_up", CATCH_UP, false},
    {"pause", "reason", TEXT, false},
    {"pause", "author", TEXT, false},
    {"resume", "pipeline", TEXT, true},
    {"resume", "catch_up", CATCH_UP, false},
    {"why", "run", WHOLE, true},
    {"backfill_add", "plan", OBJECT, true},
    {"backfill_add", "token", TEXT, true},
    {"backfill_add.plan", "pipeline", TEXT, true},
    {"backfill_add.plan", "from", INSTANT, true},
    {"backfill_add.plan", "to", INSTANT, true},
    {"backfill_add.plan", "max_parallel", COUNT, true},
    {"backfill_add.plan", "max_failures", WHOLE, false},
    {"backfill_add.plan", "params", OBJECT, false},
    {"restate_add", "plan", OBJECT, true},
    {"restate_add", "token", TEXT, true},
    {"restate_add.plan", "dataset", TEXT, true},
    {"restate_add.plan", "from", INSTANT, true},
    {"restate_add.plan", "to", INSTANT, true},
    {"restate_add.plan", "max_parallel", COUNT, true},
    {"restate_add.plan", "max_failures", WHOLE, false},
    {"backfill_pause", "backfill", WHOLE, true},
    {"backfill_resume", "backfill", WHOLE, true},
    {"backfill_cancel", "backfill", WHOLE, true},
    {"backfill_cancel", "running", FLAG, false},
};

static int wrong(const struct shape *s, struct err *err) {
    return err_set(err, EX_USAGE, "`%s` %s `%s`: %s", s->of, s->needed ? "needs" : "may have", s->key,
                   kinds[s->kind].words);
}

/* null is as good as nothing. */
static int check(const char *of, const json_t *o, struct err *err) {
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const struct shape *s = &shapes[i];
        if (strcmp(s->of, of) != 0) continue;
        const json_t *v = json_object_get(o, s->key);
        bool there = v && !json_is_null(v);
        if (there ? !kinds[s->kind].is(v) : s->needed) return wrong(s, err);
    }
    return 0;
}

int asked_shape(const char *word, const json_t *request, struct err *err) {
    static const char *const nested[] = {"window", "plan"};
    char of[64];
    if (check(word, request, err)) return -1;
    for (size_t i = 0; i < sizeof nested / sizeof *nested; i++) {
        const json_t *v = json_object_get(request, nested[i]);
        snprintf(of, sizeof of, "%s.%s", word, nested[i]);
        if (json_is_object(v) && check(of, v, err)) return -1;
    }
    return 0;
}
