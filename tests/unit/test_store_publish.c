/* P3, P6, P7 in the database: what moves together, who loses, and what the files of a version are. */
#include "tests/unit/store_fixture.h"

struct pub {
    struct fx f;
    int64_t definition, bookmark;
};

static void pub_begin(struct pub *p) {
    struct err err;
    const struct bookmark_key k = {.pipeline = "p", .step = "s0", .kind = "version", .source = "raw.in"};
    fx_begin(&p->f);
    assert_ok(store_begin(p->f.s, &err));
    p->definition = fx_definition(p->f.s, "p", 3, "aa");
    assert_ok(store_bookmark_ensure(p->f.s, &k, &p->bookmark, &err));
    assert_ok(store_commit(p->f.s, &err));
    assert_ok(store_begin(p->f.s, &err)); /* the test is one turn unless it says otherwise */
}

static void pub_end(struct pub *p) {
    store_rollback(p->f.s);
    fx_end(&p->f);
}

struct wish {
    json_t *plan; /* stolen */
    uint32_t step;
    int64_t run;            /* 0: a new one */
    instant_t window_start; /* of a new run, a day long; 0: none */
    bool moves;             /* the bookmark, from bookmark_version */
    int64_t bookmark_version;
    int64_t consumed;
    int64_t attempt, intent; /* out */
};

static enum prepare_end prepare(struct pub *p, struct wish *w, struct err *err) {
    struct err e = {0};
    if (!w->run) {
        const struct run_spec r = {.definition = p->definition,
                                   .trigger = "manual",
                                   .window_start = w->window_start ? w->window_start : INSTANT_NONE,
                                   .window_end =
                                       w->window_start ? w->window_start + US_PER_DAY : INSTANT_NONE,
                                   .scheduled_for = INSTANT_NONE,
                                   .at = NOON};
        if (store_run_add(p->f.s, &r, &w->run, &e)) fail_msg("%s", e.msg);
    }
    w->attempt = fx_attempt(p->f.s, w->run, w->step);
    struct attempt_row a;
    assert_int_equal(1, store_attempt_get(p->f.s, w->attempt, p->f.a, &a, &e));
    json_t *value =
        json_pack("{s:s,s:{s:I}}", "kind", "version", "datasets", "raw.in", (json_int_t)w->consumed);
    const struct intent_spec spec = {.token = a.token,
                                     .attempt = w->attempt,
                                     .plan = w->plan,
                                     .bookmark = w->moves ? p->bookmark : 0,
                                     .bookmark_version = w->bookmark_version,
                                     .bookmark_value = value,
                                     .at = NOON};
    enum prepare_end end = store_intent_prepare(p->f.s, &spec, &w->intent, err);
    json_decref(value);
    json_decref(w->plan);
    return end;
}

static void publish(struct pub *p, struct wish *w) {
    struct err err = {0};
    enum prepare_end end = prepare(p, w, &err);
    if (end != PREPARE_DONE) fail_msg("prepare: %d %s", end, err.msg);
    assert_hit(1, store_intent_commit(p->f.s, w->intent, NULL, NOON + 1, &err));
    assert_hit(1, store_intent_close(p->f.s, w->intent, NOON + 2, &err));
}

static struct dataset_row dataset(struct pub *p, const char *name) {
    struct err err;
    struct dataset_row d;
    assert_hit(1, store_dataset_find(p->f.s, name, p->f.a, &d, &err));
    return d;
}

static struct bookmark_row bookmark(struct pub *p) {
    struct err err;
    struct bookmark_row b;
    assert_hit(1, store_bookmark_get(p->f.s, p->bookmark, p->f.a, &b, &err));
    return b;
}

#define WISH(...) (&(struct wish){__VA_ARGS__})

