/* claim.c: P0: what an attempt is given: its token and row, pinned inputs, its bookmark, its evaluated
 * request. */
#include "scheduler/conductor/inner.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/fsio.h"
#include "base/json.h"
#include "dag/value.h"
#include "operators/exchange.h"
#include "operators/op.h"
#include "scheduler/scope.h"
#include "store/bookmarks.h"
#include "store/datasets.h"

#include <stdlib.h>
#include <string.h>

static const char *const format_words[] = {[FORMAT_FILES] = "files", [FORMAT_DELTA] = "delta"};
static const char *const policy_words[] = {
    [SCHEMA_ANY] = "any", [SCHEMA_ADD] = "add", [SCHEMA_STRICT] = "strict"};

struct claiming {
    struct conductor *c;
    struct live_attempt *a;
    const struct live_run *r;
    const struct step *s;
    struct arena *arena;
    struct bookmark_row bookmark; /* id 0: the step has none */
    json_t *consumed;             /* {"zone.name": version} of a version bookmark, or NULL */
    json_t *scope;
};

/* What is attended writes none, unless a query is asked for it. */
static bool has_log(const struct live_attempt *a) {
    const struct step *s = live_step(a->run, a->step);
    return !s->attended || s->queries;
}

/* One that was never started keeps its row and its token: nothing of it can be anywhere. */
int claim_row(struct conductor *c, struct live_attempt *a, struct err *err) {
    const struct live_run *r = a->run;
    if (a->id) return 0;
    struct attempt_spec spec = {.run = r->id,
                                .generation = r->generation,
                                .step = a->step,
                                .number = a->number,
                                .token = a->token,
                                .log = has_log(a) ? a->log : NULL,
                                .at = turn_wall(c)};
    token_make(&spec, world_random(c->options.world), a->token);
    if (has_log(a))
        snprintf(a->log, sizeof a->log, "log/%lld/%s.g%lld.a%u.log", (long long)r->id, r->names[a->step],
                 (long long)r->generation, a->number);
    a->started_at = spec.at;
    return store_attempt_start(c->store, &spec, &a->id, err) < 0 ? -1 : 0;
}

/* ---- bookmark ---- */

static int claim_bookmark(struct claiming *k, struct err *err) {
    if (!k->s->bookmark) return 0;
    int64_t id;
    struct bookmark_key key = {.pipeline = k->r->pipeline_name,
                               .step = k->s->name,
                               .kind = bookmark_kind_names[k->s->bookmark],
                               .source = k->s->read_count ? k->s->reads[0].dataset
                                         : k->s->into     ? k->s->into->dataset
                                                          : ""};
    if (store_bookmark_ensure(k->c->store, &key, &id, err) < 0) return -1;
    if (store_bookmark_get(k->c->store, id, k->arena, &k->bookmark, err) < 0) return -1;
    if (k->s->bookmark == BOOKMARK_VERSION && k->bookmark.value)
        k->consumed = json_loads(k->bookmark.value, 0, NULL);
    return 0;
}

/* A value bookmark's current text. */
static const char *bookmark_text(struct claiming *k) {
    if (k->s->bookmark != BOOKMARK_VALUE || !k->bookmark.value) return NULL;
    json_t *v = json_loads(k->bookmark.value, JSON_DECODE_ANY, NULL);
    const char *text = arena_strdup(k->arena, json_string_value(v));
    json_decref(v);
    return text;
}

static void add_bookmark(struct claiming *k, json_t *request) {
    if (!k->bookmark.id) return;
    request_bookmark(request,
                     &(struct request_bookmark){
                         .kind = k->bookmark.kind,
                         .id = k->bookmark.id,
                         .version = k->bookmark.version,
                         .options = k->s->bookmark_options ? json_deep_copy(k->s->bookmark_options) : NULL,
                         .value = bookmark_text(k),
                         .move = k->r->move_bookmarks,
                     });
}

/* ---- inputs ---- */

static int add_input(struct claiming *k, json_t *request, const struct read *read, struct err *err) {
    struct dataset_row d = {.id = -1};
    int64_t version = -1, since = -1;
    int found = store_dataset_find(k->c->store, read->dataset, k->arena, &d, err);
    if (found < 0) return -1;
    if (found == 1) {
        struct pin pin = {.run = k->r->id, .generation = k->r->generation, .dataset = d.id};
        if (store_pin_take(k->c->store, &pin, &version, err) < 0) return -1;
        since = k->r->move_bookmarks ? json_int(k->consumed, read->dataset, -1) : -1;
    }
    request_input(request, &(struct request_input){.dataset = read->dataset,
                                                   .dataset_id = found == 1 ? d.id : -1,
                                                   .version = version,
                                                   .since = since,
                                                   .since_known = k->s->bookmark == BOOKMARK_VERSION});
    if (version < 0) return 0;
    struct step_input in = {.attempt = k->a->id, .dataset = d.id, .version = version, .since = since};
    return store_input_add(k->c->store, &in, err) < 0 ? -1 : 0;
}

