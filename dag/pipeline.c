/* pipeline.c: loading a pipeline file, stage by stage, and evaluating what it holds.
 *
 *   text -> tree (reader.c) -> head, params, schedule -> names of steps (each.c) -> each step (step.c, use.c)
 *        -> questions (ask.c), answers (answer.c) -> outputs (output.c) -> graph (graph.c)
 *        -> warnings (lint.c)
 *
 * Each stage runs on what survived the ones before it, so that one pass shows all errors of a file. */
#include "base/fsio.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/sha256.h"
#include "base/suggest.h"
#include "dag/build.h"
#include "dag/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- the head */

static const char *text_at(const struct value *row, const char *key) {
    const struct value *v = value_member(row, key);
    return v && v->shape == VALUE_TEXT ? v->text : NULL;
}

static int64_t integer_at(const struct value *row, const char *key, int64_t otherwise) {
    const struct value *v = value_member(row, key);
    return v && v->shape == VALUE_INTEGER ? v->integer : otherwise;
}

static unsigned word_at(const struct value *row, const char *key, const char *const *words) {
    const char *word = text_at(row, key);
    for (unsigned i = 0; word && words[i]; i++)
        if (strcmp(words[i], word) == 0) return i;
    return 0;
}

static void build_tags(struct build *b, const struct value *tags) {
    struct pipeline *p = &b->full->pub;
    size_t n = tags && tags->shape == VALUE_LIST ? tags->count : 0;
    p->tags = arena_array(b->l.arena, n + 1, sizeof *p->tags);
    for (size_t i = 0; i < n; i++)
        if (tags->items[i].shape == VALUE_TEXT) p->tags[p->tag_count++] = tags->items[i].text;
}

static void build_backfill(struct build *b, const struct value *row) {
    struct backfill_defaults *f = &b->full->pub.backfill;
    *f = (struct backfill_defaults){.max_parallel = 1, .max_failures = -1};
    if (!row || row->shape != VALUE_OBJECT) return;
    f->max_parallel = integer_at(row, "max_parallel", 1);
    f->max_failures = integer_at(row, "max_failures", -1);
    f->order = (enum backfill_order)word_at(row, "order", key_backfill_orders);
    f->redo = (enum backfill_redo)word_at(row, "redo", key_backfill_redos);
    if (f->max_parallel < 1)
        load_diag(&b->l, "E0202", value_member(row, "max_parallel")->at, "`max_parallel` is at least 1");
}

static void build_head(struct build *b, const struct node *root) {
    static const char *const later[] = {"schedule", "params", "defaults", "steps", "finally", NULL};
    const struct neighbour around[] = {{schedule_fields, "`schedule:`"},
                                       {project_fields, "leat.yaml"},
                                       {step_fields, "a step, under `steps:`"},
                                       {0}};
    struct pipeline *p = &b->full->pub;
    struct where w = {.noun = "the pipeline file",
                      .at = {.source = root->source, .start = root->start, .end = root->start + 1}};
    struct value row;
    b->l.neighbours = around;
    fields_parse_except(&b->l, root, pipeline_fields, later, &w, &row);
    b->l.neighbours = NULL;
    p->name = text_at(&row, "pipeline");
    p->about = text_at(&row, "about");
    p->owner = text_at(&row, "owner");
    build_tags(b, value_member(&row, "tags"));
    p->max_active_runs = integer_at(&row, "max_active_runs", 1);
    p->timeout = integer_at(&row, "timeout", 0);
    const struct value *past = value_member(&row, "depends_on_past");
    p->depends_on_past = past && past->shape == VALUE_BOOL && past->yes;
    build_backfill(b, value_member(&row, "backfill"));
    if (p->max_active_runs < 1)
        load_diag(&b->l, "E0202", value_member(&row, "max_active_runs")->at,
                  "`max_active_runs` is at least 1");
}

/* ---- stages */

