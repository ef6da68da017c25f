/* attempts.h: attempts, what they read (pins, lineage) and what their checks found.
 *
 * An attempt is one try of one step in one generation: running -> publishing -> success, or running |
 * publishing
 * -> failed | lost | cancelled. A step has at most one live attempt: a unique index says so. An attempt is
 * known by its id, and by its token r<run>-s<step>-g<generation>-a<number>-<16 hex>, which is unique for
 * ever. */
#ifndef LEAT_STORE_ATTEMPTS_H
#define LEAT_STORE_ATTEMPTS_H

#include "store/store.h"

#include <jansson.h>

enum { TOKEN_TEXT = 96 };

struct attempt_spec {
    int64_t run, generation;
    uint32_t step, number; /* number from 1 */
    const char *token;     /* token_make() */
    const char *log;       /* path relative to the state folder */
    instant_t at;
};

/* Writes the token for an attempt; `random` makes it unique even if a restored database counts again. */
const char *token_make(const struct attempt_spec *a, uint64_t random, char out[TOKEN_TEXT]);
/* Reads the numbers out of a token (or of a job id, token.phase). */
bool token_parse(const char *token, struct attempt_spec *out);

int store_attempt_start(struct store *s, const struct attempt_spec *a, int64_t *id, struct err *err); /* P0 */
/* Which job of the attempt is under way: 'm' main, 'a' audit, 'p' publish; 'w': none, it is attended. 0: the
 * attempt is over. */
int store_attempt_phase(struct store *s, int64_t id, char phase, struct err *err);
/* The same with what is known of it so far: `detail` becomes the attempt's until its end says otherwise. */
int store_attempt_attend(struct store *s, int64_t id, char phase, const json_t *detail, struct err *err);
/* The remote system's name for the work. 0: the attempt is over. */
int store_attempt_remote(struct store *s, int64_t id, const char *remote_id, struct err *err);

struct attempt_end {
    int64_t id;
    const char *from, *to; /* running|publishing -> success|failed|lost|cancelled */
    int exit_code;         /* -1: none */
    int signal;            /* 0: none */
    const char *killed;    /* timeout cancel memory, or NULL */
    const char *reason, *message, *hint;
    const json_t *detail; /* object or NULL: sql, warnings … what `runs show` may tell; no secrets */
    instant_t at;
};
/* Compare-and-set. 1 hit, 0 missed (already ended, or fenced). */
int store_attempt_end(struct store *s, const struct attempt_end *e, struct err *err);

struct attempt_row {
    int64_t id, run, generation;
    uint32_t step, number;
    const char *pipeline, *step_name, *verb;
    const char *token, *state, *killed, *reason, *message, *hint, *log, *remote_id, *detail;
    char phase;
    int exit_code, signal;
    instant_t started_at, finished_at;
};
int store_attempt_get(struct store *s, int64_t id, struct arena *a, struct attempt_row *out, struct err *err);
struct attempt_key {
    int64_t run, generation;
    uint32_t step, number;
};
int store_attempt_find(struct store *s, const struct attempt_key *k, struct arena *a, struct attempt_row *out,
                       struct err *err);
/* Takes a token or a job id (token.phase); the random part must agree. */
int store_attempt_by_token(struct store *s, const char *token, struct arena *a, struct attempt_row *out,
                           struct err *err);
/* Attempts that have not ended, oldest first: recovery. */
int store_attempts_live(struct store *s, struct arena *a, struct attempt_row **rows, size_t *n,
                        struct err *err);
/* All attempts of a run by start, oldest first; step_name joins them with store_steps_list(). */
int store_attempts_list(struct store *s, int64_t run, struct arena *a, struct attempt_row **rows, size_t *n,
                        struct err *err);

/* ---- pins and lineage ---- */

struct pin {
    int64_t run, generation, dataset;
};
/* The version of the dataset this run reads in this generation: taken now (the head) when it has none yet.
 * *version -1: the dataset was never published (then nothing is pinned). Publishing moves the run's own pin
 * (P6). */
int store_pin_take(struct store *s, const struct pin *p, int64_t *version, struct err *err);
int store_pin_get(struct store *s, const struct pin *p, int64_t *version,
                  struct err *err); /* 1, or 0: none */

struct step_input {
    int64_t attempt, dataset, version;
    int64_t since; /* -1: the whole version */
};
int store_input_add(struct store *s, const struct step_input *in, struct err *err);
struct input_row {
    const char *dataset;
    int64_t dataset_id, version, since;
};
int store_inputs_list(struct store *s, int64_t attempt, struct arena *a, struct input_row **rows, size_t *n,
                      struct err *err);
/* Pipelines' steps that built a version of another dataset from (dataset, version): `zone rollback`'s
 * warning. */
struct built_row {
    const char *dataset, *pipeline, *step;
    int64_t version, run;
};
int store_built_from(struct store *s, int64_t dataset, int64_t version, struct arena *a,
                     struct built_row **rows, size_t *n, struct err *err);

/* ---- checks ---- */

/* `checks` is the result's array: {check, severity, kind, result, actual, expected, failed_rows, sample,
 * line, column} and, for rules with a history, metric (text such as "avg(amount)") and value (number). */
int store_checks_put(struct store *s, int64_t attempt, const json_t *checks, struct err *err);

struct check_row {
    int64_t attempt;
    uint32_t step;
    const char *step_name;
    const char *check, *severity, *kind, *result;
    const char *actual, *expected; /* JSON text: 12, "abc", null */
    const char *sample;            /* JSON text or NULL */
    int64_t failed_rows, line, column;
};
/* Of the newest attempt of each step of the run that has any. step: NULL, or one step's name. */
int store_checks_list(struct store *s, int64_t run, const char *step, struct arena *a,
                      struct check_row **rows, size_t *n, struct err *err);
/* The last n values of a metric over published versions of the dataset, newest first; *count <= n. */
int store_metric_history(struct store *s, int64_t dataset, const char *metric, size_t n, double *out,
                         size_t *count, struct err *err);

#endif
