/* Bookmarks: what attempts consume, what people change, what the next run will therefore read. */
#include "tests/unit/store_fixture.h"

#include "bookmarks/bookmark.h"

struct bm {
    struct fx f;
    int64_t definition, id;
    instant_t now;
};

static void bm_begin(struct bm *b, const char *kind, const char *source) {
    struct err err;
    const struct bookmark_key k = {.pipeline = "p", .step = "s0", .kind = kind, .source = source};
    fx_begin(&b->f);
    b->now = NOON;
    assert_ok(store_begin(b->f.s, &err));
    b->definition = fx_definition(b->f.s, "p", 2, "aa");
    assert_ok(store_bookmark_ensure(b->f.s, &k, &b->id, &err));
}

static void bm_end(struct bm *b) {
    store_rollback(b->f.s);
    fx_end(&b->f);
}

static struct bookmark_row row(struct bm *b) {
    struct err err;
    struct bookmark_row r;
    assert_hit(1, store_bookmark_get(b->f.s, b->id, b->f.a, &r, &err));
    return r;
}

static void advance(struct bm *b, int64_t run, json_t *proposal) {
    struct err err;
    const struct bookmark_move m = {.id = b->id,
                                    .version = row(b).version,
                                    .change = "advance",
                                    .author = "s0",
                                    .run = run,
                                    .at = b->now += US_PER_HOUR};
    struct bookmark_row r = row(b);
    assert_ok(bookmark_check(r.kind, proposal, &err));
    assert_hit(1, store_bookmark_advance(b->f.s, &m, proposal, &err));
    json_decref(proposal);
}

static json_t *files(const char *names, int64_t mtime) {
    json_t *list = json_array();
    for (const char *at = names; *at;) {
        size_t n = strcspn(at, " ");
        json_array_append_new(
            list, json_pack("{s:s%,s:i,s:I}", "path", at, n, "size", 10, "mtime_ns", (json_int_t)mtime));
        at += n + (at[n] == ' ');
    }
    return json_pack("{s:s,s:o}", "kind", "files", "files", list);
}

static json_t *value(const char *text) { return json_pack("{s:s,s:s}", "kind", "value", "value", text); }

/* The change, shown and made; the texts that were shown. */
static struct bookmark_plan change(struct bm *b, struct bookmark_request r) {
    struct err err;
    struct bookmark_plan p;
    r.now = b->now += US_PER_HOUR;
    assert_ok(bookmark_plan(b->f.s, b->id, &r, b->f.a, &p, &err));
    const struct bookmark_by by = {.author = "ann", .reason = "because", .at = b->now};
    assert_ok(bookmark_apply(b->f.s, &p, &by, &err));
    bookmark_plan_release(&p);
    return p;
}

static struct bookmark_request ask(enum bookmark_verb verb) {
    return (struct bookmark_request){.verb = verb, .to_version = -1};
}

static const char *refused(struct bm *b, struct bookmark_request r, enum leat_exit exit) {
    struct err err = {0};
    struct bookmark_plan p;
    r.now = b->now;
    assert_int_equal(-1, bookmark_plan(b->f.s, b->id, &r, b->f.a, &p, &err));
    if (err.exit != exit) fail_msg("exit %d: %s", err.exit, err.msg);
    return arena_strdup(b->f.a, err.msg);
}

/* One letter per path: New, Same, Changed. */
static void expect_seen(struct bm *b, int64_t version, const char *paths, int64_t mtime,
                        const char *letters) {
    struct err err;
    struct seen_file list[16];
    size_t n = 0;
    char *text = arena_strdup(b->f.a, paths), got[17] = "";
    for (char *at = strtok(text, " "); at; at = strtok(NULL, " "))
        list[n++] = (struct seen_file){.path = at, .size = 10, .mtime_ns = mtime};
    assert_ok(store_bookmark_seen(b->f.s, b->id, version, list, n, &err));
    for (size_t i = 0; i < n; i++) got[i] = "NSC"[list[i].seen];
    assert_string_equal(letters, got);
}

