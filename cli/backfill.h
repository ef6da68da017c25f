/* backfill.h: what the files of `leat backfill` and `leat restate` share: showing a plan, and following
 * it. */
#ifndef LEAT_CLI_BACKFILL_H
#define LEAT_CLI_BACKFILL_H

#include "cli/calls.h"
#include "cli/view.h"
#include "scheduler/plans/backfill.h"
#include "store/backfills.h"

/* ---- backfill_plan.c: a plan before anything is written down ---- */

struct shown_plan {
    struct view *v;
    const struct plan_request *request;
    const struct backfill_plan *plan;
    duration_t usual; /* how long it would take; -1: nothing to go by */
};
/* One line; with `whole` also what becomes of which windows. On stdout, or as a document with --json
 * (whole). */
void backfill_plan_show(const struct shown_plan *p, bool whole);
json_t *backfill_plan_json(const struct shown_plan *p);
/* "2026-10-01 … 2026-10-31", in the arena; and "31 windows 2026-10-01 … 2026-10-31" */
const char *stretch_text(struct view *v, const struct tz *tz, const struct time_span *first,
                         const struct time_span *last);
const char *windows_text(struct view *v, const struct tz *tz, size_t n, const struct time_span *first,
                         const struct time_span *last);

/* ---- backfill_watch.c: a backfill as people watch it ---- */

struct watch;
/* One window that began or ended. */
struct watched_window {
    instant_t at, start, end;
    int64_t run;
    const char *state;                /* running ok failed cancelled planned */
    const char *failed_step, *reason; /* NULL or "": none */
    duration_t took;                  /* -1: not known */
};
struct watch *watch_new(struct cli *c, const struct tz *tz, const struct backfill_row *b);
void watch_free(struct watch *w); /* NULL is fine */
void watch_window(struct watch *w, const struct watched_window *e);
void watch_counts(struct watch *w, const struct backfill_row *b); /* how things stand */
void watch_draw(struct watch *w); /* the line at the bottom of a terminal; at most ten times a second */
/* Says how it ended; the exit code. `here`: this process was at work on it, so nobody is now. */
int watch_end(struct watch *w, const struct backfill_row *b);
int watch_detach(struct watch *w, int signal, bool here);

/* ---- backfill_follow.c ---- */

/* Does it here or, when somebody serves, watches it being done; what ended before `since` is no news. The
 * exit code, or -1 with err. */
int backfill_follow(struct view *v, struct calls *f, int64_t id, instant_t since, struct err *err);

/* ---- backfill.c ---- */

/* Asks whoever is at work, or does it on the database; *answer: new reference. The request is consumed. */
int backfill_ask(struct view *v, struct calls *f, json_t *request, json_t **answer, struct err *err);
/* 0, or -1 with err: it ends before it begins. */
int backfill_check_span(const struct tz *tz, instant_t from, instant_t to, struct err *err);
/* The zone to show its windows in: of the pipeline, or of the first one that a restatement runs. Borrowed. */
const struct tz *backfill_zone(struct view *v, const struct backfill_row *b);
/* What --name may stand for already. */
struct named_ask {
    const char *kind, *name, *subject;
    instant_t from, to;
    const struct tz *tz;
};
/* 1: it is there and can be gone on with; 0: there is none of that name; -1 with err: it is another one (exit
 * 8). */
int backfill_named(struct view *v, const struct named_ask *a, struct err *err);
/* After it was written down: says so, and follows it unless --detach. The answer is consumed. */
int backfill_begun(struct view *v, struct calls *f, json_t *answer, struct err *err);

#endif
