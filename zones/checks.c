/* checks.c: see checks.h. Compiling is in check_rules.c, asking in check_ask.c; here is what the answers
 * mean. */
#include "zones/checks.h"

#include "base/arena.h"
#include "base/json.h"
#include "engine/duck.h"
#include "zones/check_rules.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_row_rule(const json_t *spec) {
    return strcmp(json_text_or(spec, "kind", "set"), "row") == 0 &&
           strcmp(json_text_or(spec, "severity", "fail"), "fail") == 0;
}

bool checks_set_aside(const struct stage_into *into) {
    if (into->bad_rows == STAGE_BAD_FAIL) return false;
    size_t i;
    json_t *spec;
    json_array_foreach(into->checks, i, spec) if (is_row_rule(spec)) return true;
    return into->write == STAGE_MERGE;
}

/* ---- results ---- */

static bool is_freshness(const struct rule *r) {
    return strcmp(json_text_or(json_object_get(r->spec, "metric"), "name", ""), "freshness") == 0;
}

/* "40875, 34% above the 7-run average 30504": what a rule about history found, and what it compared with. */
static char *history_text(const struct rule *r) {
    char average[RULE_NUMBER_TEXT], span[DURATION_TEXT];
    double apart = r->number - r->mean;
    struct buf b = BUF_INIT;
    if (is_freshness(r))
        duration_text((duration_t)r->mean, average);
    else
        rule_number(r->mean, average);
    buf_addf(&b, "%s, ", is_freshness(r) ? duration_text((duration_t)r->number, span) : r->actual);
    if (apart != 0 && r->mean != 0) buf_addf(&b, "%.3g%% ", fabs(apart / r->mean) * 100);
    if (apart != 0) buf_adds(&b, apart > 0 ? "above " : "below ");
    buf_addf(&b, "the %zu-run average", r->runs);
    if (apart != 0) buf_addf(&b, " %s", average);
    return buf_take(&b);
}

/* Shares are shown as percentages, freshness as a duration. */
static char *actual_text(const struct rule *r) {
    char text[64], span[DURATION_TEXT];
    if (r->error[0]) return xstrdup(r->error);
    if (r->kind != RULE_SET || !r->has_number) return xstrdup(r->actual ? r->actual : "");
    if (r->runs) return history_text(r);
    if (is_freshness(r)) return xstrdup(duration_text((duration_t)r->number, span));
    if (!json_flag(r->spec, "percent")) return xstrdup(r->actual);
    snprintf(text, sizeof text, "%.4g%%", r->number * 100);
    return xstrdup(text);
}

static bool holds(const struct rule *r, bool aside) {
    if (r->error[0]) return false;
    return r->passed || (aside && r->kind == RULE_ROW && !r->warn_only);
}

static const char *result_word(const struct rule *r, bool aside) {
    if (r->error[0]) return "error";
    if (holds(r, aside)) return "ok";
    return r->warn_only ? "warn" : "fail";
}

static bool metric_is_new(const json_t *results, const char *name) {
    size_t i;
    json_t *o;
    json_array_foreach(results, i, o) if (strcmp(json_text_or(o, "metric", ""), name) == 0) return false;
    return true;
}

static void add_result(const struct rule *r, bool aside, json_t *results) {
    json_t *o = json_object();
    char *actual = actual_text(r);
    json_put_text(o, "check", r->text);
    json_put_text(o, "severity", r->warn_only ? "warn" : "fail");
    json_put_text(o, "kind", r->kind == RULE_ROW ? "row" : "set");
    json_put_text(o, "result", result_word(r, aside));
    json_put_text(o, "actual", actual);
    json_put_text(o, "expected", r->expected);
    json_put(o, "failed_rows", json_integer(r->failed_rows));
    json_put(o, "sample", r->sample_rows ? json_incref(r->sample_rows) : json_array());
    json_put(o, "line", json_integer(json_int(r->spec, "line", 0)));
    json_put(o, "column", json_integer(json_int(r->spec, "column", 0)));
    if (r->metric && r->has_number && metric_is_new(results, r->metric)) {
        json_put_text(o, "metric", r->metric);
        json_put(o, "value", json_real(r->number));
    }
    json_array_append_new(results, o);
    free(actual);
}

/* Implicit rules are worth a line only when they fail. */
static void add_results(const struct rule_set *set, bool aside) {
    for (size_t i = 0; i < set->count; i++) {
        const struct rule *r = &set->rules[i];
        if (r->spec || !r->passed || r->error[0]) add_result(r, aside, set->rows->a->checks);
    }
}

/* ---- the verdict ---- */

static int gate(const struct rule_set *set, bool aside, struct err *err) {
    size_t failed = 0, errors = 0;
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < set->count; i++) {
        const struct rule *r = &set->rules[i];
        if (r->warn_only || holds(r, aside)) continue;
        char *actual = actual_text(r);
        failed++;
        errors += r->error[0] != 0;
        if (failed <= 4) buf_addf(&b, "%s%s (%s)", failed > 1 ? "; " : "", r->text, actual);
        free(actual);
    }
    if (failed > 4) buf_addf(&b, "; and %zu more", failed - 4);
    if (failed) {
        err_set(err, EX_GATE, "%zu of %zu checks of %s %s: %s", failed, set->count,
                set->rows->a->into->dataset, errors == failed ? "could not run" : "failed", buf_str(&b));
        err_hint(err,
                 "nothing was published and the stage is kept apart; fix the data or the rule, then retry");
        err_reason(err, errors == failed ? "check_error" : "check_failed");
    }
    buf_release(&b);
    return failed ? -1 : 0;
}