static void a_set_of_files_grows_and_goes_back(void **state) {
    (void)state;
    struct bm b;
    struct err err;
    struct bookmark_row *h;
    struct seen_row *rows;
    size_t n;
    bm_begin(&b, "files", "landing/*.csv");
    assert_int_equal(0, row(&b).version);
    assert_string_equal("nothing", bookmark_text(&(struct bookmark_row){.kind = "files"}, b.f.a));
    int64_t first = fx_run(b.f.s, b.definition);
    advance(&b, first, files("d/a d/b x", 1));
    advance(&b, 2, files("d/b d/c e/f/g", 2)); /* d/b was rewritten */
    assert_string_equal(
        "5 files", bookmark_text(&(struct bookmark_row){.kind = "files", .value = row(&b).value}, b.f.a));
    expect_seen(&b, 2, "d/a d/b d/c e/f/g x y d/z /d/a", 1, "SCCCSNNN");
    expect_seen(&b, 2, "d/b d/c", 2, "SS");
    expect_seen(&b, 1, "d/a d/b d/c x", 1, "SSNS"); /* as it was */
    expect_seen(&b, 0, "d/a", 1, "N");
    struct bookmark_request r = ask(BOOKMARK_REWIND);
    r.to_version = 1;
    struct bookmark_plan p = change(&b, r);
    assert_string_equal("5 files", p.from);
    assert_string_equal("3 files", p.to);
    assert_string_equal("the next run reads 3 files again, where they are still there", p.next);
    expect_seen(&b, 3, "d/a d/b d/c e/f/g x", 1, "SSNNS");
    assert_string_equal("{\"files\":3}", row(&b).value);
    assert_int_equal(1, row(&b).same_as);
    assert_string_equal("rewind", row(&b).change);
    assert_string_equal("ann", row(&b).author);
    p = change(&b, ask(BOOKMARK_UNDO));
    assert_string_equal("the next run leaves out 3 files more", p.next);
    expect_seen(&b, 4, "d/b d/c e/f/g", 2, "SSS");
    expect_seen(&b, 4, "d/a x", 1, "SS");
    assert_string_equal("{\"files\":5}", row(&b).value);
    p = change(&b, ask(BOOKMARK_RESET));
    assert_string_equal("the next run reads every file it finds", p.next);
    assert_string_equal("nothing", p.to);
    assert_null(row(&b).value);
    expect_seen(&b, 5, "d/a d/b x", 1, "NNN");
    expect_seen(&b, 4, "d/a", 1, "S");
    change(&b, ask(BOOKMARK_UNDO));
    assert_string_equal("{\"files\":5}", row(&b).value);
    expect_seen(&b, 6, "d/a d/b d/c", 2, "CSS");
    advance(&b, 3, files("d/a d/a new", 2)); /* a path told twice counts once */
    assert_string_equal("{\"files\":6}", row(&b).value);
    assert_ok(store_bookmark_files_list(b.f.s, b.id, 7, 3, b.f.a, &rows, &n, &err));
    assert_int_equal(3, n);
    assert_string_equal("new", rows[0].path);
    assert_ok(store_bookmark_history(b.f.s, b.id, 0, b.f.a, &h, &n, &err));
    assert_int_equal(7, n);
    assert_string_equal("advance", h[0].change);
    assert_string_equal("undo", h[1].change);
    assert_string_equal("reset", h[2].change);
    bm_end(&b);
}

