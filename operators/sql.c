/* sql.c: `sql:` and `sql_file:`, one SELECT over the zones' datasets, run by the embedded engine.
 *
 * `raw.orders` is the pinned version. Naming `raw.orders__new` (what was added since this step's last
 * success) makes the step consume: when nothing was added to any such dataset, there is nothing new; else the
 * pinned versions are what the step proposes as its bookmark. */
#include "base/arena.h"
#include "base/json.h"
#include "base/utf8.h"
#include "engine/duck.h"
#include "operators/operators.h"
#include "operators/prepare.h"
#include "operators/work.h"
#include "zones/attach.h"
#include "zones/sqltext.h"

#include <stdlib.h>
#include <string.h>

/* ---- what it reads ---- */

#define NEW_SUFFIX "__new"

struct reading {
    struct arena *arena;
    struct duck_reads reads;
    json_t *consumed; /* dataset -> pinned version, of those named with __new */
    int64_t new_files;
    bool unpublished; /* a dataset named with __new */
};

static bool names(const struct reading *r, const char *dataset, const char *suffix) {
    size_t n = strlen(dataset);
    for (size_t i = 0; i < r->reads.count; i++)
        if (strncmp(r->reads.names[i], dataset, n) == 0 && strcmp(r->reads.names[i] + n, suffix) == 0)
            return true;
    return false;
}

static int attach_one(struct work *w, struct reading *r, const json_t *in, struct err *err) {
    const char *dataset = json_text_or(in, "dataset", "");
    bool whole = names(r, dataset, ""), fresh = names(r, dataset, NEW_SUFFIX);
    struct store *store = NULL;
    if (!whole && !fresh) return 0; /* pinned for `reads:` or a check, which attaches it itself */
    if (work_store(w, &store, err) < 0) return -1;
    if (fresh && !whole && json_int(in, "version", -1) < 0) {
        work_log(w, "%s has not been published yet: nothing is new in it", dataset);
        r->unpublished = true;
        return 0;
    }
    struct zone_input input = {.dataset = dataset,
                               .dataset_id = json_int(in, "dataset_id", -1),
                               .version = json_int(in, "version", -1),
                               .since = json_int(in, "since", -1),
                               .want_new = fresh,
                               .only_new = fresh && !whole};
    struct zone_attached got = {0};
    if (zone_attach(w->duck, store, &input, &got, err) < 0) return -1;
    if (whole) work_reads(w, got.rows, got.bytes);
    if (!fresh) return 0;
    json_put(r->consumed, dataset, json_integer(input.version));
    r->new_files += got.new_files;
    if (!whole) work_reads(w, got.new_rows, got.new_bytes);
    work_log(w, "%s: %lld new files since version %lld", dataset, (long long)got.new_files,
             (long long)input.since);
    if (got.removed_in >= 0)
        work_warn(w, "version %lld of %s removed rows; %s__new shows only what was added",
                  (long long)got.removed_in, dataset, dataset);
    return 0;
}

static int attach_all(struct work *w, struct reading *r, struct err *err) {
    size_t i;
    json_t *in;
    json_array_foreach(w->request.inputs, i, in) if (attach_one(w, r, in, err) < 0) return -1;
    return 0;
}

/* ---- errors at their line ---- */

/* The place in the definition: lines of a `|` block map one to one (design: pipelines.md 2.8). */
static void add_place(struct err *err, const json_t *config, const char *text, int64_t at) {
    int64_t line = json_int(config, "line", 0), column = json_int(config, "column", 1);
    if (at < 0 || line <= 0 || (size_t)at > strlen(text)) return;
    const char *begin = text;
    for (const char *p = text; p < text + at; p++) {
        if (*p != '\n') continue;
        line++;
        begin = p + 1;
    }
    const char *file = json_text(config, "path");
    err_prefix(err, "%s%sline %lld:%lld", file ? file : "", file ? " " : "", (long long)line,
               (long long)column + (long long)utf8_characters(begin, (size_t)(text + at - begin)));
}

static int refuse(struct work *w, const json_t *config, const char *text, struct err *err) {
    add_place(err, config, text, duck_error_position(w->duck));
    return -1;
}

/* The parser only says that it cannot write such a statement's tree. */
static int refuse_statement(struct work *w, const json_t *config, const char *text, struct err *err) {
    if (!strstr(err->msg, "Only SELECT")) return refuse(w, config, text, err);
    err_set(err, EX_INVALID, "a `%s` step is one SELECT, and this is another statement", w->request.verb);
    err_hint(err, "give the rows with SELECT: `into:` and `write:` say what becomes of them");
    err_reason(err, "sql");
    add_place(err, config, text, 0);
    return -1;
}

