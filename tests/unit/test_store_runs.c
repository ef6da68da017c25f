/* Definitions, runs, generations, steps, attempts, checks: every change is compare-and-set, every list says
 * all. */
#include "tests/unit/store_fixture.h"

static struct step_move move(int64_t run, uint32_t step, const char *from, const char *to) {
    return (struct step_move){.run = run,
                              .generation = 1,
                              .step = step,
                              .from = from,
                              .to = to,
                              .due = INSTANT_NONE,
                              .rows_read = -1,
                              .bytes_read = -1,
                              .rows_written = -1,
                              .at = NOON};
}

static int step(struct store *s, int64_t run, uint32_t n, const char *from, const char *to) {
    struct err err = {0};
    struct step_move m = move(run, n, from, to);
    int r = store_step_move(s, &m, &err);
    if (r < 0) fail_msg("%s", err.msg);
    return r;
}

static int run_to(struct store *s, int64_t run, const char *from, const char *to, instant_t at) {
    struct err err = {0};
    const struct run_move m = {
        .run = run, .from = from, .to = to, .failed_step = strcmp(to, "failed") ? NULL : "s1", .at = at};
    int r = store_run_move(s, &m, &err);
    if (r < 0) fail_msg("%s", err.msg);
    return r;
}

static void definitions_are_stored_once(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    fx_begin(&f);
    assert_ok(store_begin(f.s, &err));
    int64_t a = fx_definition(f.s, "p", 2, "aa");
    assert_int_equal(a, fx_definition(f.s, "p", 2, "aa"));
    int64_t b = fx_definition(f.s, "p", 3, "bb"), c = fx_definition(f.s, "q", 2, "aa");
    assert_int_not_equal(a, b);
    assert_int_not_equal(a, c);
    assert_ok(store_commit(f.s, &err));
    struct definition_row d;
    assert_hit(1, store_definition_get(f.s, c, f.a, &d, &err));
    assert_string_equal("q", d.pipeline);
    assert_string_equal("steps: …", d.text);
    assert_hit(0, store_definition_get(f.s, 99, f.a, &d, &err));
    fx_end(&f);
}

static const char *last_of(struct fx *f, const char *pipeline) {
    struct definition_row d;
    struct err err;
    assert_hit(1, store_definition_last(f->s, pipeline, f->a, &d, &err));
    return d.sha256;
}

static void the_last_definition_is_the_newest_runs(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    fx_begin(&f);
    assert_ok(store_begin(f.s, &err));
    int64_t a = fx_definition(f.s, "p", 2, "aa"), b = fx_definition(f.s, "p", 2, "bb");
    assert_string_equal("bb", last_of(&f, "p")); /* nothing ran */
    fx_run(f.s, b);
    assert_string_equal("bb", last_of(&f, "p"));
    fx_run(f.s, a); /* the older text again */
    assert_string_equal("aa", last_of(&f, "p"));
    assert_ok(store_commit(f.s, &err));
    fx_end(&f);
}

static void a_run_lives_by_compare_and_set(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    struct run_row r;
    fx_begin(&f);
    assert_ok(store_begin(f.s, &err));
    int64_t definition = fx_definition(f.s, "p", 2, "aa"), run = 0;
    json_t *params = json_pack("{s:s}", "country", "DE");
    const struct run_spec spec = {.definition = definition,
                                  .trigger = "backfill",
                                  .window_start = NOON - US_PER_DAY,
                                  .window_end = NOON,
                                  .scheduled_for = INSTANT_NONE,
                                  .explicit_window = true,
                                  .params = params,
                                  .note = "again",
                                  .at = NOON};
    assert_ok(store_run_add(f.s, &spec, &run, &err));
    json_decref(params);
    assert_hit(0, run_to(f.s, run, "running", "ok", NOON));
    assert_hit(1, run_to(f.s, run, "queued", "running", NOON + 1));
    assert_hit(0, run_to(f.s, run, "queued", "running", NOON + 2));
    assert_hit(1, store_run_stop(f.s, run, "cancel", "by hand", &err));
    assert_hit(1, store_run_get(f.s, run, f.a, &r, &err));
    assert_string_equal("cancel", r.stop);
    assert_hit(1, run_to(f.s, run, "running", "failed", NOON + 3));
    assert_hit(0, run_to(f.s, run, "running", "ok", NOON + 4));
    assert_hit(0, store_run_stop(f.s, run, "kill", NULL, &err));
    assert_ok(store_commit(f.s, &err));
    assert_hit(1, store_run_get(f.s, run, f.a, &r, &err));
    assert_string_equal("failed", r.state);
    assert_string_equal("s1", r.failed_step);
    assert_string_equal("p", r.pipeline);
    assert_string_equal("aa", r.sha256);
    assert_string_equal("backfill", r.trigger);
    assert_string_equal("{\"country\":\"DE\"}", r.params);
    assert_string_equal("again", r.note);
    assert_null(r.options);
    assert_true(r.explicit_window);
    assert_int_equal(NOON - US_PER_DAY, r.window_start);
    assert_int_equal(NOON, r.created_at);
    assert_int_equal(NOON + 1, r.started_at);
    assert_int_equal(NOON + 3, r.finished_at);
    assert_int_equal(1, r.generation);
    assert_hit(0, store_run_get(f.s, 77, f.a, &r, &err));
    fx_end(&f);
}

