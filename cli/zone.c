/* zone.c: `leat zone list`, `show`, `history`: the datasets and their versions. */
#include "cli/zone.h"

#include "base/json.h"
#include "base/suggest.h"
#include "cli/format.h"
#include "cli/sql.h"
#include "cli/table.h"
#include "cli/verbs.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int no_dataset(struct view *v, const char *name, struct err *err) {
    struct dataset_row *rows = NULL;
    size_t n = 0;
    if (store_datasets_list(v->store, v->arena, &rows, &n, err) < 0) return -1;
    const char **names = arena_array(v->arena, n + 1, sizeof *names);
    for (size_t i = 0; i < n; i++) names[i] = rows[i].name;
    const char *meant = suggest(name, names, n);
    err_set(err, EX_NOT_FOUND, "no dataset `%s`", name);
    return meant ? err_hint(err, "did you mean `%s`?", meant) : err_hint(err, "see `leat zone list`");
}

int zone_find(struct view *v, const char *name, struct dataset_row *out, struct err *err) {
    if (!v->store) return view_nothing(v, "dataset", name, err);
    int hit = store_dataset_find(v->store, name, v->arena, out, err);
    if (hit == 0) return no_dataset(v, name, err);
    return hit < 0 ? -1 : 0;
}

int zone_version(const char *text, int64_t *out, struct err *err) {
    const char *digits = *text == 'v' ? text + 1 : text;
    if (!*digits || strspn(digits, "0123456789") != strlen(digits) || strlen(digits) > 18)
        return err_set(err, EX_USAGE, "`%s` is not a version", text);
    *out = strtoll(digits, NULL, 10);
    return 0;
}

static json_t *dataset_json(const struct dataset_row *d) {
    json_t *o = json_object();
    json_put_text(o, "dataset", d->name);
    json_put_text(o, "zone", d->zone);
    json_put_text(o, "format", d->format);
    json_put(o, "version", json_number(d->head));
    json_put(o, "rows", d->head < 0 ? json_null() : json_number(d->rows));
    json_put(o, "bytes", d->head < 0 ? json_null() : json_number(d->bytes));
    json_put(o, "files", d->head < 0 ? json_null() : json_number(d->files));
    json_put_text(o, "path", d->path);
    json_put(o, "columns", json_parsed(d->columns));
    json_put(o, "partition_by", json_parsed(d->partition_by));
    json_put_text(o, "stopped", d->stopped);
    json_put(o, "run", json_id(d->last_run));
    json_put(o, "updated_at", json_instant(d->updated_at));
    return o;
}

/* ---- list ---------------------------------------------------------------------------------------------- */

static const struct column list_columns[] = {
    {.title = "DATASET", .keep = 3},
    {.title = "FORMAT"},
    {.title = "VERSION", .right = true},
    {.title = "ROWS", .right = true},
    {.title = "SIZE", .right = true},
    {.title = "FILES", .right = true},
    {.title = "PUBLISHED", .keep = 2},
    {.title = "BY", .keep = 1},
    {.title = NULL},
};

static void print_list(struct view *v, const struct dataset_row *rows, size_t n) {
    struct table *t = table_new(list_columns);
    char text[FORMAT_TEXT];
    for (size_t i = 0; i < n; i++) {
        const struct dataset_row *d = &rows[i];
        bool published = d->head >= 0;
        table_add(t, d->name);
        table_add(t, d->format);
        if (published)
            table_addf(t, "v%" PRId64, d->head);
        else
            table_add(t, "");
        table_add(t, published ? format_count(&v->c->out, d->rows, text) : "");
        table_add(t, published ? format_bytes(d->bytes, text) : "");
        table_add(t, published ? format_count(&v->c->out, d->files, text) : "");
        table_add(t, published ? view_time(v, NULL, d->updated_at) : "");
        table_add(t, d->stopped        ? arena_printf(v->arena, "STOPPED: %s", d->stopped)
                     : d->last_run > 0 ? arena_printf(v->arena, "run %" PRId64, d->last_run)
                                       : "");
    }
    table_print(t, v->c);
    table_free(t);
}

