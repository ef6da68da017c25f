/* bookmark.c: `leat bookmark list`, `show`, `history`: what each step has consumed. */
#include "cli/bookmark.h"

#include "base/json.h"
#include "base/suggest.h"
#include "cli/format.h"
#include "cli/table.h"
#include "cli/verbs.h"

#include <inttypes.h>
#include <string.h>

static int no_bookmark(struct view *v, const char *word, struct err *err) {
    struct bookmark_row *all = NULL;
    size_t n = 0;
    if (store_bookmarks_list(v->store, NULL, NULL, v->arena, &all, &n, err) < 0) return -1;
    const char **names = arena_array(v->arena, n + 1, sizeof *names);
    for (size_t i = 0; i < n; i++) names[i] = arena_printf(v->arena, "%s.%s", all[i].pipeline, all[i].step);
    const char *meant = suggest(word, names, n);
    err_set(err, EX_NOT_FOUND, "no bookmark belongs to `%s`", word);
    return meant ? err_hint(err, "did you mean `%s`?", meant) : err_hint(err, "see `leat bookmark list`");
}

int bookmark_select(struct view *v, const char *word, struct bookmark_row **rows, size_t *n,
                    struct err *err) {
    *n = 0;
    if (!v->store) return word ? view_nothing(v, "bookmark", word, err) : 0;
    const char *dot = word ? strchr(word, '.') : NULL, *pipeline = word;
    if (dot) pipeline = arena_strndup(v->arena, word, (size_t)(dot - word));
    if (store_bookmarks_list(v->store, pipeline, dot ? dot + 1 : NULL, v->arena, rows, n, err) < 0) return -1;
    return word && *n == 0 ? no_bookmark(v, word, err) : 0;
}

int bookmark_one(struct view *v, const char *word, struct bookmark_row *out, struct err *err) {
    struct bookmark_row *rows = NULL;
    size_t n = 0;
    if (bookmark_select(v, word, &rows, &n, err) < 0) return -1;
    if (n != 1) {
        err_set(err, EX_USAGE, "`%s` has %zu bookmarks; say which", word, n);
        return err_hint(err, "the first is %s.%s; see `leat bookmark list %s`", rows[0].pipeline,
                        rows[0].step, word);
    }
    *out = rows[0];
    return 0;
}

json_t *bookmark_item(const struct bookmark_row *b) {
    json_t *o = json_object();
    json_put_text(o, "pipeline", b->pipeline);
    json_put_text(o, "step", b->step);
    json_put_text(o, "source", b->source);
    json_put_text(o, "kind", b->kind);
    json_put(o, "value", bookmark_json(b));
    json_put(o, "version", json_integer(b->version));
    json_put(o, "run", json_id(b->run));
    json_put_text(o, "change", b->change);
    json_put(o, "changed_at", json_instant(b->changed_at));
    json_put_text(o, "changed_by", b->author);
    json_put_text(o, "reason", b->reason);
    return o;
}

static void print_json(const struct view *v, const char *noun, const struct bookmark_row *rows, size_t n) {
    json_t *items = json_array();
    for (size_t i = 0; i < n; i++) json_array_append_new(items, bookmark_item(&rows[i]));
    out_document(&v->c->out, noun, items);
}

/* ---- list ---------------------------------------------------------------------------------------------- */

static const struct column list_columns[] = {
    {.title = "BOOKMARK", .keep = 5},    {.title = "KIND"},
    {.title = "SOURCE", .keep = 1},      {.title = "VALUE", .keep = 4},
    {.title = "VERSION", .right = true}, {.title = "CHANGED", .keep = 3},
    {.title = "BY", .keep = 2},          {.title = NULL},
};

static const char *changed_by(struct view *v, const struct bookmark_row *b) {
    if (b->run > 0 && b->change && strcmp(b->change, "advance") == 0)
        return arena_printf(v->arena, "run %" PRId64, b->run);
    return b->author ? b->author : "";
}

static void print_list(struct view *v, const struct bookmark_row *rows, size_t n) {
    struct table *t = table_new(list_columns);
    for (size_t i = 0; i < n; i++) {
        const struct bookmark_row *b = &rows[i];
        table_addf(t, "%s.%s", b->pipeline, b->step);
        table_add(t, b->kind);
        table_add(t, b->source);
        table_add(t, bookmark_text(b, v->arena));
        table_addf(t, "%" PRId64, b->version);
        table_add(t, view_time(v, b->pipeline, b->changed_at));
        table_add(t, changed_by(v, b));
    }
    table_print(t, v->c);
    table_free(t);
}

static int list(struct view *v, struct err *err) {
    struct bookmark_row *rows = NULL;
    size_t n = 0;
    if (bookmark_select(v, cli_arg(v->c, 0), &rows, &n, err) < 0) return -1;
    if (v->c->json)
        print_json(v, "bookmarks", rows, n);
    else if (n > 0)
        print_list(v, rows, n);
    else
        cli_say(v->c, "no bookmarks yet: a step with `bookmark:` makes one when it first runs\n");
    return EX_OK;
}

/* ---- show ---------------------------------------------------------------------------------------------- */

enum { SHOWN_FILES = 10 };

