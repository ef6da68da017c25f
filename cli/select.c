/* select.c: see select.h. What a word needs to know is read when the first word needs it: definitions from
 * the files, without the engine; the rest from the database. */
#include "cli/select.h"

#include "base/buf.h"
#include "base/map.h"
#include "base/suggest.h"
#include "cli/load.h"
#include "store/backfills.h"
#include "store/runs.h"
#include "store/schedules.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

struct candidate {
    struct selected pub;
    struct pipeline *pipeline; /* read_definitions(): NULL when broken */
    const struct pipeline_row *row;
    bool paused, queued, running, stale, chosen;
};

struct selecting {
    const struct project *project;
    struct store *store;
    instant_t now;
    struct arena *arena;
    struct candidate *list;
    size_t count, cap;
    struct map names; /* -> place in the list */
    bool has_definitions, has_states;
};

/* ---- what there is ---- */

static struct candidate *add(struct selecting *k, const char *name, const char *path) {
    GROW(k->list, k->count, k->cap);
    k->list[k->count] = (struct candidate){.pub = {name, path}};
    if (name) map_add(&k->names, name, k->count, NULL);
    return &k->list[k->count++];
}

static struct candidate *find(struct selecting *k, const char *name) {
    size_t at;
    return map_get(&k->names, name, &at) ? &k->list[at] : NULL;
}

static void list_files(struct selecting *k) {
    size_t n = 0;
    char **files = project_pipeline_files(k->project, &n);
    for (size_t i = 0; i < n; i++) {
        char *name = pipeline_peek_name(files[i]);
        add(k, name ? arena_strdup(k->arena, name) : NULL, arena_strdup(k->arena, files[i]));
        free(name);
        free(files[i]);
    }
    free(files);
}

static int list_rows(struct selecting *k, struct err *err) {
    struct pipeline_row *rows;
    size_t n = 0;
    if (k->store && store_pipelines_list(k->store, k->arena, &rows, &n, err) < 0) return -1;
    for (size_t i = 0; i < n; i++) {
        struct candidate *c = find(k, rows[i].name);
        if (!c) c = add(k, rows[i].name, NULL);
        c->row = &rows[i];
    }
    return 0;
}

static void read_definitions(struct selecting *k) {
    for (size_t i = 0; i < k->count && !k->has_definitions; i++) {
        char *problem = NULL;
        if (k->list[i].pub.path) k->list[i].pipeline = load_words(k->project, k->list[i].pub.path, &problem);
        free(problem);
    }
    k->has_definitions = true;
}

static void mark_runs(struct selecting *k, const struct run_row *runs, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct candidate *c = find(k, runs[i].pipeline);
        if (!c) continue;
        c->queued |= strcmp(runs[i].state, "queued") == 0;
        c->running |= strcmp(runs[i].state, "running") == 0;
    }
}

static int read_states(struct selecting *k, struct err *err) {
    struct run_row *runs;
    struct pause_row *pauses;
    struct stale_count *stale;
    size_t run_count, pause_count, stale_count;
    struct candidate *c;
    if (k->has_states || !k->store) return 0;
    k->has_states = true;
    if (store_runs_open(k->store, k->arena, &runs, &run_count, err) < 0 ||
        store_pauses_list(k->store, k->now, k->arena, &pauses, &pause_count, err) < 0 ||
        store_stale_counts(k->store, k->arena, &stale, &stale_count, err) < 0)
        return -1;
    mark_runs(k, runs, run_count);
    for (size_t i = 0; i < pause_count; i++)
        if ((c = find(k, pauses[i].pipeline))) c->paused = true;
    for (size_t i = 0; i < stale_count; i++)
        if ((c = find(k, stale[i].pipeline))) c->stale = true;
    return 0;
}

/* ---- what a word says ---- */

static bool is_named(const struct candidate *c, const char *pattern) {
    return c->pub.name && fnmatch(pattern, c->pub.name, 0) == 0;
}

static bool has_tag(const struct candidate *c, const char *tag) {
    for (size_t i = 0; c->pipeline && i < c->pipeline->tag_count; i++)
        if (strcmp(c->pipeline->tags[i], tag) == 0) return true;
    return false;
}

/* The first `len` bytes of a dataset it writes, or all of them. */
static bool writes(const struct candidate *c, const char *text, bool zone) {
    size_t len = strlen(text);
    for (uint32_t i = 0; c->pipeline && i < c->pipeline->step_count; i++) {
        const struct output *o = c->pipeline->steps[i].into;
        if (o && strncmp(o->dataset, text, len) == 0 && o->dataset[len] == (zone ? '.' : '\0')) return true;
    }
    return false;
}

static bool writes_dataset(const struct candidate *c, const char *name) { return writes(c, name, false); }
static bool writes_zone(const struct candidate *c, const char *zone) { return writes(c, zone, true); }

#define STATE_LIST(X)                                                                                        \
    X(broken, c->pub.path && !c->pipeline)                                                                   \
    X(paused, c->paused)                                                                                     \
    X(queued, c->queued)                                                                                     \
    X(running, c->running)                                                                                   \
    X(stale, c->stale)

