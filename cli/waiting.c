/* waiting.c: see waiting.h. */
#include "cli/waiting.h"

#include "base/json.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <string.h>

enum { SHOWN = 80 };

/* The part of the detail that says it; the whole belongs to *detail. */
static const json_t *read_detail(const struct attempt_row *a, json_t **detail) {
    *detail = a->finished_at == INSTANT_NONE && a->phase == 'w' && a->detail ? json_loads(a->detail, 0, NULL)
                                                                             : NULL;
    const json_t *waits = json_object_get(*detail, "waits");
    return waits ? waits : json_object_get(*detail, "runs");
}

/* One line of at most so many bytes; a query may have many. */
static void add_line(struct buf *b, const char *text) {
    size_t n = strcspn(text, "\n");
    bool cut = text[n] || n > SHOWN;
    buf_addf(b, "%.*s%s", (int)(n > SHOWN ? utf8_whole(text, SHOWN) : n), text, cut ? "…" : "");
}

static void add_until(struct view *v, const struct attempt_row *a, const char *until, struct buf *b) {
    instant_t at;
    if (until && instant_parse(until, &at)) buf_addf(b, ", at most until %s", view_time(v, a->pipeline, at));
}

const char *waiting_text(struct view *v, const struct attempt_row *a) {
    json_t *detail;
    const json_t *w = read_detail(a, &detail);
    struct buf b = BUF_INIT;
    if (json_text(w, "pipeline")) {
        buf_addf(&b, "run %s of %s", json_text_or(w, "run", "?"), json_text(w, "pipeline"));
    } else if (w) {
        buf_addf(&b, "waiting %s for ", view_took(v, a->started_at, INSTANT_NONE));
        add_line(&b, json_text_or(w, "for", ""));
    }
    if (w) add_until(v, a, json_text(w, "until"), &b);
    if (json_text(w, "problem")) buf_addf(&b, ": %s", json_text(w, "problem"));
    const char *text = w ? arena_strdup(v->arena, buf_str(&b)) : NULL;
    buf_release(&b);
    json_decref(detail);
    return text;
}

json_t *waiting_json(const struct attempt_row *a) {
    json_t *detail;
    const json_t *w = read_detail(a, &detail);
    static const char *const members[] = {"kind", "for", "pipeline", "until", "problem"};
    json_t *o = w ? json_object() : NULL;
    if (o) json_put(o, "run", json_id(a->run));
    if (o) json_put_text(o, "step", a->step_name);
    for (size_t i = 0; o && i < sizeof members / sizeof *members; i++) {
        json_t *m = json_object_get(w, members[i]);
        if (m) json_object_set(o, members[i], m);
    }
    if (o && json_text(w, "run")) json_put_text(o, "child_run", json_text(w, "run"));
    if (o) json_put(o, "since", json_instant(a->started_at));
    json_decref(detail);
    return o;
}
