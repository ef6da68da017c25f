/* keys.h: every key of leat.yaml and of a pipeline file: name, kind, default, one sentence, an example.
 *
 * The verbs' own keys are not here: they come with the table of verbs. */
#ifndef LEAT_DAG_KEYS_H
#define LEAT_DAG_KEYS_H

#include "base/fields.h"

/* X(id, name, kind, flags, values, fields, default, help, example) */
#define STEP_KEY_LIST(X)                                                                                     \
    X(ABOUT, "about", FK_TEXT, FIELD_FIXED, NULL, NULL, NULL, "What the step does, in one sentence.",        \
      "Land new order files.")                                                                               \
    X(TAGS, "tags", FK_TEXT, FIELD_FIXED | FIELD_LIST, NULL, NULL, NULL, "Words to select steps by.",        \
      "[hourly]")                                                                                            \
    X(USE, "use", FK_NAME, FIELD_FIXED, NULL, NULL, NULL, "The template that this step is an instance of.",  \
      "load_table")                                                                                          \
    X(WITH, "with", FK_ANY, 0, NULL, NULL, NULL, "Values of the template's parameters.", "{table: orders}")  \
    X(EACH, "each", FK_ANY, FIELD_FIXED, NULL, NULL, NULL, "One instance of the step for each value.",       \
      "{region: [eu, us]}")                                                                                  \
    X(MAX_PARALLEL, "max_parallel", FK_COUNT, FIELD_FIXED, NULL, NULL, NULL,                                 \
      "How many instances of `each:` may run at once.", "2")                                                 \
    X(INTO, "into", FK_DATASET, FIELD_FIXED, NULL, NULL, NULL, "The dataset that the step publishes.",       \
      "trusted.orders")                                                                                      \
    X(WRITE, "write", FK_ENUM, FIELD_FIXED, key_write_modes, NULL, NULL,                                     \
      "How the rows join those of the dataset. By default: `merge` with `key`, `append` for extracts, "      \
      "`promote` and steps with a bookmark, `replace_partitions` with `partition_by`, else `replace`.",      \
      "append")                                                                                              \
    X(PARTITION_BY, "partition_by", FK_OBJECT, FIELD_FIXED, NULL, key_partition_fields, NULL,                \
      "Columns whose values become folders.", "order_date")                                                  \
    X(KEY, "key", FK_TEXT, FIELD_FIXED | FIELD_LIST, NULL, NULL, NULL,                                       \
      "Columns that tell rows apart, for "                                                                   \
      "`merge`.",                                                                                            \
      "order_id")                                                                                            \
    X(MERGE_BY, "merge_by", FK_TEXT, FIELD_FIXED, NULL, NULL, NULL,                                          \
      "The column whose largest value wins when staged rows share a key.", "updated_at")                     \
    X(CHECKS, "checks", FK_CHECK, FIELD_LIST, NULL, NULL, NULL, "Rules the staged rows must meet.",          \
      "[row_count > 0]")                                                                                     \
    X(BAD_ROWS, "bad_rows", FK_ENUM, FIELD_FIXED, key_bad_rows, NULL, "fail",                                \
      "What becomes of rows that break a row rule.", "quarantine")                                           \
    X(MAX_BAD, "max_bad", FK_ANY, FIELD_FIXED, NULL, NULL, NULL,                                             \
      "More bad rows than this, a count or a percentage, stop the step.", "1%")                              \
    X(IF_EMPTY, "if_empty", FK_ENUM, FIELD_FIXED, key_if_empty, NULL, NULL,                                  \
      "What becomes of an empty result. By default `fail` with checks and no bookmark, else `ok`.", "ok")    \
    X(WHEN_UNCHANGED, "when_unchanged", FK_ENUM, FIELD_FIXED, key_when_unchanged, NULL, "run",               \
      "Whether to run again when neither the inputs, the definition nor a window it names changed.", "skip") \
    X(SHARED, "shared", FK_BOOL, FIELD_FIXED, NULL, NULL, "false",                                           \
      "Other pipelines may write this dataset too.", "true")                                                 \
    X(READS, "reads", FK_DATASET, FIELD_FIXED | FIELD_LIST, NULL, NULL, NULL,                                \
      "Datasets the step reads where that cannot be seen.", "[trusted.orders]")                              \
    X(BOOKMARK, "bookmark", FK_ANY, FIELD_FIXED, NULL, NULL, NULL,                                           \
      "What the step remembers of what it consumed: `files`, `version` or `value`.", "files")                \
    X(AFTER, "after", FK_STEP, FIELD_FIXED | FIELD_LIST, NULL, NULL, NULL, "Steps to come first.",           \
      "[land_orders]")                                                                                       \
    X(TRIGGER_RULE, "trigger_rule", FK_ENUM, FIELD_FIXED, trigger_rule_names, NULL, "all_success",           \
      "Which ends of the steps before it let it run.", "all_done")                                           \
    X(WHEN, "when", FK_EXPR, 0, NULL, NULL, NULL, "The step is skipped when this is false.",                 \
      "params.full == true")                                                                                 \
    X(RETRY, "retry", FK_OBJECT, FIELD_FIXED, NULL, key_retry_fields, "0", "How often to try again.", "2")   \
    X(TIMEOUT, "timeout", FK_DURATION, FIELD_FIXED, NULL, NULL, NULL, "How long one attempt may take.",      \
      "30m")                                                                                                 \
    X(POOL, "pool", FK_OBJECT, FIELD_FIXED, NULL, key_pool_fields, NULL,                                     \
      "The pool whose tokens the step holds while it runs.", "database")                                     \
    X(PRIORITY, "priority", FK_NUMBER, FIELD_FIXED, NULL, NULL, "0", "Higher goes first.", "10")             \
    X(ENV, "env", FK_MAP, 0, NULL, NULL, NULL, "Environment of the step's process.",                         \
      "{DATE: \"${window.date}\"}")                                                                          \
    X(ALLOW_FAILURE, "allow_failure", FK_BOOL, FIELD_FIXED, NULL, NULL, "false",                             \
      "The run may succeed although this step failed.", "true")

enum step_key {
#define X(id, name, kind, flags, values, fields, otherwise, help, example) STEP_##id,
    STEP_KEY_LIST(X)
#undef X
        STEP_KEYS
};

extern const struct field step_fields[];    /* STEP_KEYS rows */
extern const struct field default_fields[]; /* what `defaults:` may hold */
extern const struct field pipeline_fields[];
extern const struct field schedule_fields[], calendar_fields[], backfill_fields[];
extern const struct field param_fields[];
extern const struct field project_fields[];
extern const struct field zone_fields[];
extern const struct field engine_fields[];
extern const struct field key_retry_fields[], key_pool_fields[], key_partition_fields[], bookmark_fields[];
extern const struct field process_fields[]; /* siblings of every verb that starts a process */
extern const char *const key_backfill_orders[], *const key_backfill_redos[];
extern const char *const key_write_modes[], *const key_bad_rows[], *const key_if_empty[],
                                                                       *const key_when_unchanged[];
extern const char *const later_verbs[]; /* verbs of the design that this version does not have */

#endif