static void everything_moves_at_p6_and_nothing_before(void **state) {
    (void)state;
    struct pub p;
    struct err err;
    struct attempt_row a;
    struct intent_row i, *open;
    struct version_row v;
    struct file_list files;
    size_t n;
    pub_begin(&p);
    struct wish *w = WISH(.plan = fx_plan("raw.orders", -1, "append", "a-1", 5), .moves = true,
                          .bookmark_version = 0, .consumed = 4);
    assert_int_equal(PREPARE_DONE, prepare(&p, w, &err));
    struct dataset_row d = dataset(&p, "raw.orders"); /* made by its first publish */
    assert_int_equal(-1, d.head);
    assert_string_equal("/lake/x", d.path);
    assert_string_equal("raw", d.zone);
    assert_null(d.columns);
    assert_int_equal(0, bookmark(&p).version);
    assert_hit(1, store_attempt_get(p.f.s, w->attempt, p.f.a, &a, &err));
    assert_string_equal("publishing", a.state);
    assert_int_equal('p', a.phase);
    assert_ok(store_intents_open(p.f.s, p.f.a, &open, &n, &err));
    assert_int_equal(1, n);
    assert_string_equal("prepared", open[0].state);
    assert_non_null(strstr(open[0].plan, "a-1"));
    assert_int_equal(w->run, open[0].run);
    assert_hit(0, store_intent_close(p.f.s, w->intent, NOON, &err)); /* not before P6 */
    json_t *checks = json_pack("[{s:s,s:s,s:s,s:f},{s:s,s:s}]", "check", "row_count > 0", "result", "ok",
                               "metric", "row_count", "value", 5.0, "check", "x", "result", "warn");
    assert_ok(store_checks_put(p.f.s, w->attempt, checks, &err));
    json_decref(checks);
    assert_hit(1, store_intent_commit(p.f.s, w->intent,
                                      &(struct attempt_end){.exit_code = 0, .message = "5 rows"}, NOON + 1,
                                      &err));
    assert_hit(0, store_intent_commit(p.f.s, w->intent, NULL, NOON + 1, &err)); /* once */
    d = dataset(&p, "raw.orders");
    assert_int_equal(0, d.head);
    assert_int_equal(5, d.rows);
    assert_int_equal(50, d.bytes);
    assert_int_equal(1, d.files);
    assert_string_equal("t-1", d.table_id);
    assert_string_equal("[{\"name\":\"id\",\"type\":\"long\"}]", d.columns);
    assert_int_equal(w->run, d.last_run);
    struct bookmark_row b = bookmark(&p);
    assert_int_equal(1, b.version);
    assert_string_equal("{\"raw.in\":4}", b.value);
    assert_string_equal("s0", b.author);
    assert_int_equal(w->run, b.run);
    assert_hit(1, store_attempt_get(p.f.s, w->attempt, p.f.a, &a, &err));
    assert_string_equal("success", a.state);
    assert_string_equal("5 rows", a.message);
    assert_hit(1, store_version_get(p.f.s, d.id, 0, p.f.a, &v, &err));
    assert_string_equal("append", v.operation);
    assert_string_equal("p", v.pipeline);
    assert_string_equal("s0", v.step);
    assert_string_equal(a.token, v.token);
    assert_int_equal(-1, v.based_on);
    assert_int_equal(1, v.checks_ok);
    assert_int_equal(1, v.checks_warn);
    assert_ok(store_files_at(p.f.s, d.id, 0, p.f.a, &files, &err));
    assert_int_equal(1, files.count);
    assert_string_equal("a-1", files.rows[0].path);
    assert_string_equal("{\"day\":\"2026-01-01\"}", files.rows[0].partition);
    double last[2];
    assert_ok(store_metric_history(p.f.s, d.id, "row_count", 2, last, &n, &err));
    assert_int_equal(1, n);
    assert_true(last[0] == 5.0);
    /* Open until P7. */
    assert_hit(1, store_intent_of_dataset(p.f.s, d.id, p.f.a, &i, &err));
    assert_string_equal("committed", i.state);
    assert_hit(0, store_intent_abort(p.f.s, w->intent, "late", NOON, &err));
    assert_hit(1, store_intent_close(p.f.s, w->intent, NOON + 2, &err));
    assert_hit(0, store_intent_of_dataset(p.f.s, d.id, p.f.a, &i, &err));
    assert_hit(1, store_intent_get(p.f.s, w->intent, p.f.a, &i, &err));
    assert_null(i.plan);
    assert_string_equal("done", i.state);
    pub_end(&p);
}

/* ---- losers ---- */

static void a_fenced_attempt_publishes_nothing(void **state) {
    (void)state;
    struct pub p;
    struct err err;
    pub_begin(&p);
    struct wish *w = WISH(.plan = fx_plan("raw.orders", -1, "append", "a-1", 5));
    int64_t run = fx_run(p.f.s, p.definition), id = fx_attempt(p.f.s, run, 0), intent;
    const struct attempt_end lost = {.id = id, .from = "running", .to = "lost", .exit_code = -1, .at = NOON};
    assert_hit(1, store_attempt_end(p.f.s, &lost, &err));
    const struct intent_spec spec = {.token = "z", .attempt = id, .plan = w->plan, .at = NOON};
    assert_int_equal(PREPARE_FENCED, store_intent_prepare(p.f.s, &spec, &intent, &err));
    assert_string_equal("fenced", err.reason);
    struct dataset_row d;
    assert_hit(0, store_dataset_find(p.f.s, "raw.orders", p.f.a, &d, &err)); /* not even the dataset */
    json_decref(w->plan);
    pub_end(&p);
}