static void rewinding_by_time_and_by_run(void **state) {
    (void)state;
    struct bm b;
    bm_begin(&b, "files", "landing/*");
    int64_t run = fx_run(b.f.s, b.definition);
    advance(&b, run, files("a", 1));     /* one hour after NOON */
    advance(&b, run + 1, files("b", 1)); /* two */
    advance(&b, run + 2, files("c", 1)); /* three */
    struct bookmark_request r = ask(BOOKMARK_REWIND);
    r.by = 2 * US_PER_HOUR; /* asked at four: as it was at two */
    change(&b, r);
    expect_seen(&b, 4, "a b c", 1, "SSN");
    change(&b, ask(BOOKMARK_UNDO));
    r.by = 0, r.to_run = run;
    change(&b, r);
    expect_seen(&b, 6, "a b c", 1, "SNN");
    r.to_run = 99;
    assert_string_equal("there is no run 99", refused(&b, r, EX_NOT_FOUND));
    r = ask(BOOKMARK_REWIND);
    assert_non_null(strstr(refused(&b, r, EX_USAGE), "say how far"));
    r.to_version = 50;
    assert_string_equal("the bookmark of p.s0 has no version 50 (it is at 6)", refused(&b, r, EX_NOT_FOUND));
    r.by = US_PER_HOUR;
    assert_non_null(strstr(refused(&b, r, EX_USAGE), "one of"));
    r = ask(BOOKMARK_SET);
    r.to = "x";
    assert_non_null(strstr(refused(&b, r, EX_USAGE), "a set of files"));
    bm_end(&b);
}

static void versions_move_dataset_by_dataset(void **state) {
    (void)state;
    struct bm b;
    struct err err;
    int64_t id;
    bm_begin(&b, "version", "raw.orders");
    struct bookmark_request r = ask(BOOKMARK_SET);
    r.to = "7";
    struct bookmark_plan p = change(&b, r); /* the source says which dataset */
    assert_string_equal("raw.orders v7", p.to);
    assert_string_equal("the next run reads raw.orders has no version yet", p.next);
    advance(&b, 1, json_pack("{s:s,s:{s:i}}", "kind", "version", "datasets", "raw.users", 3));
    assert_int_equal(
        7, bookmark_since(&(struct bookmark_row){.kind = "version", .value = row(&b).value}, "raw.orders"));
    assert_int_equal(
        3, bookmark_since(&(struct bookmark_row){.kind = "version", .value = row(&b).value}, "raw.users"));
    assert_int_equal(
        -1, bookmark_since(&(struct bookmark_row){.kind = "version", .value = row(&b).value}, "raw.x"));
    r.to = "raw.orders=2,raw.new=0";
    p = change(&b, r);
    assert_string_equal("raw.orders v7, raw.users v3", p.from);
    assert_string_equal("raw.orders v2, raw.users v3, raw.new v0", p.to);
    assert_ok(store_dataset_ensure(
        b.f.s, &(struct dataset_spec){.name = "raw.users", .path = "/x", .format = "files", .at = NOON}, &id,
        &err));
    r.to = "1";
    p = change(&b, r);
    assert_string_equal("raw.orders v1, raw.users v1, raw.new v1", p.to);
    static const char *const bad[] = {"",   "x", "raw.orders=", "raw.orders=x", "orders=1", "raw.orders=1,,",
                                      "=1", "-1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        r.to = bad[i];
        assert_non_null(strstr(refused(&b, r, EX_USAGE), "is not a version"));
    }
    struct bookmark_row now = row(&b);
    json_t *same = json_pack("{s:s,s:{s:i}}", "kind", "version", "datasets", "raw.users", 1);
    assert_true(bookmark_is_same(&now, same));
    json_object_set_new(json_object_get(same, "datasets"), "raw.users", json_integer(2));
    assert_false(bookmark_is_same(&now, same));
    json_decref(same);
    bm_end(&b);
}

