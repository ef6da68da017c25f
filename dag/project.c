/* project.c: leat.yaml, and where it is (contract.md 1). */
#include "base/fsio.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/suggest.h"
#include "dag/build.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- finding it */

static char *find_root(const char *start, struct err *err) {
    char *folder = realpath(start, NULL);
    if (!folder) {
        err_errno(err, "cannot open the folder %s", start);
        return NULL;
    }
    char *first = xstrdup(folder);
    for (;;) {
        char *file = fs_join(folder, "leat.yaml");
        bool here = fs_exists(file);
        free(file);
        if (here) {
            free(first);
            return folder;
        }
        if (strcmp(folder, "/") == 0) break;
        char *up = fs_parent(folder);
        free(folder);
        folder = up;
    }
    free(folder);
    return first;
}

static const char *folder_name(struct arena *a, const char *root) {
    const char *slash = strrchr(root, '/');
    char *name = arena_strdup(a, slash && slash[1] ? slash + 1 : "project");
    for (char *p = name; *p; p++)
        if (!islower((unsigned char)*p) && !isdigit((unsigned char)*p)) *p = '_';
    return name;
}

static const char *absolute(const struct project *p, const char *path) {
    if (*path == '/' || strstr(path, "://")) return path;
    while (strncmp(path, "./", 2) == 0) path += 2;
    return arena_printf(p->arena, "%s/%s", p->root, path);
}

/* ---- values of leat.yaml are known at once: ${env.…} and ${project.…} are all they may name */

static json_t *env_scope(const struct project *p) {
    json_t *env = json_object();
    for (size_t i = 0; i < p->env_allowed_count; i++) {
        const char *text = getenv(p->env_allowed[i]);
        if (!text) text = json_text(p->env_files_env, p->env_allowed[i]);
        if (text) json_put_text(env, p->env_allowed[i], text);
    }
    return json_pack("{so s{ss ss}}", "env", env, "project", "name", p->name, "root", p->root);
}

/* New reference, or NULL after a diagnostic. */
static json_t *resolve(struct load *l, const struct value *v) {
    json_t *scope = env_scope(l->project);
    struct complaint c = {0};
    struct eval eval = {.scope = scope, .arena = l->arena, .c = &c};
    struct span at = v->at;
    json_t *j = value_json(&eval, v, &at);
    if (!j) {
        struct diag *g = load_diag(l, c.code, at, "%s", c.message);
        if (*c.label) diag_label(l->d, g, "%s", c.label);
    }
    json_decref(scope);
    return j;
}

static const char *resolve_text(struct load *l, const struct value *v) {
    json_t *j = v ? resolve(l, v) : NULL;
    const char *s = json_is_string(j) ? arena_strdup(l->arena, json_string_value(j)) : NULL;
    json_decref(j);
    return s;
}

/* ---- zones */

static void default_zones(struct project *p) {
    static const char *const names[] = {"raw", "trusted", "refined"};
    p->zones = arena_array(p->arena, 3, sizeof *p->zones);
    for (p->zone_count = 0; p->zone_count < 3; p->zone_count++) {
        bool first = p->zone_count == 0;
        p->zones[p->zone_count] = (struct zone){
            .name = names[p->zone_count],
            .path = arena_printf(p->arena, "%s/lake/%s", p->root, names[p->zone_count]),
            .format = first ? FORMAT_FILES : FORMAT_DELTA,
            .schema = first ? SCHEMA_ANY : SCHEMA_ADD,
        };
    }
}

static bool said(const struct value *row, const char *key, const char *word) {
    const struct value *v = value_member(row, key);
    return v && v->shape == VALUE_TEXT && strcmp(v->text, word) == 0;
}

static void zone_values(struct load *l, struct zone *z, const struct value *row) {
    const struct value *keep = value_member(row, "keep_versions");
    const char *path = resolve_text(l, value_member(row, "path"));
    if (path) z->path = absolute(l->project, path);
    if (keep && keep->shape == VALUE_INTEGER) z->keep_versions = keep->integer;
    z->requires_checks = said(row, "requires", "checks");
    if (value_member(row, "format")) z->format = said(row, "format", "files") ? FORMAT_FILES : FORMAT_DELTA;
    if (value_member(row, "schema"))
        z->schema = said(row, "schema", "any")      ? SCHEMA_ANY
                    : said(row, "schema", "strict") ? SCHEMA_STRICT
                                                    : SCHEMA_ADD;
    if (z->path && strstr(z->path, "://")) {
        struct diag *g =
            load_diag(l, "E0410", value_member(row, "path")->at, "zone `%s` is not a local folder", z->name);
        diag_label(l->d, g, "this version keeps zones in local folders");
    }
}

