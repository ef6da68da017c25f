/* check_rules.c: rules become SQL. See check_rules.h and, for what an object means, dag/check.h. */
#include "zones/check_rules.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/suggest.h"
#include "engine/duck.h"
#include "store/attempts.h"
#include "store/datasets.h"
#include "zones/attach.h"
#include "zones/delta.h"
#include "zones/sqltext.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- bounds as parameters ---- */

struct compile {
    struct rule_set *set;
    struct rule *rule;
    size_t number;          /* of the rule */
    const char *value_type; /* SQL type that text bounds are cast to; NULL: as they are */
};

static void set_error(struct rule *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void set_error(struct rule *r, const char *fmt, ...) {
    if (r->error[0]) return;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(r->error, sizeof r->error, fmt, ap);
    va_end(ap);
}

static const json_t *column_named(struct compile *c, const char *name) {
    const json_t *columns = c->set->rows->schema.columns, *found = schema_column(columns, name ? name : "");
    if (found) return found;
    size_t n = json_array_size(columns);
    const char **names = xcalloc(n + 1, sizeof *names);
    for (size_t i = 0; i < n; i++) names[i] = json_text_or(json_array_get(columns, i), "name", "");
    const char *meant = suggest(name ? name : "", names, n);
    set_error(c->rule, "no column `%s` in %s%s%s%s", name ? name : "", c->set->rows->a->into->dataset,
              meant ? "; did you mean `" : "", meant ? meant : "", meant ? "`?" : "");
    free(names);
    return NULL;
}

/* Adds a parameter and its place in the statement. */
static void add_param(struct compile *c, struct buf *out, json_t *value) {
    char name[48];
    snprintf(name, sizeof name, "check%zu_%zu", c->number, json_array_size(c->set->params));
    json_array_append_new(c->set->params, json_pack("{ss so}", "name", name, "value", value));
    buf_addf(out, "$%s", name);
}

static bool is_text_type(const char *sql) { return !sql || strcmp(sql, "VARCHAR") == 0; }

/* A number compared with a text column for being equal is that text; a text bound of another column is of its
 * type. */
static void add_bound(struct compile *c, struct buf *out, const json_t *arg) {
    const char *column = json_text(arg, "column");
    if (column) {
        const json_t *found = column_named(c, column);
        buf_sql_ident(out, json_text_or(found, "name", ""));
    } else if (json_is_string(arg) && !is_text_type(c->value_type)) {
        buf_adds(out, "CAST(");
        add_param(c, out, json_string(json_string_value(arg)));
        buf_addf(out, " AS %s)", c->value_type);
    } else if (json_is_number(arg) && c->value_type && is_text_type(c->value_type)) {
        buf_adds(out, "CAST(");
        add_param(c, out, json_deep_copy(arg));
        buf_adds(out, " AS VARCHAR)");
    } else {
        const json_t *span = json_object_get(arg, "duration");
        add_param(c, out, span ? json_deep_copy(span) : json_deep_copy(arg));
    }
}

static void add_bounds(struct compile *c, struct buf *out, const json_t *args) {
    size_t i;
    json_t *arg;
    json_array_foreach(args, i, arg) {
        if (i) buf_adds(out, ", ");
        add_bound(c, out, arg);
    }
}

/* ---- operators ---- */

enum op_shape { OP_INFIX, OP_LIST, OP_BETWEEN, OP_PATTERN };

static const struct {
    const char *word, *sql;
    enum op_shape shape;
} ops[] = {
    {"=", "=", OP_INFIX},
    {"!=", "<>", OP_INFIX},
    {"<", "<", OP_INFIX},
    {"<=", "<=", OP_INFIX},
    {">", ">", OP_INFIX},
    {">=", ">=", OP_INFIX},
    {"in", "IN", OP_LIST},
    {"not in", "NOT IN", OP_LIST},
    {"between", "BETWEEN", OP_BETWEEN},
    {"matches", "", OP_PATTERN},
    {"not matches", "NOT ", OP_PATTERN},
};

/* "10" < "9" as text: an order of numbers is not what anybody means there. */
static void refuse_text_order(struct compile *c, const char *value, size_t op, const json_t *args) {
    bool orders = ops[op].shape == OP_BETWEEN || (ops[op].shape == OP_INFIX && strpbrk(ops[op].word, "<>"));
    if (!orders || !c->value_type || !is_text_type(c->value_type)) return;
    size_t i;
    json_t *arg;
    json_array_foreach(args, i, arg) {
        if (!json_is_number(arg)) continue;
        set_error(c->rule, "`%.*s` is text: it can be compared with text, or be cast in the step",
                  (int)strlen(value) - 2, value + 1);
    }
}

static void add_shaped(struct compile *c, struct buf *out, const char *value, size_t op, const json_t *args) {
    switch (ops[op].shape) {
    case OP_INFIX:
        buf_addf(out, "%s %s ", value, ops[op].sql);
        add_bound(c, out, json_array_get(args, 0));
        return;
    case OP_LIST:
        buf_addf(out, "%s %s (", value, ops[op].sql);
        add_bounds(c, out, args);
        buf_addc(out, ')');
        return;
    case OP_BETWEEN:
        buf_addf(out, "%s BETWEEN ", value);
        add_bound(c, out, json_array_get(args, 0));
        buf_adds(out, " AND ");
        add_bound(c, out, json_array_get(args, 1));
        return;
    case OP_PATTERN:
        c->value_type = NULL;
        buf_addf(out, "%sregexp_matches(CAST(%s AS VARCHAR), ", ops[op].sql, value);
        add_bound(c, out, json_array_get(args, 0));
        buf_addc(out, ')');
    }
}

/* `value op args` as a condition. */
static void add_condition(struct compile *c, struct buf *out, const char *value) {
    const char *word = json_text_or(c->rule->spec, "op", "=");
    const json_t *args = json_object_get(c->rule->spec, "args");
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        if (strcmp(ops[i].word, word) != 0) continue;
        size_t need = ops[i].shape == OP_BETWEEN ? 2 : 1;
        if (json_array_size(args) < need) set_error(c->rule, "`%s` needs %zu bounds", word, need);
        refuse_text_order(c, value, i, args);
        add_shaped(c, out, value, i, args);
        return;
    }
    set_error(c->rule, "a check knows no `%s`", word);
}