static void the_next_read_is_counted(void **state) {
    (void)state;
    struct bm b;
    struct err err;
    int64_t intent;
    bm_begin(&b, "version", "raw.orders");
    for (int v = 0; v < 3; v++) {
        char target[8], token[8];
        snprintf(target, sizeof target, "f%d", v);
        snprintf(token, sizeof token, "t%d", v);
        json_t *plan = fx_plan("raw.orders", v - 1, "append", target, 100);
        const struct intent_spec spec = {.token = token, .plan = plan, .at = NOON};
        assert_int_equal(PREPARE_DONE, store_intent_prepare(b.f.s, &spec, &intent, &err));
        assert_hit(1, store_intent_commit(b.f.s, intent, NULL, NOON, &err));
        assert_hit(1, store_intent_close(b.f.s, intent, NOON, &err));
        json_decref(plan);
    }
    advance(&b, 1, json_pack("{s:s,s:{s:i}}", "kind", "version", "datasets", "raw.orders", 2));
    struct bookmark_request r = ask(BOOKMARK_SET);
    r.to = "0";
    struct bookmark_plan p = change(&b, r);
    assert_string_equal("the next run reads of raw.orders what came after v0: 2 files, 200 rows", p.next);
    p = change(&b, ask(BOOKMARK_RESET));
    assert_string_equal("the next run reads all of raw.orders v2: 3 files, 300 rows", p.next);
    bm_end(&b);
}

static void values_are_texts_and_times_can_be_moved_back(void **state) {
    (void)state;
    struct bm b;
    struct bookmark_row now;
    bm_begin(&b, "value", "value");
    advance(&b, 1, value("2026-03-01"));
    struct bookmark_request r = ask(BOOKMARK_REWIND);
    r.by = 2 * US_PER_DAY;
    struct bookmark_plan p = change(&b, r);
    assert_string_equal("2026-02-27", p.to);
    assert_string_equal("the next run starts from 2026-02-27", p.next);
    advance(&b, 1, value("2026-03-01T00:00:30Z"));
    r.by = US_PER_MINUTE;
    p = change(&b, r);
    assert_string_equal("2026-02-28T23:59:30Z", p.to);
    r = ask(BOOKMARK_SET), r.to = "page 12";
    p = change(&b, r);
    assert_string_equal("\"page 12\"", row(&b).value);
    r = ask(BOOKMARK_REWIND), r.by = 90 * US_PER_MINUTE; /* no time: as it was then */
    p = change(&b, r);
    assert_string_equal("2026-02-28T23:59:30Z", p.to);
    p = change(&b, ask(BOOKMARK_RESET));
    assert_string_equal("the next run starts without a bookmark, as the first one did", p.next);
    now = row(&b);
    json_t *v = value("x");
    assert_false(bookmark_is_same(&now, v));
    assert_true(bookmark_is_same(&now, NULL));
    json_decref(v);
    p = change(&b, ask(BOOKMARK_UNDO));
    p = change(&b, ask(BOOKMARK_UNDO)); /* undoing an undo */
    assert_null(row(&b).value && strcmp(row(&b).value, "null") ? row(&b).value : NULL);
    bm_end(&b);
}

static void nothing_to_undo_and_the_same_again(void **state) {
    (void)state;
    struct bm b;
    struct err err;
    struct bookmark_plan p;
    bm_begin(&b, "value", "value");
    assert_string_equal("the bookmark of p.s0 has nothing to undo: it never moved",
                        refused(&b, ask(BOOKMARK_UNDO), EX_NOT_FOUND));
    advance(&b, 1, value("x"));
    struct bookmark_request r = ask(BOOKMARK_SET);
    r.to = "x";
    assert_ok(bookmark_plan(b.f.s, b.id, &r, b.f.a, &p, &err));
    assert_true(p.same);
    bookmark_plan_release(&p);
    r.to = NULL;
    refused(&b, r, EX_USAGE);
    assert_int_equal(-1, bookmark_plan(b.f.s, 99, &r, b.f.a, &p, &err));
    assert_int_equal(EX_NOT_FOUND, err.exit);
    bm_end(&b);
}

