/* checks.c: the items of `checks:`: a rule in words, `warn: rule`, or {sql: …, expect: …}.
 *
 * A rule without ${} is parsed here and now. One with ${} is tried with a stand-in of the right type for
 * each, so that its words are checked too, and parsed for good when the step runs. */
#include "base/json.h"
#include "dag/check.h"
#include "dag/load.h"

#include <stdio.h>
#include <string.h>

static const struct field rule_field = {.name = "checks", .kind = FK_TEXT, .example = "row_count > 0"};
static const char *const severities[] = {"fail", "warn"};

static void complain_at(struct load *l, const struct node *n, size_t offset, const char *message) {
    if (offset > n->count) offset = n->count;
    struct span at = node_part(n, offset, offset);
    if (offset == n->count) at = node_part(n, n->count ? n->count - 1 : 0, n->count);
    if (offset < n->count) {
        size_t end = offset + 1;
        while (end < n->count && !strchr(" ()=<>!,", n->text[end])) end++;
        at = node_part(n, offset, end);
    }
    struct diag *g = load_diag(l, "E0508", at, "%s", message);
    diag_note(l->d, g, "in the check `%s`", n->text);
}

/* What stands for an unknown value of a type while the words around it are checked. */
static const char *stand_in(enum expr_type type) {
    switch (type) {
    case TYPE_DECIMAL: return "0.5";
    case TYPE_BOOL: return "true";
    case TYPE_DURATION: return "1s";
    case TYPE_TEXT:
    case TYPE_PATH:
    case TYPE_INSTANT:
    case TYPE_DATE: return "\"2001-01-01\"";
    default: return "1";
    }
}

/* The dataset that references() compares with. */
static const char *dataset_of(struct load *l, const json_t *check) {
    const char *dataset = json_text_or(json_object_get(check, "metric"), "dataset", NULL);
    return dataset ? arena_strdup(l->arena, dataset) : NULL;
}

void check_misspelled(struct load *l, const struct check_text *k) {
    complain_at(l, k->node, k->doubt_at, k->doubt);
}

/* The rule, kept by the result. A name that is nearly a function's is left in doubt until the columns are
 * known. `exact`: how much of the text stands as in the node. */
static json_t *parse_rule(struct load *l, const struct node *n, struct check_text *k, const struct buf *text,
                          size_t exact) {
    char message[256], other[256];
    size_t offset = 0, end = 0;
    json_t *j = check_parse(buf_str(text), text->len, message, &offset);
    if (offset > exact) offset = 0;
    bool doubt = !j && (j = check_parse_trusting(buf_str(text), text->len, other, &end));
    if (!j) {
        complain_at(l, n, offset, message);
        return NULL;
    }
    if (doubt) {
        const json_t *columns = json_object_get(json_object_get(j, "metric"), "columns");
        k->doubt = arena_strdup(l->arena, message);
        k->doubt_at = offset;
        k->doubtful = json_string_value(json_array_get(columns, 0));
    }
    k->node = n;
    k->dataset = dataset_of(l, j);
    return keep_json(l, j);
}

static bool try_words(struct load *l, const struct node *n, const struct template *t, struct check_text *k) {
    struct buf b = BUF_INIT;
    for (uint32_t i = 0; i < t->count; i++) {
        if (t->parts[i].expr)
            buf_adds(&b, stand_in((enum expr_type)t->parts[i].expr->type));
        else
            buf_add(&b, t->parts[i].text, t->parts[i].len);
    }
    k->tried = parse_rule(l, n, k, &b, t->parts[0].expr ? 0 : t->parts[0].len);
    buf_release(&b);
    return k->tried != NULL;
}

/* "warn: row_count > 0" in quotes is text to YAML. */
static bool quoted_severity(struct load *l, const struct node *n) {
    for (int i = 0; i < 2; i++) {
        size_t len = strlen(severities[i]);
        if (strncmp(n->text, severities[i], len) != 0 || n->text[len] != ':') continue;
        struct diag *g = load_diag(l, "E0508", node_part(n, 0, len + 1),
                                   "`%s:` is a key, not part of the rule", severities[i]);
        diag_label(l->d, g, "write `- %s: rule` without quotes around both", severities[i]);
        return true;
    }
    return false;
}

static bool parse_template(struct load *l, const struct node *n, struct check_text *k) {
    struct template *t = field_template(l, n, &rule_field, n->text);
    if (!t || !try_words(l, n, t, k)) return false;
    template_place(t, n);
    k->text = t;
    return true;
}

static bool parse_words(struct load *l, const struct node *n, struct check_text *k) {
    if (quoted_severity(l, n)) return false;
    k->written = n->text;
    if (template_in(n->text)) return parse_template(l, n, k);
    struct buf text = BUF_INIT;
    buf_add(&text, n->text, n->count);
    json_t *j = parse_rule(l, n, k, &text, n->count);
    buf_release(&text);
    if (!j) return false;
    json_put_text(j, "severity", k->severity);
    json_put(j, "line", json_integer(k->line));
    json_put(j, "column", json_integer(k->column));
    k->object = j;
    return true;
}