bool name_check(struct load *l, const struct node *map, const struct entry *e, const char *noun) {
    if (text_is_name(e->key, strlen(e->key))) return true;
    struct diag *g = load_diag(l, "E0206", key_span(map, e), "`%.80s` is not a name for a %s", e->key, noun);
    diag_label(l->d, g, "names are a-z, 0-9 and `_`, and start with a letter");
    return false;
}

static void take_zone(struct load *l, struct project *p, const struct node *map, const struct entry *e) {
    static const struct field path = {.name = "path", .kind = FK_PATH, .example = "lake/raw"};
    struct zone *z = &p->zones[p->zone_count];
    bool first = p->zone_count == 0;
    if (!name_check(l, map, e, "zone")) return;
    *z = (struct zone){.name = e->key,
                       .format = first ? FORMAT_FILES : FORMAT_DELTA,
                       .schema = first ? SCHEMA_ANY : SCHEMA_ADD};
    z->path = arena_printf(p->arena, "%s/lake/%s", p->root, e->key);
    p->zone_count++;
    struct where w = {.noun = "zone", .name = e->key, .at = key_span(map, e)};
    struct value row;
    if (e->value->kind == NODE_MAP) {
        fields_parse(l, e->value, zone_fields, &w, &row);
        zone_values(l, z, &row);
        return;
    }
    struct member only = {.key = "path"};
    row = (struct value){.shape = VALUE_OBJECT, .count = 1, .members = &only};
    if (field_parse(l, e->value, &path, &w, &only.value)) zone_values(l, z, &row); /* `raw: lake/raw` */
}

static void same_folder(struct load *l, const struct project *p, const struct node *map) {
    for (size_t i = 0; i < p->zone_count; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(p->zones[i].path, p->zones[k].path) == 0)
                load_diag(l, "E0410", key_span(map, node_find(map, p->zones[i].name)),
                          "zones `%s` and `%s` share the folder %s", p->zones[k].name, p->zones[i].name,
                          p->zones[i].path);
}

static void take_zones(struct load *l, struct project *p, const struct node *n) {
    static const struct field f = {.name = "zones", .kind = FK_OBJECT, .example = "{raw: {path: lake/raw}}"};
    if (n->kind != NODE_MAP || !n->count) {
        wrong_shape(l, n, &f, "a map of zones");
        return;
    }
    p->zones = arena_array(p->arena, n->count, sizeof *p->zones);
    p->zone_count = 0;
    for (uint32_t i = 0; i < n->count; i++) take_zone(l, p, n, &n->entries[i]);
    if (p->zone_count)
        same_folder(l, p, n);
    else
        default_zones(p);
}

/* ---- the rest */

static void take_pools(struct load *l, struct project *p, const struct node *n) {
    static const struct field map = {.name = "pools", .kind = FK_OBJECT, .example = "{database: 4}"};
    if (n->kind != NODE_MAP) {
        wrong_shape(l, n, &map, "a map of counts");
        return;
    }
    p->pools = arena_array(p->arena, n->count, sizeof *p->pools);
    for (uint32_t i = 0; i < n->count; i++) {
        const struct entry *e = &n->entries[i];
        struct field f = {.name = e->key, .kind = FK_COUNT, .flags = FIELD_FIXED, .example = "4"};
        struct where w = {.noun = "pools"};
        struct value v;
        if (!name_check(l, n, e, "pool") || !field_parse(l, e->value, &f, &w, &v)) continue;
        if (v.integer < 1) load_diag(l, "E0202", v.at, "pool `%s` needs at least one token", e->key);
        p->pools[p->pool_count++] = (struct pool){.name = e->key, .tokens = v.integer};
    }
}

/* *count is set last: what is being read may be what values are looked up in. */
static const char **take_texts(struct load *l, const struct value *list, size_t *count) {
    const char **out = arena_array(l->arena, list ? list->count : 0, sizeof *out);
    size_t n = 0;
    for (uint32_t i = 0; list && i < list->count; i++) {
        const char *s = resolve_text(l, &list->items[i]);
        if (s) out[n++] = s;
    }
    *count = n;
    return out;
}

