/* pipeline.h: the checked pipeline, and the way to it from YAML text.
 *
 * text --reader--> nodes with marks --fields--> typed values --graph--> struct pipeline
 *
 * A pipeline is immutable once loaded; everything in it lives in its arena. Values that hold ${…} stay
 * unevaluated in `struct value`; pipeline_resolve() evaluates them, once, against a scope, into JSON. dag/
 * knows no operator by name: it is handed the table of verbs. No function here recurses over the graph. */
#ifndef LEAT_DAG_PIPELINE_H
#define LEAT_DAG_PIPELINE_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/err.h"
#include "base/fields.h"
#include "base/instant.h"
#include "base/tz_set.h"
#include "dag/schedule.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct map;   /* base/map.h */
struct value; /* a typed, not yet evaluated YAML value */

/* ---- the project ---- */

enum zone_format { FORMAT_FILES, FORMAT_DELTA };
enum schema_policy { SCHEMA_ANY, SCHEMA_ADD, SCHEMA_STRICT };

struct zone {
    const char *name;
    const char *path;         /* absolute */
    duration_t keep_versions; /* 0: for ever */
    bool requires_checks;
    enum zone_format format;
    enum schema_policy schema;
};

struct pool {
    const char *name;
    int64_t tokens;
};

/* Days on which nothing fires. */
struct calendar {
    const char *name;
    struct tz *tz;           /* whose days; NULL: those of each schedule */
    struct date_range *days; /* sorted, disjoint */
    size_t day_count;
};

struct project {
    struct arena *arena;
    const char *root; /* absolute folder */
    const char *file; /* leat.yaml's path, or NULL when there is none */
    const char *name;
    const char *state;  /* absolute folder, default root/.leat */
    struct zone *zones; /* in order of promotion */
    size_t zone_count;
    struct pool *pools;
    size_t pool_count;
    struct calendar *calendars;
    size_t calendar_count;
    const char **env_allowed;
    size_t env_allowed_count;
    const char **allow_paths; /* absolute */
    size_t allow_path_count;
    json_t *env_files_env; /* object: what the listed env files define */
    json_t *engines;       /* object, resolved, e.g. {"spark": {"home": …, "master": …, "conf": {…}}} */
    json_t *secrets;       /* object name -> reference text; resolved only at spawn */
    struct source *source; /* may be NULL */
    struct tz_set *zone_data; /* time zones, shared by all that is loaded of it */
};

/* Finds the project from `start` (contract.md 1) and reads leat.yaml when there is one. Diagnostics go to d;
 * the project is returned even when there are some. NULL only with err (start unreadable). Caller frees. */
struct project *project_load(const char *start, struct diags *d, struct err *err);
void project_free(struct project *p);
const struct zone *project_zone(const struct project *p, const char *name, size_t len);

/* ---- the pipeline ---- */

/* Airflow's names and exact meanings (design: peers.md Part B 1.3). */
#define TRIGGER_RULE_LIST(X)                                                                                 \
    X(all_success)                                                                                           \
    X(all_done)                                                                                              \
    X(all_failed)                                                                                            \
    X(one_success)                                                                                           \
    X(one_failed)                                                                                            \
    X(one_done) X(none_failed) X(none_failed_min_one_success) X(none_skipped) X(all_skipped) X(always)

enum trigger_rule {
#define X(name) RULE_##name,
    TRIGGER_RULE_LIST(X)
#undef X
};
extern const char *const trigger_rule_names[];

enum write_mode { WRITE_APPEND, WRITE_REPLACE, WRITE_REPLACE_PARTITIONS, WRITE_MERGE };
extern const char *const write_mode_names[]; /* append replace replace_partitions merge */

enum bookmark_kind { BOOKMARK_NONE, BOOKMARK_FILES, BOOKMARK_VERSION, BOOKMARK_VALUE };
extern const char *const bookmark_kind_names[]; /* "", files, version, value */

struct retry {
    int64_t times;
    duration_t wait, max_wait;
    bool exponential;
    const char **only; /* reasons (`if:`); empty: any */
    size_t only_count;
};

struct read {
    const char *dataset; /* zone.name */
    bool only_new;       /* named as zone.name__new */
    struct span at;
};

