/* why_pipeline.c: a pipeline as it stands: what it does or waits for, else what is wrong, else what comes
 * next. */
#include "scheduler/complete.h"
#include "scheduler/why/why_impl.h"

#include "base/json.h"
#include "store/backfills.h"

#include <inttypes.h>
#include <string.h>

/* ---- what it did ---- */

static void tell_last(struct whying *k, const char **last) {
    struct run_row *rows;
    size_t n;
    struct err ignored;
    struct run_filter f = {.pipeline = k->name,
                           .since = INSTANT_NONE,
                           .window_start = INSTANT_NONE,
                           .window_end = INSTANT_NONE,
                           .limit = 1};
    *last = "it has never run";
    if (!k->store || store_runs_list(k->store, &f, k->out->arena, &rows, &n, &ignored) < 0 || !n) return;
    *last = why_print(k, "its last run, %" PRId64 ", ended %s", rows[0].id, rows[0].state);
    why_time(k, "last run ended at", why_print(k, "run %" PRId64, rows[0].id), rows[0].finished_at);
}

static int of_gone(struct whying *k, struct err *err) {
    const char *last, *gone = why_is_gone(k) ? why_gone(k, err) : "";
    if (!gone) return -1;
    if (!*gone) return 0;
    tell_last(k, &last);
    why_say(k, "%s, and nothing of it starts any more; %s", gone, last);
    return 1;
}

/* ---- what is going on ---- */

static const char *pause_text(struct whying *k, const struct pause_row *p) {
    return p->until == INSTANT_NONE ? "until it is resumed" : why_print(k, "until %s", why_at(k, p->until));
}

static void tell_pause(struct whying *k, const struct pause_row *p) {
    why_time(k, "paused at", "pause", p->at);
    if (p->author) why_text(k, "paused by", "pause", "%s", p->author);
    why_text(k, "next", "pause", "leat resume %s", k->name);
}

/* It runs all the same, and nothing comes after it. */
static int add_gone(struct whying *k, struct err *err) {
    const char *gone = why_gone(k, err);
    if (gone) k->out->answer = why_print(k, "%s; %s, so nothing follows", k->out->answer, gone);
    return gone ? 0 : -1;
}

static int add_pause(struct whying *k, struct err *err) {
    struct err failed = {0};
    const struct pause_row *p = why_paused(k, &failed);
    if (failed.exit) return *err = failed, -1;
    if (!p) return 0;
    k->out->answer =
        why_print(k, "%s; it is paused %s, so nothing follows by itself", k->out->answer, pause_text(k, p));
    if (p->reason) why_text(k, "because", "pause", "%s", p->reason);
    tell_pause(k, p);
    return 0;
}

/* Its oldest run that is running; or, when none is, that waits. */
static int of_open(struct whying *k, struct err *err) {
    struct run_row *open, *one = NULL;
    size_t n;
    if (store_runs_open(k->store, k->out->arena, &open, &n, err) < 0) return -1;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(open[i].pipeline, k->name) != 0) continue;
        bool better = strcmp(open[i].state, "running") == 0 && one && strcmp(one->state, "queued") == 0;
        if (!one || better) one = &open[i];
    }
    if (!one) return 0;
    if (why_of_run(k, one, why_print(k, "run %" PRId64, one->id), err)) return -1;
    if (strcmp(one->state, "running") != 0) return 1;
    return (why_is_gone(k) ? add_gone : add_pause)(k, err) ? -1 : 1;
}

static int of_broken(struct whying *k, struct err *err) {
    (void)err;
    if (!k->problem) return 0;
    why_say(k, "its file is broken: %s", k->problem);
    why_text(k, "next", "the file", "mend it, then: leat validate %s", k->name);
    return 0; /* what runs all the same is worth knowing */
}

static int of_pause(struct whying *k, struct err *err) {
    struct err failed = {0};
    const struct pause_row *p = why_paused(k, &failed);
    if (failed.exit) return *err = failed, -1;
    if (!p) return 0;
    why_say(k, "it is paused %s%s%s", pause_text(k, p), p->reason ? ": " : "", p->reason ? p->reason : "");
    tell_pause(k, p);
    return 1;
}

/* ---- what is wrong ---- */

static int of_failing(struct whying *k, struct err *err) {
    struct pipeline_row *rows;
    struct run_row run;
    size_t n;
    if (store_pipelines_list(k->store, k->out->arena, &rows, &n, err) < 0) return -1;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(rows[i].name, k->name) != 0 || rows[i].failing_since == INSTANT_NONE) continue;
        int found = store_run_get(k->store, rows[i].last_finished, k->out->arena, &run, err);
        if (found <= 0) return found;
        why_time(k, "failing since", "the pipeline's summary", rows[i].failing_since);
        return why_of_run(k, &run, why_print(k, "its last run, %" PRId64 ",", run.id), err) ? -1 : 1;
    }
    return 0;
}