static int list(struct view *v, struct err *err) {
    struct dataset_row *rows = NULL;
    size_t n = 0;
    if (v->store && store_datasets_list(v->store, v->arena, &rows, &n, err) < 0) return -1;
    if (v->c->json) {
        json_t *items = json_array();
        for (size_t i = 0; i < n; i++) json_array_append_new(items, dataset_json(&rows[i]));
        out_document(&v->c->out, "zones", items);
    } else if (n > 0) {
        print_list(v, rows, n);
    } else {
        cli_say(v->c, "no datasets yet: a step with `into:` publishes one\n");
    }
    return EX_OK;
}

/* ---- show ---------------------------------------------------------------------------------------------- */

/* "zone.name" or "zone.name@12": the row then has that version's numbers. */
static int find_at(struct view *v, const char *word, struct dataset_row *d, struct err *err) {
    const char *at = strchr(word, '@');
    if (!at) return zone_find(v, word, d, err);
    struct version_row row;
    int64_t version = 0;
    if (zone_find(v, arena_strndup(v->arena, word, (size_t)(at - word)), d, err) < 0) return -1;
    if (zone_version(at + 1, &version, err) < 0) return -1;
    int hit = store_version_get(v->store, d->id, version, v->arena, &row, err);
    if (hit < 0) return -1;
    if (hit == 0) {
        err_set(err, EX_NOT_FOUND, "%s has no version %" PRId64, d->name, version);
        return err_hint(err, "see `leat zone history %s`", d->name);
    }
    d->head = version;
    d->rows = row.rows;
    d->bytes = row.bytes;
    d->files = row.files;
    d->columns = row.columns;
    d->partition_by = row.partition_by;
    d->last_run = row.run;
    d->updated_at = row.published_at;
    return 0;
}

static const struct column schema_columns[] = {{.title = "COLUMN"}, {.title = "TYPE"}, {.title = NULL}};

static void print_schema(struct view *v, const struct dataset_row *d) {
    json_t *columns = json_parsed(d->columns), *one;
    size_t i;
    struct table *t = table_new(schema_columns);
    json_array_foreach(columns, i, one) {
        const json_t *type = json_object_get(one, "type");
        char *nested = json_is_string(type) ? NULL : json_dumps(type, JSON_COMPACT | JSON_ENCODE_ANY);
        table_add(t, json_text_or(one, "name", ""));
        table_add(t, nested ? nested : json_string_value(type));
        free(nested);
    }
    if (json_array_size(columns) > 0) table_print(t, v->c);
    table_free(t);
    json_decref(columns);
}

static void print_dataset(struct view *v, const struct dataset_row *d) {
    const struct out *o = &v->c->out;
    char rows[FORMAT_TEXT], bytes[FORMAT_TEXT], files[FORMAT_TEXT];
    if (d->head < 0) {
        out_printf(o, "%s  nothing published yet\n", d->name);
        return;
    }
    out_printf(o, "%s v%" PRId64 "  %s", d->name, d->head, d->format);
    if (d->rows >= 0) out_printf(o, "  %s rows", format_count(o, d->rows, rows));
    out_printf(o, "  %s in %s\n", format_bytes(d->bytes, bytes), format_plural(d->files, "file", files));
    out_printf(o, "published %s", view_time(v, NULL, d->updated_at));
    if (d->last_run > 0) out_printf(o, " by run %" PRId64, d->last_run);
    out_printf(o, "\nin %s\n", d->path);
    if (d->stopped) out_printf(o, "STOPPED: %s\n", d->stopped);
    out_printf(o, "\n");
    print_schema(v, d);
}

static int show(struct view *v, struct err *err) {
    struct dataset_row d;
    if (find_at(v, cli_arg(v->c, 0), &d, err) < 0) return -1;
    if (v->c->json) {
        json_t *items = json_array();
        json_array_append_new(items, dataset_json(&d));
        out_document(&v->c->out, "zones", items);
    } else {
        print_dataset(v, &d);
    }
    return EX_OK;
}

