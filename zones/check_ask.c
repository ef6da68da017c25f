/* check_ask.c: the rules of a set, asked in as few passes as possible. See check_rules.h.
 *
 * Row rules become columns b0, b1 … of an inner query (their sub-queries are joins there), aggregates count
 * them. The answer of one statement is one row: the number of rows, a count for each row rule, and measure,
 * verdict and number for each set rule. */
#include "zones/check_rules.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/limits.h"
#include "engine/duck.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Which rules a statement asks. */
struct question {
    struct rule_set *set;
    unsigned kinds;
    const struct rule *only; /* NULL: all of those kinds */
};

static bool asks(const struct question *q, const struct rule *r) {
    if (r->error[0] || r->kind == RULE_SQL || (q->only && q->only != r)) return false;
    return (q->kinds & (r->kind == RULE_ROW ? ASK_ROW : ASK_SET)) != 0;
}

static void add_flags(struct buf *b, const struct question *q) {
    for (size_t i = 0; i < q->set->count; i++) {
        const struct rule *r = &q->set->rules[i];
        if (r->kind == RULE_ROW && asks(q, r)) buf_addf(b, ", (%s) AS _b%zu", r->bad, i);
    }
}

static void add_answers(struct buf *b, const struct question *q) {
    for (size_t i = 0; i < q->set->count; i++) {
        const struct rule *r = &q->set->rules[i];
        if (!asks(q, r)) continue;
        if (r->kind == RULE_ROW)
            buf_addf(b, ", count(*) FILTER (_b%zu)", i);
        else
            buf_addf(b, ", CAST(%s AS VARCHAR), CAST(%s AS INTEGER), TRY_CAST(CAST(%s AS VARCHAR) AS DOUBLE)",
                     r->value, r->pass, r->value);
    }
}

static char *statement(const struct question *q) {
    struct buf b = BUF_INIT;
    buf_adds(&b, "SELECT count(*)");
    add_answers(&b, q);
    buf_adds(&b, " FROM (SELECT *");
    add_flags(&b, q);
    buf_adds(&b, " FROM " AUDIT_ROWS ")");
    return buf_take(&b);
}

static void take_set(struct rule *r, struct duck_rows *rows, size_t at, int64_t count) {
    const char *text = duck_text(rows, at);
    bool unknown = duck_is_null(rows, at + 1);
    free(r->actual);
    r->actual = xstrdup(text ? text : count ? "no value" : "no rows");
    r->passed = unknown ? count == 0 : duck_int(rows, at + 1) != 0;
    r->has_number = !duck_is_null(rows, at + 2);
    r->number = r->has_number ? duck_real(rows, at + 2) : 0;
    r->has_number = r->has_number && isfinite(r->number);
}

static void take_row(struct rule *r, struct duck_rows *rows, size_t at, int64_t count) {
    char text[64];
    r->failed_rows = duck_int(rows, at);
    r->passed = r->failed_rows == 0;
    snprintf(text, sizeof text, "%lld of %lld rows fail", (long long)r->failed_rows, (long long)count);
    free(r->actual);
    r->actual = xstrdup(text);
}

static int ask(const struct question *q, struct err *err) {
    char *sql = statement(q);
    struct audit_rows *owner = q->set->rows;
    struct duck_rows *rows = duck_query(owner->a->duck, sql, q->set->params, err);
    free(sql);
    int rc = rows && duck_next(rows, err) == 1 ? 0 : -1;
    size_t at = 1;
    for (size_t i = 0; rc == 0 && i < q->set->count; i++) {
        struct rule *r = &q->set->rules[i];
        if (!asks(q, r)) continue;
        (r->kind == RULE_ROW ? take_row : take_set)(r, rows, at, duck_int(rows, 0));
        at += r->kind == RULE_ROW ? 1 : 3;
    }
    duck_rows_free(rows);
    return rc;
}

/* Not the rule's fault: asking again would not help. */
static bool is_engine_failure(const struct err *e) {
    static const char *const reasons[] = {"cancelled", "disk_full", "out_of_memory"};
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (strcmp(e->reason, reasons[i]) == 0) return true;
    return false;
}

