/* work.c: see work.h. */
#include "operators/work.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/fsio.h"
#include "base/json.h"
#include "base/world.h"
#include "engine/duck.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the engine ---- */

static int tick(void *ctx, double percent) {
    struct work *w = ctx;
    struct progress *p = &w->progress;
    p->percent = percent;
    p->rows = p->rows_total < 0 || percent < 0 ? -1 : (int64_t)((double)p->rows_total * percent / 100);
    progress_write(p);
    return work_stopped(w);
}

static void interrupt(void *ctx) { duck_interrupt(ctx); }

struct folders {
    const char **list;
    size_t count, cap;
};

static void allow(struct folders *f, const char *path) {
    if (!path || !path[0]) return;
    GROW(f->list, f->count, f->cap);
    f->list[f->count++] = path;
}

/* The project, the zones (the stage lies in one) and what leat.yaml allows. */
static struct folders allowed_folders(const struct request *r) {
    struct folders f = {0};
    allow(&f, r->root);
    if (r->has_into) allow(&f, r->into.stage);
    const char *name;
    size_t i;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)r->zones, name, v) allow(&f, json_text(v, "path"));
    json_array_foreach(r->allow_paths, i, v) allow(&f, json_string_value(v));
    return f;
}

struct duck *work_duck(struct work *w, struct err *err) {
    if (w->duck) return w->duck;
    const struct request *r = &w->request;
    struct folders f = allowed_folders(r);
    char *spill = r->token[0] ? exchange_path(r->state, r->token, EXCHANGE_SPILL) : NULL;
    struct duck_options o = {.timezone = r->timezone,
                             .memory_bytes = json_int(r->siblings, "memory", 0),
                             .threads = json_int(r->siblings, "threads", 0),
                             .temp_folder = spill,
                             .allowed = f.list,
                             .allowed_count = f.count,
                             .tick = tick,
                             .tick_ctx = w};
    w->duck = duck_open(&o, err);
    if (w->duck) stopper_on_stop(w->stopper, interrupt, w->duck);
    free(f.list);
    free(spill);
    return w->duck;
}

/* ---- the database ---- */

int work_store(struct work *w, struct store **out, struct err *err) {
    if (!w->store_tried && store_open_reader(w->request.state, NULL, &w->store, err) < 0) return -1;
    w->store_tried = true;
    *out = w->store;
    return 0;
}

/* ---- the audit ---- */

int work_audit_begin(struct work *w, bool engine, struct err *err) {
    const struct request *r = &w->request;
    struct store *store = NULL;
    if (work_store(w, &store, err) < 0) return -1;
    if (engine && !work_duck(w, err)) return -1;
    w->audit = (struct audit){.into = &r->into,
                              .token = r->token,
                              .pipeline = r->pipeline,
                              .step = r->step,
                              .timezone = r->timezone,
                              .window_start = r->window_start,
                              .window_end = r->window_end,
                              .now = world_wall(world_real()),
                              .duck = w->duck,
                              .store = store,
                              .inputs = r->inputs};
    audit_init(&w->audit);
    w->audit_open = true;
    return stage_make(&r->into, err);
}

/* ---- small things ---- */

bool work_stopped(const struct work *w) { return stopper_stopped(w->stopper); }

int work_cancelled(struct err *err) {
    err_set(err, EX_INTERRUPTED, "the step was cancelled");
    return err_reason(err, "cancelled");
}

void work_reads(struct work *w, int64_t rows, int64_t bytes) {
    result_add_read(w->result, rows, bytes);
    w->progress.rows_total = json_int(w->result, "rows_read", -1);
}

void work_warn(struct work *w, const char *fmt, ...) {
    struct buf b = BUF_INIT;
    va_list ap;
    va_start(ap, fmt);
    buf_vaddf(&b, fmt, ap);
    va_end(ap);
    result_warn(w->result, buf_str(&b));
    work_log(w, "warning: %s", buf_str(&b));
    buf_release(&b);
}

void work_log(const struct work *w, const char *fmt, ...) {
    (void)w;
    va_list ap;
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
}

void work_nothing_new(struct work *w) { result_outcome_set(w->result, RESULT_NOTHING_NEW); }

void work_propose(struct work *w, json_t *bookmark) {
    if (w->request.bookmark_kind && w->request.bookmark_moves)
        json_put(w->result, "bookmark", bookmark);
    else
        json_decref(bookmark);
}

int work_propose_value(struct work *w, struct err *err) {
    const struct request *r = &w->request;
    if (!r->bookmark_kind || strcmp(r->bookmark_kind, "value") != 0) return 0;
    char *path = exchange_path(r->state, r->token, EXCHANGE_BOOKMARK);
    struct err why = {0};
    char *value = exchange_bookmark_value(path, &why);
    free(path);
    if (value) work_propose(w, json_pack("{ss ss}", "kind", "value", "value", value));
    free(value);
    if (!why.msg[0]) return 0;
    *err = why;
    return -1;
}
