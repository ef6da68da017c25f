/* restate.h: the plan of a restatement: a dataset was wrong for some windows; the steps that write it run
 * again for them, and then, stage by stage, every step of any pipeline that read what is changed by that, for
 * each of its windows that meets a changed one. Pure: what is in the database it asks through an interface.
 *
 *   roots      every step that writes the dataset, for the windows it was last published for where they meet
 *              [from, to); when none is known, for the windows of its pipeline that lie in it
 *   followers  steps of the same pipeline for the same window, by what they read; others by who consumed what
 *              for which window
 *   items      steps of one pipeline, for one window, in one stage: one run. A step is in the stage of what
 *              it reads when that is made by the same run, else in a later one
 *
 * A step that would bring what its bookmark finds, or append its rows a second time, cannot be restated: the
 * chain ends there, and the plan says so. So it does for steps that read what is restated but never did for a
 * window. */
#ifndef LEAT_SCHEDULER_RESTATE_H
#define LEAT_SCHEDULER_RESTATE_H

#include "base/arena.h"
#include "dag/pipeline.h"
#include "store/backfills.h" /* struct consumed_row; declarations only */
#include "store/windows.h"   /* struct version_window */

enum restate_downstream { RESTATE_none, RESTATE_pipeline, RESTATE_all };
extern const char *const restate_downstream_names[]; /* none pipeline all, NULL */

struct restate_request {
    const char *dataset;
    instant_t from, to;
    enum restate_downstream downstream;
    int64_t max_parallel, max_failures; /* max_failures -1: no limit */
    const char *name, *author, *reason; /* NULL: none */
};
json_t *restate_request_json(const struct restate_request *r);
void restate_request_read(const json_t *from, struct restate_request *out);

enum { GONE_TEXT = 256 };
struct restate_asks {
    void *ctx;
    /* The windows that versions of the dataset were published for, where they meet [from, to). */
    int (*written)(void *ctx, const char *dataset, instant_t from, instant_t to, struct arena *a,
                   struct version_window **rows, size_t *n, struct err *err);
    /* Who consumed the dataset for windows that meet [from, to). */
    int (*consumers)(void *ctx, const char *dataset, instant_t from, instant_t to, struct arena *a,
                     struct consumed_row **rows, size_t *n, struct err *err);
    /* Whether what the dataset had for a window is there no more: 1 with why, 0, -1. writer: a step that
     * writes it; NULL: none is known. */
    int (*gone)(void *ctx, const char *dataset, const struct step *writer, const char *timezone,
                instant_t start, instant_t end, char why[GONE_TEXT], struct err *err);
};

struct restate_item {
    int64_t stage;
    const struct pipeline *pipeline;
    instant_t start, end;
    const char **steps; /* in the order of the file */
    size_t step_count;
    const char *reason;
    const char *gone; /* why it is refused; NULL: it is not */
};
struct restate_plan {
    struct arena *arena;        /* of everything */
    struct restate_item *items; /* in the order they start */
    size_t count;
    size_t refused; /* of them: inputs that are gone */
    int64_t stages;
    const char **notes;          /* what is not restated, and why */
    size_t note_count, note_cap; /* the list is malloc'ed */
    char token[20];
};
void restate_plan_release(struct restate_plan *p);

struct restate_sources {
    const struct pipeline *const *pipelines; /* all of the project */
    size_t count;
    const struct restate_asks *asks;
    instant_t now;
};
/* Exit 2: from is not before to, no window of the writers meets it; exit 3: the step that writes it cannot be
 * restated, steps read in a circle; exit 4: no step writes the dataset. *out only on 0. */
int restate_plan(const struct restate_sources *s, const struct restate_request *r, struct restate_plan *out,
                 struct err *err);

#endif