struct output {          /* `into:` and its companions */
    const char *dataset; /* zone.name */
    const struct zone *zone;
    enum write_mode write;
    const char **partition_by; /* column names */
    size_t partition_count;
    bool partition_of_window; /* {column: C, of: window} */
    const char **key;
    size_t key_count;
    const char *merge_by; /* may be NULL */
    json_t *checks; /* array of objects, dag/check.h; values may hold ${}: resolve with pipeline_checks() */
    enum { BAD_FAIL, BAD_QUARANTINE, BAD_DROP } bad_rows;
    int64_t max_bad_rows; /* -1: no limit */
    double max_bad_part;  /* -1: no limit; 0.01 is 1% */
    enum { EMPTY_FAIL, EMPTY_OK, EMPTY_SKIP } if_empty;
    bool skip_unchanged; /* when_unchanged: skip */
    bool shared;         /* `shared: true`: other pipelines may write it too */
    struct span at;      /* of `into` */
};

struct step {
    const char *name; /* `step` or `step.VALUE` for an instance of each: */
    uint32_t index;   /* in pipeline->steps; also the identity used by the scheduler */
    uint32_t verb;    /* index into the verb table */
    bool finally;     /* belongs to `finally:` */
    const char *about;
    struct span at;             /* of the step's name */
    const struct value *config; /* the verb's value */
    const struct value
        *siblings;           /* step keys of this verb, cwd, user, limits, memory, threads …; may be NULL */
    const struct value *env; /* may be NULL */
    const struct value *when; /* condition; NULL: always */
    enum trigger_rule rule;
    struct retry retry;
    duration_t timeout; /* 0: none */
    const char *pool;   /* NULL: only the general limit */
    int64_t pool_tokens;
    int64_t priority; /* higher first, default 0 */
    bool allow_failure;
    struct output *into; /* NULL: publishes nothing */
    struct read *reads;  /* every dataset it reads: SQL, promote, `reads:` */
    size_t read_count;
    bool attended;        /* the conductor looks after it, without a process (`wait`, `pipeline`) */
    const char **watched; /* datasets that a `wait` looks at as they are then: edges, never pins */
    size_t watched_count;
    bool queries;      /* it asks SQL, in a process for each look */
    bool complete;     /* it waits for the runs that write a dataset, whoever they are */
    const char *calls; /* the pipeline that a `pipeline` step runs; NULL */
    enum bookmark_kind bookmark;
    json_t *bookmark_options; /* files: {identity, settle, on_change, horizon}; may be NULL */
    bool uses_window;         /* one of its values names window.*, or its partitions are `of: window` */
    json_t *each;             /* {NAME: value} for instances; NULL */
    const char *group;        /* of instances: the step's own name; NULL */
    int64_t max_parallel;     /* of instances: how many of the group may run at once; 0: no limit */
};

struct param {
    const char *name, *about;
    enum { PARAM_TEXT, PARAM_INTEGER, PARAM_DECIMAL, PARAM_BOOL, PARAM_DATE, PARAM_PATH } type;
    json_t *otherwise; /* default; NULL: must be given */
    json_t *values;    /* allowed values; NULL: any */
};

enum backfill_order { OLDEST_FIRST, NEWEST_FIRST };
enum backfill_redo { REDO_NEVER, REDO_FAILED, REDO_ALL };

/* `backfill:`: what `leat backfill` does unless it is told otherwise. */
struct backfill_defaults {
    int64_t max_parallel; /* 1 when not said */
    int64_t max_failures; /* -1: no limit */
    enum backfill_order order;
    enum backfill_redo redo;
};

struct pipeline {
    struct arena *arena;
    uint32_t shares; /* beside the first owner; see pipeline_share() */
    const struct project *project;
    const char *name, *about, *owner;
    const char **tags;
    size_t tag_count;
    const char *path;    /* absolute */
    char definition[65]; /* SHA-256 of everything that decides what it does (text, templates, defaults,
                            sql_file texts) */
    struct source *source;
    const char **files; /* further files that decide what it does (sql_file); absolute */
    size_t file_count;
    struct param *params;
    size_t param_count;
    struct schedule *schedules; /* in the order written; their names differ */
    size_t schedule_count;
    const char *timezone; /* of its engine sessions and days: that of the first schedule, else "UTC" */
    struct backfill_defaults backfill;
    bool depends_on_past; /* a run waits for the success of the slot before */
    int64_t max_active_runs;
    duration_t timeout;
    bool uses_window; /* some value names window.* */
    bool reads_known; /* what its SQL reads could be asked; else edges may be missing */
    struct step *steps;
    uint32_t step_count;
    /* Edges, compressed rows: the parents of i are up[up_at[i]] … up[up_at[i + 1] - 1]; likewise down. Steps
     * of `finally:` have no edges. */
    uint32_t *up_at, *up, *down_at, *down;
    uint32_t *order; /* topological */
};