static void index_keys(struct build *b) {
    for (size_t i = 0; i < STEP_KEYS; i++) map_add(&b->keys, step_fields[i].name, i, NULL);
    for (size_t i = 0; i < b->reader->verb_count; i++)
        map_add(&b->keys, b->reader->verbs[i]->name, STEP_KEYS + i, NULL);
}

static void load_zone_data(struct build *b) {
    struct pipeline_full *full = b->full;
    full->pub.timezone = full->pub.schedule_count ? full->pub.schedules[0].timezone : "UTC";
    full->tz = tz_set_load(b->l.project->zone_data, full->pub.timezone, NULL);
    b->l.tz = full->tz;
}

static void build_steps(struct build *b) {
    struct pipeline *p = &b->full->pub;
    const struct node *steps = node_get(b->root, "steps"), *finally = node_get(b->root, "finally");
    if (steps) plan_steps(b, steps, false);
    if (finally) plan_steps(b, finally, true);
    p->step_count = (uint32_t)b->planned_count;
    p->steps = arena_array(b->l.arena, b->planned_count, sizeof *p->steps);
    b->full->checks = arena_array(b->l.arena, b->planned_count, sizeof *b->full->checks);
    b->notes = arena_array(b->l.nodes, b->planned_count, sizeof *b->notes);
    for (uint32_t i = 0; i < p->step_count; i++) build_step(b, i);
}

static void build_all(struct build *b, const struct node *root) {
    const struct node *params = node_get(root, "params"), *schedule = node_get(root, "schedule");
    b->root = root;
    b->defaults = node_get(root, "defaults");
    index_keys(b);
    b->l.scope.steps = &b->names;
    b->l.scope.groups = &b->groups;
    if (params) build_params(b, params);
    build_head(b, root);
    if (schedule) build_schedule(b, schedule);
    load_zone_data(b);
    if (b->defaults) defaults_check(&b->l, b->defaults);
    build_steps(b);
    build_questions(b);
}

/* ---- the definition's hash */

static void add_tree(struct buf *b, const struct node *n) {
    if (n) buf_add(b, n->source->text + n->start, n->end - n->start);
    buf_addc(b, 0);
}

static void hash_definition(struct build *b, const struct source *s) {
    const struct project_full *full = (const struct project_full *)b->l.project;
    add_tree(&b->definition, full->defaults_node);
    add_tree(&b->definition, full->templates_node);
    buf_add(&b->definition, s->text, s->len);
    sha256_text(b->definition.s, b->definition.len, b->full->pub.definition);
}

/* ---- loading */

static const char *shown_path(const struct project *p, const char *path) {
    size_t n = strlen(p->root);
    return strncmp(path, p->root, n) == 0 && path[n] == '/' ? path + n + 1 : path;
}

static void keep_files(struct build *b) {
    struct pipeline *p = &b->full->pub;
    p->files = arena_array(p->arena, b->l.file_count + 1, sizeof *p->files);
    p->file_count = b->l.file_count;
    if (p->file_count) memcpy(p->files, b->l.files, p->file_count * sizeof *p->files);
}

struct loading {
    struct build b;
    size_t errors;   /* before it began */
    bool built;      /* the file is a map: there are steps to speak of */
    json_t *answers; /* of all that were asked together; NULL: nobody could be asked */
    size_t first;    /* answer that is ours */
    struct err why;
};

static void release_loading(struct loading *l) {
    struct build *b = &l->b;
    load_release(&b->l);
    free(b->l.files);
    map_release(&b->names);
    map_release(&b->groups);
    map_release(&b->keys);
    buf_release(&b->definition);
    free(b->planned);
    free(b->edges);
    free(b->asked);
    json_decref(b->questions);
    json_decref(l->answers);
    arena_free(b->l.nodes);
    free(l);
}

