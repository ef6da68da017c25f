/* backfills.c: plans over many windows. The counters of a backfill move with its items, in the same call. */
#include "store/backfills.h"

#include "store/internal.h"

#include <string.h>

#define X(name) [BACKFILL_##name] = #name,
const char *const backfill_state_names[BACKFILL_STATES] = {BACKFILL_STATE_LIST(X)};
#undef X
#define X(name) [ITEM_##name] = #name,
const char *const item_state_names[ITEM_STATES] = {ITEM_STATE_LIST(X)};
#undef X

bool backfill_is(const struct backfill_row *b, enum backfill_state state) {
    return strcmp(b->state, backfill_state_names[state]) == 0;
}

/* ---- the plan ---- */

static bool is_to_run(const struct backfill_item *i) { return strcmp(i->action, "run") == 0; }

static int64_t count_skipped(const struct backfill_item *items, size_t n) {
    int64_t skipped = 0;
    for (size_t i = 0; i < n; i++) skipped += !is_to_run(&items[i]);
    return skipped;
}

static int item_add(struct store *s, int64_t backfill, const struct backfill_item *i, struct err *err) {
    return sql_must(SQL(s, item_add, err, A_INT(backfill), A_INT(i->n), A_INT(i->stage), A_TEXT(i->pipeline),
                        A_AT(i->window_start), A_AT(i->window_end), arg_span(i->window_start, i->window_end),
                        A_TEXT(i->action), A_TEXT(i->reason), A_TEXT(i->options),
                        A_TEXT(item_state_names[is_to_run(i) ? ITEM_planned : ITEM_skipped]), A_REF(i->run)));
}

int store_backfill_add(struct store *s, const struct backfill_spec *b, const struct backfill_item *items,
                       size_t n, int64_t *id, struct err *err) {
    int there = b->name ? sql_int(SQL(s, backfill_id, err, A_TEXT(b->name)), id) : 0;
    if (there) return there < 0 ? -1 : 0;
    if (sql_must(SQL(s, backfill_add, err, A_TEXT(b->kind), A_TEXT(b->name), A_TEXT(b->subject),
                     A_AT(b->window_from), A_AT(b->window_to), A_JSON(b->options), A_INT(b->max_parallel),
                     A_KNOWN(b->max_failures), A_INT(n), A_INT(count_skipped(items, n)), A_TEXT(b->author),
                     A_TEXT(b->reason), A_AT(b->at))))
        return -1;
    int64_t added = sql_last_id(s);
    for (size_t i = 0; i < n; i++)
        if (item_add(s, added, &items[i], err)) return -1;
    *id = added;
    return 1;
}

int store_backfill_more(struct store *s, int64_t backfill, const struct backfill_item *items, size_t n,
                        struct err *err) {
    for (size_t i = 0; i < n; i++)
        if (item_add(s, backfill, &items[i], err)) return -1;
    return sql_must(SQL(s, backfill_grow, err, A_INT(backfill), A_INT(n), A_INT(count_skipped(items, n))));
}

/* ---- backfills ---- */

static void backfill_read(sqlite3_stmt *st, struct arena *a, void *row) {
    struct backfill_row *b = row;
    *b = (struct backfill_row){
        .id = sqlite3_column_int64(st, 0),
        .kind = col_text(st, 1, a),
        .name = col_text(st, 2, a),
        .subject = col_text(st, 3, a),
        .options = col_text(st, 4, a),
        .state = col_text(st, 5, a),
        .author = col_text(st, 6, a),
        .reason = col_text(st, 7, a),
        .window_from = col_instant(st, 8),
        .window_to = col_instant(st, 9),
        .max_parallel = sqlite3_column_int64(st, 10),
        .max_failures = col_int(st, 11, -1),
        .total = sqlite3_column_int64(st, 12),
        .done = sqlite3_column_int64(st, 13),
        .failed = sqlite3_column_int64(st, 14),
        .running = sqlite3_column_int64(st, 15),
        .skipped = sqlite3_column_int64(st, 16),
        .cancelled = sqlite3_column_int64(st, 17),
        .created_at = col_instant(st, 18),
        .started_at = col_instant(st, 19),
        .finished_at = col_instant(st, 20),
    };
    b->planned = b->total - b->done - b->failed - b->running - b->skipped - b->cancelled;
}

int store_backfill_get(struct store *s, int64_t id, struct arena *a, struct backfill_row *out,
                       struct err *err) {
    return sql_get(SQL(s, backfill_get, err, A_INT(id)), backfill_read, a, out);
}

int store_backfill_named(struct store *s, const char *name, struct arena *a, struct backfill_row *out,
                         struct err *err) {
    return sql_get(SQL(s, backfill_named, err, A_TEXT(name)), backfill_read, a, out);
}

