/* bookmarks.c: bookmarks and their versions. The set of a files bookmark is in seen.c. */
#include "store/bookmarks.h"

#include "base/json.h"
#include "store/attempts.h"
#include "store/internal.h"
#include "store/runs.h"
#include "store/seen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- asking ---- */

int store_bookmark_ensure(struct store *s, const struct bookmark_key *k, int64_t *id, struct err *err) {
    if (sql_run(SQL(s, bookmark_add, err, A_TEXT(k->pipeline), A_TEXT(k->step), A_TEXT(k->kind),
                    A_TEXT(k->source))) < 0)
        return -1;
    int r = sql_int(SQL(s, bookmark_find, err, A_TEXT(k->pipeline), A_TEXT(k->step), A_TEXT(k->kind)), id);
    return r == 1 ? 0 : -1;
}

static void bookmark_read(sqlite3_stmt *st, struct arena *a, void *row) {
    *(struct bookmark_row *)row = (struct bookmark_row){
        .id = sqlite3_column_int64(st, 0),
        .pipeline = col_text(st, 1, a),
        .step = col_text(st, 2, a),
        .source = col_text(st, 3, a),
        .kind = col_text(st, 4, a),
        .version = sqlite3_column_int64(st, 5),
        .value = col_text(st, 6, a),
        .run = col_int(st, 7, 0),
        .attempt = col_int(st, 8, 0),
        .change = col_text(st, 9, a),
        .author = col_text(st, 10, a),
        .reason = col_text(st, 11, a),
        .same_as = col_int(st, 12, -1),
        .changed_at = col_instant(st, 13),
    };
}

static const struct row_type bookmark_type = {bookmark_read, sizeof(struct bookmark_row)};

int store_bookmark_get(struct store *s, int64_t id, struct arena *a, struct bookmark_row *out,
                       struct err *err) {
    return sql_get(SQL(s, bookmark_get, err, A_INT(id)), bookmark_read, a, out);
}

int store_bookmarks_list(struct store *s, const char *pipeline, const char *step, struct arena *a,
                         struct bookmark_row **rows, size_t *n, struct err *err) {
    return sql_list(SQL(s, bookmarks_list, err, A_TEXT(pipeline), A_TEXT(step)), bookmark_type, a, rows, n);
}

int store_bookmark_at(struct store *s, int64_t id, int64_t version, struct arena *a, struct bookmark_row *out,
                      struct err *err) {
    return sql_get(SQL(s, bookmark_at, err, A_INT(id), A_INT(version)), bookmark_read, a, out);
}

int store_bookmark_history(struct store *s, int64_t id, int64_t limit, struct arena *a,
                           struct bookmark_row **rows, size_t *n, struct err *err) {
    return sql_list(SQL(s, bookmark_history, err, A_INT(id), A_INT(limit > 0 ? limit : -1)), bookmark_type, a,
                    rows, n);
}

int store_bookmark_version_at(struct store *s, int64_t id, instant_t at, int64_t *version, struct err *err) {
    int64_t found = 0;
    if (sql_int(SQL(s, bookmark_version_at, err, A_INT(id), A_AT(at)), &found) < 0) return -1;
    *version = found;
    return 0;
}

int store_bookmark_version_of_run(struct store *s, int64_t id, int64_t run, int64_t *version,
                                  struct err *err) {
    int r = sql_int(SQL(s, bookmark_version_run, err, A_INT(id), A_INT(run)), version);
    if (r) return r;
    struct run_row row;
    struct arena *a = arena_new();
    r = store_run_get(s, run, a, &row, err);
    instant_t end = r == 1 && row.finished_at != INSTANT_NONE ? row.finished_at : INT64_MAX;
    arena_free(a);
    if (r <= 0) return r;
    return store_bookmark_version_at(s, id, end, version, err) ? -1 : 1;
}

static void moved_read(sqlite3_stmt *st, struct arena *a, void *row) {
    (void)a;
    *(struct bookmark_moved *)row =
        (struct bookmark_moved){sqlite3_column_int64(st, 0), sqlite3_column_int64(st, 1)};
}

int store_bookmarks_moved(struct store *s, const struct version_span *span, struct arena *a,
                          struct bookmark_moved **rows, size_t *n, struct err *err) {
    static const struct row_type type = {moved_read, sizeof(struct bookmark_moved)};
    return sql_list(SQL(s, bookmarks_moved, err, A_INT(span->dataset), A_INT(span->after), A_INT(span->upto)),
                    type, a, rows, n);
}

static void who_read(sqlite3_stmt *st, struct arena *a, void *row) {
    (void)a;
    snprintf(row, TOKEN_TEXT, "%s", (const char *)sqlite3_column_text(st, 0));
}

int store_bookmark_busy(struct store *s, int64_t id, char who[160], struct err *err) {
    char token[TOKEN_TEXT] = "";
    int r = sql_get(SQL(s, bookmark_intent, err, A_INT(id)), who_read, NULL, token);
    if (r == 1) snprintf(who, 160, "%s is publishing", token);
    if (r) return r;
    r = sql_get(SQL(s, bookmark_live, err, A_INT(id)), who_read, NULL, token);
    if (r == 1) snprintf(who, 160, "%s is running", token);
    return r;
}

/* ---- moving ---- */

struct content {
    json_t *value; /* owned; NULL: nothing */
    int64_t same_as;
};

static int version_add(struct store *s, const struct bookmark_move *m, const struct content *c,
                       struct err *err) {
    return sql_must(SQL(s, bookmark_version_add, err, A_INT(m->id), A_INT(m->version + 1), A_JSON(c->value),
                        A_TEXT(m->change), A_KNOWN(c->same_as), A_REF(m->run), A_REF(m->attempt),
                        A_TEXT(m->author), A_TEXT(m->reason), A_AT(m->at)));
}

