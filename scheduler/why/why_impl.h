/* why_impl.h: what the files of why.h share. */
#ifndef LEAT_SCHEDULER_WHY_IMPL_H
#define LEAT_SCHEDULER_WHY_IMPL_H

#include "scheduler/why/why.h"
#include "store/attempts.h"
#include "store/runs.h"
#include "store/schedules.h"

struct whying {
    const struct why_asks *asks;
    struct store *store;
    struct why *out;
    const char *name;                /* of the pipeline */
    const struct pipeline *pipeline; /* NULL: its file is broken, or not there */
    const char *problem;
    json_t *standing; /* who is at work (conductor/standing.c); NULL: nobody */
    bool serves;
};

/* ---- why.c ---- */

int why_begin(struct whying *k, const struct why_asks *asks, const char *pipeline, struct why *out,
              struct err *err);
void why_end(struct whying *k);
/* The sentence; the first one stays. */
void why_say(struct whying *k, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void why_text(struct whying *k, const char *what, const char *source, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void why_time(struct whying *k, const char *what, const char *source, instant_t t);
void why_span(struct whying *k, const char *what, const char *source, instant_t start, instant_t end);
/* A text in the answer's arena. */
const char *why_print(struct whying *k, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *why_at(struct whying *k, instant_t t);
const char *why_about(struct whying *k, instant_t start,
                      instant_t end); /* "the window 2026-11-19"; "no window" */
const char *why_file(const struct pipeline *p, struct span at, struct arena *a); /* "pipelines/x.yaml:5" */
const struct pause_row *why_paused(struct whying *k, struct err *err); /* NULL: it is not, or err->exit */
/* Nobody is at work: when somebody was last. */
void why_alive(struct whying *k);
const char *why_nobody(struct whying *k); /* "nobody serves" as a reason: what runs instead, or nothing */

bool why_is_gone(const struct whying *k); /* its file; what it did is known */
/* "the file of x is gone since …", and as facts since when, and what became of what was due; NULL with
 * err. */
const char *why_gone(struct whying *k, struct err *err);

/* ---- why_run.c ---- */

/* `as`: how the sentence calls it ("run 12", "the run of its slot, run 12"). */
int why_of_run(struct whying *k, const struct run_row *row, const char *as, struct err *err);

/* ---- why_rules.c ---- */

/* A schedule row of the pipeline that fires by the clock: its words, as it is decided by. */
struct ruled {
    struct schedule *schedule; /* schedule_free() */
    struct slots *slots;
    const struct schedule *written; /* in the file; NULL: it is not there any more */
    struct schedule_row row;        /* id 0: the clock has never seen it */
};
int why_rules(struct whying *k, struct ruled **out, size_t *n, struct err *err); /* those with a clock */
void why_rules_release(struct ruled *rules, size_t n);

/* ---- why_datasets.c ---- */

/* What a pipeline that starts after datasets waits for in a span. 1: it said something; 0. */
int why_datasets(struct whying *k, instant_t start, instant_t end, struct err *err);

#endif