static void losers_change_nothing(void **state) {
    (void)state;
    struct pub p;
    struct err err;
    struct attempt_row a;
    pub_begin(&p);
    publish(&p, WISH(.plan = fx_plan("raw.orders", -1, "append", "a-1", 5), .moves = true,
                     .bookmark_version = 0, .consumed = 1));
    /* The head moved. */
    struct wish *w = WISH(.plan = fx_plan("raw.orders", -1, "append", "a-2", 5));
    assert_int_equal(PREPARE_HEAD_MOVED, prepare(&p, w, &err));
    assert_string_equal("version_moved", err.reason);
    assert_int_equal(EX_CONFLICT, err.exit);
    assert_string_equal("raw.orders is at version 0, not at -1", err.msg);
    assert_hit(1, store_attempt_get(p.f.s, w->attempt, p.f.a, &a, &err));
    assert_string_equal("running", a.state); /* it may plan again */
    /* The bookmark moved. */
    w = WISH(.plan = fx_plan("raw.orders", 0, "append", "a-3", 5), .moves = true, .bookmark_version = 0,
             .consumed = 2);
    assert_int_equal(PREPARE_BOOKMARK_MOVED, prepare(&p, w, &err));
    assert_non_null(strstr(err.msg, "p.s0 moved from version 0 to 1"));
    /* Two at once: the second waits, for the dataset and for the bookmark. */
    struct wish *first = WISH(.plan = fx_plan("raw.orders", 0, "append", "a-4", 5), .moves = true,
                              .bookmark_version = 1, .consumed = 2);
    assert_int_equal(PREPARE_DONE, prepare(&p, first, &err));
    w = WISH(.plan = fx_plan("raw.orders", 0, "append", "a-5", 5));
    assert_int_equal(PREPARE_DATASET_BUSY, prepare(&p, w, &err));
    assert_non_null(strstr(err.msg, "is being published by r"));
    w = WISH(.plan = fx_plan("raw.other", -1, "append", "b-1", 5), .moves = true, .bookmark_version = 1,
             .consumed = 3);
    assert_int_equal(PREPARE_BOOKMARK_BUSY, prepare(&p, w, &err));
    struct dataset_row d;
    assert_hit(0, store_dataset_find(p.f.s, "raw.other", p.f.a, &d, &err));
    /* Given up, the dataset is free again and the attempt can be ended. */
    assert_hit(1, store_intent_abort(p.f.s, first->intent, "conflict", NOON, &err));
    assert_hit(0, store_intent_commit(p.f.s, first->intent, NULL, NOON, &err));
    const struct attempt_end failed = {
        .id = first->attempt, .from = "publishing", .to = "failed", .exit_code = -1, .at = NOON};
    assert_hit(1, store_attempt_end(p.f.s, &failed, &err));
    w = WISH(.plan = fx_plan("raw.orders", 0, "append", "a-6", 5), .moves = true, .bookmark_version = 1,
             .consumed = 2);
    assert_int_equal(PREPARE_DONE, prepare(&p, w, &err));
    assert_int_equal(1, bookmark(&p).version);
    /* Stopped. */
    assert_hit(1, store_intent_abort(p.f.s, w->intent, "x", NOON, &err));
    assert_hit(1, store_dataset_stop(p.f.s, dataset(&p, "raw.orders").id, "ahead of the database", &err));
    w = WISH(.plan = fx_plan("raw.orders", 0, "append", "a-7", 5));
    assert_int_equal(PREPARE_DATASET_STOPPED, prepare(&p, w, &err));
    assert_non_null(strstr(err.msg, "ahead of the database"));
    pub_end(&p);
}