static struct loading *begin_text(const struct project *project, const char *path, const char *text,
                                  size_t len, const struct pipeline_reader *reader, struct diags *d) {
    struct pipeline_full *full = xcalloc(1, sizeof *full);
    struct pipeline *p = &full->pub;
    struct loading *l = xcalloc(1, sizeof *l);
    p->arena = arena_new();
    p->project = project;
    p->path = arena_strdup(p->arena, path);
    p->source = arena_alloc(p->arena, sizeof *p->source);
    *p->source = (struct source){
        .path = shown_path(project, p->path), .text = arena_strndup(p->arena, text, len), .len = len};
    *l = (struct loading){.b = {.full = full, .reader = reader}, .errors = d->errors};
    l->b.l = (struct load){
        .arena = p->arena, .nodes = arena_new(), .d = d, .project = project, .kept = &full->kept};
    l->b.l.definition = &l->b.definition;
    l->b.l.scope = (struct expr_scope){.project = project};
    struct reading in = {.source = p->source, .nodes = l->b.l.nodes, .texts = p->arena, .d = d};
    const struct node *root = node_read(&in);
    l->b.l.damaged = in.damaged;
    l->built = root && root->kind == NODE_MAP;
    if (l->built)
        build_all(&l->b, root);
    else if (root)
        diag_add(d, "E0103", node_span(root), "a pipeline file is a map of keys, not %s", node_noun(root));
    return l;
}

struct loading *loading_begin(const struct project *project, const char *path,
                              const struct pipeline_reader *reader, struct diags *d, struct err *err) {
    struct stat st;
    char *full = realpath(path, NULL);
    if (!full || stat(full, &st) != 0) {
        err_errno(err, "cannot read %s", path);
        if (errno == ENOENT && err) err->exit = EX_NOT_FOUND;
        free(full);
        return NULL;
    }
    struct loading *l = NULL;
    if (st.st_size > LIMIT_YAML_BYTES) {
        struct source s = {.path = shown_path(project, full), .text = ""};
        diag_add(d, "E0113", (struct span){.source = &s}, "the file has %lld MiB; at most %d MiB are read",
                 (long long)(st.st_size >> 20), LIMIT_YAML_BYTES >> 20);
        err_set(err, EX_INVALID, "%s is too large", s.path);
    } else {
        size_t len = 0;
        char *text = fs_read(full, LIMIT_YAML_BYTES, &len, err);
        if (text) l = begin_text(project, full, text, len, reader, d);
        free(text);
    }
    free(full);
    return l;
}

/* Those with questions share one array, each a stretch of it. */
void loading_ask(struct loading *const *list, size_t n) {
    const struct pipeline_reader *reader = NULL;
    json_t *all = json_array(), *answers = NULL;
    struct err why = {0};
    for (size_t i = 0; i < n; i++) {
        if (!list[i] || !list[i]->b.questions) continue;
        list[i]->first = json_array_size(all);
        json_array_extend(all, list[i]->b.questions);
        reader = list[i]->b.reader;
    }
    if (reader && reader->ask) answers = reader->ask(reader->ctx, all, &why);
    for (size_t i = 0; i < n; i++) {
        if (!list[i] || !list[i]->b.questions) continue;
        list[i]->answers = json_incref(answers);
        list[i]->why = why;
    }
    json_decref(answers);
    json_decref(all);
}

static void finish_build(struct loading *l) {
    struct build *b = &l->b;
    build_answers(b, l->answers, l->first, l->why.msg[0] ? l->why.msg : NULL);
    for (uint32_t i = 0; i < b->full->pub.step_count; i++) build_output(b, i);
    build_graph(b);
    b->full->pub.uses_window = b->l.scope.uses_window;
    if (b->l.d->errors == l->errors) lint_pipeline(b);
}

struct pipeline *loading_end(struct loading *l) {
    struct pipeline *p = &l->b.full->pub;
    if (l->built) finish_build(l);
    hash_definition(&l->b, p->source);
    keep_files(&l->b);
    bool good = l->b.l.d->errors == l->errors;
    release_loading(l);
    if (good) return p;
    pipeline_free(p);
    return NULL;
}