/* ---- the step ---- */

static int run_query(struct work *w, const json_t *config, const char *sql, struct err *err) {
    const json_t *params = json_object_get(config, "params");
    result_sql(w->result, sql, params);
    json_t *described = duck_describe(w->duck, sql, params, err);
    if (!described) return refuse(w, config, sql, err);
    struct audit_query q = {.sql = sql, .params = params, .described = described};
    int rc = audit_query(&w->audit, &q, err);
    json_decref(described);
    return rc;
}

static int run_statement(struct work *w, const json_t *config, const char *sql, struct reading *r,
                         struct err *err) {
    if (duck_parse_reads(w->duck, sql, r->arena, &r->reads, err) < 0)
        return refuse_statement(w, config, sql, err);
    if (attach_all(w, r, err) < 0) return -1;
    bool consumes = json_object_size(r->consumed) > 0 && w->request.bookmark_kind;
    if ((consumes || r->unpublished) && r->new_files == 0) {
        work_nothing_new(w);
        return 0;
    }
    if (run_query(w, config, sql, err) < 0) return -1;
    work_log(w, "%lld rows for %s", (long long)w->audit.rows, w->request.into.dataset);
    if (consumes) work_propose(w, json_pack("{ss sO}", "kind", "version", "datasets", r->consumed));
    return 0;
}

static int work(struct work *w, struct err *err) {
    const json_t *config = op_config(w->request.json, "text");
    const char *text = json_is_string(config) ? json_string_value(config) : json_text(config, "text");
    if (!text) return err_set(err, EX_INVALID, "the step has no SQL text");
    if (!w->request.has_into) return err_set(err, EX_INVALID, "a `%s` step needs `into:`", w->request.verb);
    char *sql = sql_one_statement(text, err);
    if (!sql || work_audit_begin(w, true, err) < 0) {
        free(sql);
        return -1;
    }
    struct reading r = {.arena = arena_new(), .consumed = json_object()};
    int rc = run_statement(w, config, sql, &r, err);
    json_decref(r.consumed);
    arena_free(r.arena);
    free(sql);
    return rc;
}

/* ---- before it runs ---- */

static void prepare(struct prepare_step *s) {
    const json_t *text = json_object_get(s->config, "text");
    if (text) s->rows = prepare_query(s, text, NULL, json_pack("[ss]", "config", "text"));
}

/* ---- the verbs ---- */

static const char *const engines[] = {"duckdb", NULL};

static const struct field siblings[] = {
    {.name = "engine",
     .kind = FK_ENUM,
     .values = engines,
     .flags = FIELD_FIXED,
     .otherwise = "duckdb",
     .help = "Where the query runs.",
     .example = "duckdb"},
    {.name = "memory",
     .kind = FK_SIZE,
     .help = "Memory the query may use before it spills to the disk.",
     .example = "4GiB"},
    {.name = "threads",
     .kind = FK_COUNT,
     .otherwise = "one per core",
     .help = "Threads of the query.",
     .example = "2"},
    {0},
};

static const struct field text_fields[] = {
    {.name = "text",
     .kind = FK_SQL,
     .flags = FIELD_REQUIRED | FIELD_SHORT,
     .help = "One SELECT; ${} are bound parameters.",
     .example = "select * from raw.orders"},
    {0},
};

static const struct field file_fields[] = {
    {.name = "text",
     .kind = FK_SQL,
     .flags = FIELD_REQUIRED | FIELD_SHORT | FIELD_FILE,
     .help = "A file with one SELECT, from the project folder.",
     .example = "sql/daily_revenue.sql"},
    {0},
};

const struct op op_sql = {
    .verb = {.name = "sql",
             .about = "Transforms datasets with one SELECT.",
             .fields = text_fields,
             .siblings = siblings,
             .traits = VERB_WORKER | VERB_SQL | VERB_INTO},
    .work = work,
    .prepare = prepare,
};

const struct op op_sql_file = {
    .verb = {.name = "sql_file",
             .about = "Transforms datasets with the SELECT in a file.",
             .fields = file_fields,
             .siblings = siblings,
             .traits = VERB_WORKER | VERB_SQL | VERB_INTO},
    .work = work,
    .prepare = prepare,
};
