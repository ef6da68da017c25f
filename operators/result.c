/* result.c: the result, written by the worker and read by the conductor. See exchange.h. */
#include "base/fsio.h"
#include "base/json.h"
#include "operators/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const words[] = {
#define X(id, word) word,
    RESULT_OUTCOME_LIST(X)
#undef X
};

json_t *result_new(void) {
    json_t *r = json_object();
    result_outcome_set(r, RESULT_OK);
    json_put(r, "error", NULL);
    json_put(r, "rows_read", json_integer(0));
    json_put(r, "bytes_read", json_integer(0));
    json_put(r, "rows_written", json_integer(0));
    json_put(r, "outputs", json_array());
    json_put(r, "checks", json_array());
    json_put(r, "bookmark", NULL);
    json_put(r, "sql", json_array());
    json_put(r, "warnings", json_array());
    return r;
}

void result_outcome_set(json_t *result, enum result_outcome o) { json_put_text(result, "outcome", words[o]); }

void result_fail(json_t *result, const struct err *e) {
    result_outcome_set(result, e->exit == EX_GATE ? RESULT_GATE : RESULT_FAILED);
    json_t *error = json_object();
    json_put(error, "exit", json_integer(e->exit));
    json_put_text(error, "reason", e->reason);
    json_put_text(error, "msg", e->msg);
    json_put_text(error, "hint", e->hint);
    json_put(result, "error", error);
}

void result_warn(json_t *result, const char *text) {
    json_array_append_new(json_object_get(result, "warnings"), json_string(text));
}

void result_sql(json_t *result, const char *text, const json_t *params) {
    json_t *entry = json_object();
    json_put_text(entry, "text", text);
    json_put(entry, "params", params ? json_deep_copy(params) : json_array());
    json_array_append_new(json_object_get(result, "sql"), entry);
}

/* Once one part is unknown the sum is: it stays -1. */
static void add_count(json_t *result, const char *key, int64_t n) {
    int64_t now = json_int(result, key, 0);
    json_put(result, key, json_integer(n < 0 || now < 0 ? -1 : now + n));
}

void result_add_read(json_t *result, int64_t rows, int64_t bytes) {
    add_count(result, "rows_read", rows);
    add_count(result, "bytes_read", bytes);
}

int result_write(const json_t *result, const char *path, struct err *err) {
    char *text = json_line(result);
    int rc = fs_replace(path, text, strlen(text), 0600, err);
    free(text);
    return rc;
}

json_t *result_load(const char *path, struct err *err) {
    json_t *r = json_load_path(path, err);
    if (!r) return NULL;
    if (json_text(r, "outcome")) return r;
    json_decref(r);
    err_set(err, EX_ENVIRONMENT, "%s is no result of a worker", path);
    return NULL;
}

enum result_outcome result_outcome(const json_t *result) {
    const char *word = json_text_or(result, "outcome", "");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i], word) == 0) return (enum result_outcome)i;
    return RESULT_FAILED;
}

bool result_error(const json_t *result, struct err *out) {
    const json_t *e = json_object_get(result, "error");
    if (!json_is_object(e)) return false;
    *out = (struct err){.exit = (enum leat_exit)json_int(e, "exit", EX_FAILED)};
    snprintf(out->reason, sizeof out->reason, "%s", json_text_or(e, "reason", ""));
    snprintf(out->msg, sizeof out->msg, "%s", json_text_or(e, "msg", ""));
    snprintf(out->hint, sizeof out->hint, "%s", json_text_or(e, "hint", ""));
    return true;
}