static void take_secrets(struct load *l, struct project *p, const struct value *v) {
    for (uint32_t i = 0; v && v->shape == VALUE_OBJECT && i < v->count; i++) {
        const struct member *m = &v->members[i];
        if (m->value.shape == VALUE_TEXT) json_put_text(p->secrets, m->key, m->value.text);
    }
    (void)l;
}

static void take_env_files(struct load *l, struct project *p, const struct value *list) {
    size_t n;
    const char **files = take_texts(l, list, &n);
    for (size_t i = 0; i < n; i++) env_file_read(absolute(p, files[i]), p->env_files_env, l->d);
}

/* Template bodies are checked where they are used; here only that they are maps with maps of parameters. */
static void check_templates(struct load *l, const struct node *n) {
    static const struct field f = {
        .name = "templates", .kind = FK_OBJECT, .example = "{load_table: {params: {table: }, copy: …}}"};
    if (n->kind != NODE_MAP) {
        wrong_shape(l, n, &f, "a map of templates");
        return;
    }
    for (uint32_t i = 0; i < n->count; i++) {
        struct field named_field = f;
        named_field.name = n->entries[i].key;
        const struct node *map = n->entries[i].value, *params = node_get(map, "params");
        name_check(l, n, &n->entries[i], "template");
        if (map->kind != NODE_MAP) wrong_shape(l, map, &named_field, "a map");
        named_field.name = "params";
        if (params && params->kind != NODE_MAP) wrong_shape(l, params, &named_field, "a map");
        if (node_get(map, "use"))
            load_diag(l, "E0407", key_span(map, node_find(map, "use")), "a template cannot use another");
    }
}

void defaults_check(struct load *l, const struct node *n) {
    static const struct where w = {.noun = "`defaults`"};
    static const struct field f = {.name = "defaults", .kind = FK_OBJECT, .example = "{retry: 2}"};
    const char *known[32];
    size_t count = 0;
    for (; default_fields[count].name; count++) known[count] = default_fields[count].name;
    if (n->kind != NODE_MAP) {
        wrong_shape(l, n, &f, "a map");
        return;
    }
    for (uint32_t i = 0; i < n->count; i++)
        if (!field_find(default_fields, n->entries[i].key))
            unknown_key(l, n, &n->entries[i], known, count, &w);
}

static void check_version(struct load *l, const struct value *row) {
    const struct value *v = value_member(row, "leat");
    if (!v || v->shape != VALUE_INTEGER || v->integer == 1) return;
    struct diag *g = load_diag(l, "E0123", v->at, "this is format %lld of leat.yaml", (long long)v->integer);
    diag_label(l->d, g, "this program reads format 1");
}

static void take_root(struct load *l, struct project_full *full, const struct node *root) {
    static const char *const later[] = {"zones", "pools", "defaults", "templates", "calendars", NULL};
    struct project *p = &full->pub;
    struct where here = {.noun = "leat.yaml", .at = node_span(root)};
    here.at.end = here.at.start + 1;
    struct value row;
    fields_parse_except(l, root, project_fields, later, &here, &row);
    check_version(l, &row);
    const struct value *name = value_member(&row, "project"), *engines = value_member(&row, "engines");
    if (name && name->shape == VALUE_TEXT) p->name = name->text;
    const char *state = resolve_text(l, value_member(&row, "state"));
    if (state) p->state = absolute(p, state);
    const struct node *zones = node_get(root, "zones"), *pools = node_get(root, "pools");
    if (zones) take_zones(l, p, zones);
    const struct node *calendars = node_get(root, "calendars");
    if (pools) take_pools(l, p, pools);
    if (calendars) calendars_build(l, p, calendars);
    take_secrets(l, p, value_member(&row, "secrets"));
    p->allow_paths = take_texts(l, value_member(&row, "allow_paths"), &p->allow_path_count);
    for (size_t i = 0; i < p->allow_path_count; i++) p->allow_paths[i] = absolute(p, p->allow_paths[i]);
    json_t *settings = engines ? resolve(l, engines) : NULL;
    if (settings) json_object_update(p->engines, settings);
    json_decref(settings);
    full->defaults_node = node_get(root, "defaults");
    full->templates_node = node_get(root, "templates");
    if (full->defaults_node) defaults_check(l, full->defaults_node);
    if (full->templates_node) check_templates(l, full->templates_node);
}

