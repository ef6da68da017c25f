/* exchange.h: the two documents that conductor and worker talk through (README.md shows them whole).
 *
 *   conductor   request_new() … request_write()      ->   worker   request_read(), struct request
 *   worker      result_new() … result_write()        ->   conductor   result_load() and the getters
 *
 * This file, and zones/ for `into`, `inputs` and `files`, know the members' names; nobody else does. Both
 * documents are written durably with mode 0600: a request may hold secrets (in `env`). */
#ifndef LEAT_OPERATORS_EXCHANGE_H
#define LEAT_OPERATORS_EXCHANGE_H

#include "base/err.h"
#include "base/instant.h"
#include "zones/stage.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* ---- where the files of an attempt are ----------------------------------------------------------------- */

/* <state>/stage/<token>.<suffix>, malloc'ed. */
char *exchange_path(const char *state, const char *token, const char *suffix);
#define EXCHANGE_OUT      "out"      /* LEAT_OUTPUT */
#define EXCHANGE_PROGRESS "progress" /* the progress file */
#define EXCHANGE_BOOKMARK "bookmark" /* LEAT_BOOKMARK_FILE */
#define EXCHANGE_SPILL    "spill"    /* folder the engine spills to */
/* Of an action: "work" and "audit" share <token>.request.json and .result.json, "publish" has
 * <token>.publish.request.json and .publish.result.json, so that the result of the work stays. */
char *exchange_request_path(const char *state, const char *token, const char *action);
char *exchange_result_path(const char *state, const char *token, const char *action);

/* ---- building a request (conductor) -------------------------------------------------------------------- */

struct request_head {
    const char *action; /* work audit publish parse */
    const char *token;
    const char *project, *root, *state, *uuid; /* of the project */
    const char *db;                            /* path of leat.db */
    const char *pipeline, *step, *run, *trigger, *timezone, *verb;
    int64_t generation, attempt;
    instant_t window_start, window_end; /* INSTANT_NONE: no window */
};

json_t *request_new(const struct request_head *h); /* new reference */
void request_zone(json_t *request, const char *name, const char *path, const char *format,
                  const char *schema);
void request_allow_path(json_t *request, const char *path);
/* config and siblings as pipeline_resolve() gives them; env: the step's own; params: of the run; env_allowed:
 * array of names; all stolen, NULL is fine. engines: settings of remote engines, borrowed. */
struct request_config {
    json_t *config, *siblings, *env, *params, *env_allowed;
    const json_t *engines;
};
void request_configure(json_t *request, const struct request_config *c);
/* Names a config key whose text held ${…} ("from" of copy): such URLs may not lead to inside addresses. */
void request_templated(json_t *request, const char *key);

struct request_input {
    const char *dataset;
    int64_t dataset_id, version; /* -1: not published yet */
    int64_t since;               /* consumed version; -1: never */
    bool since_known;            /* false: this step has no version bookmark */
};
void request_input(json_t *request, const struct request_input *in);

struct request_bookmark {
    const char *kind; /* files version value */
    int64_t id, version;
    json_t *options;   /* stolen, may be NULL */
    const char *value; /* of a value bookmark, now; NULL: never set */
    bool move;         /* false: proposes nothing */
};
void request_bookmark(json_t *request, const struct request_bookmark *b);

/* into: the fields of struct stage_into, whose words are written out; `current` columns and arrays are
 * borrowed. */
struct request_into {
    struct stage_into into;
    const char *quarantine_path;
    int64_t quarantine_base;
};
void request_into(json_t *request, const struct request_into *i);
void request_intent(json_t *request, int64_t intent);
void request_steps(json_t *request, const json_t *steps); /* parse: the questions, borrowed */

/* Durable, mode 0600. */
int request_write(const json_t *request, const char *path, struct err *err);

/* ---- reading a request (worker) ------------------------------------------------------------------------ */

struct request {
    json_t *json; /* owns everything below */
    const char *action, *token, *result_path;
    const char *project, *root, *state, *uuid, *db;
    const char *pipeline, *step, *run, *trigger, *timezone, *verb;
    int64_t generation, attempt, intent;
    bool has_window;
    instant_t window_start, window_end;
    const json_t *config, *siblings, *env, *params, *env_allowed, *engines, *zones, *allow_paths, *inputs,
        *steps;
    const char *bookmark_kind; /* NULL: no bookmark */
    int64_t bookmark_id, bookmark_version;
    const json_t *bookmark_options;
    const char *bookmark_value;
    bool bookmark_moves;
    bool has_into;
    struct stage_into into;
};

/* -1 with err (exit 3) when the file is no request. */
int request_read(const char *path, struct request *out, struct err *err);
/* The same from JSON; takes a reference. */
int request_view(json_t *json, struct request *out, struct err *err);
void request_release(struct request *r);
bool request_is_templated(const struct request *r, const char *key);

/* ---- the result ---- */

#define RESULT_OUTCOME_LIST(X)                                                                               \
    X(OK, "ok")                                                                                              \
    X(NOTHING_NEW, "nothing_new")                                                                            \
    X(GATE, "gate")                                                                                          \
    X(FAILED, "failed")

enum result_outcome {
#define X(id, word) RESULT_##id,
    RESULT_OUTCOME_LIST(X)
#undef X
};

json_t *result_new(void);
void result_outcome_set(json_t *result, enum result_outcome o);
void result_fail(json_t *result, const struct err *e); /* outcome failed, or gate when the exit code is 5 */
void result_warn(json_t *result, const char *text);
void result_sql(json_t *result, const char *text, const json_t *params); /* both copied */
void result_add_read(json_t *result, int64_t rows, int64_t bytes);       /* adds; -1: not known */
int result_write(const json_t *result, const char *path, struct err *err);

/* The conductor's side. NULL with err when the file is missing, cut short or no result. */
json_t *result_load(const char *path, struct err *err);
enum result_outcome result_outcome(const json_t *result);
bool result_error(const json_t *result, struct err *out); /* false: there is none */

/* What a process step left beside its stage. Absent files give an empty object, and NULL with err->msg
 * empty. */
json_t *exchange_outputs(const char *path,
                         struct err *err); /* LEAT_OUTPUT: name=value lines; new reference */
char *exchange_bookmark_value(const char *path, struct err *err); /* LEAT_BOOKMARK_FILE, malloc'ed */

#endif