static void nobody_changes_it_under_a_running_step(void **state) {
    (void)state;
    struct bm b;
    struct err err;
    struct bookmark_plan p;
    bm_begin(&b, "value", "value");
    advance(&b, 1, value("x"));
    struct bookmark_request r = ask(BOOKMARK_SET);
    r.to = "y";
    assert_ok(bookmark_plan(b.f.s, b.id, &r, b.f.a, &p, &err));
    int64_t run = fx_run(b.f.s, b.definition),
            other = fx_attempt(b.f.s, run, 1); /* another step: no obstacle */
    bookmark_plan_release(&p);
    assert_ok(bookmark_plan(b.f.s, b.id, &r, b.f.a, &p, &err));
    bookmark_plan_release(&p);
    (void)other;
    int64_t attempt = fx_attempt(b.f.s, run, 0);
    const char *says = refused(&b, r, EX_CONFLICT);
    assert_non_null(strstr(says, "cannot be changed now: r"));
    assert_non_null(strstr(says, "is running"));
    /* An intent that moves it. */
    json_t *plan = fx_plan("raw.orders", -1, "append", "f", 1), *v = value("z");
    const struct intent_spec spec = {.token = "tok",
                                     .attempt = attempt,
                                     .plan = plan,
                                     .bookmark = b.id,
                                     .bookmark_version = 1,
                                     .bookmark_value = v,
                                     .at = NOON};
    int64_t intent;
    assert_int_equal(PREPARE_DONE, store_intent_prepare(b.f.s, &spec, &intent, &err));
    assert_non_null(strstr(refused(&b, r, EX_CONFLICT), "tok is publishing"));
    const struct bookmark_move m = {.id = b.id, .version = 1, .change = "advance", .at = NOON};
    assert_hit(0, store_bookmark_advance(b.f.s, &m, v, &err));
    assert_hit(0, store_bookmark_put(b.f.s, &m, v, &err));
    assert_hit(0, store_bookmark_restore(b.f.s, &m, 0, &err));
    assert_hit(1, store_intent_commit(b.f.s, intent, NULL, NOON, &err));
    assert_hit(1, store_intent_close(b.f.s, intent, NOON, &err));
    assert_string_equal("\"z\"", row(&b).value);
    json_decref(plan), json_decref(v);
    bm_end(&b);
}

static void a_plan_made_on_an_old_state_is_refused(void **state) {
    (void)state;
    struct bm b;
    struct err err = {0};
    struct bookmark_plan p;
    bm_begin(&b, "value", "value");
    advance(&b, 1, value("x"));
    struct bookmark_request r = ask(BOOKMARK_SET);
    r.to = "y";
    assert_ok(bookmark_plan(b.f.s, b.id, &r, b.f.a, &p, &err));
    advance(&b, 2, value("w"));
    assert_int_equal(-1, bookmark_apply(b.f.s, &p, &(struct bookmark_by){.author = "ann", .at = NOON}, &err));
    assert_int_equal(EX_CONFLICT, err.exit);
    assert_string_equal("bookmark_moved", err.reason);
    assert_string_equal("\"w\"", row(&b).value);
    bookmark_plan_release(&p);
    bm_end(&b);
}