/* What was asked for, in people's words: "between 1 and 10". */
static char *expected_text(const json_t *spec) {
    const char *op = json_text_or(spec, "op", "=");
    const json_t *args = json_object_get(spec, "args");
    bool percent = json_flag(spec, "percent");
    struct buf b = BUF_INIT;
    buf_adds(&b, op);
    size_t i;
    json_t *arg;
    json_array_foreach(args, i, arg) {
        char *text = percent && json_is_number(arg) ? NULL : json_line(arg);
        char span[DURATION_TEXT];
        buf_adds(&b, i ? (strcmp(op, "between") == 0 ? " and " : ", ") : " ");
        if (!text)
            buf_addf(&b, "%g%%", json_number_value(arg) * 100);
        else if (json_is_object(arg) && json_object_get(arg, "duration"))
            buf_adds(&b, duration_text(json_int(arg, "duration", 0), span));
        else
            buf_adds(&b, json_text_or(arg, "column", json_is_string(arg) ? json_string_value(arg) : text));
        free(text);
    }
    return buf_take(&b);
}

/* ---- row rules ---- */

static char *ident_of(const json_t *column) {
    struct buf b = BUF_INIT;
    buf_sql_ident(&b, json_text_or(column, "name", ""));
    return buf_take(&b);
}

static char *type_of(const json_t *column) {
    struct buf b = BUF_INIT;
    delta_sql_type(json_object_get(column, "type"), &b);
    return buf_take(&b);
}

static char *missing_any(struct compile *c, const json_t *columns) {
    struct buf b = BUF_INIT;
    size_t i;
    json_t *name;
    json_array_foreach(columns, i, name) {
        const json_t *column = column_named(c, json_string_value(name));
        if (i) buf_adds(&b, " OR ");
        buf_sql_ident(&b, json_text_or(column, "name", ""));
        buf_adds(&b, " IS NULL");
    }
    return buf_take(&b);
}