static int add_inputs(struct claiming *k, json_t *request, struct err *err) {
    for (size_t i = 0; i < k->s->read_count; i++) {
        bool again = false; /* raw.orders and raw.orders__new are one input */
        for (size_t j = 0; j < i; j++) again |= strcmp(k->s->reads[j].dataset, k->s->reads[i].dataset) == 0;
        if (!again && add_input(k, request, &k->s->reads[i], err)) return -1;
    }
    return 0;
}

/* ---- output ---- */

static json_t *text_list(const char *const *texts, size_t n) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) json_array_append_new(list, json_string(texts[i]));
    return list;
}

static const char *dataset_folder(const struct claiming *k, const char *name) {
    return arena_printf(k->arena, "%s/%s", k->s->into->zone->path, name);
}

/* The dataset's row, made when this is its first attempt. */
static int ensure_dataset(struct claiming *k, const char *dataset, struct dataset_row *out, struct err *err) {
    struct dataset_spec spec = {.name = dataset,
                                .path = dataset_folder(k, strchr(dataset, '.') + 1),
                                .format = format_words[k->s->into->zone->format],
                                .at = turn_wall(k->c)};
    int64_t id;
    if (store_dataset_ensure(k->c->store, &spec, &id, err) < 0) return -1;
    if (store_dataset_get(k->c->store, id, k->arena, out, err) < 0) return -1;
    if (!out->stopped) return ahead_stop(k->c, out, err) ? -1 : 0;
    err_set(err, EX_CONFLICT, "%s is stopped: %s", dataset, out->stopped);
    err_hint(err, "what can be done about it: leat zone repair %s", dataset);
    return err_reason(err, "dataset_stopped");
}

static int fill_quarantine(struct claiming *k, struct request_into *i, struct err *err) {
    if (k->s->into->bad_rows != BAD_QUARANTINE) return 0;
    struct dataset_row q;
    const char *name = arena_printf(k->arena, "%s__quarantine", k->s->into->dataset);
    if (ensure_dataset(k, name, &q, err)) return -1;
    i->into.quarantine = (struct stage_quarantine){.dataset = name, .dataset_id = q.id};
    i->quarantine_path = q.path;
    i->quarantine_base = q.head;
    return 0;
}

static int add_into(struct claiming *k, json_t *request, struct err *err) {
    const struct output *o = k->s->into;
    struct dataset_row d;
    if (ensure_dataset(k, o->dataset, &d, err)) return -1;
    json_t *checks = pipeline_checks(k->r->pipeline, k->s, k->scope, err);
    if (!checks) return -1;
    json_t *columns = d.columns ? json_loads(d.columns, 0, NULL) : NULL;
    json_t *key = text_list(o->key, o->key_count),
           *partition = text_list(o->partition_by, o->partition_count);
    struct request_into i = {
        .into = {.dataset = o->dataset,
                 .dataset_id = d.id,
                 .base = d.head,
                 .stage = k->a->stage,
                 .path = d.path,
                 .delta = o->zone->format == FORMAT_DELTA,
                 .policy = (enum stage_policy)o->zone->schema,
                 .write = (enum stage_write)o->write,
                 .bad_rows = (enum stage_bad)o->bad_rows,
                 .if_empty = (enum stage_empty)o->if_empty,
                 .columns = columns,
                 .key = key,
                 .partition_by = partition,
                 .of_window = o->partition_of_window,
                 .merge_by = o->merge_by,
                 .checks = checks,
                 .max_bad_rows = o->max_bad_rows,
                 .max_bad_part = o->max_bad_part,
                 .requires_checks = o->zone->requires_checks},
        .quarantine_base = -1,
    };
    int rc = fill_quarantine(k, &i, err);
    if (!rc) request_into(request, &i);
    json_decref(checks);
    json_decref(columns);
    json_decref(key);
    json_decref(partition);
    return rc;
}

/* ---- the request ---- */

static json_t *request_head_of(struct claiming *k) {
    const struct project *p = k->c->options.project;
    char run[24];
    snprintf(run, sizeof run, "%lld", (long long)k->r->id);
    return request_new(&(struct request_head){.action = "work",
                                              .token = k->a->token,
                                              .project = p->name,
                                              .root = p->root,
                                              .state = p->state,
                                              .uuid = store_uuid(k->c->store),
                                              .db = store_path(k->c->store),
                                              .pipeline = k->r->pipeline_name,
                                              .step = k->s->name,
                                              .run = run,
                                              .trigger = k->r->trigger,
                                              .timezone = k->r->pipeline->timezone,
                                              .verb = k->r->verbs[k->a->step],
                                              .generation = k->r->generation,
                                              .attempt = k->a->number,
                                              .window_start = k->r->window_start,
                                              .window_end = k->r->window_end});
}

static void add_places(struct claiming *k, json_t *request) {
    const struct project *p = k->c->options.project;
    for (size_t i = 0; i < p->zone_count; i++)
        request_zone(request, p->zones[i].name, p->zones[i].path, format_words[p->zones[i].format],
                     policy_words[p->zones[i].schema]);
    for (size_t i = 0; i < p->allow_path_count; i++) request_allow_path(request, p->allow_paths[i]);
}