/* One bad output: the whole P6 is off, though parts of it went well. */
static void a_commit_is_all_or_nothing(void **state) {
    (void)state;
    struct pub p;
    struct err err;
    pub_begin(&p);
    json_t *plan = fx_plan("raw.orders", -1, "append", "a-1", 5);
    json_t *bad = fx_plan("raw.bad", -1, "append", "b-1", 5);
    json_t *output = json_array_get(json_object_get(bad, "outputs"), 0);
    json_object_set_new(output, "removes", json_pack("[{s:s}]", "path", "never-there"));
    json_array_append(json_object_get(plan, "outputs"), output);
    json_decref(bad);
    struct wish *w = WISH(.plan = plan, .moves = true, .bookmark_version = 0, .consumed = 1);
    assert_int_equal(PREPARE_DONE, prepare(&p, w, &err));
    assert_int_equal(-1, store_intent_commit(p.f.s, w->intent, NULL, NOON, &err));
    assert_non_null(strstr(err.msg, "never-there"));
    assert_true(store_in_transaction(p.f.s));
    assert_int_equal(-1, dataset(&p, "raw.orders").head);
    assert_int_equal(0, bookmark(&p).version);
    struct intent_row i;
    assert_hit(1, store_intent_get(p.f.s, w->intent, p.f.a, &i, &err));
    assert_string_equal("prepared", i.state);
    pub_end(&p);
}

static void two_datasets_in_one_intent(void **state) {
    (void)state;
    struct pub p;
    struct err err;
    const char **tokens;
    size_t n;
    pub_begin(&p);
    json_t *plan = fx_plan("trusted.orders", -1, "append", "a-1", 5);
    json_t *other = fx_plan("trusted.orders__quarantine", -1, "append", "q-1", 2);
    json_array_extend(json_object_get(plan, "outputs"), json_object_get(other, "outputs"));
    json_decref(other);
    struct wish *w = WISH(.plan = plan);
    assert_int_equal(PREPARE_DONE, prepare(&p, w, &err));
    assert_ok(store_tokens_live(p.f.s, p.f.a, &tokens, &n, &err));
    assert_int_equal(1, n);
    assert_hit(1, store_intent_commit(p.f.s, w->intent, NULL, NOON, &err));
    assert_int_equal(0, dataset(&p, "trusted.orders").head);
    assert_int_equal(2, dataset(&p, "trusted.orders__quarantine").rows);
    assert_hit(1, store_intent_close(p.f.s, w->intent, NOON, &err));
    assert_ok(store_tokens_live(p.f.s, p.f.a, &tokens, &n, &err));
    assert_int_equal(0, n);
    pub_end(&p);
}

/* ---- files of versions ---- */

static json_t *with_removes(json_t *plan, const char *a, const char *b) {
    json_t *list = json_object_get(json_array_get(json_object_get(plan, "outputs"), 0), "removes");
    if (a) json_array_append_new(list, json_pack("{s:s}", "path", a));
    if (b) json_array_append_new(list, json_string(b));
    return plan;
}

static void expect_files(struct pub *p, int64_t since, int64_t version, const char *names) {
    struct err err;
    struct file_list l;
    struct buf b = BUF_INIT;
    assert_ok(store_files_new(p->f.s, dataset(p, "raw.orders").id, since, version, p->f.a, &l, &err));
    for (size_t i = 0; i < l.count; i++) buf_addf(&b, "%s%s", i ? " " : "", l.rows[i].path);
    assert_string_equal(names, buf_str(&b));
    struct file_totals t;
    assert_ok(store_files_totals(p->f.s, dataset(p, "raw.orders").id, since, version, &t, &err));
    assert_int_equal(l.count, t.files);
    buf_release(&b);
}

/* v0 +a  v1 +b  v2 +c -a  v3 +d -b -c  v4 rollback to v1: +a +b -d */
static void five_versions(struct pub *p) {
    publish(p, WISH(.plan = fx_plan("raw.orders", -1, "append", "a", 1)));
    publish(p, WISH(.plan = fx_plan("raw.orders", 0, "append", "b", 2)));
    publish(p, WISH(.plan = with_removes(fx_plan("raw.orders", 1, "merge", "c", 4), "a", NULL)));
    publish(p, WISH(.plan = with_removes(fx_plan("raw.orders", 2, "replace", "d", 8), "b", "c")));
    json_t *back = with_removes(fx_plan("raw.orders", 3, "rollback", "a", 1), "d", NULL);
    json_t *output = json_array_get(json_object_get(back, "outputs"), 0);
    json_object_set_new(output, "rolled_back_to", json_integer(1));
    json_array_append_new(json_object_get(output, "files"),
                          json_pack("{s:s,s:i,s:i}", "target", "b", "rows", 2, "bytes", 20));
    publish(p, WISH(.plan = back));
}

