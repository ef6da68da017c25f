/* select.c: see select.h. What a word needs to know is read when the first word needs it: definitions from
 * the files, without the engine; what is so now from the database. */
#include "cli/select.h"

#include "base/buf.h"
#include "base/map.h"
#include "base/suggest.h"
#include "cli/load.h"
#include "dag/wiring.h"
#include "store/backfills.h"
#include "store/runs.h"
#include "store/schedules.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

struct candidate {
    struct selected pub;
    struct pipeline *pipeline; /* read_definitions(); NULL: its file cannot be read as one */
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

static const char *shown_of(const struct project *p, const char *name, const char *path) {
    size_t n = strlen(p->root);
    if (name) return name;
    return strncmp(path, p->root, n) == 0 && path[n] == '/' ? path + n + 1 : path;
}

static struct candidate *add(struct selecting *k, const char *name, const char *path) {
    GROW(k->list, k->count, k->cap);
    k->list[k->count] = (struct candidate){.pub = {name, path, shown_of(k->project, name, path), NULL}};
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

/* The first error in d, which is freed. */
static void take_problem(struct selecting *k, struct candidate *c, struct diags *d) {
    char *first = diags_first(d);
    if (first && !c->pub.problem) c->pub.problem = arena_strdup(k->arena, first);
    free(first);
    diags_free(d);
}

static void read_file(struct selecting *k, struct candidate *c) {
    char *problem = NULL;
    if (!c->pub.path) return;
    c->pipeline = load_words(k->project, c->pub.path, &problem);
    if (problem) c->pub.problem = arena_strdup(k->arena, problem);
    free(problem);
}

/* A name belongs to one file. */
static void refuse_twins(struct selecting *k) {
    char **files = xcalloc(k->count + 1, sizeof *files);
    struct diags **each = xcalloc(k->count + 1, sizeof(struct diags *));
    size_t n = 0;
    for (; n < k->count && k->list[n].pub.path; n++) {
        files[n] = xstrdup(k->list[n].pub.path);
        each[n] = diags_new();
    }
    project_check_names(k->project, files, n, each);
    for (size_t i = 0; i < n; i++) {
        take_problem(k, &k->list[i], each[i]);
        free(files[i]);
    }
    free(each);
    free(files);
}

/* What would start itself in the end. */
static void refuse_circles(struct selecting *k) {
    struct wiring *w = wiring_new();
    for (size_t i = 0; i < k->count; i++)
        if (k->list[i].pipeline && !k->list[i].pub.problem) wiring_put(w, k->list[i].pipeline);
    for (size_t i = 0; i < k->count; i++) {
        struct diags *d = diags_new();
        if (k->list[i].pipeline && !k->list[i].pub.problem) wiring_check(w, k->list[i].pipeline, d);
        take_problem(k, &k->list[i], d);
    }
    wiring_free(w);
}

static void read_definitions(struct selecting *k) {
    if (k->has_definitions) return;
    k->has_definitions = true;
    for (size_t i = 0; i < k->count; i++) read_file(k, &k->list[i]);
    refuse_twins(k);
    refuse_circles(k);
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
    for (size_t i = 0; i < pause_count; i++) {
        c = find(k, pauses[i].pipeline);
        if (!c) c = add(k, pauses[i].pipeline, NULL); /* it never ran, and its file is gone */
        c->paused = true;
    }
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

enum { NEEDS_NOTHING, NEEDS_DEFINITIONS = 1, NEEDS_STATES = 2 };

#define STATE_LIST(X)                                                                                        \
    X(broken, NEEDS_DEFINITIONS, c->pub.problem != NULL)                                                     \
    X(paused, NEEDS_STATES, c->paused)                                                                       \
    X(queued, NEEDS_STATES, c->queued)                                                                       \
    X(running, NEEDS_STATES, c->running)                                                                     \
    X(stale, NEEDS_STATES, c->stale)

static bool is_in(const struct candidate *c, const char *word) {
#define X(name, needs, is)                                                                                   \
    if (strcmp(word, #name) == 0) return is;
    STATE_LIST(X)
#undef X
    return false;
}

#define X(name, needs, is) #name,
static const char *const state_words[] = {STATE_LIST(X) NULL};
#undef X
#define X(name, needs, is) needs,
static const int state_needs[] = {STATE_LIST(X)};
#undef X
static const char *const result_words[] = {"ok", "warn", "failed", "cancelled", NULL};

static bool ended(const struct candidate *c, const char *word) {
    return c->row && c->row->last_state && strcmp(c->row->last_state, word) == 0;
}

struct kind {
    const char *word; /* before the colon; NULL: a name or a pattern */
    bool (*means)(const struct candidate *c, const char *value);
    const char *const *values; /* NULL: any; then one that nothing has is a mistake */
    const int *needs;          /* of each value; of all of them when any will do */
};

static const int definitions[] = {NEEDS_DEFINITIONS}, nothing[] = {NEEDS_NOTHING};
static const int result_needs[sizeof result_words / sizeof *result_words] = {NEEDS_NOTHING};

static const struct kind kinds[] = {
    {"tag", has_tag, NULL, definitions},           {"dataset", writes_dataset, NULL, definitions},
    {"zone", writes_zone, NULL, definitions},      {"state", is_in, state_words, state_needs},
    {"result", ended, result_words, result_needs}, {NULL, is_named, NULL, nothing},
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

/* What it takes to know which ones the word means; -1: the kind has no such value. */
static int needs_of(const struct kind *kind, const char *value) {
    if (!kind->values) return kind->needs[0];
    for (size_t i = 0; kind->values[i]; i++)
        if (strcmp(kind->values[i], value) == 0) return kind->needs[i];
    return -1;
}

static int choose_all(struct selecting *k, const char *word, struct err *err) {
    const char *value;
    const struct kind *kind = kind_of(word, &value);
    int needs = needs_of(kind, value);
    bool any = false;
    if (needs < 0) return refuse_value(kind, value, err);
    if (needs & NEEDS_DEFINITIONS) read_definitions(k);
    if ((needs & NEEDS_STATES) && read_states(k, err)) return -1;
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
    struct err ignored;
    struct candidate *c = find(k, word);
    if (c) return c->chosen = true, 0;
    char *path = find_pipeline_file(k->project, word, err);
    if (!path && read_states(k, &ignored) == 0) c = find(k, word);
    if (c) return c->chosen = true, 0;
    if (!path) return -1;
    size_t i = 0;
    while (i < k->count && !(k->list[i].pub.path && strcmp(k->list[i].pub.path, path) == 0)) i++;
    if (i == k->count) add(k, NULL, arena_strdup(k->arena, path));
    k->list[i].chosen = true;
    free(path);
    return 0;
}

bool select_is_wide(const char *word) {
    const char *value;
    return kind_of(word, &value)->word || strpbrk(word, "*?[");
}

static int choose(struct selecting *k, const char *word, struct err *err) {
    return select_is_wide(word) ? choose_all(k, word, err) : choose_one(k, word, err);
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

const struct selected *selection_find(const struct selection *s, const char *shown) {
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->list[i].shown, shown) == 0) return &s->list[i];
    return NULL;
}