/* `0`, `> 0` or `between 1 and 5`, as what follows the measured value. */
static bool parse_expect(struct load *l, const struct node *n, struct check_text *k) {
    static const struct field field = {.name = "expect", .kind = FK_TEXT, .example = "0"};
    if (n->kind != NODE_SCALAR || node_is_null(n)) return wrong_shape(l, n, &field, "a value");
    bool bare = !strchr("=!<>", n->text[0]) && strncmp(n->text, "between ", 8) != 0;
    struct buf b = BUF_INIT;
    buf_addf(&b, "%s%s", bare ? "= " : "", n->text);
    const char *text = arena_strdup(l->arena, buf_str(&b));
    buf_release(&b);
    struct complaint c = {0};
    struct template *t = template_parse(l->arena, text, strlen(text), &c);
    if (!t || !template_check(t, &l->scope, &c)) {
        c.end = 0;
        load_complain(l, n, &c);
        return false;
    }
    char message[256];
    size_t offset = 0;
    struct buf rule = BUF_INIT;
    buf_adds(&rule, "row_count ");
    for (uint32_t i = 0; i < t->count; i++) {
        if (t->parts[i].expr)
            buf_adds(&rule, stand_in((enum expr_type)t->parts[i].expr->type));
        else
            buf_add(&rule, t->parts[i].text, t->parts[i].len);
    }
    json_t *j = check_parse(buf_str(&rule), rule.len, message, &offset);
    buf_release(&rule);
    json_decref(j);
    k->expect = t;
    if (!j) load_diag(l, "E0508", node_span(n), "`expect` is a number, or a comparison such as `> 0`");
    return j != NULL;
}

static const struct field sql_check_fields[] = {
    {.name = "sql",
     .kind = FK_SQL,
     .flags = FIELD_REQUIRED,
     .help = "A query with one value.",
     .example = "select 0"},
    {.name = "expect", .kind = FK_ANY, .flags = FIELD_REQUIRED, .help = "What it must be.", .example = "0"},
    {0},
};

static bool parse_sql_check(struct load *l, const struct node *n, struct check_text *k) {
    static const struct where where = {.noun = "the check"};
    static const char *const known[] = {"sql", "expect", "warn", "fail"};
    bool good = true;
    for (uint32_t i = 0; i < n->count; i++) {
        const struct entry *e = &n->entries[i];
        struct value sql;
        if (strcmp(e->key, "sql") == 0) {
            good &= field_parse(l, e->value, &sql_check_fields[0], &where, &sql);
            if (good) k->sql = sql.sql;
            k->written = e->value->kind == NODE_SCALAR ? e->value->text : "";
        } else if (strcmp(e->key, "expect") == 0) {
            good &= parse_expect(l, e->value, k);
        } else {
            unknown_key(l, n, e, known, 4, &where);
            good = false;
        }
    }
    if (!good) return false;
    if (k->sql && k->expect) return true;
    struct diag *g = load_diag(l, "E0105", node_span(n), "the check needs `%s`", k->sql ? "expect" : "sql");
    diag_label(l->d, g, "such as `%s`", k->sql ? "expect: 0" : "sql: select count(*) from …");
    return false;
}

/* {warn: …} and {fail: …} hold the rule itself. */
static const struct node *unwrap(const struct node *n, const char **severity) {
    if (n->kind != NODE_MAP || n->count != 1) return n;
    for (int i = 0; i < 2; i++) {
        if (strcmp(n->entries[0].key, severities[i]) != 0) continue;
        *severity = severities[i];
        return n->entries[0].value;
    }
    return n;
}

/* `- amount: >= 0` is what people write who take the rule for a key. */
static bool refuse_list(struct load *l, const struct node *n) {
    struct diag *g = load_diag(l, "E0103", node_span(n), "a check is a rule in words, not %s", node_noun(n));
    diag_label(l->d, g, "such as `row_count > 0`");
    return false;
}

bool check_field(struct load *l, const struct node *item, struct value *out) {
    struct check_text *k = arena_alloc(l->arena, sizeof *k);
    k->severity = severities[0];
    const struct node *n = unwrap(item, &k->severity);
    struct place at = load_place(l, node_span(n));
    k->line = at.line;
    k->column = at.column;
    out->shape = VALUE_CHECK;
    out->check = k;
    if (n->kind == NODE_LIST || (n->kind == NODE_SCALAR && node_is_null(n))) return refuse_list(l, n);
    return n->kind == NODE_MAP ? parse_sql_check(l, n, k) : parse_words(l, n, k);
}