/* Its rows need the engine, and so a process of their own. */
static int sample(struct cli *c, struct err *err) {
    struct sql_session s;
    struct buf sql = BUF_INIT;
    long rows;
    int rc = cli_number(c, "sample", 1, 10, &rows, err) < 0 ? -1 : sql_open(&s, c, err);
    const char *word = cli_arg(c, 0), *dot = strchr(word, '.');
    if (rc == 0) rc = dot ? sql_attach(&s, word, err) : err_set(err, EX_NOT_FOUND, "no dataset `%s`", word);
    if (rc == 0) {
        char *zone = arena_strndup(s.view.arena, word, (size_t)(dot - word));
        buf_adds(&sql, "select * from ");
        buf_sql_ident(&sql, zone);
        buf_addc(&sql, '.');
        buf_sql_ident(&sql, dot + 1);
        buf_addf(&sql, " limit %ld", rows);
        out_printf(&c->out, "\n");
        rc = sql_print(&s, buf_str(&sql), c->plain ? SQL_PLAIN : SQL_TABLE, (size_t)rows, err);
    }
    sql_close(&s);
    buf_release(&sql);
    return rc;
}

/* ---- history ------------------------------------------------------------------------------------------- */

static json_t *version_json(const struct version_row *r, int64_t head) {
    json_t *o = json_object();
    json_put(o, "version", json_integer(r->version));
    json_put(o, "run", json_id(r->run));
    json_put_text(o, "pipeline", r->pipeline);
    json_put_text(o, "step", r->step);
    json_put_text(o, "operation", r->operation);
    json_put_text(o, "author", r->author);
    json_put_text(o, "reason", r->reason);
    json_put(o, "published_at", json_instant(r->published_at));
    json_put(o, "window", json_window(r->window_start, r->window_end));
    json_put(o, "rows", json_number(r->rows));
    json_put(o, "bytes", json_number(r->bytes));
    json_put(o, "files", json_number(r->files));
    json_put(o, "rows_added", json_number(r->rows_added));
    json_put(o, "files_added", json_number(r->files_added));
    json_put(o, "files_removed", json_number(r->files_removed));
    json_put(o, "based_on", json_number(r->based_on));
    json_put(o, "rolled_back_to", json_number(r->rolled_back_to));
    json_put(o, "live", json_boolean(r->version == head));
    return o;
}

static const struct column history_columns[] = {
    {.title = "VERSION", .right = true}, {.title = "PUBLISHED", .keep = 3},
    {.title = "BY", .keep = 4},          {.title = "OPERATION", .keep = 2},
    {.title = "ROWS", .right = true},    {.title = "CHANGE", .right = true},
    {.title = "SIZE", .right = true},    {.title = "CHECKS", .keep = 1},
    {.title = "STATE", .status = true},  {.title = NULL},
};

/* "+0.3%" against the version it was based on. */
static void change_text(const struct version_row *r, const struct version_row *before,
                        char text[FORMAT_TEXT]) {
    text[0] = '\0';
    if (!before || r->rows < 0 || before->rows <= 0) return;
    snprintf(text, FORMAT_TEXT, "%+.1f%%", 100.0 * (double)(r->rows - before->rows) / (double)before->rows);
}

static void checks_text(const struct version_row *r, char text[FORMAT_TEXT]) {
    int n = 0;
    text[0] = '\0';
    if (r->checks_ok > 0) n += snprintf(text, FORMAT_TEXT, "%" PRId64 " ok", r->checks_ok);
    if (r->checks_warn > 0)
        snprintf(text + n, FORMAT_TEXT - (size_t)n, "%s%" PRId64 " warn", n ? " " : "", r->checks_warn);
}

static const char *published_by(struct view *v, const struct version_row *r) {
    if (r->run > 0) return arena_printf(v->arena, "run %" PRId64, r->run);
    return r->author ? r->author : "";
}

