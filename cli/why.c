/* why.c: `leat why`: why something runs, waits, failed or never came. The answers are
 * scheduler/why/why.h's. */
#include "scheduler/why/why.h"

#include "base/json.h"
#include "base/map.h"
#include "cli/verbs.h"
#include "cli/view.h"
#include "scheduler/conductor.h"

#include <stdlib.h>
#include <string.h>

enum { PATIENCE_S = 5 };

/* A file of the project, as far as it is needed here. */
struct known {
    char *name;
    struct pipeline *pipeline; /* NULL: it has errors */
    char *problem;
};

struct asking {
    struct view v;
    struct known *known;
    size_t count, cap;
    struct map index; /* name -> known */
    struct wiring *wiring;
};

/* ---- definitions ---- */

static struct known *look_up(struct asking *k, const char *name) {
    size_t at;
    return map_get(&k->index, name, &at) ? &k->known[at] : NULL;
}

static void read_file(struct asking *k, const char *path) {
    struct known f = {.name = pipeline_peek_name(path)};
    if (!f.name || look_up(k, f.name)) {
        free(f.name);
        return;
    }
    f.pipeline = load_words(k->v.project, path, &f.problem);
    GROW(k->known, k->count, k->cap);
    k->known[k->count] = f;
    map_add(&k->index, f.name, k->count++, NULL);
}

static const struct pipeline *find(void *ctx, const char *name, const char **problem) {
    struct asking *k = ctx;
    struct err ignored;
    char *path = look_up(k, name) ? NULL : find_pipeline_file(k->v.project, name, &ignored);
    if (path) read_file(k, path);
    free(path);
    const struct known *f = look_up(k, name);
    *problem = f ? f->problem : NULL;
    return f ? f->pipeline : NULL;
}

static const struct wiring *wiring(void *ctx) {
    struct asking *k = ctx;
    size_t n = 0;
    if (k->wiring) return k->wiring;
    char **files = project_pipeline_files(k->v.project, &n);
    for (size_t i = 0; i < n; i++) {
        read_file(k, files[i]);
        free(files[i]);
    }
    free(files);
    k->wiring = wiring_new();
    for (size_t i = 0; i < k->count; i++)
        if (k->known[i].pipeline) wiring_put(k->wiring, k->known[i].pipeline);
    return k->wiring;
}

static void release(struct asking *k) {
    for (size_t i = 0; i < k->count; i++) {
        pipeline_free(k->known[i].pipeline);
        free(k->known[i].problem);
        free(k->known[i].name);
    }
    free(k->known);
    map_release(&k->index);
    wiring_free(k->wiring);
    view_close(&k->v);
}

/* ---- what the answer asks ---- */

static const char *time_of(void *ctx, const char *pipeline, instant_t t) {
    struct asking *k = ctx;
    return view_time(&k->v, pipeline, t);
}

static const char *window_of_(void *ctx, const char *pipeline, instant_t start, instant_t end) {
    struct asking *k = ctx;
    return view_window(&k->v, pipeline, start, end);
}

static json_t *ask(void *ctx, json_t *request) {
    struct asking *k = ctx;
    struct err ignored;
    json_t *answer = NULL;
    json_put(request, "patience_seconds", json_integer(PATIENCE_S));
    int rc = conductor_ask(k->v.project->state, request, &answer, &ignored);
    json_decref(request);
    return rc == 0 ? answer : NULL;
}

/* ---- the answer ---- */

static void print_json(const struct asking *k, const struct why *w) {
    json_t *facts = json_array(), *items = json_array();
    for (size_t i = 0; i < w->count; i++)
        json_array_append_new(facts, json_pack("{ss sO ss}", "what", w->facts[i].what, "value",
                                               w->facts[i].value, "source", w->facts[i].source));
    json_array_append_new(
        items, json_pack("{ss ss so}", "subject", w->subject, "answer", w->answer, "facts", facts));
    out_document(&k->v.c->out, "why", items);
}

static void print_text(const struct asking *k, const struct why *w) {
    const struct out *o = &k->v.c->out;
    size_t width = 0;
    char source[512];
    out_paint(o, PAINT_BOLD, w->answer, 0);
    out_printf(o, "\n");
    for (size_t i = 0; i < w->count; i++) {
        size_t n = strlen(w->facts[i].what);
        if (n > width) width = n;
    }
    for (size_t i = 0; i < w->count; i++) {
        out_printf(o, "  %-*s  %s  ", (int)width, w->facts[i].what, w->facts[i].shown);
        snprintf(source, sizeof source, "(%s)", w->facts[i].source);
        out_paint(o, PAINT_DIM, source, 0);
        out_printf(o, "\n");
    }
}

static int read_id(const char *text, int64_t *id) {
    char *end;
    long long n = strtoll(text, &end, 10);
    *id = n;
    return *text && !*end && n > 0;
}

static int answer(struct asking *k, const struct why_asks *asks, struct why *w, struct err *err) {
    const char *subject = cli_arg(k->v.c, 0), *window = cli_arg(k->v.c, 1);
    struct span_of_time span;
    int64_t id;
    if (read_id(subject, &id)) {
        if (!window) return why_run(asks, id, w, err);
        err_set(err, EX_USAGE, "a run has its own window");
        return err_hint(err, "leave out `%s`", window);
    }
    if (!window) return why_pipeline(asks, subject, w, err);
    if (when_window(window, view_tz(&k->v, subject), asks->now, &span, err)) return -1;
    return why_window(asks, subject, span.start, span.end, w, err);
}

/* A name that nothing has: what was meant. */
static void suggest_name(const struct asking *k, struct err *err) {
    const char *name = cli_arg(k->v.c, 0);
    int64_t id;
    if (!k->v.project || err->exit != EX_NOT_FOUND || read_id(name, &id)) return;
    free(find_pipeline_file(k->v.project, name, err));
}

static int run(struct cli *c, struct err *err) {
    struct asking k = {0};
    struct why w = {0};
    int rc = view_open(&k.v, c, err);
    struct why_asks asks = {.store = k.v.store,
                            .zones = k.v.project ? k.v.project->zone_data : NULL,
                            .now = world_wall(c->world),
                            .ctx = &k,
                            .time = time_of,
                            .window = window_of_,
                            .find = find,
                            .wiring = wiring,
                            .ask = ask};
    if (!rc && (rc = answer(&k, &asks, &w, err))) suggest_name(&k, err);
    if (!rc) (c->json ? print_json : print_text)(&k, &w);
    why_release(&w);
    release(&k);
    return rc ? -1 : EX_OK;
}

static const char *const examples[] = {
    "leat why sales_daily\twhat it does, waits for or comes to next",
    "leat why sales_daily 2026-11-19\twhat became of that day, or why there is no run of it",
    "leat why 42\twhy run 42 waits, what it does, how it ended",
    "leat why 42 --json\tthe same for programs: facts with their sources",
    NULL,
};

static const int exits[] = {EX_NOT_FOUND, EX_ENVIRONMENT, 0};

const struct command command_why = {
    .name = "why",
    .group = GROUP_LOOK,
    .everyday = true,
    .usage = "PIPELINE [WINDOW] | RUN",
    .about = "Says why something runs, waits, failed, was skipped or never came.",
    .more = "One sentence, then the facts it rests on, each with its source: the slot that was decided, the "
            "run, the "
            "file, the daemon at work. A window is a day, hour or month, or A..B, in the pipeline's zone.",
    .examples = examples,
    .exits = exits,
    .args_min = 1,
    .args_max = 2,
    .run = run,
};
