/* environment.c: see environment.h. A later setting of a name replaces the earlier one. */
#include "operators/environment.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/instant.h"
#include "base/json.h"
#include "base/sha256.h"
#include "operators/exchange.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

struct env {
    char **list;
    size_t count, cap;
};

static bool same_name(const char *entry, const char *name, size_t len) {
    return strncmp(entry, name, len) == 0 && entry[len] == '=';
}

static void put_text(struct env *e, char *entry) {
    const char *equals = strchr(entry, '=');
    size_t len = equals ? (size_t)(equals - entry) : strlen(entry);
    for (size_t i = 0; i < e->count; i++) {
        if (!same_name(e->list[i], entry, len)) continue;
        free(e->list[i]);
        e->list[i] = entry;
        return;
    }
    GROW(e->list, e->count, e->cap);
    e->list[e->count++] = entry;
}

static void put(struct env *e, const char *name, const char *value) {
    struct buf b = BUF_INIT;
    buf_addf(&b, "%s=%s", name, value ? value : "");
    put_text(e, buf_take(&b));
}

/* ---- inherited ---- */

static const char *const spark_prefixes[] = {"SPARK_", "JAVA_HOME=", "HADOOP_", "PYSPARK_", NULL};

static bool begins_with_any(const char *entry, const char *const *prefixes) {
    for (; *prefixes; prefixes++)
        if (strncmp(entry, *prefixes, strlen(*prefixes)) == 0) return true;
    return false;
}

static bool inherits(const char *entry, const json_t *allowed, bool spark) {
    static const char *const names[] = {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (same_name(entry, names[i], strlen(names[i]))) return true;
    if (strncmp(entry, "LC_", 3) == 0) return true;
    if (spark && begins_with_any(entry, spark_prefixes)) return true;
    size_t i;
    json_t *name;
    json_array_foreach(allowed, i, name) {
        if (same_name(entry, json_string_value(name), json_string_length(name))) return true;
    }
    return false;
}

static void put_inherited(struct env *e, const json_t *request) {
    const json_t *allowed = json_object_get(request, "env_allowed");
    bool spark = strcmp(json_text_or(request, "verb", ""), "spark") == 0;
    for (char **p = environ; *p; p++)
        if (inherits(*p, allowed, spark)) put_text(e, xstrdup(*p));
}

/* ---- LEAT_* ---- */

static void put_facts(struct env *e, const json_t *request) {
    static const struct {
        const char *name, *member;
    } facts[] = {{"LEAT_PIPELINE", "pipeline"}, {"LEAT_STEP", "step"}, {"LEAT_RUN_ID", "run"}};
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        put(e, facts[i].name, json_text(request, facts[i].member));
    char number[24];
    snprintf(number, sizeof number, "%lld", (long long)json_int(request, "attempt", 1));
    put(e, "LEAT_ATTEMPT", number);
    put(e, "LEAT_PROJECT_DIR", json_text(json_object_get(request, "project"), "root"));
}

static void put_instant(struct env *e, const char *name, const json_t *window, const char *member) {
    char text[INSTANT_TEXT];
    instant_t t = json_int(window, member, INSTANT_NONE);
    put(e, name, t == INSTANT_NONE ? "" : instant_text(t, text));
}

static void put_window(struct env *e, const json_t *request) {
    const json_t *window = json_object_get(request, "window");
    put_instant(e, "LEAT_WINDOW_START", window, "start");
    put_instant(e, "LEAT_WINDOW_END", window, "end");
}

static void put_path(struct env *e, const json_t *request, const char *name, const char *suffix) {
    char *path = exchange_path(json_text_or(json_object_get(request, "project"), "state", ""),
                               json_text_or(request, "token", ""), suffix);
    put(e, name, path);
    free(path);
}

static void put_places(struct env *e, const json_t *request) {
    const json_t *into = json_object_get(request, "into"), *mark = json_object_get(request, "bookmark");
    put_path(e, request, "LEAT_OUTPUT", EXCHANGE_OUT);
    if (json_is_object(into)) put(e, "LEAT_OUTPUT_PATH", json_text(into, "stage"));
    if (!json_is_object(mark)) return;
    put(e, "LEAT_BOOKMARK_FROM", json_text(mark, "value"));
    put(e, "LEAT_BOOKMARK_TO", NULL);
    put_path(e, request, "LEAT_BOOKMARK_FILE", EXCHANGE_BOOKMARK);
}

/* LEAT_PARAM_MIN_ROWS, LEAT_INPUT_TRUSTED_ORDERS: upper case, everything else an underscore. */
static void add_upper(struct buf *b, const char *s) {
    for (; *s; s++) buf_addc(b, isalnum((unsigned char)*s) ? (char)toupper((unsigned char)*s) : '_');
}

static void put_value(struct env *e, const char *name, const json_t *v) {
    if (json_is_string(v) || json_is_null(v)) {
        put(e, name, json_string_value(v));
        return;
    }
    const char *date = json_text(v, "@date");
    char *text = date ? xstrdup(date) : json_line(v);
    put(e, name, text);
    free(text);
}

static void put_params(struct env *e, const json_t *request) {
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)json_object_get(request, "params"), key, v) {
        struct buf name = BUF_INIT;
        buf_adds(&name, "LEAT_PARAM_");
        add_upper(&name, key);
        put_value(e, buf_str(&name), v);
        buf_release(&name);
    }
}

static void put_inputs(struct env *e, const json_t *request) {
    size_t i;
    json_t *in;
    json_array_foreach(json_object_get(request, "inputs"), i, in) {
        struct buf name = BUF_INIT, suffix = BUF_INIT;
        buf_adds(&name, "LEAT_INPUT_");
        add_upper(&name, json_text_or(in, "dataset", ""));
        buf_addf(&suffix, "%s.files", json_text_or(in, "dataset", ""));
        put_path(e, request, buf_str(&name), buf_str(&suffix));
        buf_release(&name);
        buf_release(&suffix);
    }
}

/* W3C trace context: the run is the trace, the attempt the span; both are found again from their numbers. */
static void put_trace(struct env *e, const json_t *request) {
    const char *token = json_text_or(request, "token", ""), *run = json_text_or(request, "run", "");
    const char *uuid = json_text_or(json_object_get(request, "project"), "uuid", "");
    char text[256], trace[SHA256_HEX], span[SHA256_HEX];
    int n = snprintf(text, sizeof text, "%s/%s", uuid, run);
    sha256_text(text, (size_t)n, trace);
    sha256_text(token, strlen(token), span);
    snprintf(text, sizeof text, "00-%.32s-%.16s-01", trace, span);
    put(e, "TRACEPARENT", text);
}

static void put_own(struct env *e, const json_t *request) {
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)json_object_get(request, "env"), key, v) put_value(e, key, v);
}

char **environment_build(const json_t *request, char *const *extra) {
    static void (*const parts[])(struct env *, const json_t *) = {
        put_inherited, put_facts, put_window, put_places, put_params, put_inputs, put_trace,
    };
    struct env e = {0};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) parts[i](&e, request);
    for (char *const *p = extra; p && *p; p++) put_text(&e, xstrdup(*p));
    put_own(&e, request);
    GROW(e.list, e.count, e.cap);
    e.list[e.count] = NULL;
    return e.list;
}

void environment_free(char **env) {
    for (char **p = env; p && *p; p++) free(*p);
    free(env);
}