/* A slot is due that nobody decides about. */
static int of_overdue(struct whying *k, const struct ruled *rules, size_t n, struct err *err) {
    (void)err;
    for (size_t i = 0; i < n && !k->serves; i++) {
        struct slot slot;
        instant_t from =
            rules[i].row.id ? rules[i].row.cursor : slots_first_cursor(rules[i].slots, k->asks->now);
        if (!slots_next(rules[i].slots, from, &slot) || slot.fire > k->asks->now) continue;
        why_say(k, "nothing of it starts: %s, and its slot of %s is due", why_nobody(k),
                why_at(k, slot.fire));
        why_time(k, "due since", "schedule", slot.fire);
        why_alive(k);
        why_text(k, "next", "the conductor", "leat serve");
        return 1;
    }
    return 0;
}

static int of_stale(struct whying *k, struct err *err) {
    struct stale_count *rows;
    size_t n;
    int said = 0;
    if (store_stale_counts(k->store, k->out->arena, &rows, &n, err) < 0) return -1;
    for (size_t i = 0; i < n; i++) {
        char from[INSTANT_TEXT], to[INSTANT_TEXT];
        if (strcmp(rows[i].pipeline, k->name) != 0) continue;
        why_say(k, "it is stale: %s has been published anew for %" PRId64 " window%s that it has read",
                rows[i].dataset, rows[i].windows, rows[i].windows == 1 ? "" : "s");
        why_span(k, "they lie in", rows[i].dataset, rows[i].start, rows[i].end);
        why_text(k, "next", rows[i].dataset, "leat restate %s --from %s --to %s", rows[i].dataset,
                 instant_text(rows[i].start, from), instant_text(rows[i].end, to));
        said = 1;
    }
    return said;
}

/* ---- what comes next ---- */

static const char *datasets_text(struct whying *k, const struct after *a) {
    const char *text = a->datasets[0];
    for (size_t i = 1; i < a->count; i++)
        text = why_print(k, "%s%s%s", text,
                         i + 1 < a->count ? ", "
                         : a->all         ? " and "
                                          : " or ",
                         a->datasets[i]);
    if (a->same)
        text = why_print(k, "%s, complete for the same %s", text, a->same == SAME_DAY ? "day" : "month");
    return text;
}

static const char *after_text(struct whying *k) {
    for (size_t i = 0; k->pipeline && i < k->pipeline->schedule_count; i++)
        if (k->pipeline->schedules[i].after.count) return datasets_text(k, &k->pipeline->schedules[i].after);
    return NULL;
}

static void of_next(struct whying *k, const struct ruled *rules, size_t n) {
    struct slot first = {.fire = INSTANT_NONE}, slot;
    const char *last, *after = after_text(k);
    for (size_t i = 0; i < n; i++) {
        if (!slots_next(rules[i].slots, k->asks->now, &slot)) continue;
        why_time(k, "fires next at",
                 rules[i].written ? why_file(k->pipeline, rules[i].written->at, k->out->arena) : "schedule",
                 slot.fire);
        if (first.fire == INSTANT_NONE || slot.fire < first.fire) first = slot;
    }
    tell_last(k, &last);
    if (after)
        why_text(k, "starts after", why_file(k->pipeline, (struct span){0}, k->out->arena), "%s", after);
    if (first.fire != INSTANT_NONE)
        why_say(k, "nothing is in its way: %s; it fires next at %s, for %s", last, why_at(k, first.fire),
                why_about(k, first.start, first.end));
    else if (after)
        why_say(k, "nothing is in its way: %s; it starts after %s", last, after);
    else if (n)
        why_say(k, "nothing comes any more: its schedule has no later slot; %s", last);
    else
        why_say(k, "it does not start by itself: it has no schedule; %s", last);
    if ((first.fire != INSTANT_NONE || after) && !k->serves) why_alive(k);
}

/* ---- */

static int of_state(struct whying *k, struct err *err) {
    static int (*const looks[])(struct whying *, struct err *) = {of_broken, of_open, of_gone, of_pause,
                                                                  of_failing};
    for (size_t i = 0; k->store && i < sizeof looks / sizeof *looks; i++) {
        int said = looks[i](k, err);
        if (said) return said;
    }
    if (!k->store) of_broken(k, err);
    return 0;
}

static int answer(struct whying *k, struct err *err) {
    struct ruled *rules;
    size_t n;
    int said = of_state(k, err);
    if (said) return said < 0 ? -1 : 0;
    if (why_rules(k, &rules, &n, err)) return -1;
    said = of_overdue(k, rules, n, err);
    if (said == 0 && k->store) said = of_stale(k, err);
    if (said == 0) of_next(k, rules, n);
    why_rules_release(rules, n);
    return said < 0 ? -1 : 0;
}

int why_pipeline(const struct why_asks *asks, const char *pipeline, struct why *out, struct err *err) {
    struct whying k;
    *out = (struct why){0};
    if (why_begin(&k, asks, pipeline, out, err)) return -1;
    out->subject = k.name;
    int rc = answer(&k, err);
    why_end(&k);
    return rc;
}