/* env_allowed, env_files and secrets come first: other values may name them. */
static void take_names(struct load *l, struct project *p, const struct node *root) {
    static const struct where w = {.noun = "leat.yaml"};
    static const char *const first[] = {"env_allowed", "env_files", "secrets"};
    struct value v[3] = {{0}};
    bool good[3] = {false};
    for (int i = 0; i < 3; i++) {
        const struct node *n = node_get(root, first[i]);
        size_t errors = l->d->errors;
        if (n)
            good[i] =
                field_parse(l, n, field_find(project_fields, first[i]), &w, &v[i]) && l->d->errors == errors;
        if (i != 0 || !good[0]) continue;
        size_t count;
        p->env_allowed = take_texts(l, &v[0], &count);
        p->env_allowed_count = count;
    }
    if (good[1]) take_env_files(l, p, &v[1]);
    if (good[2]) take_secrets(l, p, &v[2]);
}

static void read_project(struct project_full *full, struct diags *d) {
    struct project *p = &full->pub;
    struct kept_json none = {0};
    struct load l = {.arena = p->arena, .nodes = full->nodes, .d = d, .project = p, .kept = &none};
    l.scope = (struct expr_scope){.project = p, .project_only = true};
    struct reading in = {.source = p->source, .nodes = full->nodes, .texts = p->arena, .d = d};
    struct node *root = node_read(&in);
    l.damaged = in.damaged;
    if (root && root->kind != NODE_MAP) {
        diag_add(d, "E0103", node_span(root), "leat.yaml is a map of keys, not %s", node_noun(root));
        root = NULL;
    }
    if (root) {
        take_names(&l, p, root);
        take_root(&l, full, root);
    }
    for (size_t i = 0; i < none.count; i++) json_decref(none.list[i]);
    free(none.list);
    load_release(&l);
}

static bool too_large(const char *file, const char *shown, struct diags *d) {
    struct stat st;
    if (stat(file, &st) != 0 || st.st_size <= LIMIT_YAML_BYTES) return false;
    struct source s = {.path = shown, .text = "", .len = 0};
    diag_add(d, "E0113", (struct span){.source = &s}, "the file has %lld MiB; at most %d MiB are read",
             (long long)(st.st_size >> 20), LIMIT_YAML_BYTES >> 20);
    return true;
}

/* Reads the source; 0, or -1 with err, or 1 with a diagnostic. */
static int load_source(struct project *p, const char *file, struct diags *d, struct err *err) {
    size_t len = 0;
    if (too_large(file, "leat.yaml", d)) return 1;
    char *text = fs_read(file, LIMIT_YAML_BYTES, &len, err);
    if (!text) return -1;
    p->source = arena_alloc(p->arena, sizeof *p->source);
    *p->source = (struct source){.path = "leat.yaml", .text = arena_strndup(p->arena, text, len), .len = len};
    free(text);
    return 0;
}

struct project *project_load(const char *start, struct diags *d, struct err *err) {
    char *root = find_root(start, err);
    if (!root) return NULL;
    struct project_full *full = xcalloc(1, sizeof *full);
    struct project *p = &full->pub;
    p->arena = arena_new();
    p->zone_data = tz_set_new();
    full->nodes = arena_new();
    p->root = arena_strdup(p->arena, root);
    p->name = folder_name(p->arena, root);
    p->state = arena_printf(p->arena, "%s/.leat", root);
    p->env_files_env = json_object();
    p->engines = json_object();
    p->secrets = json_object();
    default_zones(p);
    free(root);
    char *file = fs_join(p->root, "leat.yaml");
    bool exists = fs_exists(file);
    if (exists) p->file = arena_strdup(p->arena, file);
    int r = exists ? load_source(p, file, d, err) : 1;
    free(file);
    if (r == 0) read_project(full, d);
    if (r >= 0) return p;
    project_free(p);
    return NULL;
}

void project_free(struct project *p) {
    if (!p) return;
    struct project_full *full = (struct project_full *)p;
    json_decref(p->env_files_env);
    json_decref(p->engines);
    json_decref(p->secrets);
    for (size_t i = 0; i < p->calendar_count; i++) tz_free(p->calendars[i].tz);
    tz_set_free(p->zone_data);
    arena_free(full->nodes);
    arena_free(p->arena);
    free(full);
}

const struct zone *project_zone(const struct project *p, const char *name, size_t len) {
    for (size_t i = 0; i < p->zone_count; i++)
        if (strlen(p->zones[i].name) == len && strncmp(p->zones[i].name, name, len) == 0) return &p->zones[i];
    return NULL;
}