static void proposals_are_checked(void **state) {
    (void)state;
    static const struct {
        const char *kind, *json;
        bool good;
    } cases[] = {
        {"files", "{\"kind\":\"files\",\"files\":[{\"path\":\"a\",\"size\":1}]}", true},
        {"files", "{\"kind\":\"files\",\"files\":[]}", true},
        {"files", "{\"kind\":\"files\",\"files\":[{\"path\":\"\",\"size\":1}]}", false},
        {"files", "{\"kind\":\"files\",\"files\":[{\"path\":\"a\"}]}", false},
        {"files", "{\"kind\":\"files\"}", false},
        {"files", "{\"kind\":\"value\",\"value\":\"x\"}", false},
        {"files", "null", false},
        {"version", "{\"kind\":\"version\",\"datasets\":{\"raw.a\":0}}", true},
        {"version", "{\"kind\":\"version\",\"datasets\":{\"raw.a\":-1}}", false},
        {"version", "{\"kind\":\"version\",\"datasets\":{\"a\":1}}", false},
        {"version", "{\"kind\":\"version\",\"datasets\":{\"raw.a\":\"1\"}}", false},
        {"version", "{\"kind\":\"version\",\"datasets\":[]}", false},
        {"value", "{\"kind\":\"value\",\"value\":{\"page\":1}}", true},
        {"value", "{\"kind\":\"value\"}", false},
        {"column", "{\"kind\":\"column\",\"value\":1}", false},
    };
    struct err err;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *v = json_loads(cases[i].json, JSON_DECODE_ANY, NULL);
        err = (struct err){0};
        if ((bookmark_check(cases[i].kind, v, &err) == 0) != cases[i].good)
            fail_msg("%s: %s", cases[i].json, err.msg);
        if (!cases[i].good) assert_string_equal("bookmark_value", err.reason);
        json_decref(v);
    }
    char *big = malloc(65540);
    memset(big, 'x', 65539);
    big[65536] = 0;
    json_t *v = value(big);
    assert_ok(bookmark_check("value", v, &err));
    json_decref(v);
    big[65536] = 'x', big[65537] = 0;
    v = value(big);
    assert_int_equal(-1, bookmark_check("value", v, &err));
    json_decref(v);
    free(big);
}

static void identity_by_etag_and_by_hash(void **state) {
    (void)state;
    struct bm b;
    struct err err;
    bm_begin(&b, "files", "http");
    advance(&b, 1,
            json_pack("{s:s,s:[{s:s,s:i,s:i,s:s,s:s}]}", "kind", "files", "files", "path", "u", "size", 10,
                      "mtime_ns", 1, "etag", "\"e\"", "hash", "h"));
    struct seen_file f[] = {
        {.path = "u", .size = 10, .mtime_ns = 9, .etag = "\"e\""}, /* the etag decides */
        {.path = "u", .size = 10, .mtime_ns = 1, .etag = "\"f\""},
        {.path = "u", .size = 10, .mtime_ns = 9, .hash = "h", .by_hash = true}, /* the hash alone */
        {.path = "u", .size = 10, .mtime_ns = 1, .hash = "g", .by_hash = true},
        {.path = "u", .size = 10, .mtime_ns = 1},
        {.path = "u", .size = 11, .mtime_ns = 1},
    };
    assert_ok(store_bookmark_seen(b.f.s, b.id, 1, f, 6, &err));
    static const enum file_seen expected[] = {FILE_SAME,    FILE_CHANGED, FILE_SAME,
                                              FILE_CHANGED, FILE_SAME,    FILE_CHANGED};
    for (int i = 0; i < 6; i++) assert_int_equal(expected[i], f[i].seen);
    bm_end(&b);
}

static void a_horizon_forgets_whole_folders(void **state) {
    (void)state;
    struct bm b;
    struct err err;
    int64_t count;
    bm_begin(&b, "files", "landing");
    advance(&b, 1, files("old/a old/b mixed/a", 10));
    advance(&b, 2, files("mixed/b new/a", 100));
    assert_hit(0, store_bookmark_files_forget(b.f.s, b.id, 5, 100, &err));
    assert_hit(0, store_bookmark_files_forget(b.f.s, b.id, 50, 100, &err));
    assert_string_equal("{\"files\":3}", row(&b).value);
    expect_seen(&b, 2, "old/a mixed/a", 10, "NS");
    assert_ok(store_bookmark_files_count(b.f.s, b.id, 2, &count, &err));
    assert_int_equal(3, count);
    bm_end(&b);
}

