/* intents.c: prepare, commit, close, abort. See intents.h for the life of an intent.
 *
 * Each call sets a savepoint first: whatever stops it half-way, nothing of it stays in the turn's
 * transaction. */
#include "store/intents.h"

#include "base/json.h"
#include "store/bookmarks.h"
#include "store/datasets.h"
#include "store/internal.h"
#include "store/runs.h"

#include <stdlib.h>
#include <string.h>

/* ---- rows ---- */

static void intent_read(sqlite3_stmt *st, struct arena *a, void *row) {
    *(struct intent_row *)row = (struct intent_row){
        .id = sqlite3_column_int64(st, 0),
        .attempt = col_int(st, 1, 0),
        .run = col_int(st, 2, 0),
        .step = (uint32_t)col_int(st, 3, 0),
        .token = col_text(st, 4, a),
        .state = col_text(st, 5, a),
        .author = col_text(st, 6, a),
        .plan = col_text(st, 7, a),
        .bookmark = col_int(st, 8, 0),
        .bookmark_version = col_int(st, 9, 0),
        .bookmark_value = col_text(st, 10, a),
        .created_at = col_instant(st, 11),
        .reason = col_text(st, 12, a),
    };
}

int store_intent_get(struct store *s, int64_t intent, struct arena *a, struct intent_row *out,
                     struct err *err) {
    return sql_get(SQL(s, intent_get, err, A_INT(intent)), intent_read, a, out);
}

int store_intents_open(struct store *s, struct arena *a, struct intent_row **rows, size_t *n,
                       struct err *err) {
    static const struct row_type type = {intent_read, sizeof(struct intent_row)};
    return sql_list(SQL(s, intents_open, err, A_NONE), type, a, rows, n);
}

int store_intent_of_dataset(struct store *s, int64_t dataset, struct arena *a, struct intent_row *out,
                            struct err *err) {
    return sql_get(SQL(s, intent_of_dataset, err, A_INT(dataset)), intent_read, a, out);
}

/* ---- P3 PREPARE ---- */

static enum prepare_end refuse(enum prepare_end end, const char *reason, struct err *err) {
    err_reason(err, reason);
    return end;
}

static enum prepare_end fence(struct store *s, const struct intent_spec *spec, struct err *err) {
    if (!spec->attempt) return PREPARE_DONE;
    int64_t hit = sql_run(SQL(s, attempt_fence, err, A_INT(spec->attempt)));
    if (hit < 0) return PREPARE_FAILED;
    if (hit == 1) return PREPARE_DONE;
    err_set(err, EX_CONFLICT, "attempt %s is over: what it wrote is not published", spec->token);
    return refuse(PREPARE_FENCED, "fenced", err);
}

static enum prepare_end bookmark_claim(struct store *s, const struct intent_spec *spec, struct arena *a,
                                       struct err *err) {
    struct bookmark_row b;
    int64_t other;
    if (!spec->bookmark) return PREPARE_DONE;
    int r = store_bookmark_get(s, spec->bookmark, a, &b, err);
    if (r == 0) err_set(err, EX_FAILED, "there is no bookmark %lld", (long long)spec->bookmark);
    if (r <= 0) return PREPARE_FAILED;
    if (b.version != spec->bookmark_version) {
        err_set(err, EX_CONFLICT, "the bookmark of %s.%s moved from version %lld to %lld while the step ran",
                b.pipeline, b.step, (long long)spec->bookmark_version, (long long)b.version);
        err_hint(err, "see who did: leat bookmark history %s.%s", b.pipeline, b.step);
        return refuse(PREPARE_BOOKMARK_MOVED, "bookmark_moved", err);
    }
    r = sql_int(SQL(s, intent_of_bookmark, err, A_INT(spec->bookmark)), &other);
    if (r < 0) return PREPARE_FAILED;
    if (r == 0) return PREPARE_DONE;
    err_set(err, EX_CONFLICT, "another publish moves the bookmark of %s.%s just now", b.pipeline, b.step);
    return refuse(PREPARE_BOOKMARK_BUSY, "bookmark_busy", err);
}

/* The dataset an output publishes to; made when this is its first publish. */
static int output_dataset(struct store *s, const json_t *output, instant_t at, struct arena *a,
                          struct dataset_row *out, struct err *err) {
    int64_t id = json_int(output, "dataset_id", 0);
    const struct dataset_spec made = {.name = json_text_or(output, "dataset", ""),
                                      .path = json_text_or(output, "path", ""),
                                      .format = json_text_or(output, "format", "files"),
                                      .at = at};
    if (id <= 0 && store_dataset_ensure(s, &made, &id, err)) return -1;
    int r = store_dataset_get(s, id, a, out, err);
    if (r == 0) return err_set(err, EX_FAILED, "there is no dataset %lld", (long long)id);
    return r < 0 ? -1 : 0;
}