static void versions_list_exactly_their_files(void **state) {
    (void)state;
    struct pub p;
    struct err err;
    struct version_row *v;
    size_t n;
    int64_t first, version, run;
    pub_begin(&p);
    five_versions(&p);
    int64_t id = dataset(&p, "raw.orders").id;
    expect_files(&p, -1, 0, "a");
    expect_files(&p, -1, 1, "a b");
    expect_files(&p, -1, 2, "b c");
    expect_files(&p, -1, 3, "d");
    expect_files(&p, -1, 4, "a b");
    expect_files(&p, 0, 1, "b");
    expect_files(&p, 1, 2, "c");
    expect_files(&p, 2, 3, "d");
    expect_files(&p, 0, 2, "b c");
    expect_files(&p, 4, 4, "");
    static const int64_t removed[][3] = {{0, 1, -1}, {0, 2, 2},  {1, 4, 2},  {2, 4, 3},
                                         {3, 4, 4},  {4, 4, -1}, {-1, 4, -1}};
    for (size_t i = 0; i < sizeof removed / sizeof *removed; i++) {
        assert_ok(store_files_removed_in(p.f.s, id, removed[i][0], removed[i][1], &first, &err));
        assert_int_equal(removed[i][2], first);
    }
    assert_ok(store_versions_list(p.f.s, id, -1, 0, p.f.a, &v, &n, &err));
    assert_int_equal(5, n);
    static const int64_t rows[] = {3, 8, 6, 3, 1}, gone[] = {1, 2, 1, 0, 0};
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(4 - (int64_t)i, v[i].version);
        assert_int_equal(rows[i], v[i].rows);
        assert_int_equal(rows[i] * 10, v[i].bytes);
        assert_int_equal(gone[i], v[i].files_removed);
    }
    assert_int_equal(1, v[0].rolled_back_to);
    assert_int_equal(-1, v[1].rolled_back_to);
    assert_ok(store_versions_list(p.f.s, id, 3, 2, p.f.a, &v, &n, &err));
    assert_int_equal(2, n);
    assert_int_equal(2, v[0].version);
    assert_hit(1, store_version_replaced(p.f.s, id, &version, &run, &err));
    assert_int_equal(3, version);
    pub_end(&p);
}

static void files_are_found_by_what_they_are(void **state) {
    (void)state;
    struct pub p;
    struct err err;
    struct file_row row;
    struct file_list l;
    pub_begin(&p);
    json_t *plan = fx_plan("raw.orders", -1, "append", "a", -1);
    json_t *file =
        json_array_get(json_object_get(json_array_get(json_object_get(plan, "outputs"), 0), "files"), 0);
    json_object_set_new(file, "source",
                        json_pack("{s:s,s:i,s:I,s:n}", "path", "landing/a.csv", "size", 3, "mtime_ns",
                                  (json_int_t)4, "etag"));
    json_object_set_new(file, "partition", json_pack("{s:s,s:n}", "z", "1", "a"));
    publish(&p, WISH(.plan = plan, .window_start = NOON, .step = 1));
    int64_t id = dataset(&p, "raw.orders").id;
    assert_int_equal(-1, dataset(&p, "raw.orders").rows); /* one file's rows are not known */
    assert_hit(1, store_file_of_source(p.f.s, id, "landing/a.csv", p.f.a, &row, &err));
    assert_int_equal(3, row.source_size);
    assert_int_equal(-1, row.rows);
    assert_null(row.source_etag);
    assert_hit(0, store_file_of_source(p.f.s, id, "landing/b.csv", p.f.a, &row, &err));
    assert_hit(1, store_file_live(p.f.s, id, "a", p.f.a, &row, &err));
    assert_hit(0, store_file_live(p.f.s, id, "b", p.f.a, &row, &err));
    json_t *key = json_pack("{s:n,s:s}", "a", "z", "1"); /* any order */
    assert_ok(store_files_in_partition(p.f.s, id, key, p.f.a, &l, &err));
    assert_int_equal(1, l.count);
    json_object_set_new(key, "z", json_string("2"));
    assert_ok(store_files_in_partition(p.f.s, id, key, p.f.a, &l, &err));
    assert_int_equal(0, l.count);
    json_decref(key);
    struct file_owner o = {
        .dataset = id, .pipeline = "p", .step = "s1", .window_start = NOON, .window_end = NOON + US_PER_DAY};
    assert_ok(store_files_of_step(p.f.s, &o, p.f.a, &l, &err));
    assert_int_equal(1, l.count);
    o.window_start++;
    assert_ok(store_files_of_step(p.f.s, &o, p.f.a, &l, &err));
    assert_int_equal(0, l.count);
    o.any_window = true;
    assert_ok(store_files_of_step(p.f.s, &o, p.f.a, &l, &err));
    assert_int_equal(1, l.count);
    pub_end(&p);
}