static json_t *resolve_or_null(struct claiming *k, const struct value *v, int *bad, struct err *err) {
    if (!v || *bad) return NULL;
    json_t *j = pipeline_resolve(k->r->pipeline, v, k->scope, err);
    if (!j) *bad = -1;
    return j;
}

/* Which keys held ${…}: what became of them is not the author's word (contract.md 6). */
static void tell_templated(const struct value *config, json_t *request) {
    for (uint32_t i = 0; config && config->shape == VALUE_OBJECT && i < config->count; i++) {
        uint8_t shape = config->members[i].value.shape;
        if (shape == VALUE_TEMPLATE || shape == VALUE_EXPR)
            request_templated(request, config->members[i].key);
    }
}

/* The step's own environment, and before it what env files define of env_allowed: a process sees what
 * `${env.…}` sees. */
static json_t *env_of_step(struct claiming *k, int *bad, struct err *err) {
    const struct project *p = k->c->options.project;
    json_t *env = resolve_or_null(k, k->s->env, bad, err);
    for (size_t i = 0; i < p->env_allowed_count && !*bad; i++) {
        const char *name = p->env_allowed[i], *text = json_text(p->env_files_env, name);
        if (!text || getenv(name) || json_object_get(env, name)) continue;
        if (!env) env = json_object();
        json_put_text(env, name, text);
    }
    return env;
}

static int configure(struct claiming *k, json_t *request, struct err *err) {
    const struct project *p = k->c->options.project;
    int bad = 0;
    struct request_config config = {.config = resolve_or_null(k, k->s->config, &bad, err),
                                    .siblings = resolve_or_null(k, k->s->siblings, &bad, err),
                                    .env = env_of_step(k, &bad, err),
                                    .params = json_incref(k->r->params),
                                    .env_allowed = text_list(p->env_allowed, p->env_allowed_count),
                                    .engines = p->engines};
    request_configure(request, &config); /* takes what there is, also after a failure */
    tell_templated(k->s->config, request);
    return bad;
}

static void set_scope(struct claiming *k, const json_t *request) {
    char *prefix = exchange_path(k->c->options.project->state, k->a->token, "");
    prefix[strlen(prefix) - 1] = 0; /* the dot */
    k->scope = scope_of_attempt(k->r->scope, k->s,
                                &(struct scope_attempt){.number = k->a->number,
                                                        .stage = k->a->stage,
                                                        .inputs = json_object_get(request, "inputs"),
                                                        .inputs_prefix = prefix,
                                                        .bookmark_from = bookmark_text(k)});
    free(prefix);
}

static int build(struct claiming *k, struct err *err) {
    json_t *request = k->a->request = request_head_of(k);
    if (k->s->into) {
        char *folder = fs_join(k->s->into->zone->path, "_leat_stage");
        k->a->stage = fs_join(folder, k->a->token);
        free(folder);
    }
    add_places(k, request);
    if (claim_bookmark(k, err) || add_inputs(k, request, err)) return -1;
    set_scope(k, request);
    add_bookmark(k, request);
    if (configure(k, request, err)) return -1;
    return k->s->into ? add_into(k, request, err) : 0;
}

int claim(struct conductor *c, struct live_attempt *a, struct err *err) {
    struct claiming k = {.c = c, .a = a, .r = a->run, .s = live_step(a->run, a->step), .arena = arena_new()};
    int rc = claim_row(c, a, err);
    if (!rc) rc = build(&k, err);
    json_decref(k.scope);
    json_decref(k.consumed);
    arena_free(k.arena);
    return rc;
}

/* ---- a look of an attended attempt ---- */

/* As it is now: looking pins nothing. */
static int add_watched(struct claiming *k, json_t *request, const char *dataset, struct err *err) {
    struct dataset_row d = {.id = -1, .head = -1};
    int found = store_dataset_find(k->c->store, dataset, k->arena, &d, err);
    if (found < 0) return -1;
    request_input(request, &(struct request_input){.dataset = dataset,
                                                   .dataset_id = found == 1 ? d.id : -1,
                                                   .version = found == 1 ? d.head : -1,
                                                   .since = -1});
    return 0;
}

json_t *claim_look(struct conductor *c, const struct live_attempt *a, json_t *config, struct err *err) {
    struct claiming k = {.c = c,
                         .a = (struct live_attempt *)(uintptr_t)a,
                         .r = a->run,
                         .s = live_step(a->run, a->step),
                         .arena = arena_new()};
    json_t *request = request_head_of(&k);
    int rc = 0;
    add_places(&k, request);
    request_configure(request,
                      &(struct request_config){.config = config, .engines = c->options.project->engines});
    for (size_t i = 0; i < k.s->watched_count && !rc; i++)
        rc = add_watched(&k, request, k.s->watched[i], err);
    arena_free(k.arena);
    if (!rc) return request;
    json_decref(request);
    return NULL;
}
