/* why.h: why something runs, does not run, or ran as it did: answers from what has been recorded, and from
 * arithmetic.
 *
 *   why_run       a run: why it waits, what it does, how and why it ended
 *   why_window    a pipeline and a window: which slots are about it, what became of them, or why there is
 *                 none
 *   why_pipeline  a pipeline: what it does now, or what comes next
 *
 * An answer is one sentence, and the facts it rests on, each with its source. Nothing is guessed: where
 * nothing was recorded the answer says so. It only reads, and works beside a conductor and when none is; who
 * is at work is asked for what only it knows (which step holds the tokens of a pool). */
#ifndef LEAT_SCHEDULER_WHY_H
#define LEAT_SCHEDULER_WHY_H

#include "base/tz_set.h"
#include "dag/wiring.h"
#include "store/store.h"

#include <jansson.h>

struct why_fact {
    const char *what;
    const char *shown;  /* for people */
    json_t *value;      /* for programs: text, number, an instant or window as cli.md 1.6 has them */
    const char *source; /* "slot", "run 12", "pipelines/x.yaml:5", … */
};

struct why {
    struct arena *arena; /* of all texts */
    const char *subject, *answer;
    struct why_fact *facts;
    size_t count, cap;
};
void why_release(struct why *w);

struct why_asks {
    struct store *store; /* NULL: nothing has ever run here */
    struct tz_set *zones;
    instant_t now;
    void *ctx;
    /* Times as people read them, in the pipeline's zone; borrowed for as long as the answer. */
    const char *(*time)(void *ctx, const char *pipeline, instant_t t);
    const char *(*window)(void *ctx, const char *pipeline, instant_t start, instant_t end);
    /* The definition as its file has it now, borrowed; NULL with what is wrong with it, or (*problem NULL)
     * when there is no such file. Nobody need have asked what its SQL reads. */
    const struct pipeline *(*find)(void *ctx, const char *name, const char **problem);
    const struct wiring *(*wiring)(void *ctx); /* of the whole project; for who writes a dataset */
    /* Asks who is at work (the request is consumed): a new reference; NULL: nobody is, or does not answer. */
    json_t *(*ask)(void *ctx, json_t *request);
};

/* 0, or -1 with err (exit 4: there is no such run or pipeline). Release *out either way. */
int why_run(const struct why_asks *asks, int64_t run, struct why *out, struct err *err);
int why_pipeline(const struct why_asks *asks, const char *pipeline, struct why *out, struct err *err);
int why_window(const struct why_asks *asks, const char *pipeline, instant_t start, instant_t end,
               struct why *out, struct err *err);

#endif