static int build_references(struct compile *c, struct buf *bad, const char *value, struct err *err) {
    const json_t *metric = json_object_get(c->rule->spec, "metric");
    const char *dataset = json_text_or(metric, "dataset", ""), *column = json_text_or(metric, "column", "");
    const char *dot = strchr(dataset, '.');
    if (!dot) {
        set_error(c->rule, "references() names no zone.dataset.column");
        return 0;
    }
    if (rule_attach(c->set->rows->a, dataset, err) < 0) {
        if (err->exit != EX_NOT_FOUND) return -1;
        set_error(c->rule, "%s", err->msg);
        return 0;
    }
    struct buf schema = BUF_INIT, to = BUF_INIT;
    buf_add(&schema, dataset, (size_t)(dot - dataset));
    buf_sql_ident(&to, column);
    buf_addf(bad, "%s IS NOT NULL AND %s NOT IN (SELECT %s FROM ", value, value, buf_str(&to));
    buf_sql_ident(bad, buf_str(&schema));
    buf_addc(bad, '.');
    buf_sql_ident(bad, dot + 1);
    buf_addf(bad, " WHERE %s IS NOT NULL)", buf_str(&to));
    buf_release(&schema);
    buf_release(&to);
    return 0;
}

/* "amount is -5", cut so that one odd value does not fill the quarantine. */
static char *why_text(const char *ident, const char *name) {
    struct buf b = BUF_INIT;
    buf_sql_text(&b, name);
    buf_addf(&b, " || coalesce(' is ' || left(CAST(%s AS VARCHAR), 200), ' is missing')", ident);
    return buf_take(&b);
}

static int build_value_rule(struct compile *c, struct err *err) {
    const json_t *metric = json_object_get(c->rule->spec, "metric");
    const json_t *columns = json_object_get(metric, "columns");
    const char *name = json_string_value(json_array_get(columns, 0));
    if (!name) name = json_text_or(metric, "column", "");
    const json_t *column = column_named(c, name);
    if (!column) return 0;
    char *ident = ident_of(column), *type = type_of(column);
    struct buf b = BUF_INIT;
    int rc = 0;
    bool refers = strcmp(json_text_or(c->rule->spec, "op", ""), "references") == 0;
    c->value_type = type;
    if (refers) {
        rc = build_references(c, &b, ident, err);
    } else {
        buf_adds(&b, "coalesce(NOT (");
        add_condition(c, &b, ident);
        buf_adds(&b, "), false)");
    }
    c->value_type = NULL;
    c->rule->bad = buf_take(&b);
    c->rule->why = why_text(ident, name);
    free(ident);
    free(type);
    return rc;
}

static int build_row_rule(struct compile *c, struct err *err) {
    const json_t *metric = json_object_get(c->rule->spec, "metric");
    if (strcmp(json_text_or(metric, "name", ""), "missing") != 0) return build_value_rule(c, err);
    const json_t *columns = json_object_get(metric, "columns");
    c->rule->bad = missing_any(c, columns);
    struct buf b = BUF_INIT;
    buf_sql_text(&b, json_string_value(json_array_get(columns, 0)));
    buf_adds(&b, " || ' is missing'");
    c->rule->why = buf_take(&b);
    return 0;
}

/* ---- set rules ---- */

const char *rule_number(double v, char text[RULE_NUMBER_TEXT]) {
    snprintf(text, RULE_NUMBER_TEXT, fabs(v) >= 1000 && fabs(v) < 1e15 ? "%.0f" : "%.6g", v);
    return text;
}

static void add_idents(struct compile *c, struct buf *b, const json_t *columns) {
    size_t i;
    json_t *name;
    json_array_foreach(columns, i, name) {
        const json_t *column = column_named(c, json_string_value(name));
        if (i) buf_adds(b, ", ");
        buf_sql_ident(b, json_text_or(column, "name", ""));
    }
}

static void measure_row_count(struct compile *c, struct buf *b, const json_t *columns) {
    (void)c;
    (void)columns;
    buf_adds(b, "count(*)");
}

