/* Cost never grows with history: every statement's query plan, and the time of hot questions over a long
 * one. */
#include "tests/unit/store_fixture.h"

#include "store/internal.h"

#include <time.h>

/* Scanning these is fine: they grow with the project, not with its history; */
static const char *const small_tables[] = {"pipeline", "dataset", "bookmark",
                                           "schedule", "pause",   "backfill"};
/* and these partial indexes hold only what is going on now. */
static const char *const small_indexes[] = {"run_open", "attempt_live", "intent_open", "backfill_open",
                                            "consumed_stale"};

/* true when `words` stands in text with nothing but space, comma or bracket around it. */
static bool stands_in(const char *text, const char *words) {
    size_t n = strlen(words);
    for (const char *at = strstr(text, words); at; at = strstr(at + 1, words)) {
        bool start = at == text || strchr(" (,", at[-1]), end = at[n] == 0 || strchr(" ),", at[n]);
        if (start && end) return true;
    }
    return false;
}

/* What a plan calls `name` is the table, or its alias in the statement. */
static bool names_small_table(const char *sql, const char *name) {
    char alias[96];
    for (size_t i = 0; i < sizeof small_tables / sizeof *small_tables; i++) {
        snprintf(alias, sizeof alias, "%s %s", small_tables[i], name);
        if (strcmp(small_tables[i], name) == 0 || stands_in(sql, alias)) return true;
    }
    return false;
}

/* A subquery in FROM or WITH: what fills it has its own lines in the plan. */
static bool names_subquery(const char *sql, const char *name) {
    char alias[96], with[96];
    snprintf(alias, sizeof alias, ") %s", name);
    snprintf(with, sizeof with, "WITH RECURSIVE %s(", name);
    return name[0] == '(' || strcmp(name, "CONSTANT") == 0 || strstr(sql, alias) || strstr(sql, with);
}

/* "SCAN x …" reads all of x; SEARCH does not. */
static bool allowed(const char *sql, const char *detail) {
    char name[64];
    if (strncmp(detail, "SCAN ", 5) != 0) return true;
    for (size_t i = 0; i < sizeof small_indexes / sizeof *small_indexes; i++)
        if (stands_in(detail, small_indexes[i])) return true;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(detail + 5, " "), detail + 5);
    return names_subquery(sql, name) || names_small_table(sql, name);
}

static void the_watch_would_see_a_scan(void **state) {
    (void)state;
    assert_false(allowed("SELECT 1 FROM run r WHERE state = 1", "SCAN r"));
    assert_false(allowed("SELECT 1 FROM run", "SCAN run USING COVERING INDEX run_state"));
    assert_false(allowed("SELECT 1 FROM definition d, dataset x", "SCAN d"));
    assert_true(allowed("SELECT 1 FROM dataset d LEFT JOIN x", "SCAN d"));
    assert_true(allowed("SELECT 1 FROM run", "SEARCH run USING INDEX run_state (state=?)"));
    assert_true(allowed("SELECT 1 FROM (SELECT 1 FROM x) r", "SCAN r"));
    assert_true(allowed("SELECT 1 FROM run", "SCAN run USING INDEX run_open"));
    assert_true(allowed("WITH RECURSIVE k(n) AS (SELECT 1) SELECT 1 FROM k", "SCAN k"));
    assert_false(allowed("WITH RECURSIVE k(n) AS (SELECT 1) SELECT 1 FROM run", "SCAN run"));
}

static void no_statement_scans_what_grows(void **state) {
    (void)state;
    struct fx f;
    int bad = 0;
    fx_begin(&f);
    for (int i = 0; i < SQL_COUNT; i++) {
        sqlite3_stmt *st;
        char *text = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql_text((enum sql)i));
        if (sqlite3_prepare_v2(f.s->db, text, -1, &st, NULL) != SQLITE_OK)
            fail_msg("%s: %s", sql_name((enum sql)i), sqlite3_errmsg(f.s->db));
        while (sqlite3_step(st) == SQLITE_ROW) {
            const char *detail = (const char *)sqlite3_column_text(st, 3);
            if (allowed(sql_text((enum sql)i), detail)) continue;
            print_error("%s: %s\n", sql_name((enum sql)i), detail);
            bad++;
        }
        sqlite3_finalize(st);
        sqlite3_free(text);
    }
    assert_int_equal(0, bad);
    fx_end(&f);
}