static int print_files(struct view *v, const struct bookmark_row *b, struct err *err) {
    const struct out *o = &v->c->out;
    struct seen_row *files = NULL;
    size_t n = 0;
    int64_t all = 0;
    char bytes[FORMAT_TEXT];
    if (strcmp(b->kind, "files") != 0) return 0;
    if (store_bookmark_files_count(v->store, b->id, b->version, &all, err) < 0) return -1;
    if (store_bookmark_files_list(v->store, b->id, b->version, SHOWN_FILES, v->arena, &files, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        out_printf(o, "  %s  %s\n", files[i].path, format_bytes(files[i].size, bytes));
    if ((int64_t)n < all) out_printf(o, "  and %" PRId64 " more\n", all - (int64_t)n);
    return 0;
}

static int show(struct view *v, struct err *err) {
    struct bookmark_row b;
    if (bookmark_one(v, cli_arg(v->c, 0), &b, err) < 0) return -1;
    if (v->c->json) {
        print_json(v, "bookmarks", &b, 1);
        return EX_OK;
    }
    const struct out *o = &v->c->out;
    out_printf(o, "%s.%s  %s  %s\n", b.pipeline, b.step, b.kind, b.source ? b.source : "");
    out_printf(o, "value    %s\n", bookmark_text(&b, v->arena));
    out_printf(o, "version  %" PRId64 "\n", b.version);
    if (b.version > 0)
        out_printf(o, "changed  %s by %s%s%s\n", view_time(v, b.pipeline, b.changed_at), changed_by(v, &b),
                   b.reason ? ": " : "", b.reason ? b.reason : "");
    return print_files(v, &b, err) < 0 ? -1 : EX_OK;
}

/* ---- history ------------------------------------------------------------------------------------------- */

static const struct column history_columns[] = {
    {.title = "VERSION", .right = true},
    {.title = "CHANGE"},
    {.title = "VALUE", .keep = 4},
    {.title = "WHEN", .keep = 3},
    {.title = "BY", .keep = 2},
    {.title = "REASON", .keep = 1},
    {.title = NULL},
};

static void print_history(struct view *v, const struct bookmark_row *rows, size_t n) {
    struct table *t = table_new(history_columns);
    for (size_t i = 0; i < n; i++) {
        table_addf(t, "%" PRId64, rows[i].version);
        table_add(t, rows[i].change);
        table_add(t, bookmark_text(&rows[i], v->arena));
        table_add(t, view_time(v, rows[i].pipeline, rows[i].changed_at));
        table_add(t, changed_by(v, &rows[i]));
        table_add(t, rows[i].reason);
    }
    table_print(t, v->c);
    table_free(t);
}

static int history(struct view *v, struct err *err) {
    struct bookmark_row b, *rows = NULL;
    size_t n = 0;
    long limit;
    if (cli_number(v->c, "limit", 1, 25, &limit, err) < 0) return -1;
    if (bookmark_one(v, cli_arg(v->c, 0), &b, err) < 0) return -1;
    if (store_bookmark_history(v->store, b.id, limit, v->arena, &rows, &n, err) < 0) return -1;
    if (v->c->json)
        print_json(v, "bookmark_history", rows, n);
    else if (n > 0)
        print_history(v, rows, n);
    else
        cli_say(v->c, "it has never moved\n");
    return EX_OK;
}

/* ---- the verbs ----------------------------------------------------------------------------------------- */

static int run_list(struct cli *c, struct err *err) { return view_run(c, list, err); }
static int run_show(struct cli *c, struct err *err) { return view_run(c, show, err); }
static int run_history(struct cli *c, struct err *err) { return view_run(c, history, err); }

static const struct flag history_flags[] = {
    {.name = "limit", .letter = 'n', .value = "N", .help = "at most so many (25)"},
    {.name = NULL},
};

static const int exits[] = {EX_NOT_FOUND, EX_ENVIRONMENT, 0};

static const char *const list_examples[] = {
    "leat bookmark list\twhere every bookmark stands",
    "leat bookmark list sales_daily --json\tthose of one pipeline",
    NULL,
};

const struct command command_bookmark_list = {
    .name = "bookmark list",
    .group = GROUP_LOOK,
    .usage = "[PIPELINE[.STEP]]",
    .about = "Lists what each step has consumed so far.",
    .examples = list_examples,
    .exits = exits,
    .args_max = 1,
    .run = run_list,
};

static const char *const show_examples[] = {"leat bookmark show sales_daily.extract_orders\t", NULL};

const struct command command_bookmark_show = {
    .name = "bookmark show",
    .group = GROUP_LOOK,
    .usage = "PIPELINE[.STEP]",
    .about = "Shows one bookmark.",
    .examples = show_examples,
    .exits = exits,
    .args_min = 1,
    .args_max = 1,
    .run = run_show,
};

static const char *const history_examples[] = {
    "leat bookmark history sales_daily.extract_orders\tevery change, newest first",
    NULL,
};

const struct command command_bookmark_history = {
    .name = "bookmark history",
    .group = GROUP_LOOK,
    .usage = "PIPELINE[.STEP] [-n N]",
    .about = "Lists the changes of a bookmark: by runs and by people.",
    .examples = history_examples,
    .flags = history_flags,
    .exits = exits,
    .args_min = 1,
    .args_max = 1,
    .run = run_history,
};