static void measure_missing(struct compile *c, struct buf *b, const json_t *columns) {
    char *bad = missing_any(c, columns);
    buf_addf(b, "count(*) FILTER (%s)", bad);
    struct buf sample = BUF_INIT;
    buf_addf(&sample, "SELECT * FROM stage WHERE %s", bad);
    c->rule->sample = buf_take(&sample);
    free(bad);
}

/* Rows beyond the first of each key; keys with a NULL in them are nobody's duplicate. */
static void measure_duplicates(struct compile *c, struct buf *b, const json_t *columns) {
    struct buf list = BUF_INIT, sample = BUF_INIT;
    add_idents(c, &list, columns);
    char *null = missing_any(c, columns);
    buf_addf(b, "(count(*) FILTER (NOT (%s)) - count(DISTINCT row(%s)) FILTER (NOT (%s)))", null,
             buf_str(&list), null);
    buf_addf(&sample,
             "SELECT %s, count(*) AS rows FROM stage WHERE NOT (%s) GROUP BY ALL HAVING count(*) > 1",
             buf_str(&list), null);
    c->rule->sample = buf_take(&sample);
    buf_release(&list);
    free(null);
}

static void measure_freshness(struct compile *c, struct buf *b, const json_t *columns) {
    buf_adds(b, "(");
    add_param(c, b, json_integer(c->set->rows->a->now));
    buf_adds(b, " - epoch_us(CAST(max(");
    add_idents(c, b, columns);
    buf_adds(b, ") AS TIMESTAMPTZ)))");
}

static void measure_aggregate(struct compile *c, struct buf *b, const json_t *columns) {
    const json_t *metric = json_object_get(c->rule->spec, "metric");
    buf_addf(b, "%s(", json_text_or(metric, "name", ""));
    add_idents(c, b, columns);
    buf_addc(b, ')');
}

static const struct {
    const char *name;
    void (*measure)(struct compile *c, struct buf *b, const json_t *columns);
    bool typed; /* of the column's own type */
} measures[] = {
    {"row_count", measure_row_count, false},   {"missing", measure_missing, false},
    {"duplicates", measure_duplicates, false}, {"freshness", measure_freshness, false},
    {"sum", measure_aggregate, false},         {"avg", measure_aggregate, false},
    {"min", measure_aggregate, true},          {"max", measure_aggregate, true},
};

static char *metric_name(const json_t *metric) {
    struct buf b = BUF_INIT;
    buf_adds(&b, json_text_or(metric, "name", ""));
    const json_t *columns = json_object_get(metric, "columns");
    size_t i;
    json_t *name;
    json_array_foreach(columns, i, name) buf_addf(&b, "%s%s", i ? ", " : "(", json_string_value(name));
    if (json_array_size(columns)) buf_addc(&b, ')');
    return buf_take(&b);
}

/* "within 30% of average(last 7 runs)": the average is looked up now, over published versions only. */
static int build_history(struct compile *c, const char *value, struct buf *pass, struct err *err) {
    enum { MOST_RUNS = 1000 };
    const json_t *history = json_object_get(c->rule->spec, "history");
    struct audit *a = c->set->rows->a;
    int64_t runs = json_int(history, "runs", 7);
    double part = json_num(history, "percent", 0), sum = 0;
    size_t n = runs < 1 ? 1 : runs > MOST_RUNS ? MOST_RUNS : (size_t)runs, got = 0;
    double *list = xcalloc(n, sizeof *list);
    int rc = 0;
    if (a->store && a->into->dataset_id >= 0)
        rc = store_metric_history(a->store, a->into->dataset_id, c->rule->metric, n, list, &got, err);
    for (size_t i = 0; i < got; i++) sum += list[i];
    free(list);
    if (rc < 0) return -1;
    double mean = got ? sum / (double)got : 0;
    char average[RULE_NUMBER_TEXT];
    struct buf b = BUF_INIT;
    c->rule->mean = mean;
    c->rule->runs = got;
    if (got) {
        buf_addf(&b, "within %g%% of %s, the average of the last %zu", part * 100, rule_number(mean, average),
                 got);
        buf_addf(pass, "abs(CAST(%s AS DOUBLE) - ", value);
        add_param(c, pass, json_real(mean));
        buf_adds(pass, ") <= ");
        add_param(c, pass, json_real(part * fabs(mean)));
    } else {
        buf_addf(&b, "within %g%% of the average, which begins with this run", part * 100);
        buf_adds(pass, "true");
    }
    c->rule->expected = buf_take(&b);
    return 0;
}