static json_t *value_now(struct store *s, const struct bookmark_move *m, struct arena *a,
                         struct bookmark_row *now, struct err *err) {
    if (store_bookmark_at(s, m->id, m->version, a, now, err) != 1) return NULL;
    return now->value ? json_parse(now->value, err) : json_null();
}

/* Datasets that the proposal does not name were not read this time: what was consumed of them stays
 * consumed. */
static json_t *merge_versions(const json_t *now, const json_t *proposal) {
    json_t *value = json_is_object(now) ? json_deep_copy(now) : json_object();
    json_object_update(value, json_object_get(proposal, "datasets"));
    return value;
}

static int propose(struct store *s, const struct bookmark_move *m, const json_t *proposal,
                   struct content *out, struct err *err) {
    struct bookmark_row b = {0};
    struct arena *a = arena_new();
    json_t *now = value_now(s, m, a, &b, err);
    int r = now ? 0 : -1;
    if (!r && strcmp(b.kind, "files") == 0) {
        int64_t total = json_int(now, "files", 0);
        r = seen_commit(s, m->id, m->version + 1, json_object_get(proposal, "files"), &total, err);
        out->value = json_pack("{s:I}", "files", (json_int_t)total);
    } else if (!r && strcmp(b.kind, "version") == 0) {
        out->value = merge_versions(now, proposal);
    } else if (!r) {
        out->value = json_incref(json_object_get(proposal, "value"));
    }
    json_decref(now);
    arena_free(a);
    return r;
}

int bookmark_commit(struct store *s, const struct bookmark_move *m, const json_t *proposal, struct err *err) {
    int64_t hit = sql_run(SQL(s, bookmark_move, err, A_INT(m->id), A_INT(m->version)));
    if (hit <= 0) return (int)hit;
    struct content c = {.same_as = -1};
    int r = propose(s, m, proposal, &c, err);
    if (!r) r = version_add(s, m, &c, err);
    json_decref(c.value);
    return r ? -1 : 1;
}

/* An intent owns the bookmark from P3 to P7: nobody else moves it. 1: one does. */
static int owned(struct store *s, int64_t id, struct err *err) {
    int64_t intent;
    return sql_int(SQL(s, intent_of_bookmark, err, A_INT(id)), &intent);
}

int store_bookmark_advance(struct store *s, const struct bookmark_move *m, const json_t *proposal,
                           struct err *err) {
    int r = owned(s, m->id, err);
    return r ? (r < 0 ? -1 : 0) : bookmark_commit(s, m, proposal, err);
}

int store_bookmark_put(struct store *s, const struct bookmark_move *m, const json_t *value, struct err *err) {
    int r = owned(s, m->id, err);
    if (r) return r < 0 ? -1 : 0;
    int64_t hit = sql_run(SQL(s, bookmark_move, err, A_INT(m->id), A_INT(m->version)));
    if (hit <= 0) return (int)hit;
    struct content c = {.value = value ? json_deep_copy(value) : NULL, .same_as = -1};
    r = value ? 0 : seen_restore(s, m->id, m->version + 1, 0, err);
    if (!r) r = version_add(s, m, &c, err);
    json_decref(c.value);
    return r ? -1 : 1;
}

/* A set may have lost files to its horizon since: it is counted, not copied. */
static int files_content(struct store *s, const struct bookmark_move *m, int64_t to, struct content *out,
                         struct err *err) {
    int64_t more = 0;
    struct bookmark_row now;
    struct arena *a = arena_new();
    int r = seen_difference(s, m->id, m->version, to, &more, err);
    json_t *value = r ? NULL : value_now(s, m, a, &now, err);
    json_int_t files = json_int(value, "files", 0) + more;
    if (value) out->value = json_pack("{s:I}", "files", files);
    json_decref(value);
    arena_free(a);
    return value ? 0 : -1;
}

static int content_then(struct store *s, const struct bookmark_move *m, const struct bookmark_row *then,
                        struct content *out, struct err *err) {
    if (!then->value) return 0;
    if (strcmp(then->kind, "files") == 0) return files_content(s, m, out->same_as, out, err);
    out->value = json_parse(then->value, err);
    return out->value ? 0 : -1;
}

/* The content that version out->same_as had. */
static int content_of(struct store *s, const struct bookmark_move *m, struct content *out, struct err *err) {
    struct bookmark_row then;
    struct arena *a = arena_new();
    int r = store_bookmark_at(s, m->id, out->same_as, a, &then, err);
    if (r == 0) err_set(err, EX_NOT_FOUND, "the bookmark has no version %lld", (long long)out->same_as);
    r = r == 1 ? content_then(s, m, &then, out, err) : -1;
    arena_free(a);
    return r;
}

int store_bookmark_restore(struct store *s, const struct bookmark_move *m, int64_t to, struct err *err) {
    int r = owned(s, m->id, err);
    if (r) return r < 0 ? -1 : 0;
    struct content c = {.same_as = to};
    if (content_of(s, m, &c, err)) {
        json_decref(c.value);
        return -1;
    }
    int64_t hit = sql_run(SQL(s, bookmark_move, err, A_INT(m->id), A_INT(m->version)));
    r = hit < 0 ? -1 : 0;
    if (hit == 1) r = seen_restore(s, m->id, m->version + 1, to, err);
    if (hit == 1 && !r) r = version_add(s, m, &c, err);
    json_decref(c.value);
    return r ? -1 : (int)hit;
}