static bool is_in(const struct candidate *c, const char *word) {
#define X(name, is)                                                                                          \
    if (strcmp(word, #name) == 0) return is;
    STATE_LIST(X)
#undef X
    return false;
}

#define X(name, is) #name,
static const char *const state_words[] = {STATE_LIST(X) NULL};
#undef X
static const char *const result_words[] = {"ok", "warn", "failed", "cancelled", NULL};

static bool ended(const struct candidate *c, const char *word) {
    return c->row && c->row->last_state && strcmp(c->row->last_state, word) == 0;
}

struct kind {
    const char *word; /* before the colon; NULL: a name or a pattern */
    bool (*means)(const struct candidate *c, const char *value);
    const char *const *values; /* NULL: any; then one that nothing has is a mistake */
    bool definitions;
};

static const struct kind kinds[] = {
    {"tag", has_tag, NULL, true},           {"dataset", writes_dataset, NULL, true},
    {"zone", writes_zone, NULL, true},      {"state", is_in, state_words, true},
    {"result", ended, result_words, false}, {NULL, is_named, NULL, false},
};

/* ---- choosing ---- */

static const struct kind *kind_of(const char *word, const char **value) {
    const char *colon = strchr(word, ':');
    const struct kind *k = kinds;
    while (k->word &&
           !(colon && strncmp(word, k->word, (size_t)(colon - word)) == 0 && k->word[colon - word] == '\0'))
        k++;
    *value = k->word ? colon + 1 : word;
    return k;
}

static int refuse_value(const struct kind *kind, const char *value, struct err *err) {
    struct buf all = BUF_INIT;
    size_t n = 0;
    for (; kind->values[n]; n++) buf_addf(&all, "%s%s", n ? ", " : "", kind->values[n]);
    const char *meant = suggest(value, kind->values, n);
    err_set(err, EX_USAGE, "%s: takes one of: %s; not `%s`", kind->word, buf_str(&all), value);
    buf_release(&all);
    return meant ? err_hint(err, "did you mean `%s:%s`?", kind->word, meant) : -1;
}

static bool is_value(const struct kind *kind, const char *value) {
    for (size_t i = 0; kind->values[i]; i++)
        if (strcmp(kind->values[i], value) == 0) return true;
    return false;
}

static int choose_all(struct selecting *k, const char *word, struct err *err) {
    const char *value;
    const struct kind *kind = kind_of(word, &value);
    bool any = false;
    if (kind->values && !is_value(kind, value)) return refuse_value(kind, value, err);
    if (kind->definitions) read_definitions(k);
    if (read_states(k, err)) return -1;
    for (size_t i = 0; i < k->count; i++) {
        bool means = kind->means(&k->list[i], value);
        k->list[i].chosen |= means;
        any |= means;
    }
    if (any || kind->values) return 0;
    err_set(err, EX_NOT_FOUND,
            kind->word ? "no pipeline is meant by `%s`" : "no pipeline's name matches `%s`", word);
    return err_hint(err, "what a word may say: leat help selection");
}

/* A name that only the database knows is fine; else it is the name of a file, or nothing's. */
static int choose_one(struct selecting *k, const char *word, struct err *err) {
    struct candidate *c = find(k, word);
    if (c) return c->chosen = true, 0;
    char *path = find_pipeline_file(k->project, word, err);
    if (!path) return -1;
    size_t i = 0;
    while (i < k->count && !(k->list[i].pub.path && strcmp(k->list[i].pub.path, path) == 0)) i++;
    if (i == k->count) add(k, NULL, arena_strdup(k->arena, path));
    k->list[i].chosen = true;
    free(path);
    return 0;
}

static int choose(struct selecting *k, const char *word, struct err *err) {
    const char *value;
    bool is_pattern = kind_of(word, &value)->word || strpbrk(word, "*?[");
    return is_pattern ? choose_all(k, word, err) : choose_one(k, word, err);
}

static void take(const struct selecting *k, bool all, struct selection *out) {
    out->list = arena_array(k->arena, k->count + 1, sizeof *out->list);
    out->count = 0;
    for (size_t i = 0; i < k->count; i++)
        if (all || k->list[i].chosen) out->list[out->count++] = k->list[i].pub;
}

int select_pipelines(struct view *v, char *const *words, size_t word_count, struct selection *out,
                     struct err *err) {
    struct selecting k = {.project = v->project,
                          .store = v->store,
                          .now = world_wall(v->c->world),
                          .arena = v->arena,
                          .names = MAP_INIT};
    list_files(&k);
    int rc = list_rows(&k, err);
    for (size_t i = 0; !rc && i < word_count; i++) rc = choose(&k, words[i], err);
    if (!rc) take(&k, word_count == 0, out);
    for (size_t i = 0; i < k.count; i++) pipeline_free(k.list[i].pipeline);
    map_release(&k.names);
    free(k.list);
    return rc;
}

bool selection_has(const struct selection *s, const char *name) {
    for (size_t i = 0; i < s->count; i++)
        if (s->list[i].name && strcmp(s->list[i].name, name) == 0) return true;
    return false;
}