static int build_set_rule(struct compile *c, struct err *err) {
    const json_t *spec = c->rule->spec, *metric = json_object_get(spec, "metric");
    const json_t *columns = json_object_get(metric, "columns");
    const char *name = json_text_or(metric, "name", "");
    size_t at = 0, n = sizeof measures / sizeof *measures;
    while (at < n && strcmp(measures[at].name, name) != 0) at++;
    if (at == n) {
        set_error(c->rule, "a check knows no `%s`", name);
        return 0;
    }
    bool share = json_flag(spec, "percent") && !json_object_get(spec, "history");
    struct buf value = BUF_INIT, pass = BUF_INIT;
    if (share) buf_adds(&value, "coalesce(");
    measures[at].measure(c, &value, columns);
    if (share) buf_adds(&value, " / nullif(CAST(count(*) AS DOUBLE), 0), 0)");
    if (!share) c->rule->metric = metric_name(metric);
    const json_t *column =
        measures[at].typed ? column_named(c, json_string_value(json_array_get(columns, 0))) : NULL;
    char *type = column ? type_of(column) : NULL;
    c->value_type = type;
    int rc = 0;
    if (json_object_get(spec, "history"))
        rc = build_history(c, buf_str(&value), &pass, err);
    else
        add_condition(c, &pass, buf_str(&value));
    c->value_type = NULL;
    free(type);
    c->rule->value = buf_take(&value);
    c->rule->pass = buf_take(&pass);
    return rc;
}

/* ---- rules in SQL ---- */

static int attach_named(struct rule_set *set, struct rule *r, const char *sql, struct err *err) {
    struct audit *a = set->rows->a;
    struct arena *arena = arena_new();
    struct duck_reads reads = {0};
    struct err why = {0};
    int rc = 0;
    if (duck_parse_reads(a->duck, sql, arena, &reads, &why) < 0) set_error(r, "%s", why.msg);
    for (size_t i = 0; rc == 0 && i < reads.count; i++) {
        rc = rule_attach(a, reads.names[i], &why);
        if (rc == 0) continue;
        if (why.exit != EX_NOT_FOUND) *err = why;
        set_error(r, "%s", why.msg);
        rc = why.exit == EX_NOT_FOUND ? 0 : -1;
    }
    arena_free(arena);
    return rc;
}

/* The text, or dag/'s {text, params} of one with ${…} in it; its parameters join the rule's own. */
static int build_sql_rule(struct compile *c, struct err *err) {
    const json_t *given = json_object_get(json_object_get(c->rule->spec, "metric"), "sql");
    const char *sql = json_is_object(given) ? json_text(given, "text") : json_string_value(given);
    struct err why = {0};
    c->rule->value = sql_one_statement(sql ? sql : "", &why);
    if (!c->rule->value) {
        set_error(c->rule, "%s", why.msg);
        return 0;
    }
    struct buf pass = BUF_INIT;
    add_condition(c, &pass, "v");
    c->rule->pass = buf_take(&pass);
    return attach_named(c->set, c->rule, c->rule->value, err);
}

/* ---- the set ---- */

/* The version this run has pinned, else the one that is published now. 0: there is none. */
static int version_to_read(struct audit *a, const char *dataset, struct zone_input *in, struct err *err) {
    size_t i;
    json_t *pinned;
    json_array_foreach(a->inputs, i, pinned) {
        if (strcmp(json_text_or(pinned, "dataset", ""), dataset) != 0) continue;
        in->dataset_id = json_int(pinned, "dataset_id", -1);
        in->version = json_int(pinned, "version", -1);
        return in->version >= 0;
    }
    struct arena *arena = arena_new();
    struct dataset_row row = {.id = -1, .head = -1};
    int rc = a->store ? store_dataset_find(a->store, dataset, arena, &row, err) : 0;
    in->dataset_id = row.id;
    in->version = row.head;
    arena_free(arena);
    return rc < 0 ? -1 : rc && in->version >= 0;
}