static void an_append_of_a_window_is_remembered(void **state) {
    (void)state;
    struct pub p;
    struct err err;
    int64_t version;
    pub_begin(&p);
    publish(&p, WISH(.plan = fx_plan("raw.orders", -1, "append", "a", 1), .window_start = NOON));
    struct wish *w = WISH(.plan = fx_plan("raw.orders", 0, "append", "b", 1));
    publish(&p, w);
    int64_t id = dataset(&p, "raw.orders").id;
    struct append_query q = {
        .pipeline = "p", .step = "s0", .dataset = id, .window_start = NOON, .window_end = NOON + US_PER_DAY};
    assert_hit(1, store_appended_version(p.f.s, &q, &version, &err));
    assert_int_equal(0, version);
    q.step = "s1";
    assert_hit(0, store_appended_version(p.f.s, &q, &version, &err));
    q.step = "s0", q.window_start = INSTANT_NONE, q.run = w->run;
    assert_hit(1, store_appended_version(p.f.s, &q, &version, &err));
    assert_int_equal(1, version);
    q.run = 77;
    assert_hit(0, store_appended_version(p.f.s, &q, &version, &err));
    /* Rolled back to v0: what v1 appended is not there any more, what v0 did is. */
    json_t *back = with_removes(fx_plan("raw.orders", 1, "rollback", "c", 1), "b", NULL);
    json_object_set_new(json_array_get(json_object_get(back, "outputs"), 0), "rolled_back_to",
                        json_integer(0));
    publish(&p, WISH(.plan = back));
    q.run = w->run;
    assert_hit(0, store_appended_version(p.f.s, &q, &version, &err));
    q.window_start = NOON;
    assert_hit(1, store_appended_version(p.f.s, &q, &version, &err));
    pub_end(&p);
}

/* ---- pins, lineage ---- */

static void a_pin_holds_for_its_generation(void **state) {
    (void)state;
    struct pub p;
    struct err err;
    int64_t version = 9;
    pub_begin(&p);
    assert_ok(store_dataset_ensure(
        p.f.s, &(struct dataset_spec){.name = "raw.orders", .path = "/x", .format = "files", .at = NOON},
        &version, &err));
    struct pin reader = {.run = fx_run(p.f.s, p.definition), .generation = 1, .dataset = version};
    assert_ok(store_pin_take(p.f.s, &reader, &version, &err));
    assert_int_equal(-1, version); /* nothing to pin yet */
    struct wish *w = WISH(.plan = fx_plan("raw.orders", -1, "append", "a", 1));
    publish(&p, w);
    struct pin writer = {.run = w->run, .generation = 1, .dataset = reader.dataset};
    assert_hit(1, store_pin_get(p.f.s, &writer, &version, &err));
    assert_int_equal(0, version); /* its own publish moved its pin */
    assert_ok(store_pin_take(p.f.s, &reader, &version, &err));
    assert_int_equal(0, version);
    publish(&p, WISH(.plan = fx_plan("raw.orders", 0, "append", "b", 1)));
    assert_ok(store_pin_take(p.f.s, &reader, &version, &err));
    assert_int_equal(0, version); /* another run's publish did not */
    reader.generation = 2;
    assert_ok(store_pin_take(p.f.s, &reader, &version, &err));
    assert_int_equal(1, version);
    pub_end(&p);
}