/* The plans that matter most, word for word: the index that is used is the one that was meant. */
static const struct {
    enum sql sql;
    const char *uses;
} meant[] = {
    {SQL_attempts_live, "SCAN a USING INDEX attempt_live"},
    {SQL_runs_open, "USING INDEX run_open"},
    {SQL_intents_open, "USING INDEX intent_open"},
    {SQL_attempt_numbers,
     "USING INDEX sqlite_autoindex_attempt_1 (run=? AND step=? AND generation=? AND number=?)"},
    {SQL_attempt_fence, "USING INTEGER PRIMARY KEY (rowid=?)"},
    {SQL_run_move, "USING INTEGER PRIMARY KEY (rowid=?)"},
    {SQL_step_move, "USING PRIMARY KEY (run=? AND idx=?)"},
    {SQL_runs_all, "USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
    {SQL_runs_pipeline, "USING INDEX run_pipeline (pipeline=? AND rowid>? AND rowid<?)"},
    {SQL_runs_state, "USING INDEX run_state (state=? AND rowid>? AND rowid<?)"},
    {SQL_run_of_window, "USING INDEX run_window (pipeline=? AND window_start=? AND window_end=?)"},
    {SQL_files_new, "USING INDEX data_file_live_version (dataset=? AND added_version>? AND added_version<?)"},
    {SQL_files_new, "USING INDEX data_file_removed (dataset=? AND removed_version>?)"},
    {SQL_files_in_partition, "USING INDEX data_file_live_partition (dataset=? AND partition=?)"},
    {SQL_file_remove, "USING INDEX data_file_live (dataset=? AND path=?)"},
    {SQL_file_of_source, "USING INDEX data_file_live_source (dataset=? AND source_path=?)"},
    {SQL_intent_of_dataset, "USING INDEX intent_output_open (dataset=?)"},
    {SQL_seen_get, "USING PRIMARY KEY (folder=? AND name=? AND since_version<?)"},
    {SQL_bookmarks_moved, "USING INDEX bookmark_version_run (bookmark=? AND run=?)"},
    {SQL_metric_history, "USING PRIMARY KEY (dataset=? AND name=?)"},
    {SQL_pin_get, "USING PRIMARY KEY (run=? AND generation=? AND dataset=?)"},
    /* per tick */
    {SQL_slot_before, "SEARCH slot USING PRIMARY KEY (schedule=? AND fire<?)"},
    {SQL_slot_grow, "SEARCH slot USING PRIMARY KEY (schedule=? AND fire=?)"},
    {SQL_schedule_move, "SEARCH schedule USING INTEGER PRIMARY KEY (rowid=?)"},
    {SQL_trigger_seen, "USING PRIMARY KEY (schedule=? AND dataset=?)"},
    /* per publish */
    {SQL_versions_after, "SEARCH v USING PRIMARY KEY (dataset=? AND version>?)"},
    {SQL_run_queued_window,
     "SEARCH run USING INDEX run_window (pipeline=? AND window_start=? AND window_end=?)"},
    {SQL_run_queued_bare, "SEARCH run USING INDEX run_waiting (pipeline=? AND queue=?)"},
    /* per end of a run */
    {SQL_run_waiting,
     "SEARCH run USING COVERING INDEX run_pipeline_state (pipeline=? AND state=? AND rowid>?)"},
    {SQL_runs_waiting, "SEARCH run USING INDEX run_waiting (pipeline=? AND queue>?)"},
    {SQL_runs_waiting, "SEARCH run USING INDEX run_waiting (pipeline=? AND queue=?)"},
    {SQL_pipelines_waiting, "SEARCH run USING INDEX run_waiting (pipeline=?)"},
    {SQL_run_defined, "SEARCH generation USING PRIMARY KEY (run=? AND number=?)"},
    {SQL_run_before, "SEARCH r USING INDEX run_slot (pipeline=? AND schedule=? AND scheduled_for<?)"},
    {SQL_runs_of_parent, "SEARCH r USING INDEX run_parent (parent=?)"},
    {SQL_runs_backfill, "SEARCH r USING INDEX run_backfill (backfill=? AND rowid>? AND rowid<?)"},
    {SQL_item_of_run, "SEARCH i USING INDEX backfill_item_run (run=?)"},
    {SQL_item_move, "SEARCH backfill_item USING PRIMARY KEY (backfill=? AND n=?)"},
    {SQL_items_cancel, "SEARCH backfill_item USING PRIMARY KEY (backfill=? AND n=?)"},
    {SQL_items_state, "SEARCH i USING INDEX backfill_item_state (backfill=? AND state=? AND n>?)"},
    {SQL_items_next, "SEARCH i USING INDEX backfill_item_state (backfill=? AND state=? AND n>?)"},
    {SQL_items_next,
     "SEARCH b USING INDEX backfill_item_blocks (backfill=? AND span=? AND window_end>? AND window_end<?)"},
    {SQL_item_blockers,
     "SEARCH b USING INDEX backfill_item_blocks (backfill=? AND span=? AND window_end>? AND window_end<?)"},
    {SQL_backfills_open, "USING INDEX backfill_open"},
    {SQL_consumed_put, "SEARCH version USING PRIMARY KEY (dataset=? AND version>?)"},
    {SQL_consumed_stale,
     "SEARCH consumed USING INDEX consumed_window (dataset=? AND span=? AND window_end>? AND window_end<?)"},
    /* what people ask */
    {SQL_slot_at, "SEARCH slot USING PRIMARY KEY (schedule=? AND fire<?)"},
    {SQL_slots_ahead, "SEARCH slot USING PRIMARY KEY (schedule=? AND fire>?)"},
    {SQL_slot_of_run, "SEARCH t USING PRIMARY KEY (schedule=? AND fire=?)"},
    {SQL_slots_last, "SEARCH t USING PRIMARY KEY (schedule=? AND fire<?)"},
    {SQL_slots_meeting, "SEARCH slot USING COVERING INDEX slot_window (schedule=? AND span>?)"},
    {SQL_slots_meeting,
     "SEARCH t USING INDEX slot_window (schedule=? AND span=? AND window_end>? AND window_end<?)"},
    {SQL_consumers,
     "SEARCH c USING INDEX consumed_window (dataset=? AND span=? AND window_end>? AND window_end<?)"},
    {SQL_stale_pipeline, "SEARCH c USING INDEX consumed_stale_pipeline (pipeline=?)"},
};

static void hot_questions_use_the_index_that_was_meant(void **state) {
    (void)state;
    struct fx f;
    fx_begin(&f);
    for (size_t i = 0; i < sizeof meant / sizeof *meant; i++) {
        sqlite3_stmt *st;
        struct buf plan = BUF_INIT;
        char *text = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql_text(meant[i].sql));
        assert_int_equal(SQLITE_OK, sqlite3_prepare_v2(f.s->db, text, -1, &st, NULL));
        while (sqlite3_step(st) == SQLITE_ROW)
            buf_addf(&plan, "%s\n", (const char *)sqlite3_column_text(st, 3));
        if (!strstr(buf_str(&plan), meant[i].uses))
            fail_msg("%s should say %s:\n%s", sql_name(meant[i].sql), meant[i].uses, buf_str(&plan));
        sqlite3_finalize(st);
        sqlite3_free(text);
        buf_release(&plan);
    }
    fx_end(&f);
}

