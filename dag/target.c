/* target.c: what `wait:` waits for: its text says of which kind it is, and the rest is parsed as that kind.
 *
 *   select …  with …  from …      SQL
 *   06:15  2026-11-20  2026-11-20 06:15  2026-11-20T06:15:00Z  ${a time}      a time
 *   zone.name                     a dataset, when the project has the zone
 *   https://…                     a URL, which goes the way of paths
 *   anything else                 a path or a pattern
 *
 * A file whose name looks like something else is written with `./` before it. */
#include "base/instant.h"
#include "base/suggest.h"
#include "cron/window.h"
#include "dag/load.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- which kind */

static bool is_sql(struct load *l, const char *text) {
    static const char *const words[] = {"select", "with", "from"};
    (void)l;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = strlen(words[i]);
        if (strncasecmp(text, words[i], n) == 0 && isspace((unsigned char)text[n])) return true;
    }
    return false;
}

/* Every character of the shape: 9 is a digit. What follows is not looked at. */
static bool shaped(const char *text, const char *shape) {
    for (; *shape; shape++, text++)
        if (*shape == '9' ? !isdigit((unsigned char)*text) : *text != *shape) return false;
    return true;
}

static bool is_day(const char *text) {
    return shaped(text, "9999-99-99") && (!text[10] || shaped(text + 11, "99:99"));
}

static bool is_time(struct load *l, const char *text) {
    (void)l;
    return (shaped(text, "99:99") && !text[5]) || is_day(text);
}

static bool is_dataset(struct load *l, const char *text) {
    return text_is_dataset(text) && project_zone(l->project, text, strcspn(text, "."));
}

static bool is_place(struct load *l, const char *text) {
    (void)l, (void)text;
    return true;
}

enum { ROW_SQL, ROW_TIME, ROW_DATASET, ROW_PLACE };

/* The first that fits. */
static const struct row {
    const char *key; /* of the result */
    enum field_kind kind;
    bool (*is)(struct load *l, const char *text);
} rows[] = {
    [ROW_SQL] = {"sql", FK_SQL, is_sql},
    [ROW_TIME] = {"time", FK_TEXT, is_time},
    [ROW_DATASET] = {"dataset", FK_DATASET, is_dataset},
    [ROW_PLACE] = {"path", FK_PATH, is_place},
};

/* ---- what is wrong with it */

static bool good_time(struct load *l, const struct node *n, const char *text) {
    struct complaint c = {0};
    struct civil wall;
    instant_t t;
    if (!is_day(text) && !parse_time_of_day(text, &c)) {
        load_complain(l, n, &c);
        return false;
    }
    if (!is_day(text) || civil_parse(text, &wall) || instant_parse(text, &t)) return true;
    struct diag *g = load_diag(l, "E0305", node_span(n), "`%.80s` is not a time", text);
    diag_label(l->d, g, "write `2026-11-20 06:15`, or with a zone `2026-11-20T06:15:00Z`");
    return false;
}

/* s3:// and the like: nothing here can look there. */
static bool good_scheme(struct load *l, const struct node *n, const char *text) {
    const char *end = strstr(text, "://");
    if (!end || strncasecmp(text, "http://", 7) == 0 || strncasecmp(text, "https://", 8) == 0) return true;
    for (const char *p = text; p < end; p++)
        if (!isalnum((unsigned char)*p) && !strchr("+-.", *p)) return true;
    struct diag *g = load_diag(l, "E0212", node_part(n, 0, (size_t)(end - text)),
                               "nothing is known about `%.*s://`", (int)(end - text), text);
    diag_label(l->d, g, "a path, an http:// or https:// URL, a dataset, a time, or SQL");
    return false;
}

/* `trustd.orders` would be a file that never comes. */
static bool good_zone(struct load *l, const struct node *n, const char *text) {
    const char *names[64];
    size_t count = 0;
    if (!text_is_dataset(text)) return true;
    for (; count < l->project->zone_count && count < 64; count++)
        names[count] = l->project->zones[count].name;
    size_t len = strcspn(text, ".");
    const char *zone = arena_strndup(l->d->arena, text, len), *meant = suggest(zone, names, count);
    if (!meant) return true;
    struct diag *g = load_diag(l, "E0404", node_part(n, 0, len), "unknown zone `%s`", zone);
    diag_label(l->d, g, "did you mean `%s`? A file of that name is written `./%s`", meant, text);
    return false;
}

