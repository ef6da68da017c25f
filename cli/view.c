/* view.c: see view.h. */
#include "cli/view.h"

#include "base/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Reading a whole pipeline only for its zone is worth it while the file is small. */
enum { ZONE_FILE_BYTES = 256 << 10 };

struct view_zone {
    const char *pipeline;
    struct tz *tz; /* NULL: the view's own */
};

int view_open(struct view *v, struct cli *c, struct err *err) {
    *v = (struct view){.c = c, .arena = arena_new()};
    v->tz = tz_load(c->tz ? c->tz : "UTC", err);
    if (!v->tz) {
        err->exit = EX_USAGE; /* it comes from --tz */
        if (!err->hint[0]) err_hint(err, "write one such as Europe/Berlin or UTC");
        return -1;
    }
    v->project = load_project(c, err);
    if (!v->project) return -1;
    return store_open_reader(v->project->state, NULL, &v->store, err) < 0 ? -1 : 0;
}

void view_close(struct view *v) {
    store_close(v->store);
    project_free(v->project);
    for (size_t i = 0; i < v->zone_count; i++) tz_free(v->zones[i].tz);
    free(v->zones);
    tz_free(v->tz);
    arena_free(v->arena);
}

int view_run(struct cli *c, int (*of)(struct view *, struct err *), struct err *err) {
    struct view v;
    int rc = view_open(&v, c, err);
    if (rc == 0) rc = of(&v, err);
    view_close(&v);
    return rc;
}

/* The zone that the pipeline's file names; NULL when there is none to be had. */
static struct tz *zone_of_file(const struct project *p, const char *path) {
    struct stat st;
    if (stat(path, &st) < 0 || st.st_size > ZONE_FILE_BYTES) return NULL;
    struct err ignored;
    char *problem = NULL;
    struct pipeline *pl = load_words(p, path, &problem);
    struct tz *tz = pl && pl->timezone ? tz_load(pl->timezone, &ignored) : NULL;
    pipeline_free(pl);
    free(problem);
    return tz;
}

const struct tz *view_tz(struct view *v, const char *pipeline) {
    if (v->c->tz || !pipeline) return v->tz;
    for (size_t i = 0; i < v->zone_count; i++)
        if (strcmp(v->zones[i].pipeline, pipeline) == 0) return v->zones[i].tz ? v->zones[i].tz : v->tz;
    struct err ignored = {0};
    char *path = find_pipeline_file(v->project, pipeline, &ignored);
    GROW(v->zones, v->zone_count, v->zone_cap);
    struct view_zone *z = &v->zones[v->zone_count++];
    *z = (struct view_zone){.pipeline = arena_strdup(v->arena, pipeline)};
    z->tz = path ? zone_of_file(v->project, path) : NULL;
    free(path);
    return z->tz ? z->tz : v->tz;
}

const char *view_time(struct view *v, const char *pipeline, instant_t t) {
    char text[WHEN_TEXT];
    return arena_strdup(v->arena, when_text(view_tz(v, pipeline), t, text));
}

const char *view_window(struct view *v, const char *pipeline, instant_t start, instant_t end) {
    char text[WHEN_TEXT];
    struct span_of_time w = {start, end};
    return arena_strdup(v->arena, when_window_text(view_tz(v, pipeline), &w, out_arrow(&v->c->out), text));
}

const char *view_took(struct view *v, instant_t start, instant_t end) {
    char text[DURATION_TEXT];
    if (start == INSTANT_NONE) return "";
    instant_t until = end == INSTANT_NONE ? world_wall(v->c->world) : end;
    return arena_strdup(v->arena, duration_text(until < start ? 0 : until - start, text));
}

int view_nothing(const struct view *v, const char *noun, const char *name, struct err *err) {
    const char *quote = *name ? "`" : "";
    err_set(err, EX_NOT_FOUND, "no %s%s%s%s%s: nothing was ever run in %s", noun, *name ? " " : "", quote,
            name, quote, v->project->root);
    return err_hint(err, "run something first: leat run PIPELINE");
}

json_t *json_instant(instant_t t) {
    char text[INSTANT_TEXT];
    return t == INSTANT_NONE ? json_null() : json_string(instant_text(t, text));
}

json_t *json_id(int64_t id) {
    char text[24];
    if (id < 1) return json_null();
    snprintf(text, sizeof text, "%" PRId64, id);
    return json_string(text);
}

json_t *json_window(instant_t start, instant_t end) {
    if (start == INSTANT_NONE) return json_null();
    json_t *w = json_object();
    json_put(w, "start", json_instant(start));
    json_put(w, "end", json_instant(end));
    return w;
}

json_t *json_number(int64_t n) { return n < 0 ? json_null() : json_integer(n); }

json_t *json_parsed(const char *text) {
    json_t *value = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
    return value ? value : json_null();
}
