/* request.c: the request, built by the conductor and read by the worker. See exchange.h. */
#include "base/arena.h"
#include "base/fsio.h"
#include "base/json.h"
#include "operators/exchange.h"

#include <stdlib.h>
#include <string.h>

/* ---- building ------------------------------------------------------------------------------------------ */

json_t *request_new(const struct request_head *h) {
    json_t *r = json_object();
    json_put_text(r, "action", h->action);
    json_put_text(r, "token", h->token);
    json_t *project = json_object();
    json_put_text(project, "name", h->project);
    json_put_text(project, "root", h->root);
    json_put_text(project, "state", h->state);
    json_put_text(project, "uuid", h->uuid);
    json_put(r, "project", project);
    json_put_text(r, "db", h->db);
    json_put_text(r, "pipeline", h->pipeline);
    json_put_text(r, "step", h->step);
    json_put_text(r, "run", h->run);
    json_put_text(r, "trigger", h->trigger);
    json_put_text(r, "timezone", h->timezone);
    json_put_text(r, "verb", h->verb);
    json_put(r, "generation", json_integer(h->generation));
    json_put(r, "attempt", json_integer(h->attempt));
    json_t *window = NULL;
    if (h->window_start != INSTANT_NONE)
        window = json_pack("{sI sI}", "start", (json_int_t)h->window_start, "end", (json_int_t)h->window_end);
    json_put(r, "window", window);
    json_put(r, "zones", json_object());
    json_put(r, "allow_paths", json_array());
    json_put(r, "inputs", json_array());
    return r;
}

void request_zone(json_t *request, const char *name, const char *path, const char *format,
                  const char *schema) {
    json_put(json_object_get(request, "zones"), name,
             json_pack("{ss ss ss}", "path", path, "format", format, "schema", schema));
}

void request_allow_path(json_t *request, const char *path) {
    json_array_append_new(json_object_get(request, "allow_paths"), json_string(path));
}

void request_configure(json_t *request, const struct request_config *c) {
    json_put(request, "config", c->config);
    json_put(request, "siblings", c->siblings);
    json_put(request, "env", c->env);
    json_put(request, "params", c->params);
    json_put(request, "env_allowed", c->env_allowed);
    json_put(request, "engines", c->engines ? json_deep_copy(c->engines) : NULL);
}

static json_t *list_of(json_t *request, const char *key) {
    json_t *list = json_object_get(request, key);
    if (!list) json_put(request, key, list = json_array());
    return list;
}

void request_templated(json_t *request, const char *key) {
    json_array_append_new(list_of(request, "templated"), json_string(key));
}

void request_input(json_t *request, const struct request_input *in) {
    json_t *o = json_object();
    json_put_text(o, "dataset", in->dataset);
    json_put(o, "dataset_id", json_integer(in->dataset_id));
    json_put(o, "version", json_integer(in->version));
    json_put(o, "since", in->since < 0 ? NULL : json_integer(in->since));
    json_put(o, "since_known", json_boolean(in->since_known));
    json_array_append_new(list_of(request, "inputs"), o);
}

void request_bookmark(json_t *request, const struct request_bookmark *b) {
    json_t *o = json_object();
    json_put_text(o, "kind", b->kind);
    json_put(o, "id", json_integer(b->id));
    json_put(o, "version", json_integer(b->version));
    json_put(o, "options", b->options);
    json_put_text(o, "value", b->value);
    json_put(o, "move", json_boolean(b->move));
    json_put(request, "bookmark", o);
}

static const char *const policy_words[] = {"any", "add", "strict"};
static const char *const bad_words[] = {"fail", "quarantine", "drop"};
static const char *const empty_words[] = {"fail", "ok", "skip"};

static json_t *copy_of(const json_t *v) { return v ? json_deep_copy(v) : NULL; }

static json_t *id_or_null(int64_t id) { return id < 0 ? NULL : json_integer(id); }

void request_into(json_t *request, const struct request_into *r) {
    const struct stage_into *i = &r->into;
    json_t *o = json_object();
    json_put_text(o, "dataset", i->dataset);
    json_put(o, "dataset_id", id_or_null(i->dataset_id));
    json_put(o, "base_version", json_integer(i->base));
    json_put(o, "columns", copy_of(i->columns));
    json_put_text(o, "path", i->path);
    json_put_text(o, "format", i->delta ? "delta" : "files");
    json_put_text(o, "schema", policy_words[i->policy]);
    json_put_text(o, "stage", i->stage);
    json_put_text(o, "write", stage_write_names[i->write]);
    json_put(o, "key", copy_of(i->key));
    json_put(o, "partition_by", copy_of(i->partition_by));
    json_put(o, "partition_of_window", json_boolean(i->of_window));
    json_put_text(o, "merge_by", i->merge_by);
    json_put(o, "checks", copy_of(i->checks));
    json_put_text(o, "bad_rows", bad_words[i->bad_rows]);
    json_put(o, "max_bad_rows", json_integer(i->max_bad_rows));
    json_put(o, "max_bad_part", json_real(i->max_bad_part));
    json_put_text(o, "if_empty", empty_words[i->if_empty]);
    json_put(o, "requires_checks", json_boolean(i->requires_checks));
    if (i->quarantine.dataset) {
        json_t *q = json_object();
        json_put_text(q, "dataset", i->quarantine.dataset);
        json_put(q, "dataset_id", id_or_null(i->quarantine.dataset_id));
        json_put_text(q, "path", r->quarantine_path);
        json_put(q, "base_version", json_integer(r->quarantine_base));
        json_put(o, "quarantine", q);
    }
    json_put(request, "into", o);
}

