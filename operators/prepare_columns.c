/* prepare_columns.c: the columns that keys and checks name (contract.md 40). */
#include "operators/prepare_impl.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/suggest.h"
#include "zones/schema.h"

#include <stdlib.h>
#include <string.h>

enum { COLUMNS_NOTED = 20 };

const char *columns_note(struct arena *a, const char *what, const json_t *columns) {
    struct buf b = BUF_INIT;
    size_t n = json_array_size(columns);
    buf_addf(&b, "columns of %s: ", what);
    for (size_t i = 0; i < n && i < COLUMNS_NOTED; i++)
        buf_addf(&b, "%s%s", i ? ", " : "", json_text_or(json_array_get(columns, i), "name", ""));
    if (n > COLUMNS_NOTED) buf_addf(&b, " and %zu more", n - COLUMNS_NOTED);
    const char *out = arena_strdup(a, buf_str(&b));
    buf_release(&b);
    return out;
}

const char *column_meant(const char *name, const json_t *columns) {
    size_t n = json_array_size(columns);
    const char **names = xcalloc(n + 1, sizeof *names);
    for (size_t i = 0; i < n; i++) names[i] = json_text_or(json_array_get(columns, i), "name", "");
    const char *meant = suggest(name, names, n);
    free(names);
    return meant;
}

void prepare_column(struct prepare_step *s, const struct column_question *q) {
    if (schema_column(q->columns, q->name)) {
        json_decref(q->at);
        return;
    }
    struct arena *a = prepare_arena(s);
    struct problem p = {.kind = PROBLEM_COLUMN,
                        .message = arena_printf(a, "%s%sno column `%s` in %s", q->key ? q->key : "",
                                                q->key ? ": " : "", q->name, q->what),
                        .at = q->at,
                        .key = q->at_key,
                        .doubtful = q->doubtful,
                        .position = -1,
                        .name = q->name,
                        .meant = column_meant(q->name, q->columns),
                        .note = columns_note(a, q->what, q->columns)};
    prepare_complain(s, &p);
}

/* ---- keys ---- */

/* A text or a list of them: what one of the three keys holds. */
static void look_at_key(struct prepare_step *s, const char *key, const struct known_columns *after) {
    const json_t *value = json_object_get(json_object_get(s->question, "into"), key), *item;
    json_t *list = json_is_array(value) ? json_incref((json_t *)(uintptr_t)value) : json_pack("[O*]", value);
    size_t i;
    json_array_foreach(list, i, item) {
        if (!json_is_string(item)) continue;
        struct column_question q = {.name = json_string_value(item),
                                    .key = arena_printf(prepare_arena(s), "`%s`", key),
                                    .what = step_dataset(s),
                                    .columns = after->list,
                                    .at = json_pack("[s i]", key, (int)i),
                                    .doubtful = !after->names_sure};
        prepare_column(s, &q);
    }
    json_decref(list);
}

/* ---- checks ---- */

/* A rule that compares with another dataset: its column must be there. */
static void look_at_reference(struct prepare_step *s, const json_t *metric, size_t at) {
    const char *dataset = json_text(metric, "dataset"), *column = json_text(metric, "column");
    const struct known_columns *other = dataset ? known_get(prepare_known(s), dataset) : NULL;
    if (!other || !other->list || !column) return;
    struct column_question q = {.name = column,
                                .what = dataset,
                                .columns = other->list,
                                .at = json_pack("[s i]", "checks", (int)at),
                                .doubtful = !other->names_sure};
    prepare_column(s, &q);
}

static void look_at_words(struct prepare_step *s, const json_t *check, size_t at,
                          const struct known_columns *after) {
    const json_t *metric = json_object_get(check, "metric"), *v;
    json_t *names = json_copy(json_object_get(metric, "columns"));
    size_t i;
    json_array_foreach(json_object_get(check, "args"), i, v) if (json_text(v, "column"))
        json_array_append(names, json_object_get(v, "column"));
    json_array_foreach(names, i, v) {
        struct column_question q = {.name = json_string_value(v),
                                    .what = step_dataset(s),
                                    .columns = after->list,
                                    .at = json_pack("[s i]", "checks", (int)at),
                                    .doubtful = !after->names_sure};
        prepare_column(s, &q);
    }
    json_decref(names);
    look_at_reference(s, metric, at);
}

/* In a rule's own SQL `stage` and the dataset's own name are the rows to be published. */
static void look_at_sql(struct prepare_step *s, const json_t *sql, size_t at,
                        const struct known_columns *after) {
    struct prepare_local stage = {.name = "stage", .dataset = step_dataset(s), .of = after};
    struct known_rows rows = prepare_query(s, sql, &stage, json_pack("[s i s]", "checks", (int)at, "sql"));
    json_decref(rows.list);
}

void prepare_keys(struct prepare_step *s, const struct known_columns *after) {
    static const char *const keys[] = {"partition_by", "key", "merge_by"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) look_at_key(s, keys[i], after);
    size_t i;
    json_t *check;
    json_array_foreach(json_object_get(s->question, "checks"), i, check) {
        const json_t *sql = json_object_get(check, "sql");
        if (is_statement(sql))
            look_at_sql(s, sql, i, after);
        else if (json_object_get(check, "metric"))
            look_at_words(s, check, i, after);
    }
}