static void steps_without_rows_wait(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    struct step_row *rows;
    size_t n;
    fx_begin(&f);
    assert_ok(store_begin(f.s, &err));
    int64_t run = fx_run(f.s, fx_definition(f.s, "p", 4, "aa"));
    assert_int_equal(1, step(f.s, run, 1, "waiting", "ready"));
    assert_int_equal(0, step(f.s, run, 1, "waiting", "ready")); /* it has left */
    assert_int_equal(0, step(f.s, run, 2, "ready", "running")); /* it has not come */
    assert_int_equal(1, step(f.s, run, 1, "ready", "running"));
    assert_int_equal(1, step(f.s, run, 3, "waiting", "skipped"));
    struct step_move m = move(run, 1, "running", "success");
    json_t *outputs = json_pack("{s:s}", "rows", "7");
    m.warned = true, m.attempts = 2, m.rows_written = 7, m.outputs = outputs, m.at = NOON + 5, m.reason = "r";
    assert_hit(1, store_step_move(f.s, &m, &err));
    json_decref(outputs);
    assert_ok(store_commit(f.s, &err));
    assert_ok(store_steps_list(f.s, run, f.a, &rows, &n, &err));
    assert_int_equal(4, n);
    assert_string_equal("s0", rows[0].name);
    assert_string_equal("waiting", rows[0].state);
    assert_int_equal(-1, rows[0].rows_read);
    assert_string_equal("success", rows[1].state);
    assert_string_equal("{\"rows\":\"7\"}", rows[1].outputs);
    assert_int_equal(7, rows[1].rows_written);
    assert_int_equal(-1, rows[1].rows_read);
    assert_int_equal(2, rows[1].attempts);
    assert_true(rows[1].warned);
    assert_false(rows[1].nothing_new);
    assert_int_equal(NOON, rows[1].started_at);
    assert_int_equal(NOON + 5, rows[1].finished_at);
    assert_string_equal("waiting", rows[2].state);
    assert_string_equal("skipped", rows[3].state);
    assert_string_equal("shell", rows[3].verb);
    assert_int_equal(3, rows[3].step);
    fx_end(&f);
}

static void forbidden_states_are_refused_by_the_database(void **state) {
    (void)state;
    struct fx f;
    struct err err = {0};
    fx_begin(&f);
    assert_ok(store_begin(f.s, &err));
    int64_t run = fx_run(f.s, fx_definition(f.s, "p", 1, "aa"));
    struct step_move m = move(run, 0, "waiting", "sleeping");
    assert_int_equal(-1, store_step_move(f.s, &m, &err));
    assert_non_null(strstr(err.msg, "CHECK"));
    fx_end(&f);
}