/* ---- a long history ---- */

enum { RUNS = 20000, STEPS = 10, ASKED = 2000 };

/* Ended runs of two pipelines, straight into the tables: 200,000 attempts in about a second. */
static const char history[] =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO run(id, "
    "pipeline,"
    " trigger, state, created_at, started_at, finished_at, window_start, window_end) SELECT i, 1 + i % 2, "
    "'schedule',"
    " CASE WHEN i % 500 = 0 THEN 'failed' ELSE 'ok' END, i, i, i + 5, i * 10, i * 10 + 10 FROM n;"
    "INSERT INTO generation SELECT id, 1, pipeline, 1 FROM run;"
    "INSERT INTO step(run, idx, generation, state, started_at, finished_at) SELECT r.id, d.idx, 1, "
    "'success', r.id,"
    " r.id + 3 FROM run r, definition_step d WHERE d.definition = r.pipeline;"
    "INSERT INTO attempt(run, step, generation, number, token, state, started_at, finished_at) SELECT run, "
    "idx, 1, 1,"
    " 'r' || run || '-s' || idx || '-g1-a1-0123456789abcdef', 'success', 1, 2 FROM step;";

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

struct costs {
    double turn, live, last_runs, show;
};

static struct costs measure(struct fx *f) {
    struct costs c = {0};
    struct err err;
    struct attempt_row *a;
    struct run_row *r;
    struct step_row *s;
    size_t n;
    struct run_filter filter = {
        .pipeline = "p", .since = INSTANT_NONE, .window_start = INSTANT_NONE, .window_end = INSTANT_NONE};
    double t = seconds();
    for (int i = 0; i < ASKED; i++) {
        assert_ok(store_begin(f->s, &err));
        int64_t id = fx_attempt(f->s, fx_run(f->s, 1), 0);
        const struct attempt_end e = {.id = id, .from = "running", .to = "success", .at = NOON};
        assert_hit(1, store_attempt_end(f->s, &e, &err));
        store_rollback(f->s);
    }
    c.turn = seconds() - t, t = seconds();
    for (int i = 0; i < ASKED; i++) assert_ok(store_attempts_live(f->s, f->a, &a, &n, &err));
    c.live = seconds() - t, t = seconds();
    for (int i = 0; i < ASKED / 10; i++) assert_ok(store_runs_list(f->s, &filter, f->a, &r, &n, &err));
    c.last_runs = seconds() - t, t = seconds();
    for (int i = 0; i < ASKED; i++) assert_ok(store_steps_list(f->s, 1 + i % 5, f->a, &s, &n, &err));
    c.show = seconds() - t;
    return c;
}

/* Not a timed test: only a factor that a scan would pass by orders of magnitude. */
static void a_long_history_costs_nothing(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    fx_begin(&f);
    assert_ok(store_begin(f.s, &err));
    fx_definition(f.s, "p", STEPS, "aa");
    fx_definition(f.s, "q", STEPS, "bb");
    for (int i = 0; i < 40; i++) {
        int64_t run = fx_run(f.s, 1 + i % 2);
        assert_hit(
            1, store_run_move(f.s,
                              &(struct run_move){.run = run, .from = "queued", .to = "cancelled", .at = NOON},
                              &err));
    }
    assert_ok(store_commit(f.s, &err));
    struct costs few = measure(&f);
    assert_ok(store_exec(f.s, "BEGIN; DELETE FROM generation; DELETE FROM run", &err));
    assert_ok(store_exec(f.s, history, &err));
    assert_ok(store_commit(f.s, &err));
    struct costs many = measure(&f);
    print_message(
        "seconds for %d turns %.3f -> %.3f, live %.3f -> %.3f, last runs %.3f -> %.3f, show %.3f -> %.3f\n",
        ASKED, few.turn, many.turn, few.live, many.live, few.last_runs, many.last_runs, few.show, many.show);
    assert_true(many.turn < few.turn * 10 + 0.1);
    assert_true(many.live < few.live * 10 + 0.1);
    assert_true(many.last_runs < few.last_runs * 10 + 0.1);
    assert_true(many.show < few.show * 10 + 0.1);
    fx_end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_watch_would_see_a_scan),
        cmocka_unit_test(no_statement_scans_what_grows),
        cmocka_unit_test(hot_questions_use_the_index_that_was_meant),
        cmocka_unit_test(a_long_history_costs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
