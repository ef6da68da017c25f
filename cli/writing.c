/* writing.c: see writing.h. */
#include "cli/writing.h"

#include "store/intents.h"
#include "store/runs.h"

#include <pwd.h>
#include <unistd.h>

struct change {
    int (*make)(struct conductor *k, void *ctx, struct err *err); /* NULL: only recover */
    void *ctx;
};

static int start(struct conductor *k, void *ctx, int64_t *run, struct err *err) {
    const struct change *change = ctx;
    *run = 0;
    if (conductor_recover(k, 0, err) < 0) return -1;
    return change->make ? change->make(k, change->ctx, err) : 0;
}

static int as_writer(struct view *v, struct change *change, struct err *err) {
    struct running r = {.start = start, .ctx = change, .timezone = "UTC"};
    return running(v->c, v->project, &r, err);
}

/* Something is unfinished although nobody is at work on it. */
static int needs_recovery(struct view *v, bool *needed, struct err *err) {
    struct run_row *runs = NULL;
    struct intent_row *intents = NULL;
    struct store_holder holder;
    size_t run_count = 0, intent_count = 0;
    *needed = false;
    if (!v->store || store_holder(v->project->state, &holder) == 1) return 0;
    if (store_runs_open(v->store, v->arena, &runs, &run_count, err) < 0) return -1;
    if (store_intents_open(v->store, v->arena, &intents, &intent_count, err) < 0) return -1;
    *needed = run_count + intent_count > 0;
    return 0;
}

int writing_prepare(struct view *v, struct err *err) {
    bool needed;
    struct change nothing = {0};
    if (needs_recovery(v, &needed, err) < 0) return -1;
    if (!needed) return 0;
    if (as_writer(v, &nothing, err) < 0) return -1;
    struct cli *c = v->c;
    view_close(v);
    return view_open(v, c, err);
}

int writing_apply(struct view *v, int (*change)(struct conductor *k, void *ctx, struct err *err), void *ctx,
                  struct err *err) {
    struct change made = {change, ctx};
    return as_writer(v, &made, err) < 0 ? -1 : 0;
}

const char *writing_author(void) {
    const struct passwd *pw = getpwuid(getuid());
    return pw ? pw->pw_name : "unknown";
}

int writing_check_reason(const struct cli *c, struct err *err) {
    if (!c->no_input || cli_value(c, "reason")) return 0;
    return err_set(err, EX_USAGE, "with --no-input this needs --reason TEXT, for the history");
}