static void lists_say_who_and_why(void **state) {
    (void)state;
    struct bm b;
    struct err err;
    struct bookmark_row *rows;
    size_t n;
    int64_t other;
    bm_begin(&b, "value", "value");
    const struct bookmark_key k = {.pipeline = "a", .step = "x", .kind = "files", .source = "in/*"};
    assert_ok(store_bookmark_ensure(b.f.s, &k, &other, &err));
    const struct bookmark_key again = {.pipeline = "a", .step = "x", .kind = "files", .source = "in2/*"};
    int64_t same;
    assert_ok(store_bookmark_ensure(b.f.s, &again, &same, &err));
    assert_int_equal(other, same); /* another source, the same memory */
    advance(&b, 1, value("x"));
    assert_ok(store_bookmarks_list(b.f.s, NULL, NULL, b.f.a, &rows, &n, &err));
    assert_int_equal(2, n);
    assert_string_equal("a", rows[0].pipeline);
    assert_string_equal("in2/*", rows[0].source);
    assert_int_equal(0, rows[0].version);
    assert_null(rows[0].change);
    assert_string_equal("s0", rows[1].author);
    assert_ok(store_bookmarks_list(b.f.s, "p", "s0", b.f.a, &rows, &n, &err));
    assert_int_equal(1, n);
    assert_ok(store_bookmarks_list(b.f.s, "p", "s1", b.f.a, &rows, &n, &err));
    assert_int_equal(0, n);
    bm_end(&b);
}

/* 200,000 files: added, looked up, forgotten again, in well under a second each. */
static void large_sets_stay_fast(void **state) {
    (void)state;
    enum { EACH = 1000 };
    const int ALL = getenv("LEAT_QUICK") ? 2 * EACH : 200 * EACH; /* quick: under valgrind */
    struct bm b;
    struct err err;
    bm_begin(&b, "files", "landing");
    json_t *list = json_array();
    struct seen_file *seen = calloc((size_t)ALL, sizeof *seen);
    for (int i = 0; i < ALL; i++) {
        char path[64];
        snprintf(path, sizeof path, "landing/2026/%03d/part-%06d.csv", i / EACH, i);
        json_array_append_new(list, json_pack("{s:s,s:i,s:i}", "path", path, "size", 10, "mtime_ns", i));
        seen[i] = (struct seen_file){.path = arena_strdup(b.f.a, path), .size = 10, .mtime_ns = i};
    }
    advance(&b, 1, json_pack("{s:s,s:o}", "kind", "files", "files", list));
    assert_ok(store_commit(b.f.s, &err));
    assert_ok(store_bookmark_seen(b.f.s, b.id, 1, seen, (size_t)ALL, &err));
    for (int i = 0; i < ALL; i++) assert_int_equal(FILE_SAME, seen[i].seen);
    assert_ok(store_begin(b.f.s, &err));
    change(&b, ask(BOOKMARK_RESET));
    assert_ok(store_bookmark_seen(b.f.s, b.id, 2, seen, 1000, &err));
    for (int i = 0; i < 1000; i++) assert_int_equal(FILE_NEW, seen[i].seen);
    change(&b, ask(BOOKMARK_UNDO));
    char count[32];
    snprintf(count, sizeof count, "{\"files\":%d}", ALL);
    assert_string_equal(count, row(&b).value);
    free(seen);
    bm_end(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_of_files_grows_and_goes_back),
        cmocka_unit_test(rewinding_by_time_and_by_run),
        cmocka_unit_test(versions_move_dataset_by_dataset),
        cmocka_unit_test(the_next_read_is_counted),
        cmocka_unit_test(values_are_texts_and_times_can_be_moved_back),
        cmocka_unit_test(nothing_to_undo_and_the_same_again),
        cmocka_unit_test(nobody_changes_it_under_a_running_step),
        cmocka_unit_test(a_plan_made_on_an_old_state_is_refused),
        cmocka_unit_test(proposals_are_checked),
        cmocka_unit_test(identity_by_etag_and_by_hash),
        cmocka_unit_test(a_horizon_forgets_whole_folders),
        cmocka_unit_test(lists_say_who_and_why),
        cmocka_unit_test(large_sets_stay_fast),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