static enum prepare_end dataset_free(struct store *s, const struct dataset_row *d, int64_t base,
                                     struct arena *a, struct err *err) {
    struct intent_row other;
    if (d->stopped) {
        err_set(err, EX_CONFLICT, "%s is stopped: %s", d->name, d->stopped);
        return refuse(PREPARE_DATASET_STOPPED, "dataset_stopped", err);
    }
    int r = store_intent_of_dataset(s, d->id, a, &other, err);
    if (r < 0) return PREPARE_FAILED;
    if (r == 1) {
        err_set(err, EX_CONFLICT, "%s is being published by %s", d->name, other.token);
        return refuse(PREPARE_DATASET_BUSY, "dataset_busy", err);
    }
    if (d->head == base) return PREPARE_DONE;
    err_set(err, EX_CONFLICT, "%s is at version %lld, not at %lld", d->name, (long long)d->head,
            (long long)base);
    return refuse(PREPARE_HEAD_MOVED, "version_moved", err);
}

struct claim {
    int64_t intent, n;
    const json_t *output;
    instant_t at;
};

static enum prepare_end output_claim(struct store *s, const struct claim *c, struct arena *a,
                                     struct err *err) {
    struct dataset_row d;
    int64_t base = json_int(c->output, "base", -1);
    if (output_dataset(s, c->output, c->at, a, &d, err)) return PREPARE_FAILED;
    enum prepare_end end = dataset_free(s, &d, base, a, err);
    if (end != PREPARE_DONE) return end;
    return sql_must(SQL(s, intent_output_add, err, A_INT(c->intent), A_INT(c->n), A_INT(d.id), A_INT(base),
                        A_INT(json_int(c->output, "version", base + 1))))
               ? PREPARE_FAILED
               : PREPARE_DONE;
}

static int intent_insert(struct store *s, const struct intent_spec *spec, struct err *err) {
    return sql_must(SQL(s, intent_add, err, A_TEXT(spec->token), A_REF(spec->attempt), A_TEXT(spec->author),
                        A_TEXT(spec->reason), A_JSON(spec->plan), A_REF(spec->bookmark),
                        spec->bookmark ? A_INT(spec->bookmark_version) : A_REF(0),
                        A_JSON(spec->bookmark ? spec->bookmark_value : NULL), A_AT(spec->at)));
}

static enum prepare_end prepare(struct store *s, const struct intent_spec *spec, int64_t *intent,
                                struct arena *a, struct err *err) {
    enum prepare_end end = fence(s, spec, err);
    if (end == PREPARE_DONE) end = bookmark_claim(s, spec, a, err);
    if (end != PREPARE_DONE) return end;
    if (intent_insert(s, spec, err)) return PREPARE_FAILED;
    *intent = sql_last_id(s);
    size_t i;
    json_t *output;
    json_array_foreach(json_object_get(spec->plan, "outputs"), i, output) {
        const struct claim c = {.intent = *intent, .n = (int64_t)i, .output = output, .at = spec->at};
        end = output_claim(s, &c, a, err);
        if (end != PREPARE_DONE) return end;
    }
    return PREPARE_DONE;
}

enum prepare_end store_intent_prepare(struct store *s, const struct intent_spec *spec, int64_t *intent,
                                      struct err *err) {
    int64_t made = 0;
    if (!store_in_transaction(s)) {
        err_set(err, EX_FAILED, "a publish is prepared inside a transaction");
        return PREPARE_FAILED;
    }
    if (sql_mark(s, err)) return PREPARE_FAILED;
    struct arena *a = arena_new();
    enum prepare_end end = prepare(s, spec, &made, a, err);
    arena_free(a);
    if (end == PREPARE_DONE && sql_keep(s, err)) end = PREPARE_FAILED;
    if (end == PREPARE_DONE)
        *intent = made;
    else
        sql_drop(s);
    return end;
}

/* ---- P6 COMMIT ---- */

/* What a publish is made by, for its versions. */
struct maker {
    struct intent_row intent;
    struct attempt_row attempt; /* zeroed without one */
    struct run_row run;
    json_t *plan;
};