/* All at once; when that fails, one by one, so that the failing one is known. */
static int ask_all(struct question q, struct err *err) {
    struct err why = {0};
    bool any = false;
    for (size_t i = 0; i < q.set->count; i++) any = any || asks(&q, &q.set->rules[i]);
    if (!any || ask(&q, &why) == 0) return 0;
    for (size_t i = 0; i < q.set->count && !is_engine_failure(&why); i++) {
        struct rule *r = &q.set->rules[i];
        if (!asks(&q, r)) continue;
        struct question one = q;
        one.only = r;
        why = (struct err){0};
        if (ask(&one, &why) == 0 || is_engine_failure(&why)) continue;
        snprintf(r->error, sizeof r->error, "%s", why.msg);
    }
    if (!is_engine_failure(&why)) return 0;
    *err = why;
    return -1;
}

/* ---- rules in SQL ---- */

static json_t *params_of(const struct rule_set *set, const struct rule *r) {
    const json_t *metric = json_object_get(r->spec, "metric"), *given = json_object_get(metric, "sql");
    json_t *all = json_copy(set->params);
    const json_t *own = json_object_get(json_is_object(given) ? given : metric, "params");
    if (own) json_array_extend(all, (json_t *)(uintptr_t)own);
    return all;
}

static int ask_sql(struct rule_set *set, struct rule *r, struct err *err) {
    struct buf b = BUF_INIT;
    struct err why = {0};
    buf_addf(&b,
             "SELECT CAST(v AS VARCHAR), CAST(%s AS INTEGER), TRY_CAST(CAST(v AS VARCHAR) AS DOUBLE) FROM "
             "(\n%s\n) AS t(v)",
             r->pass, r->value);
    json_t *params = params_of(set, r);
    struct duck_rows *rows = duck_query(set->rows->a->duck, buf_str(&b), params, &why);
    int got = rows ? duck_next(rows, &why) : -1;
    if (got == 1) take_set(r, rows, 0, 1);
    if (got == 0) snprintf(r->error, sizeof r->error, "the query gives no row; it must give one value");
    if (got == 1 && duck_next(rows, &why) == 1)
        snprintf(r->error, sizeof r->error, "the query gives several rows; it must give one value");
    duck_rows_free(rows);
    json_decref(params);
    buf_release(&b);
    if (got >= 0) return 0;
    if (is_engine_failure(&why)) {
        *err = why;
        return -1;
    }
    snprintf(r->error, sizeof r->error, "%s", why.msg);
    return 0;
}

/* ---- samples ---- */

static char *sample_text(const struct audit_rows *rows, const struct rule *r) {
    if (r->sample) return xstrdup(r->sample);
    if (r->kind != RULE_ROW) return NULL;
    struct buf b = BUF_INIT;
    char *columns = audit_rows_columns(rows);
    buf_addf(&b, "SELECT %s FROM " AUDIT_ROWS " WHERE %s", columns, r->bad);
    free(columns);
    return buf_take(&b);
}

/* A sample helps; that it cannot be had is no reason to fail. */
static void take_sample(const struct rule_set *set, struct rule *r) {
    char *sql = r->error[0] || r->passed ? NULL : sample_text(set->rows, r);
    if (!sql) return;
    struct buf b = BUF_INIT;
    buf_addf(&b, "%s LIMIT %d", sql, LIMIT_SAMPLE_ROWS);
    r->sample_rows = duck_table(set->rows->a->duck, buf_str(&b), set->params, LIMIT_SAMPLE_ROWS, NULL);
    buf_release(&b);
    free(sql);
}

/* ---- the set ---- */

static unsigned ask_bit(const struct rule *r) {
    return r->kind == RULE_ROW ? ASK_ROW : r->kind == RULE_SET ? ASK_SET : ASK_SQL;
}

int rule_set_ask(struct rule_set *set, unsigned kinds, struct err *err) {
    if (ask_all((struct question){.set = set, .kinds = kinds}, err) < 0) return -1;
    for (size_t i = 0; i < set->count; i++) {
        struct rule *r = &set->rules[i];
        if (!(ask_bit(r) & kinds)) continue;
        if (r->kind == RULE_SQL && !r->error[0] && ask_sql(set, r, err) < 0) return -1;
        take_sample(set, r);
    }
    return 0;
}