static void lineage_goes_from_version_to_version(void **state) {
    (void)state;
    struct pub p;
    struct err err;
    struct input_row *in;
    struct built_row *built;
    size_t n;
    pub_begin(&p);
    publish(&p, WISH(.plan = fx_plan("raw.orders", -1, "append", "a", 1)));
    int64_t raw = dataset(&p, "raw.orders").id;
    struct wish *w = WISH(.plan = fx_plan("trusted.orders", -1, "append", "b", 1), .step = 2);
    assert_int_equal(PREPARE_DONE, prepare(&p, w, &err));
    assert_ok(store_input_add(
        p.f.s, &(struct step_input){.attempt = w->attempt, .dataset = raw, .version = 0, .since = -1}, &err));
    assert_ok(store_built_from(p.f.s, raw, 0, p.f.a, &built, &n, &err));
    assert_int_equal(0, n); /* not published yet */
    assert_hit(1, store_intent_commit(p.f.s, w->intent, NULL, NOON, &err));
    assert_ok(store_built_from(p.f.s, raw, 0, p.f.a, &built, &n, &err));
    assert_int_equal(1, n);
    assert_string_equal("trusted.orders", built[0].dataset);
    assert_string_equal("s2", built[0].step);
    assert_ok(store_inputs_list(p.f.s, w->attempt, p.f.a, &in, &n, &err));
    assert_int_equal(1, n);
    assert_string_equal("raw.orders", in[0].dataset);
    assert_int_equal(-1, in[0].since);
    pub_end(&p);
}

/* ---- outside writers, rollback by hand ---- */

static void an_outside_version_is_recorded_and_the_plan_stands_on_it(void **state) {
    (void)state;
    struct pub p;
    struct err err;
    struct version_row v;
    pub_begin(&p);
    publish(&p, WISH(.plan = fx_plan("raw.orders", -1, "append", "a", 1)));
    struct wish *w = WISH(.plan = fx_plan("raw.orders", 0, "append", "b", 1));
    assert_int_equal(PREPARE_DONE, prepare(&p, w, &err));
    json_t *plan = fx_plan("raw.orders", 1, "append", "b", 1);
    assert_int_equal(-1, store_intent_replan(p.f.s, w->intent, plan, NOON, &err)); /* v1 is not there */
    json_object_set_new(plan, "outside",
                        json_pack("[{s:i,s:i,s:[{s:s,s:i,s:i}],s:[{s:s}],s:s}]", "output", 0, "version", 1,
                                  "adds", "target", "theirs", "rows", 6, "bytes", 60, "removes", "path", "a",
                                  "writer", "Apache-Spark/3.5"));
    assert_hit(1, store_intent_replan(p.f.s, w->intent, plan, NOON, &err));
    json_decref(plan);
    int64_t id = dataset(&p, "raw.orders").id;
    assert_hit(1, store_version_get(p.f.s, id, 1, p.f.a, &v, &err));
    assert_string_equal("outside", v.operation);
    assert_string_equal("Apache-Spark/3.5", v.author);
    assert_int_equal(0, v.run);
    assert_null(v.pipeline);
    assert_non_null(v.columns); /* its base's */
    assert_int_equal(6, v.rows);
    assert_hit(1, store_intent_commit(p.f.s, w->intent, NULL, NOON, &err));
    assert_int_equal(2, dataset(&p, "raw.orders").head);
    expect_files(&p, -1, 2, "theirs b");
    assert_hit(0, store_intent_replan(p.f.s, w->intent, json_null(), NOON, &err));
    pub_end(&p);
}

static void a_rollback_by_hand_has_an_author(void **state) {
    (void)state;
    struct pub p;
    struct err err;
    struct version_row v;
    int64_t intent;
    pub_begin(&p);
    five_versions(&p);
    json_t *plan = with_removes(fx_plan("raw.orders", 4, "rollback", "d", 8), "a", "b");
    json_object_set_new(json_array_get(json_object_get(plan, "outputs"), 0), "rolled_back_to",
                        json_integer(3));
    const struct intent_spec spec = {
        .token = "rollback-1", .author = "ann", .reason = "bad feed", .plan = plan, .at = NOON};
    assert_int_equal(PREPARE_DONE, store_intent_prepare(p.f.s, &spec, &intent, &err));
    json_decref(plan);
    assert_hit(1, store_intent_commit(p.f.s, intent, NULL, NOON, &err));
    assert_hit(1, store_intent_close(p.f.s, intent, NOON, &err));
    assert_hit(1, store_version_get(p.f.s, dataset(&p, "raw.orders").id, 5, p.f.a, &v, &err));
    assert_string_equal("ann", v.author);
    assert_string_equal("bad feed", v.reason);
    assert_int_equal(3, v.rolled_back_to);
    assert_int_equal(0, v.run);
    pub_end(&p);
}