static int maker_load(struct store *s, int64_t id, struct arena *a, struct maker *m, struct err *err) {
    int r = store_intent_get(s, id, a, &m->intent, err);
    if (r == 1 && m->intent.attempt) r = store_attempt_get(s, m->intent.attempt, a, &m->attempt, err);
    if (r == 1 && m->intent.attempt) r = store_run_get(s, m->attempt.run, a, &m->run, err);
    if (r == 0) return err_set(err, EX_FAILED, "intent %lld refers to rows that are gone", (long long)id);
    if (r < 0) return -1;
    m->plan = json_parse(m->intent.plan ? m->intent.plan : "null", err);
    return m->plan ? 0 : -1;
}

struct output_row {
    int64_t dataset, base, version;
};

static void output_read(sqlite3_stmt *st, struct arena *a, void *row) {
    (void)a;
    *(struct output_row *)row = (struct output_row){sqlite3_column_int64(st, 0), sqlite3_column_int64(st, 1),
                                                    sqlite3_column_int64(st, 2)};
}

static int output_row(struct store *s, int64_t intent, size_t n, struct output_row *out, struct err *err) {
    int r = sql_get(SQL(s, intent_output_get, err, A_INT(intent), A_INT(n)), output_read, NULL, out);
    if (r == 0) err_set(err, EX_FAILED, "intent %lld has no output %zu", (long long)intent, n);
    return r == 1 ? 0 : -1;
}

static struct publish publish_of(const struct maker *m, const struct output_row *o, const json_t *output,
                                 instant_t at) {
    bool made_by_step = m->intent.attempt != 0;
    return (struct publish){
        .dataset = o->dataset,
        .base = o->base,
        .version = o->version,
        .intent = m->intent.id,
        .token = m->intent.token,
        .author = m->intent.author,
        .reason = m->intent.reason,
        .pipeline = m->attempt.pipeline,
        .step = m->attempt.step_name,
        .run = m->attempt.run,
        .attempt = m->intent.attempt,
        .window_start = made_by_step ? m->run.window_start : INSTANT_NONE,
        .window_end = made_by_step ? m->run.window_end : INSTANT_NONE,
        .at = at,
        .output = output,
    };
}

static int output_commit(struct store *s, const struct maker *m, size_t n, const json_t *output, instant_t at,
                         struct err *err) {
    struct output_row o;
    if (output_row(s, m->intent.id, n, &o, err)) return -1;
    const struct publish p = publish_of(m, &o, output, at);
    if (publish_version(s, &p, err)) return -1;
    if (!p.attempt) return 0;
    if (sql_run(SQL(s, pin_move, err, A_INT(p.attempt), A_INT(p.dataset), A_INT(p.version))) < 0) return -1;
    /* Checks are about the step's first output; the others (quarantine) have none. */
    if (n > 0) return 0;
    return sql_run(SQL(s, metrics_keep, err, A_INT(p.attempt), A_INT(p.dataset), A_INT(p.version))) < 0 ? -1
                                                                                                        : 0;
}

static int intent_bookmark_commit(struct store *s, const struct maker *m, instant_t at, struct err *err) {
    if (!m->intent.bookmark) return 0;
    const struct bookmark_move move = {.id = m->intent.bookmark,
                                       .version = m->intent.bookmark_version,
                                       .change = "advance",
                                       .author = m->attempt.step_name,
                                       .run = m->attempt.run,
                                       .attempt = m->intent.attempt,
                                       .at = at};
    json_t *proposal = json_parse(m->intent.bookmark_value ? m->intent.bookmark_value : "null", err);
    if (!proposal) return -1;
    int r = bookmark_commit(s, &move, proposal, err);
    json_decref(proposal);
    if (r == 0) err_set(err, EX_CONFLICT, "the bookmark moved under its publish");
    return r == 1 ? 0 : -1;
}

static int attempt_succeed(struct store *s, const struct maker *m, const struct attempt_end *end,
                           instant_t at, struct err *err) {
    if (!m->intent.attempt) return 0;
    struct attempt_end e = end ? *end : (struct attempt_end){.exit_code = -1};
    e.id = m->intent.attempt, e.from = "publishing", e.to = "success", e.at = at;
    int r = store_attempt_end(s, &e, err);
    if (r == 0) err_set(err, EX_CONFLICT, "attempt %s is not publishing", m->intent.token);
    return r == 1 ? 0 : -1;
}

static int commit_all(struct store *s, const struct maker *m, const struct attempt_end *end, instant_t at,
                      struct err *err) {
    size_t i;
    json_t *output;
    json_array_foreach(json_object_get(m->plan, "outputs"), i,
                       output) if (output_commit(s, m, i, output, at, err)) return -1;
    if (intent_bookmark_commit(s, m, at, err)) return -1;
    if (attempt_succeed(s, m, end, at, err)) return -1;
    return sql_must(SQL(s, outbox_add, err, A_INT(m->intent.id), A_REF(m->intent.attempt), A_AT(at)));
}