void request_intent(json_t *request, int64_t intent) { json_put(request, "intent", json_integer(intent)); }

void request_steps(json_t *request, const json_t *steps) {
    json_put(request, "steps", json_incref((json_t *)(uintptr_t)steps));
}

int request_write(const json_t *request, const char *path, struct err *err) {
    char *text = json_line(request);
    int rc = fs_replace(path, text, strlen(text), 0600, err);
    explicit_bzero(text, strlen(text));
    free(text);
    return rc;
}

/* ---- reading ------------------------------------------------------------------------------------------- */

static int view_window(const json_t *json, struct request *out) {
    const json_t *w = json_object_get(json, "window");
    out->has_window = json_is_object(w);
    out->window_start = json_int(w, "start", INSTANT_NONE);
    out->window_end = json_int(w, "end", INSTANT_NONE);
    return 0;
}

static void view_bookmark(const json_t *json, struct request *out) {
    const json_t *b = json_object_get(json, "bookmark");
    out->bookmark_kind = json_text(b, "kind");
    out->bookmark_id = json_int(b, "id", -1);
    out->bookmark_version = json_int(b, "version", 0);
    out->bookmark_options = json_object_get(b, "options");
    out->bookmark_value = json_text(b, "value");
    out->bookmark_moves = b && !json_is_false(json_object_get(b, "move"));
}

static void view_texts(const json_t *json, struct request *out) {
    const json_t *project = json_object_get(json, "project");
    out->action = json_text_or(json, "action", "");
    out->token = json_text_or(json, "token", "");
    out->project = json_text_or(project, "name", "");
    out->root = json_text_or(project, "root", "");
    out->state = json_text_or(project, "state", "");
    out->uuid = json_text_or(project, "uuid", "");
    out->db = json_text(json, "db");
    out->pipeline = json_text_or(json, "pipeline", "");
    out->step = json_text_or(json, "step", "");
    out->run = json_text_or(json, "run", "");
    out->trigger = json_text_or(json, "trigger", "");
    out->timezone = json_text_or(json, "timezone", "UTC");
    out->verb = json_text_or(json, "verb", "");
    out->result_path = json_text(json, "result");
}

static void view_values(const json_t *json, struct request *out) {
    out->generation = json_int(json, "generation", 1);
    out->attempt = json_int(json, "attempt", 1);
    out->intent = json_int(json, "intent", -1);
    out->config = json_object_get(json, "config");
    out->siblings = json_object_get(json, "siblings");
    out->env = json_object_get(json, "env");
    out->params = json_object_get(json, "params");
    out->env_allowed = json_object_get(json, "env_allowed");
    out->engines = json_object_get(json, "engines");
    out->zones = json_object_get(json, "zones");
    out->allow_paths = json_object_get(json, "allow_paths");
    out->inputs = json_object_get(json, "inputs");
    out->steps = json_object_get(json, "steps");
}

int request_view(json_t *json, struct request *out, struct err *err) {
    *out = (struct request){.json = json_incref(json)};
    if (!json_is_object(json)) return err_set(err, EX_INVALID, "the request is no JSON object");
    view_texts(json, out);
    view_values(json, out);
    view_window(json, out);
    view_bookmark(json, out);
    if (!out->action[0]) return err_set(err, EX_INVALID, "the request has no `action`");
    if (!out->result_path && (!out->token[0] || !out->state[0]))
        return err_set(err, EX_INVALID, "the request says neither `result` nor `token` and `project.state`");
    const json_t *into = json_object_get(json, "into");
    out->has_into = json_is_object(into);
    return out->has_into ? stage_into_read(into, &out->into, err) : 0;
}

int request_read(const char *path, struct request *out, struct err *err) {
    *out = (struct request){0};
    json_t *json = json_load_path(path, err);
    if (!json) return -1;
    int rc = request_view(json, out, err);
    json_decref(json);
    return rc;
}

void request_release(struct request *r) {
    json_decref(r->json);
    *r = (struct request){0};
}

bool request_is_templated(const struct request *r, const char *key) {
    const json_t *list = json_object_get(r->json, "templated");
    size_t i;
    json_t *name;
    json_array_foreach(list, i, name) if (strcmp(json_string_value(name), key) == 0) return true;
    return false;
}