static void a_new_generation_keeps_what_stands(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    struct step_row *rows;
    struct run_row r;
    size_t n;
    int64_t generation = 0;
    fx_begin(&f);
    assert_ok(store_begin(f.s, &err));
    int64_t first = fx_definition(f.s, "p", 4, "aa"), second = fx_definition(f.s, "p", 5, "bb");
    int64_t run = fx_run(f.s, first);
    const struct kept_step kept[] = {{0, 1}, {1, 0}}; /* they changed places */
    const struct generation_spec g = {
        .run = run, .definition = second, .kept = kept, .kept_count = 2, .at = NOON + 9};
    assert_int_equal(1, step(f.s, run, 0, "waiting", "success"));
    assert_int_equal(1, step(f.s, run, 1, "waiting", "skipped"));
    assert_int_equal(1, step(f.s, run, 2, "waiting", "failed"));
    assert_hit(0, store_run_again(f.s, &g, &generation, &err)); /* not over yet */
    assert_hit(1, run_to(f.s, run, "queued", "running", NOON));
    assert_hit(1, store_run_stop(f.s, run, "timeout", "late", &err));
    assert_hit(1, run_to(f.s, run, "running", "failed", NOON));
    assert_hit(1, store_run_again(f.s, &g, &generation, &err));
    assert_int_equal(2, generation);
    assert_ok(store_commit(f.s, &err));
    assert_hit(1, store_run_get(f.s, run, f.a, &r, &err));
    assert_string_equal("queued", r.state);
    assert_string_equal("", r.stop);
    assert_string_equal("bb", r.sha256);
    assert_int_equal(2, r.generation);
    assert_int_equal(INSTANT_NONE, r.finished_at);
    assert_ok(store_steps_list(f.s, run, f.a, &rows, &n, &err));
    assert_int_equal(5, n);
    assert_string_equal("skipped", rows[0].state);
    assert_string_equal("success", rows[1].state);
    assert_int_equal(1, rows[1].generation);
    assert_string_equal("waiting", rows[2].state);
    assert_int_equal(2, rows[2].generation);
    fx_end(&f);
}

static void attempts_have_one_life_at_a_time(void **state) {
    (void)state;
    struct fx f;
    struct err err = {0};
    char token[TOKEN_TEXT], job[TOKEN_TEXT + 4];
    struct attempt_row a, *rows;
    size_t n;
    int64_t id;
    fx_begin(&f);
    assert_ok(store_begin(f.s, &err));
    int64_t run = fx_run(f.s, fx_definition(f.s, "p", 2, "aa"));
    int64_t first = fx_attempt(f.s, run, 1);
    struct attempt_spec again = fx_attempt_spec(run, 1, 2, token);
    assert_ok(store_commit(f.s, &err));
    assert_ok(store_begin(f.s, &err));
    assert_int_equal(-1, store_attempt_start(f.s, &again, &id, &err)); /* the first still lives */
    store_rollback(f.s);
    assert_ok(store_begin(f.s, &err));
    assert_hit(1, store_attempt_phase(f.s, first, 'a', &err));
    assert_hit(1, store_attempt_remote(f.s, first, "j-1", &err));
    json_t *detail = json_pack("{s:[s]}", "sql", "select 1");
    const struct attempt_end end = {.id = first,
                                    .from = "running",
                                    .to = "failed",
                                    .exit_code = 3,
                                    .reason = "exit",
                                    .message = "it said 3",
                                    .hint = "look",
                                    .detail = detail,
                                    .at = NOON + 7};
    assert_hit(1, store_attempt_end(f.s, &end, &err));
    assert_hit(0, store_attempt_end(f.s, &end, &err)); /* told twice */
    json_decref(detail);
    assert_hit(0, store_attempt_phase(f.s, first, 'p', &err));
    assert_ok(store_attempt_start(f.s, &again, &id, &err));
    assert_ok(store_commit(f.s, &err));
    assert_ok(store_attempts_live(f.s, f.a, &rows, &n, &err));
    assert_int_equal(1, n);
    assert_int_equal(id, rows[0].id);
    assert_int_equal(-1, rows[0].exit_code);
    assert_ok(store_attempts_list(f.s, run, f.a, &rows, &n, &err));
    assert_int_equal(2, n);
    assert_int_equal(3, rows[0].exit_code);
    assert_string_equal("it said 3", rows[0].message);
    assert_string_equal("s1", rows[0].step_name);
    assert_string_equal("{\"sql\":[\"select 1\"]}", rows[0].detail);
    assert_string_equal("j-1", rows[0].remote_id);
    assert_int_equal('a', rows[0].phase);
    snprintf(job, sizeof job, "%s.m", token);
    assert_hit(1, store_attempt_by_token(f.s, job, f.a, &a, &err));
    assert_int_equal(id, a.id);
    job[strlen(job) - 3] ^= 1; /* another life of the same numbers */
    assert_hit(0, store_attempt_by_token(f.s, job, f.a, &a, &err));
    assert_hit(0, store_attempt_by_token(f.s, "rollback-1", f.a, &a, &err));
    assert_hit(1, store_attempt_get(f.s, first, f.a, &a, &err));
    fx_end(&f);
}