static void columns_are_stored_when_they_change(void **state) {
    (void)state;
    struct pub p;
    struct err err;
    struct version_row v;
    pub_begin(&p);
    publish(&p, WISH(.plan = fx_plan("raw.orders", -1, "append", "a", 1)));
    publish(&p, WISH(.plan = fx_plan("raw.orders", 0, "append", "b", 1)));
    json_t *plan = fx_plan("raw.orders", 1, "append", "c", 1);
    json_t *output = json_array_get(json_object_get(plan, "outputs"), 0);
    json_array_append_new(json_object_get(output, "columns"),
                          json_pack("{s:s,s:s}", "name", "more", "type", "string"));
    json_object_set_new(output, "partition_by", json_pack("[s]", "day"));
    publish(&p, WISH(.plan = plan));
    int64_t id = dataset(&p, "raw.orders").id;
    assert_hit(1, store_version_get(p.f.s, id, 1, p.f.a, &v, &err));
    assert_null(strstr(v.columns, "more"));
    assert_hit(1, store_version_get(p.f.s, id, 2, p.f.a, &v, &err));
    assert_non_null(strstr(v.columns, "more"));
    assert_string_equal("[\"day\"]", v.partition_by);
    pub_end(&p);
}

/* ---- forgetting ---- */

static void retention_forgets_whole_versions(void **state) {
    (void)state;
    struct pub p;
    struct err err;
    struct version_row *v, one;
    struct file_list l;
    size_t n;
    int64_t first, version;
    pub_begin(&p);
    five_versions(&p);
    int64_t id = dataset(&p, "raw.orders").id;
    assert_ok(store_version_since(p.f.s, id, NOON, &version, &err));
    assert_int_equal(0, version);
    assert_ok(store_version_since(p.f.s, id, NOON + US_PER_DAY, &version, &err));
    assert_int_equal(4, version);
    /* The runs of the story never ended: their pins keep everything. */
    assert_hit(0, store_versions_forget(p.f.s, id, 3, 100, &err));
    assert_hit(1, store_version_get(p.f.s, id, 0, p.f.a, &one, &err));
    for (int64_t run = 1; run <= 5; run++) {
        assert_hit(
            1, store_run_move(p.f.s,
                              &(struct run_move){.run = run, .from = "queued", .to = "cancelled", .at = NOON},
                              &err));
    }
    int more = 1;
    for (int turns = 0; more == 1 && turns < 20; turns++) more = store_versions_forget(p.f.s, id, 3, 1, &err);
    assert_int_equal(0, more);
    assert_ok(store_versions_list(p.f.s, id, -1, 0, p.f.a, &v, &n, &err));
    assert_int_equal(2, n);
    assert_int_equal(3, v[1].version);
    assert_hit(0, store_version_get(p.f.s, id, 2, p.f.a, &one, &err));
    assert_ok(store_files_all(p.f.s, id, p.f.a, &l, &err));
    assert_int_equal(3, l.count); /* a and b of v4, d of v3 */
    expect_files(&p, -1, 3, "d");
    expect_files(&p, -1, 4, "a b");
    /* Who consumed v1 cannot be told any more that v2 removed `a`: the answer stays "removed". */
    assert_ok(store_files_removed_in(p.f.s, id, 1, 4, &first, &err));
    assert_int_equal(3, first);
    assert_ok(store_files_removed_in(p.f.s, id, 3, 4, &first, &err));
    assert_int_equal(4, first);
    assert_hit(0, store_versions_forget(p.f.s, id, 99, 100, &err)); /* the head stays */
    assert_hit(1, store_version_get(p.f.s, id, 4, p.f.a, &one, &err));
    pub_end(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_moves_at_p6_and_nothing_before),
        cmocka_unit_test(a_fenced_attempt_publishes_nothing),
        cmocka_unit_test(losers_change_nothing),
        cmocka_unit_test(a_commit_is_all_or_nothing),
        cmocka_unit_test(two_datasets_in_one_intent),
        cmocka_unit_test(versions_list_exactly_their_files),
        cmocka_unit_test(files_are_found_by_what_they_are),
        cmocka_unit_test(an_append_of_a_window_is_remembered),
        cmocka_unit_test(a_pin_holds_for_its_generation),
        cmocka_unit_test(lineage_goes_from_version_to_version),
        cmocka_unit_test(an_outside_version_is_recorded_and_the_plan_stands_on_it),
        cmocka_unit_test(a_rollback_by_hand_has_an_author),
        cmocka_unit_test(columns_are_stored_when_they_change),
        cmocka_unit_test(retention_forgets_whole_versions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