static struct pipeline *load_alone(struct loading *l) {
    if (!l) return NULL;
    loading_ask(&l, 1);
    return loading_end(l);
}

struct pipeline *pipeline_load_text(const struct project *project, const char *path, const char *text,
                                    size_t len, const struct pipeline_reader *reader, struct diags *d,
                                    struct err *err) {
    (void)err;
    return load_alone(begin_text(project, path, text, len, reader, d));
}

struct pipeline *pipeline_load(const struct project *project, const char *path,
                               const struct pipeline_reader *reader, struct diags *d, struct err *err) {
    return load_alone(loading_begin(project, path, reader, d, err));
}

struct pipeline *pipeline_share(struct pipeline *p) {
    if (p) p->shares++;
    return p;
}

void pipeline_free(struct pipeline *p) {
    if (!p) return;
    if (p->shares) {
        p->shares--;
        return;
    }
    struct pipeline_full *full = (struct pipeline_full *)p;
    for (size_t i = 0; i < full->kept.count; i++) json_decref(full->kept.list[i]);
    free(full->kept.list);
    for (size_t i = 0; i < full->zone_count; i++) tz_free(full->zones[i]);
    free(full->zones);
    tz_free(full->tz);
    arena_free(p->arena);
    free(full);
}

/* ---- evaluation */

/* file:line:col, and the ${…} itself where it stands on one line. */
static void explain(const struct pipeline *p, struct span at, const struct complaint *c, struct err *err) {
    const struct source *s = at.source ? at.source : p->source;
    struct place where = place_of(s, at.start);
    int len = (int)(at.end - at.start);
    bool show = len > 0 && len < 100 && !memchr(s->text + at.start, '\n', (size_t)len);
    const char *message = strncmp(c->message, "it has", 6) == 0 && show ? c->message + 3 : c->message;
    if (message != c->message)
        err_set(err, EX_FAILED, "%s:%u:%u: `%.*s` %s", s->path, where.line, where.column, len,
                s->text + at.start, message);
    else
        err_set(err, EX_FAILED, "%s:%u:%u: %s", s->path, where.line, where.column, message);
    if (*c->label) err_hint(err, "%s", c->label);
    bool secret = strcmp(c->code, "E0701") == 0;
    if (secret) err->exit = EX_ENVIRONMENT; /* a credential is missing; the definition is well */
    err_reason(err, secret ? "secret" : "expression");
}

static json_t *evaluate(const struct pipeline *p, const struct value *v, const json_t *scope,
                        struct err *err) {
    const struct pipeline_full *full = (const struct pipeline_full *)p;
    struct complaint c = {0};
    struct arena *arena = arena_new();
    struct eval eval = {.scope = scope, .tz = full->tz, .arena = arena, .c = &c};
    struct span at = v->at;
    json_t *j = value_json(&eval, v, &at);
    if (!j) explain(p, at, &c, err);
    arena_free(arena);
    return j;
}

json_t *pipeline_resolve(const struct pipeline *p, const struct value *v, const json_t *scope,
                         struct err *err) {
    return v ? evaluate(p, v, scope, err) : json_object();
}

json_t *pipeline_checks(const struct pipeline *p, const struct step *s, const json_t *scope,
                        struct err *err) {
    const struct value *checks = ((const struct pipeline_full *)p)->checks[s->index];
    return checks ? evaluate(p, checks, scope, err) : json_array();
}

int pipeline_when(const struct pipeline *p, const struct step *s, const json_t *scope, bool *yes,
                  struct err *err) {
    *yes = true;
    if (!s->when) return 0;
    json_t *j = evaluate(p, s->when, scope, err);
    if (!j) return -1;
    int r = 0;
    if (json_is_boolean(j))
        *yes = json_is_true(j);
    else
        r = err_set(err, EX_FAILED, "`when` of step `%s` is neither true nor false", s->name);
    json_decref(j);
    return r;
}