static void tokens_are_read_exactly(void **state) {
    (void)state;
    char token[TOKEN_TEXT];
    struct attempt_spec in = {.run = INT64_MAX, .step = UINT32_MAX, .generation = 12, .number = 3}, out;
    token_make(&in, UINT64_MAX, token);
    assert_string_equal("r9223372036854775807-s4294967295-g12-a3-ffffffffffffffff", token);
    assert_true(token_parse(token, &out));
    assert_int_equal(in.run, out.run);
    assert_int_equal(in.step, out.step);
    assert_int_equal(12, out.generation);
    assert_int_equal(3, out.number);
    static const char *const bad[] = {"",
                                      "r",
                                      "r1-s1-g1-a1",
                                      "r1-s1-g1-a1-",
                                      "r1-s1-g1-a1-0123456789abcde",
                                      "r1-s1-g1-a1-0123456789abcdef0",
                                      "r1-s1-g1-a1-0123456789abcdefx",
                                      "r1-s4294967296-g1-a1-0123456789abcdef",
                                      "r9223372036854775808-s1-g1-a1-0123456789abcdef",
                                      "r-1-s1-g1-a1-0123456789abcdef",
                                      "r1-g1-s1-a1-0123456789abcdef"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (token_parse(bad[i], &out)) fail_msg("%s was read as a token", bad[i]);
}

static struct run_filter any(void) {
    return (struct run_filter){
        .since = INSTANT_NONE, .window_start = INSTANT_NONE, .window_end = INSTANT_NONE};
}

static void expect_runs(struct fx *f, struct run_filter filter, const char *ids) {
    struct err err;
    struct run_row *rows;
    size_t n;
    struct buf b = BUF_INIT;
    assert_ok(store_runs_list(f->s, &filter, f->a, &rows, &n, &err));
    for (size_t i = 0; i < n; i++) buf_addf(&b, "%s%lld", i ? " " : "", (long long)rows[i].id);
    assert_string_equal(ids, buf_str(&b));
    buf_release(&b);
}

/* 1..6 of p (odd) and q (even); 1,2 failed, 3 ok, 4 running, the rest queued; windows are days before
 * NOON. */
static void lists_are_newest_first_and_filtered(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    fx_begin(&f);
    assert_ok(store_begin(f.s, &err));
    int64_t p = fx_definition(f.s, "p", 1, "aa"), q = fx_definition(f.s, "q", 1, "aa"), run;
    for (int i = 1; i <= 6; i++) {
        struct run_spec r = {.definition = i % 2 ? p : q,
                             .trigger = i > 4 ? "backfill" : "manual",
                             .window_start = NOON - (7 - i) * US_PER_DAY,
                             .window_end = NOON - (6 - i) * US_PER_DAY,
                             .scheduled_for = INSTANT_NONE,
                             .at = NOON + i};
        assert_ok(store_run_add(f.s, &r, &run, &err));
        if (i <= 4) run_to(f.s, run, "queued", "running", NOON + i);
        if (i <= 2) run_to(f.s, run, "running", "failed", NOON + 10 + i);
        if (i == 3) run_to(f.s, run, "running", "ok", NOON + 13);
    }
    assert_ok(store_commit(f.s, &err));
    struct run_filter w = any();
    expect_runs(&f, w, "6 5 4 3 2 1");
    w = any(), w.pipeline = "p", expect_runs(&f, w, "5 3 1");
    w = any(), w.pipeline = "nobody", expect_runs(&f, w, "");
    w = any(), w.state = "failed", expect_runs(&f, w, "2 1");
    w = any(), w.state = "failed", w.pipeline = "q", expect_runs(&f, w, "2");
    w = any(), w.trigger = "backfill", expect_runs(&f, w, "6 5");
    w = any(), w.trigger = "backfill", w.pipeline = "q", expect_runs(&f, w, "6");
    w = any(), w.trigger = "backfill", w.state = "failed", expect_runs(&f, w, "");
    w = any(), w.since = NOON + 4, expect_runs(&f, w, "6 5 4");
    w = any(), w.since = NOON + 9, expect_runs(&f, w, "");
    w = any(), w.limit = 2, expect_runs(&f, w, "6 5");
    w = any(), w.limit = 2, w.before = 5, expect_runs(&f, w, "4 3");
    w = any(), w.window_start = NOON - 4 * US_PER_DAY, w.window_end = NOON - 2 * US_PER_DAY,
    expect_runs(&f, w, "4 3");
    w.pipeline = "p", expect_runs(&f, w, "3");
    struct run_row *open;
    size_t n;
    assert_ok(store_runs_open(f.s, f.a, &open, &n, &err));
    assert_int_equal(3, n);
    assert_int_equal(4, open[0].id);
    struct run_row r;
    assert_hit(1, store_run_of_window(f.s, "p", NOON - 4 * US_PER_DAY, NOON - 3 * US_PER_DAY, f.a, &r, &err));
    assert_int_equal(3, r.id);
    assert_hit(0, store_run_of_window(f.s, "p", NOON - 6 * US_PER_DAY, NOON - 5 * US_PER_DAY, f.a, &r, &err));
    fx_end(&f);
}

static void pipelines_remember_how_they_are(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    struct pipeline_row *p;
    size_t n;
    fx_begin(&f);
    assert_ok(store_begin(f.s, &err));
    int64_t d = fx_definition(f.s, "p", 2, "aa");
    static const char *const ends[] = {"ok", "failed", "cancelled", "failed", "skipped"};
    for (size_t i = 0; i < 5; i++) {
        int64_t run = fx_run(f.s, d);
        if (strcmp(ends[i], "skipped") == 0)
            run_to(f.s, run, "queued", "skipped", NOON);
        else if (run_to(f.s, run, "queued", "running", NOON) == 1)
            run_to(f.s, run, "running", ends[i], NOON + (instant_t)i);
    }
    assert_ok(store_pipelines_list(f.s, f.a, &p, &n, &err));
    assert_int_equal(1, n);
    assert_int_equal(5, p->last_run);
    assert_int_equal(4, p->last_finished);
    assert_string_equal("failed", p->last_state);
    assert_string_equal("s1", p->last_failed_step);
    assert_int_equal(NOON + 1, p->failing_since);
    assert_int_equal(2, p->failing_runs);
    assert_int_equal(4, p->runs);
    assert_int_equal(1, p->ok);
    assert_int_equal(2, p->failed);
    int64_t run = fx_run(f.s, d);
    run_to(f.s, run, "queued", "running", NOON);
    run_to(f.s, run, "running", "warn", NOON + 20);
    assert_ok(store_pipelines_list(f.s, f.a, &p, &n, &err));
    assert_int_equal(INSTANT_NONE, p->failing_since);
    assert_int_equal(0, p->failing_runs);
    fx_end(&f);
}

static void usual_durations_come_from_successes(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    duration_t last[3];
    size_t n = 9;
    fx_begin(&f);
    assert_ok(store_begin(f.s, &err));
    int64_t d = fx_definition(f.s, "p", 2, "aa");
    for (int i = 1; i <= 5; i++) {
        int64_t run = fx_run(f.s, d);
        struct step_move m = move(run, 1, "waiting", "running");
        assert_hit(1, store_step_move(f.s, &m, &err));
        m = move(run, 1, "running", i == 4 ? "failed" : "success");
        m.at = NOON + i;
        m.nothing_new = i == 3;
        assert_hit(1, store_step_move(f.s, &m, &err));
    }
    assert_ok(store_step_durations(f.s, "p", "s1", 3, last, &n, &err));
    assert_int_equal(3, n);
    assert_int_equal(5, last[0]);
    assert_int_equal(2, last[1]);
    assert_int_equal(1, last[2]);
    assert_ok(store_step_durations(f.s, "p", "s0", 3, last, &n, &err));
    assert_int_equal(0, n);
    fx_end(&f);
}

static void checks_are_those_of_the_newest_attempt(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    struct check_row *c;
    size_t n;
    char token[TOKEN_TEXT];
    fx_begin(&f);
    assert_ok(store_begin(f.s, &err));
    int64_t run = fx_run(f.s, fx_definition(f.s, "p", 2, "aa")), id;
    int64_t first = fx_attempt(f.s, run, 1);
    json_t *two = json_pack("[{s:s,s:s,s:s,s:s,s:i,s:s,s:i,s:[{s:i}],s:i,s:i},{s:s,s:s,s:s,s:n}]", "check",
                            "missing(id) = 0", "severity", "fail", "kind", "set", "result", "fail", "actual",
                            12, "expected", "0", "failed_rows", 12, "sample", "id", 1, "line", 44, "column",
                            9, "check", "row_count > 0", "severity", "warn", "result", "ok", "actual");
    assert_ok(store_checks_put(f.s, first, two, &err));
    assert_ok(store_checks_put(f.s, first, two, &err)); /* an audit done again */
    const struct attempt_end end = {
        .id = first, .from = "running", .to = "failed", .exit_code = -1, .at = NOON};
    assert_hit(1, store_attempt_end(f.s, &end, &err));
    assert_ok(store_checks_list(f.s, run, NULL, f.a, &c, &n, &err));
    assert_int_equal(2, n);
    assert_string_equal("missing(id) = 0", c[0].check);
    assert_string_equal("12", c[0].actual);
    assert_string_equal("\"0\"", c[0].expected);
    assert_string_equal("[{\"id\":1}]", c[0].sample);
    assert_int_equal(44, c[0].line);
    assert_int_equal(12, c[0].failed_rows);
    assert_null(c[1].actual);
    assert_int_equal(-1, c[1].failed_rows);
    struct attempt_spec again = fx_attempt_spec(run, 1, 2, token);
    assert_ok(store_attempt_start(f.s, &again, &id, &err));
    json_array_remove(two, 0);
    assert_ok(store_checks_put(f.s, id, two, &err));
    assert_ok(store_checks_list(f.s, run, "s1", f.a, &c, &n, &err));
    assert_int_equal(1, n);
    assert_int_equal(id, c[0].attempt);
    assert_ok(store_checks_list(f.s, run, "s0", f.a, &c, &n, &err));
    assert_int_equal(0, n);
    json_decref(two);
    fx_end(&f);
}

static void transactions_are_whole(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    struct run_row r;
    fx_begin(&f);
    assert_ok(store_begin(f.s, &err));
    assert_true(store_in_transaction(f.s));
    assert_int_equal(-1, store_begin(f.s, &err));
    int64_t run = fx_run(f.s, fx_definition(f.s, "p", 1, "aa"));
    store_rollback(f.s);
    assert_false(store_in_transaction(f.s));
    assert_int_equal(-1, store_commit(f.s, &err));
    assert_hit(0, store_run_get(f.s, run, f.a, &r, &err));
    assert_ok(store_begin(f.s, &err));
    run = fx_run(f.s, fx_definition(f.s, "p", 1, "aa"));
    assert_ok(store_commit(f.s, &err));
    assert_ok(store_begin(f.s, &err));
    run_to(f.s, run, "queued", "running", NOON);
    store_close(f.s); /* what was not committed is gone */
    fx_open(&f);
    assert_hit(1, store_run_get(f.s, run, f.a, &r, &err));
    assert_string_equal("queued", r.state);
    fx_end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(definitions_are_stored_once),
        cmocka_unit_test(the_last_definition_is_the_newest_runs),
        cmocka_unit_test(a_run_lives_by_compare_and_set),
        cmocka_unit_test(steps_without_rows_wait),
        cmocka_unit_test(forbidden_states_are_refused_by_the_database),
        cmocka_unit_test(a_new_generation_keeps_what_stands),
        cmocka_unit_test(attempts_have_one_life_at_a_time),
        cmocka_unit_test(tokens_are_read_exactly),
        cmocka_unit_test(lists_are_newest_first_and_filtered),
        cmocka_unit_test(pipelines_remember_how_they_are),
        cmocka_unit_test(usual_durations_come_from_successes),
        cmocka_unit_test(checks_are_those_of_the_newest_attempt),
        cmocka_unit_test(transactions_are_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