static void print_history(struct view *v, const struct version_row *rows, size_t n, int64_t head) {
    struct table *t = table_new(history_columns);
    char text[FORMAT_TEXT];
    for (size_t i = 0; i < n; i++) {
        const struct version_row *r = &rows[i];
        table_addf(t, "v%" PRId64, r->version);
        table_add(t, view_time(v, r->pipeline, r->published_at));
        table_add(t, published_by(v, r));
        table_add(t, r->operation);
        table_add(t, format_count(&v->c->out, r->rows, text));
        change_text(r, i + 1 < n ? &rows[i + 1] : NULL, text);
        table_add(t, text);
        table_add(t, format_bytes(r->bytes, text));
        checks_text(r, text);
        table_add(t, text);
        table_add(t, r->version == head ? "live" : "kept");
    }
    table_print(t, v->c);
    table_free(t);
}

static int history(struct view *v, struct err *err) {
    struct dataset_row d;
    struct version_row *rows = NULL;
    size_t n = 0;
    long limit;
    if (cli_number(v->c, "limit", 1, 25, &limit, err) < 0) return -1;
    if (zone_find(v, cli_arg(v->c, 0), &d, err) < 0) return -1;
    if (store_versions_list(v->store, d.id, -1, limit, v->arena, &rows, &n, err) < 0) return -1;
    if (v->c->json) {
        json_t *items = json_array();
        for (size_t i = 0; i < n; i++) json_array_append_new(items, version_json(&rows[i], d.head));
        out_document(&v->c->out, "zone_history", items);
    } else if (n > 0) {
        print_history(v, rows, n, d.head);
    } else {
        cli_say(v->c, "%s has no version yet\n", d.name);
    }
    return EX_OK;
}

/* ---- the verbs ----------------------------------------------------------------------------------------- */

static int run_list(struct cli *c, struct err *err) { return view_run(c, list, err); }
static int run_history(struct cli *c, struct err *err) { return view_run(c, history, err); }

static int run_show(struct cli *c, struct err *err) {
    int rc = view_run(c, show, err);
    if (rc != EX_OK || !cli_given(c, "sample") || c->json) return rc;
    return sql_in_child(c, sample, err);
}

static const int exits[] = {EX_NOT_FOUND, EX_ENVIRONMENT, 0};

static const char *const list_examples[] = {
    "leat zone list	every dataset with its live version",
    "leat zone list --json	for a script",
    NULL,
};

const struct command command_zone_list = {
    .name = "zone list",
    .group = GROUP_LOOK,
    .usage = "",
    .about = "Lists the datasets of all zones.",
    .examples = list_examples,
    .exits = exits,
    .run = run_list,
};

static const struct flag show_flags[] = {
    {.name = "sample", .value = "N", .help = "also N of its rows"},
    {.name = NULL},
};

static const char *const show_examples[] = {
    "leat zone show trusted.orders	its live version, where it is, its columns",
    "leat zone show trusted.orders@12 --sample 5	an older version, with rows",
    NULL,
};

const struct command command_zone_show = {
    .name = "zone show",
    .group = GROUP_LOOK,
    .usage = "DATASET[@VERSION] [--sample N]",
    .about = "Shows a dataset: version, size, place, columns.",
    .examples = show_examples,
    .flags = show_flags,
    .exits = exits,
    .args_min = 1,
    .args_max = 1,
    .run = run_show,
};

static const struct flag history_flags[] = {
    {.name = "limit", .letter = 'n', .value = "N", .help = "at most so many (25)"},
    {.name = NULL},
};

static const char *const history_examples[] = {
    "leat zone history trusted.orders -n 3	the last three versions",
    NULL,
};

const struct command command_zone_history = {
    .name = "zone history",
    .group = GROUP_LOOK,
    .everyday = true,
    .usage = "DATASET [-n N]",
    .about = "Lists the versions of a dataset, newest first.",
    .examples = history_examples,
    .flags = history_flags,
    .exits = exits,
    .args_min = 1,
    .args_max = 1,
    .run = run_history,
};