struct pipeline_reader {
    const struct verb *const *verbs; /* table of verbs that exist */
    size_t verb_count;
    /* Asks the embedded engine, in a process of its own, about steps that have SQL or publish: what they
     * read, and what does not fit the columns that are known (design: pipelines.md 2.8). steps: an array of
     * questions; the answers come in the same order (operators/README.md has both shapes), new reference, or
     * NULL with err. The member is NULL when there is no engine: edges of SQL steps are unknown then, a
     * warning. */
    json_t *(*ask)(void *ctx, const json_t *steps, struct err *err);
    void *ctx;
};

/* Reads and checks one file; all diagnostics in one pass. NULL when there was an error (d says what) or the
 * file cannot be read (err). Caller frees. */
struct pipeline *pipeline_load(const struct project *project, const char *path,
                               const struct pipeline_reader *reader, struct diags *d, struct err *err);
/* The same for text at hand; `path` is what messages call it. */
struct pipeline *pipeline_load_text(const struct project *project, const char *path, const char *text,
                                    size_t len, const struct pipeline_reader *reader, struct diags *d,
                                    struct err *err);
/* The same for several files that are asked about together: begin each (NULL as above), ask once, end each.
 * Project, reader and diagnostics are borrowed until the end. */
struct loading;
struct loading *loading_begin(const struct project *project, const char *path,
                              const struct pipeline_reader *reader, struct diags *d, struct err *err);
void loading_ask(struct loading *const *list, size_t n); /* entries may be NULL */
struct pipeline *loading_end(struct loading *l);         /* NULL when there was an error; l is gone */
void pipeline_free(struct pipeline *p);
/* One more owner, who frees it too; the last one does. One thread at a time. Returns p; NULL is fine. */
struct pipeline *pipeline_share(struct pipeline *p);
/* What is known of the pipelines of a project, by name. */
struct callee {
    const char *name;
    const struct pipeline *pipeline; /* NULL: its file has errors */
};
/* The `pipeline:` steps of p, judged by the pipelines they run: each must be known, take the parameters it is
 * given and have those it needs. names: name -> place in known. Circles: dag/wiring.h. */
void pipeline_check_calls(const struct pipeline *p, const struct callee *known, size_t n,
                          const struct map *names, struct diags *d);

/* The pipeline files of a project: pipelines/?*.yaml and .yml, else the *.yaml beside it that hold
 * `pipeline:`; sorted. */
char **project_pipeline_files(const struct project *p, size_t *count); /* malloc'ed strings and list */
/* The name a file says it has, read without checking the rest; malloc'ed, NULL when it says none. */
char *pipeline_peek_name(const char *path);
/* Of the n names that are known none is `name`: -1 with err (exit 4), and what was meant. */
int project_no_pipeline(const struct project *p, const char *name, const char *const *known, size_t n,
                        struct err *err);
/* Files that say the same name: E0411 in the diagnostics of each of them; each[i] belongs to files[i], NULL:
 * nobody asks about that one. files as project_pipeline_files gives. */
void project_check_names(const struct project *p, char *const *files, size_t count,
                         struct diags *const *each);

/* ---- evaluation ---- */

/* A scope is a JSON object with the roots of pipelines.md 2.4: params, window, run, bookmark, steps, each,
 * output, zones, project, env, secrets, inputs. Instants are {"@instant": microseconds}, dates {"@date":
 * "2026-11-19"}; the rest is plain JSON. window has start and end only: date and duration are derived with
 * the pipeline's zone.
 *
 * Each call returns a new reference with every ${…} evaluated (FIELD_KIND_LIST says the shapes), or NULL with
 * err, whose message names file:line:col. */
json_t *pipeline_resolve(const struct pipeline *p, const struct value *v, const json_t *scope,
                         struct err *err);
json_t *pipeline_checks(const struct pipeline *p, const struct step *s, const json_t *scope, struct err *err);
int pipeline_when(const struct pipeline *p, const struct step *s, const json_t *scope, bool *yes,
                  struct err *err);
/* Parses `-p name=value` texts and fills in defaults: a JSON object, or NULL with err (exit 2,
 * did-you-mean). */
json_t *pipeline_params(const struct pipeline *p, const char *const *given, size_t n, struct err *err);
/* The same from `with:` of a step that runs p: an object of plain values, NULL for none. */
json_t *pipeline_params_with(const struct pipeline *p, const json_t *with, struct err *err);
/* One of them: the value as its type has it; NULL with err when the parameter does not take it. */
json_t *pipeline_param(const struct pipeline *p, const char *name, const json_t *value, struct err *err);
/* The values a run was queued with, for the definition it begins with: what that one no longer has is left
 * out, what it has now gets its default. */
json_t *pipeline_params_filled(const struct pipeline *p, const json_t *before, struct err *err);

#endif