static bool good(struct load *l, const struct node *n, const struct row *row, const char *text) {
    if (row == &rows[ROW_TIME]) return good_time(l, n, text);
    return row != &rows[ROW_PLACE] || (good_scheme(l, n, text) && good_zone(l, n, text));
}

/* ---- the field */

static bool parse_as(struct load *l, const struct node *n, const struct field *f, const struct row *row,
                     const struct where *w, struct value *out) {
    struct field inner = *f;
    inner.kind = row->kind;
    if (row->kind == FK_DATASET) inner.flags |= FIELD_FIXED;
    out->shape = VALUE_OBJECT;
    out->count = 1;
    out->members = arena_alloc(l->arena, sizeof *out->members);
    *out->members = (struct member){.key = row->key, .key_at = w->at};
    return field_parse(l, n, &inner, w, &out->members->value);
}

static const struct row *find_row(struct load *l, const char *text) {
    const struct row *row = rows;
    while (!row->is(l, text)) row++;
    return row;
}

/* A text such as the template may become, for what is only known when the step runs. */
static const char *sample_of(struct load *l, const struct template *t) {
    struct buf b = BUF_INIT;
    for (uint32_t i = 0; i < t->count; i++) {
        const struct part *part = &t->parts[i];
        unsigned type = part->expr ? part->expr->type : TYPE_ANY;
        if (!part->expr)
            buf_add(&b, part->text, part->len);
        else
            buf_adds(&b, type == TYPE_DATE      ? "2000-01-01"
                         : type == TYPE_INSTANT ? "2000-01-01T00:00:00Z"
                                                : "x");
    }
    const char *text = arena_strdup(l->d->arena, buf_str(&b));
    buf_release(&b);
    return text;
}

static bool parse_template(struct load *l, const struct node *n, const struct field *f, const struct where *w,
                           struct value *out) {
    struct field any = *f;
    any.kind = FK_ANY;
    struct template *t = field_template(l, n, &any, n->text);
    const char *text = t && template_is_early(t) ? early_text(l, n, f) : t ? sample_of(l, t) : NULL;
    const struct row *row = text ? find_row(l, text) : NULL;
    return row && good(l, n, row, text) && parse_as(l, n, f, row, w, out);
}

bool target_field(struct load *l, const struct node *n, const struct field *f, const struct where *w,
                  struct value *out) {
    if (is_sql(l, n->text)) return parse_as(l, n, f, &rows[ROW_SQL], w, out);
    if (template_in(n->text)) return parse_template(l, n, f, w, out);
    const struct row *row = find_row(l, n->text);
    return good(l, n, row, n->text) && parse_as(l, n, f, row, w, out);
}

/* ---- spans */

/* "window", "previous day", "previous 30 days" (contract.md 15); units as the operator knows them. */
static bool read_span(const char *text, const char **unit, int64_t *count) {
    static const char *const units[] = {
        [WINDOW_HOUR] = "hours", [WINDOW_DAY] = "days", [WINDOW_WEEK] = "weeks", [WINDOW_MONTH] = "months"};
    struct covers c;
    *unit = "window";
    *count = 1;
    if (strcmp(text, "window") == 0) return true;
    if (!covers_parse(text, &c) || c.since || c.unit == WINDOW_FIRING) return false;
    *unit = units[c.unit];
    *count = c.count;
    return true;
}

static struct member text_member(const char *key, const char *text) {
    return (struct member){.key = key, .value = {.shape = VALUE_TEXT, .kind = FK_TEXT, .text = text}};
}

bool span_field(struct load *l, const struct node *n, const struct field *f, struct value *out) {
    const char *text = early_text(l, n, f), *unit;
    int64_t count;
    if (!text) return false;
    if (!read_span(text, &unit, &count)) {
        struct diag *g = load_diag(l, "E0306", node_span(n), "`%.80s` is not a span of time", text);
        diag_label(l->d, g, "write `window`, `previous day` or `previous 30 days`");
        return false;
    }
    if (strcmp(unit, "window") == 0) l->scope.uses_window = true;
    out->shape = VALUE_OBJECT;
    out->count = 2;
    out->members = arena_array(l->arena, 2, sizeof *out->members);
    out->members[0] = text_member("unit", unit);
    out->members[1] = (struct member){.key = "count",
                                      .value = {.shape = VALUE_INTEGER, .kind = FK_COUNT, .integer = count}};
    return true;
}