static int commit_claimed(struct store *s, int64_t intent, const struct attempt_end *end, instant_t at,
                          struct err *err) {
    struct maker m = {0};
    struct arena *a = arena_new();
    int r = maker_load(s, intent, a, &m, err);
    if (!r) r = commit_all(s, &m, end, at, err);
    json_decref(m.plan);
    arena_free(a);
    return r;
}

int store_intent_commit(struct store *s, int64_t intent, const struct attempt_end *end, instant_t at,
                        struct err *err) {
    if (!store_in_transaction(s))
        return err_set(err, EX_FAILED, "a publish is committed inside a transaction");
    if (sql_mark(s, err)) return -1;
    int64_t hit = sql_run(SQL(s, intent_commit, err, A_INT(intent), A_AT(at)));
    int r = hit < 0 ? -1 : 0;
    if (hit == 1) r = commit_claimed(s, intent, end, at, err);
    if (!r) r = sql_keep(s, err);
    if (r) sql_drop(s);
    return r ? -1 : (int)hit;
}

/* ---- P7, abort, replan ---- */

int store_intent_close(struct store *s, int64_t intent, instant_t at, struct err *err) {
    int64_t hit = sql_run(SQL(s, intent_done, err, A_INT(intent), A_AT(at)));
    if (hit == 1 && sql_run(SQL(s, intent_outputs_close, err, A_INT(intent))) < 0) return -1;
    return (int)hit;
}

int store_intent_abort(struct store *s, int64_t intent, const char *reason, instant_t at, struct err *err) {
    int64_t hit = sql_run(SQL(s, intent_abort, err, A_INT(intent), A_AT(at), A_TEXT(reason)));
    if (hit == 1 && sql_run(SQL(s, intent_outputs_close, err, A_INT(intent))) < 0) return -1;
    return (int)hit;
}

static int outside_commit(struct store *s, int64_t intent, const json_t *entry, instant_t at,
                          struct err *err) {
    struct output_row o;
    int64_t head;
    if (output_row(s, intent, (size_t)json_int(entry, "output", 0), &o, err)) return -1;
    if (sql_int(SQL(s, version_head, err, A_INT(o.dataset)), &head) != 1) return -1;
    const struct publish p = {.dataset = o.dataset,
                              .base = head,
                              .version = json_int(entry, "version", head + 1),
                              .author = json_text(entry, "writer"),
                              .window_start = INSTANT_NONE,
                              .window_end = INSTANT_NONE,
                              .at = at,
                              .output = entry,
                              .outside = true};
    return publish_version(s, &p, err);
}

/* The outputs of the new plan stand on the heads as they are now. */
static int outputs_rebase(struct store *s, int64_t intent, const json_t *plan, struct err *err) {
    size_t i;
    json_t *output;
    json_array_foreach(json_object_get(plan, "outputs"), i, output) {
        struct output_row o;
        int64_t head, base = json_int(output, "base", -1);
        if (output_row(s, intent, i, &o, err)) return -1;
        if (sql_int(SQL(s, version_head, err, A_INT(o.dataset)), &head) != 1) return -1;
        if (head != base)
            return err_set(err, EX_CONFLICT, "dataset %lld is at version %lld, the new plan stands on %lld",
                           (long long)o.dataset, (long long)head, (long long)base);
        if (sql_must(SQL(s, intent_output_rebase, err, A_INT(intent), A_INT(i), A_INT(base),
                         A_INT(json_int(output, "version", base + 1)))))
            return -1;
    }
    return 0;
}

int store_intent_replan(struct store *s, int64_t intent, const json_t *plan, instant_t at, struct err *err) {
    if (!store_in_transaction(s)) return err_set(err, EX_FAILED, "a plan is replaced inside a transaction");
    if (sql_mark(s, err)) return -1;
    int64_t hit = sql_run(SQL(s, intent_replan, err, A_INT(intent), A_JSON(plan)));
    int r = hit < 0 ? -1 : 0;
    size_t i;
    json_t *entry;
    if (hit == 1)
        json_array_foreach(json_object_get(plan, "outside"), i, entry) if (!r) r =
            outside_commit(s, intent, entry, at, err);
    if (hit == 1 && !r) r = outputs_rebase(s, intent, plan, err);
    if (!r) r = sql_keep(s, err);
    if (r) sql_drop(s);
    return r ? -1 : (int)hit;
}