int store_backfills_list(struct store *s, bool open_only, struct arena *a, struct backfill_row **rows,
                         size_t *n, struct err *err) {
    static const struct row_type type = {backfill_read, sizeof(struct backfill_row)};
    if (open_only) return sql_list(SQL(s, backfills_open, err, A_NONE), type, a, rows, n);
    return sql_list(SQL(s, backfills_list, err, A_NONE), type, a, rows, n);
}

int store_backfill_move(struct store *s, int64_t id, const char *from, const char *to, instant_t at,
                        struct err *err) {
    return (int)sql_run(SQL(s, backfill_move, err, A_INT(id), A_TEXT(from), A_TEXT(to), A_AT(at)));
}

/* ---- items ---- */

static void item_read(sqlite3_stmt *st, struct arena *a, void *row) {
    *(struct backfill_item *)row = (struct backfill_item){
        .n = sqlite3_column_int64(st, 1),
        .stage = sqlite3_column_int64(st, 2),
        .pipeline = col_text(st, 3, a),
        .window_start = col_instant(st, 4),
        .window_end = col_instant(st, 5),
        .action = col_text(st, 6, a),
        .reason = col_text(st, 7, a),
        .options = col_text(st, 8, a),
        .state = col_text(st, 9, a),
        .run = col_int(st, 10, 0),
    };
}

static const struct row_type item_type = {item_read, sizeof(struct backfill_item)};

int store_backfill_items(struct store *s, const struct item_filter *f, struct arena *a,
                         struct backfill_item **rows, size_t *n, struct err *err) {
    if (f->state)
        return sql_list(
            SQL(s, items_state, err, A_INT(f->backfill), A_INT(f->from), A_INT(f->limit), A_TEXT(f->state)),
            item_type, a, rows, n);
    return sql_list(SQL(s, items_list, err, A_INT(f->backfill), A_INT(f->from), A_INT(f->limit)), item_type,
                    a, rows, n);
}

int store_backfill_next(struct store *s, int64_t backfill, int64_t from, int64_t limit, struct arena *a,
                        struct backfill_item **rows, size_t *n, struct err *err) {
    return sql_list(SQL(s, items_next, err, A_INT(backfill), A_INT(from), A_INT(limit)), item_type, a, rows,
                    n);
}

struct item_of_run {
    int64_t backfill;
    struct backfill_item item;
};

static void item_of_run_read(sqlite3_stmt *st, struct arena *a, void *row) {
    struct item_of_run *r = row;
    r->backfill = sqlite3_column_int64(st, 0);
    item_read(st, a, &r->item);
}

int store_backfill_item_of_run(struct store *s, int64_t run, struct arena *a, int64_t *backfill,
                               struct backfill_item *out, struct err *err) {
    struct item_of_run found;
    int r = sql_get(SQL(s, item_of_run, err, A_INT(run)), item_of_run_read, a, &found);
    if (r != 1) return r;
    *backfill = found.backfill;
    *out = found.item;
    return 1;
}

/* n items of the backfill went from one state to another. */
static int count_moved(struct store *s, const struct item_move *m, int64_t n, struct err *err) {
    return sql_must(
        SQL(s, backfill_count, err, A_INT(m->backfill), A_TEXT(m->from), A_TEXT(m->to), A_INT(n)));
}

int store_backfill_item_move(struct store *s, const struct item_move *m, struct err *err) {
    int64_t hit = sql_run(SQL(s, item_move, err, A_INT(m->backfill), A_INT(m->n), A_TEXT(m->from),
                              A_TEXT(m->to), A_REF(m->run)));
    if (hit <= 0) return (int)hit;
    return count_moved(s, m, 1, err) ? -1 : 1;
}

int store_backfill_cancel_planned(struct store *s, int64_t backfill, int64_t *n, struct err *err) {
    const struct item_move m = {
        .backfill = backfill, .from = item_state_names[ITEM_planned], .to = item_state_names[ITEM_cancelled]};
    int64_t hit = sql_run(SQL(s, items_cancel, err, A_INT(backfill)));
    if (hit < 0 || (hit && count_moved(s, &m, hit, err))) return -1;
    *n = hit;
    return 0;
}

int store_backfill_replan(struct store *s, int64_t backfill, const char *state, int64_t *n, struct err *err) {
    const struct item_move m = {.backfill = backfill, .from = state, .to = item_state_names[ITEM_planned]};
    int64_t hit = sql_run(SQL(s, items_again, err, A_INT(backfill), A_TEXT(state)));
    if (hit < 0 || (hit && count_moved(s, &m, hit, err))) return -1;
    *n = hit;
    return 0;
}

int store_backfill_blockers(struct store *s, int64_t backfill, int64_t stage, instant_t start, instant_t end,
                            int64_t *n, struct err *err) {
    int r = sql_int(SQL(s, item_blockers, err, A_INT(backfill), A_INT(stage), A_AT(start), A_AT(end)), n);
    return r < 0 ? -1 : 0;
}