/* ---- pipeline files */

static bool yaml_name(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot && dot != name && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}

static int text_order(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static char **list_folder(const char *folder, bool peek, size_t *count) {
    char **list = NULL;
    size_t cap = 0;
    *count = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        if (*e->d_name == '.' || !yaml_name(e->d_name) || (peek && strcmp(e->d_name, "leat.yaml") == 0))
            continue;
        char *path = fs_join(folder, e->d_name), *name = peek ? pipeline_peek_name(path) : NULL;
        bool take = !peek || name;
        free(name);
        if (!take) {
            free(path);
            continue;
        }
        GROW(list, *count, cap);
        list[(*count)++] = path;
    }
    if (dir) closedir(dir);
    if (*count) qsort(list, *count, sizeof *list, text_order);
    return list;
}

char **project_pipeline_files(const struct project *p, size_t *count) {
    char *folder = fs_join(p->root, "pipelines");
    char **list = list_folder(folder, false, count);
    free(folder);
    return *count ? list : list_folder(p->root, true, count);
}

/* The first line of the form `pipeline: name` at column 0. */
char *pipeline_peek_name(const char *path) {
    size_t len = 0;
    char *text = fs_read(path, LIMIT_YAML_BYTES, &len, NULL), *out = NULL;
    for (char *line = text; line && !out; line = strchr(line, '\n')) {
        if (*line == '\n') line++;
        if (strncmp(line, "pipeline:", 9) != 0) continue;
        char *s = line + 9;
        s += strspn(s, " \t");
        bool quoted = *s == '"' || *s == '\'';
        s += quoted;
        size_t n = strcspn(s, quoted ? "\"'\r\n" : " \t#\r\n");
        if (!n) break;
        out = xmalloc(n + 1);
        memcpy(out, s, n);
        out[n] = 0;
    }
    free(text);
    return out;
}

int project_no_pipeline(const struct project *p, const char *name, const char *const *known, size_t n,
                        struct err *err) {
    const char *meant = suggest(name, known, n);
    err_set(err, EX_NOT_FOUND, "no pipeline is called `%s` in %s", name, p->root);
    if (meant) return err_hint(err, "did you mean `%s`?", meant);
    if (n) return err_hint(err, "see `leat validate` for those there are");
    return err_hint(err, "a pipeline is a file pipelines/NAME.yaml that begins with `pipeline: NAME`");
}

static const char *shown_path(const struct project *p, const char *path) {
    size_t n = strlen(p->root);
    return strncmp(path, p->root, n) == 0 && path[n] == '/' ? path + n + 1 : path;
}

/* At the name that a file says it has. */
static void say_taken(const struct project *p, const char *path, const char *name, const char *other,
                      struct diags *d) {
    size_t len = 0;
    char *text = fs_read(path, LIMIT_YAML_BYTES, &len, NULL);
    const char *at = text ? strstr(text, "pipeline:") : NULL;
    struct source s = {.path = shown_path(p, path), .text = text ? text : "", .len = len};
    uint32_t start = at ? (uint32_t)(at - text) : 0;
    struct diag *g = diag_add(d, "E0411", (struct span){.source = &s, .start = start, .end = start + 8},
                              "pipeline `%s` is defined twice", name);
    diag_label(d, g, "%s has this name too", shown_path(p, other));
    diag_help(d, g, "history, bookmarks and metrics belong to the name: rename one of them");
    free(text);
}

void project_check_names(const struct project *p, char *const *files, size_t count,
                         struct diags *const *each) {
    struct map names = MAP_INIT;
    char **kept = xcalloc(count + 1, sizeof *kept);
    size_t *other = xcalloc(count + 1, sizeof *other); /* one of the same name; itself: there is none */
    for (size_t i = 0; i < count; i++) {
        size_t first = i;
        kept[i] = pipeline_peek_name(files[i]);
        if (kept[i]) map_add(&names, kept[i], i, &first);
        other[i] = first;
        if (other[first] == first) other[first] = i;
    }
    for (size_t i = 0; i < count; i++)
        if (each[i] && other[i] != i) say_taken(p, files[i], kept[i], files[other[i]], each[i]);
    map_release(&names);
    for (size_t i = 0; i < count; i++) free(kept[i]);
    free(other);
    free(kept);
}
