/* op.h: what an operator is.
 *
 * An operator is one const struct per verb, listed in operators/table.c. There are three kinds:
 *
 *   launch     fills argv and environment; the warden runs the process (shell, exec)
 *   work       runs inside `leat worker`, a process of its own under the warden (copy, sql, promote, spark);
 *              it may load the embedded engine and may block
 *   attend     says what the conductor is to look after in its own loop; while it does there is no process
 *              and no thread (wait, pipeline). It is quick and pure: no file, no clock, no network
 *
 * None publishes. A step with `into:` leaves files in its stage; the worker audits them (zones/audit.h)
 * and the conductor publishes (zones/publish.h). Conductor and worker talk through two JSON files in
 * .leat/stage: the request and the result, described in operators/README.md and built and read only by
 * operators/exchange.c. */
#ifndef LEAT_OPERATORS_OP_H
#define LEAT_OPERATORS_OP_H

#include "base/err.h"
#include "base/fields.h"
#include "base/instant.h"

#include <jansson.h>

struct tz_set;
struct work;         /* operators/work.h: the worker's view of its attempt */
struct prepare_step; /* operators/prepare.h: a step that is looked at before it runs */

struct op_launch {
    char **argv; /* malloc'ed, NULL at the end */
    char **env;  /* "NAME=value" additions for this verb; malloc'ed, NULL at the end; may be NULL */
};

/* What an attended step is asked by. */
struct op_asked {
    const json_t *config; /* of the verb, evaluated */
    const char *timezone; /* of the pipeline */
    struct tz_set *zones; /* of the project; may be NULL */
    instant_t window_end; /* INSTANT_NONE: no window */
    instant_t began;      /* the run */
};

enum attend_kind {
    ATTEND_PATH,    /* until something is at a path, or fits a pattern */
    ATTEND_URL,     /* until a URL answers that it is there */
    ATTEND_DATASET, /* until a dataset has been published, or is complete */
    ATTEND_SQL,     /* until a query says so: `work` asks it, once a look */
    ATTEND_TIME,    /* until the wall clock shows `at` */
    ATTEND_RUN,     /* until a run of another pipeline has ended */
};
extern const char *const attend_words[]; /* path url dataset sql time run */

enum attend_window { WINDOW_SAME, WINDOW_NONE, WINDOW_OWN };

/* Texts and JSON are the config's: they live as long as it does. */
struct op_attend {
    enum attend_kind kind;
    const char *what;         /* path, URL, zone.name, SQL text, time, or name of the pipeline */
    instant_t at;             /* TIME */
    duration_t poll, timeout; /* timeout 0: that of the step */
    const char *unit;         /* DATASET with `complete`: window hours days weeks months; NULL: published */
    int64_t count;            /* of units */
    const json_t *with;       /* RUN: parameters; may be NULL */
    enum attend_window window;
    instant_t window_start, window_end; /* WINDOW_OWN */
};

struct op {
    struct verb verb;
    /* One of the three is set; `wait` has `work` beside `attend`, for its SQL. `request` is the whole request
     * (operators/README.md), config evaluated. */
    int (*launch)(const json_t *request, struct op_launch *out, struct err *err);
    int (*work)(struct work *w, struct err *err);
    int (*attend)(const struct op_asked *asked, struct op_attend *out, struct err *err);
    /* Which rows it will give, and what is wrong with its config. NULL: nobody can tell. Runs in the
     * worker. */
    void (*prepare)(struct prepare_step *s);
};

extern const struct op *const op_table[]; /* NULL at the end */
const struct op *op_find(const char *verb);
const struct verb *const *op_verbs(size_t *count); /* for dag/ */

#endif