/* ---- setting rows aside ---- */

static bool sets_aside(const struct rule *r) {
    return r->kind == RULE_ROW && !r->warn_only && !r->error[0] && !r->passed;
}

static char *any_bad(const struct rule_set *set) {
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < set->count; i++) {
        const struct rule *r = &set->rules[i];
        if (sets_aside(r)) buf_addf(&b, "%s(%s)", b.len ? " OR " : "", r->bad);
    }
    return b.len ? buf_take(&b) : NULL;
}

/* The rules' names, or what is wrong, of every rule that the row fails. */
static void add_joined(struct buf *b, const struct rule_set *set, bool names) {
    buf_adds(b, "concat_ws('; '");
    for (size_t i = 0; i < set->count; i++) {
        const struct rule *r = &set->rules[i];
        if (!sets_aside(r)) continue;
        buf_addf(b, ", CASE WHEN %s THEN ", r->bad);
        if (names)
            buf_sql_text(b, r->text);
        else
            buf_adds(b, r->why);
        buf_adds(b, " END");
    }
    buf_addc(b, ')');
}

/* Without a file to name, the pinned inputs are the source. */
static void add_source(struct buf *b, const struct audit_rows *r) {
    struct buf names = BUF_INIT;
    size_t i;
    json_t *in;
    json_array_foreach(r->a->inputs, i, in) {
        buf_addf(&names, "%s%s@%lld", i ? ", " : "", json_text_or(in, "dataset", ""),
                 (long long)json_int(in, "version", -1));
    }
    if (r->marked) buf_adds(b, "coalesce(" AUDIT_SOURCE ", ");
    buf_sql_text(b, buf_str(&names));
    if (r->marked) buf_addc(b, ')');
    buf_release(&names);
}

static int move_bad(struct audit_rows *r, const struct rule_set *set, const char *bad, struct err *err) {
    struct buf b = BUF_INIT;
    char *columns = audit_rows_columns(r);
    buf_addf(&b, "CREATE TEMP TABLE " AUDIT_BAD " AS SELECT %s, ", columns);
    add_joined(&b, set, true);
    buf_adds(&b, " AS " AUDIT_CHECK ", ");
    add_joined(&b, set, false);
    buf_adds(&b, " AS " AUDIT_REASON ", ");
    add_source(&b, r);
    buf_addf(&b, " AS " AUDIT_SOURCE " FROM " AUDIT_ROWS " WHERE %s", bad);
    int rc = duck_exec(r->a->duck, buf_str(&b), set->params, NULL, err);
    buf_clear(&b);
    buf_addf(&b, "DELETE FROM " AUDIT_ROWS " WHERE %s", bad);
    if (rc == 0) rc = duck_exec(r->a->duck, buf_str(&b), set->params, &r->bad_count, err);
    buf_release(&b);
    free(columns);
    return rc;
}

static int set_aside(struct audit_rows *r, const struct rule_set *set, struct err *err) {
    char *bad = any_bad(set);
    int rc = bad ? move_bad(r, set, bad, err) : 0;
    free(bad);
    return rc;
}

static int too_many(const struct audit_rows *r, struct err *err) {
    const struct stage_into *into = r->a->into;
    double part = r->count ? (double)r->bad_count / (double)r->count : 0;
    bool rows = into->max_bad_rows >= 0 && r->bad_count > into->max_bad_rows;
    bool share = into->max_bad_part >= 0 && part > into->max_bad_part;
    if (!rows && !share) return 0;
    char limit[32];
    if (rows)
        snprintf(limit, sizeof limit, "%lld", (long long)into->max_bad_rows);
    else
        snprintf(limit, sizeof limit, "%g%%", into->max_bad_part * 100);
    err_set(err, EX_GATE, "%lld of %lld rows for %s are bad (%.3g%%): more than `max_bad: %s` allows",
            (long long)r->bad_count, (long long)r->count, into->dataset, part * 100, limit);
    err_hint(err, "nothing was published; look at the failing rows of the checks, or raise `max_bad`");
    return err_reason(err, "too_many_bad");
}

/* ---- all of it ---- */

static int run_set(struct audit_rows *r, struct rule_set *set, struct err *err) {
    bool aside = r->a->into->bad_rows != STAGE_BAD_FAIL && r->in_table;
    unsigned first = aside ? ASK_ROW : ASK_ROW | ASK_SET;
    if (rule_set_ask(set, first, err) < 0) return -1;
    if (aside && set_aside(r, set, err) < 0) return -1;
    if (rule_set_ask(set, (ASK_SET | ASK_SQL) & ~first, err) < 0) return -1;
    add_results(set, aside);
    if (gate(set, aside, err) < 0) return -1;
    return too_many(r, err);
}

int checks_run(struct audit_rows *r, struct err *err) {
    struct rule_set set;
    int rc = rule_set_build(&set, r, err);
    if (rc == 0) rc = run_set(r, &set, err);
    rule_set_release(&set);
    return rc;
}