int rule_attach(struct audit *a, const char *dataset, struct err *err) {
    if (strcmp(dataset, a->into->dataset) == 0) return 0;
    const char *dot = strchr(dataset, '.');
    json_t *params = json_pack("[{ss ss%} {ss ss}]", "name", "s", "value", dataset, (size_t)(dot - dataset),
                               "name", "v", "value", dot + 1);
    int64_t there = 0;
    int rc = duck_get_int(
        a->duck, "SELECT count(*) FROM information_schema.tables WHERE table_schema = $s AND table_name = $v",
        params, &there, NULL, err);
    json_decref(params);
    if (rc < 0 || there) return rc;
    struct zone_input in = {.dataset = dataset, .since = -1};
    rc = version_to_read(a, dataset, &in, err);
    if (rc == 0) return err_set(err, EX_NOT_FOUND, "%s has never been published", dataset);
    return rc < 0 ? -1 : zone_attach(a->duck, a->store, &in, NULL, err);
}

static struct rule *add_rule(struct rule_set *set) {
    GROW(set->rules, set->count, set->cap);
    struct rule *r = &set->rules[set->count++];
    *r = (struct rule){0};
    return r;
}

static int build_rule(struct rule_set *set, const json_t *spec, struct err *err) {
    struct rule *r = add_rule(set);
    r->spec = spec;
    r->text = json_text_or(spec, "text", "check");
    r->warn_only = strcmp(json_text_or(spec, "severity", "fail"), "warn") == 0;
    struct compile c = {.set = set, .rule = r, .number = set->count};
    const char *metric = json_text_or(json_object_get(spec, "metric"), "name", "");
    int rc;
    if (strcmp(metric, "sql") == 0) {
        r->kind = RULE_SQL;
        rc = build_sql_rule(&c, err);
    } else if (strcmp(json_text_or(spec, "kind", "set"), "row") == 0) {
        r->kind = RULE_ROW;
        rc = build_row_rule(&c, err);
    } else {
        r->kind = RULE_SET;
        rc = build_set_rule(&c, err);
    }
    if (!r->expected) r->expected = expected_text(spec);
    return rc;
}

/* A value that did not fit its type, a merge key that is not there: rows that cannot be published as they
 * are. */
static void add_implicit(struct rule_set *set) {
    const struct audit_rows *rows = set->rows;
    const struct stage_into *into = rows->a->into;
    if (rows->marked) {
        struct rule *r = add_rule(set);
        r->text = "values fit their types";
        r->bad = xstrdup(AUDIT_REASON " IS NOT NULL");
        r->why = xstrdup(AUDIT_REASON);
        r->expected = xstrdup("every row");
    }
    if (into->write != STAGE_MERGE) return;
    struct rule *r = add_rule(set);
    struct compile c = {.set = set, .rule = r};
    r->text = "the merge key is there";
    char *bad = missing_any(&c, into->key);
    struct buf b = BUF_INIT;
    buf_addf(&b, "(%s)", bad);
    r->bad = buf_take(&b);
    free(bad);
    r->why = xstrdup("'the merge key is missing'");
    r->expected = xstrdup("every row");
}

int rule_set_build(struct rule_set *set, struct audit_rows *rows, struct err *err) {
    *set = (struct rule_set){.rows = rows, .params = json_array()};
    add_implicit(set);
    size_t i;
    json_t *spec;
    json_array_foreach(rows->a->into->checks, i, spec) if (build_rule(set, spec, err) < 0) return -1;
    return 0;
}

void rule_set_release(struct rule_set *set) {
    for (size_t i = 0; i < set->count; i++) {
        struct rule *r = &set->rules[i];
        char *texts[] = {r->bad, r->why, r->value, r->pass, r->sample, r->expected, r->metric, r->actual};
        for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) free(texts[t]);
        json_decref(r->sample_rows);
    }
    free(set->rules);
    json_decref(set->params);
    *set = (struct rule_set){0};
}
