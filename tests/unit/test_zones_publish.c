/* test_zones_publish.c: what P3 decides, what P4 and P5 do when something is in the way, rollback, retention
 * and the collector. Kills and power cuts are in tests/faults. */
#include "lake.h"
#include "zones/gc.h"

#define COLUMNS "[{'name':'id','type':'long','nullable':true},{'name':'d','type':'date','nullable':true}]"
#define WIDER                                                                                                \
    "[{'name':'id','type':'long','nullable':true},{'name':'d','type':'date','nullable':true},"               \
    "{'name':'x','type':'string','nullable':true}]"

static const struct staged days[] = {
    {.text = "one", .name = "a.parquet", .partition = "{'d':'2026-01-01'}"},
    {.text = "two!", .name = "b.parquet", .partition = "{'d':'2026-01-02'}"},
};

static struct publication append(const struct staged *files, size_t n) {
    return (struct publication){.dataset = "trusted.o",
                                .format = "delta",
                                .operation = "append",
                                .columns = COLUMNS,
                                .by = "['d']",
                                .files = files,
                                .count = n,
                                .base = LAKE_HEAD};
}

/* The plan of a publication, without publishing it. */
static json_t *plan_of(struct lake *l, const struct publication *p) {
    struct lake_attempt a = {0};
    lake_claim(l, "trusted", &a);
    json_t *request, *result;
    lake_exchange(l, &a, p, &request, &result);
    json_t *plan = publish_prepare(l->store, request, result, l->now, &l->err);
    json_decref(request);
    json_decref(result);
    return plan;
}

static json_t *output_of(const json_t *plan) { return json_array_get(json_object_get(plan, "outputs"), 0); }

static size_t removes_of(const json_t *plan) {
    return json_array_size(json_object_get(output_of(plan), "removes"));
}

/* ---- P3 */

static void operations_decide_what_goes(void **state) {
    (void)state;
    struct lake *l = lake_new(NULL);
    struct publication p = append(days, 2);
    lake_publish(l, &p);
    static const struct {
        const char *operation;
        size_t files, removes;
        int64_t rows_total;
    } cases[] = {
        {"append", 1, 0, 3}, {"replace", 1, 2, 1}, {"replace_partitions", 1, 1, 2}, {"merge", 1, 0, 3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        p = append(days, 1);
        p.operation = cases[i].operation;
        json_t *plan = plan_of(l, &p);
        if (!plan) fail_msg("%s: %s", p.operation, l->err.msg);
        assert_int_equal(removes_of(plan), cases[i].removes);
        assert_int_equal(json_int(output_of(plan), "files_total", -1), cases[i].rows_total);
        assert_int_equal(json_int(output_of(plan), "base", -9), 0);
        assert_int_equal(json_int(output_of(plan), "version", -9), 1);
        assert_false(json_flag(output_of(plan), "columns_changed"));
        assert_false(json_flag(output_of(plan), "first"));
        json_decref(plan);
    }
    lake_free(l);
}

static void a_moved_head_is_followed_where_it_can_be(void **state) {
    (void)state;
    struct lake *l = lake_new(NULL);
    struct publication p = append(days, 2);
    lake_publish(l, &p);
    p = append(days, 1);
    lake_publish(l, &p); /* the head is 1 now */
    static const struct {
        const char *operation;
        bool follows;
    } cases[] = {{"append", true}, {"replace", true}, {"replace_partitions", true}, {"merge", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        p = append(days, 1);
        p.operation = cases[i].operation;
        p.base = 0;
        json_t *plan = plan_of(l, &p);
        assert_int_equal(plan != NULL, cases[i].follows);
        if (plan) assert_int_equal(json_int(output_of(plan), "version", -1), 2);
        if (!plan) assert_string_equal(l->err.reason, "version_moved");
        json_decref(plan);
    }
    lake_free(l);
}

static void a_schema_that_changed_underneath_is_a_conflict(void **state) {
    (void)state;
    struct lake *l = lake_new(NULL);
    struct publication p = append(days, 2);
    lake_publish(l, &p);
    struct lake_attempt a = {0};
    lake_claim(l, "trusted", &a);
    json_t *request, *result;
    lake_exchange(l, &a, &p, &request, &result); /* sees the columns of version 0 */
    p.columns = WIDER;
    lake_publish(l, &p);
    json_t *plan = publish_prepare(l->store, request, result, l->now, &l->err);
    assert_null(plan);
    assert_int_equal(l->err.exit, EX_CONFLICT);
    assert_string_equal(l->err.msg, "trusted.o: its columns changed while this step was running");
    json_decref(request);
    json_decref(result);
    lake_free(l);
}

static void other_partition_columns_need_replace(void **state) {
    (void)state;
    struct lake *l = lake_new(NULL);
    struct publication p = append(days, 2);
    lake_publish(l, &p);
    p.by = NULL;
    json_t *plan = plan_of(l, &p);
    assert_null(plan);
    assert_string_equal(l->err.reason, "partitions_differ");
    p.operation = "replace";
    plan = plan_of(l, &p);
    assert_true(json_flag(output_of(plan), "columns_changed"));
    json_decref(plan);
    lake_free(l);
}

static void targets_outside_the_attempt_are_refused(void **state) {
    (void)state;
    struct lake *l = lake_new(NULL);
    struct publication p = append(days, 1);
    static const char *const targets[] = {"plain.parquet", "../%s.parquet", "/%s", "a/../../%s", ""};
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        struct lake_attempt a = {0};
        lake_claim(l, "trusted", &a);
        json_t *request, *result;
        lake_exchange(l, &a, &p, &request, &result);
        json_t *out = json_array_get(json_object_get(result, "outputs"), 0);
        json_t *file = json_array_get(json_object_get(out, "files"), 0);
        const char *hole = strstr(targets[i], "%s");
        const char *target =
            hole ? arena_printf(l->arena, "%.*s%s%s", (int)(hole - targets[i]), targets[i], a.token, hole + 2)
                 : targets[i];
        json_put_text(file, "target", target);
        json_t *plan = publish_prepare(l->store, request, result, l->now, &l->err);
        if (plan) fail_msg("%s", target);
        assert_int_equal(l->err.exit, EX_INVALID);
        json_decref(request);
        json_decref(result);
    }
    lake_free(l);
}

/* ---- P4 and P5 */

static enum publish_end run(struct lake *l, int64_t intent, json_t **outside) {
    return publish_run_intent(l->store, intent, outside, &l->err);
}

static void a_staged_file_that_is_gone_stops_the_dataset(void **state) {
    (void)state;
    struct lake *l = lake_new(NULL);
    struct publication p = append(days, 2);
    struct lake_attempt a = {0};
    lake_claim(l, "trusted", &a);
    int64_t intent = lake_prepare(l, &a, &p);
    json_t *outside;
    assert_int_equal(unlink(arena_printf(l->arena, "%s/f1.tmp", a.stage)), 0);
    assert_int_equal(run(l, intent, &outside), PUBLISH_STOPPED);
    assert_string_equal(l->err.reason, "file_missing");
    assert_false(fs_exists(arena_printf(l->arena, "%s/_delta_log", lake_path(l, "trusted.o"))));
    lake_free(l);
}

static void a_file_that_changed_after_its_checks_stops_the_dataset(void **state) {
    (void)state;
    struct lake *l = lake_new(NULL);
    struct publication p = append(days, 2);
    struct lake_attempt a = {0};
    lake_claim(l, "trusted", &a);
    int64_t intent = lake_prepare(l, &a, &p);
    json_t *outside;
    const char *path = arena_printf(l->arena, "%s/f0.tmp", a.stage);
    assert_int_equal(fs_replace(path, "longer", 6, 0644, &l->err), 0);
    assert_int_equal(run(l, intent, &outside), PUBLISH_STOPPED);
    assert_string_equal(l->err.reason, "file_changed");
    lake_free(l);
}

static void a_second_run_changes_nothing(void **state) {
    (void)state;
    struct lake *l = lake_new(NULL);
    struct publication p = append(days, 2);
    struct lake_attempt a = {0};
    lake_claim(l, "trusted", &a);
    int64_t intent = lake_prepare(l, &a, &p);
    json_t *outside;
    assert_int_equal(run(l, intent, &outside), PUBLISH_DONE);
    char *log = delta_log_path(lake_path(l, "trusted.o"), 0), *first = fs_read(log, 1 << 20, NULL, &l->err);
    assert_int_equal(run(l, intent, &outside), PUBLISH_DONE);
    char *second = fs_read(log, 1 << 20, NULL, &l->err);
    assert_string_equal(first, second);
    lake_commit(l, intent, true);
    assert_int_equal(run(l, intent, &outside), PUBLISH_DONE); /* a worker that comes too late */
    free(log), free(first), free(second);
    lake_free(l);
}

static void a_folder_that_cannot_be_written_is_said_and_can_be_repaired(void **state) {
    (void)state;
    struct lake *l = lake_new(NULL);
    struct publication p = append(days, 2);
    struct lake_attempt a = {0};
    lake_claim(l, "trusted", &a);
    int64_t intent = lake_prepare(l, &a, &p);
    json_t *outside;
    const char *path = lake_path(l, "trusted.o");
    assert_int_equal(fs_replace(path, "", 0, 0644, &l->err), 0); /* a file is in the way */
    assert_int_equal(run(l, intent, &outside), PUBLISH_FAILED);
    assert_int_equal(l->err.exit, EX_ENVIRONMENT);
    assert_non_null(strstr(l->err.msg, "publishing trusted.o"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(run(l, intent, &outside), PUBLISH_DONE);
    lake_commit(l, intent, true);
    lake_free(l);
}

static void a_forgotten_version_of_our_own_stops_the_dataset(void **state) {
    (void)state;
    struct lake *l = lake_new(NULL);
    struct publication p = append(days, 1);
    lake_publish(l, &p);
    /* What a newer life of this database published before it was restored. */
    static const char entry[] =
        "{\"commitInfo\":{\"engineInfo\":\"Leat/0.1.0\",\"txnId\":\"r9-s0-g1-a1-00\"}}\n";
    char *log = delta_log_path(lake_path(l, "trusted.o"), 1);
    assert_int_equal(fs_create(log, entry, sizeof entry - 1, 0644, &l->err), 0);
    struct publish_ahead ahead;
    assert_int_equal(publish_ahead(lake_path(l, "trusted.o"), "delta", 0, &ahead, &l->err), 1);
    assert_true(ahead.ours);
    assert_string_equal(ahead.token, "r9-s0-g1-a1-00");
    struct lake_attempt a = {0};
    lake_claim(l, "trusted", &a);
    int64_t intent = lake_prepare(l, &a, &p);
    json_t *outside;
    assert_int_equal(run(l, intent, &outside), PUBLISH_STOPPED);
    assert_string_equal(l->err.reason, "dataset_ahead");
    assert_non_null(strstr(l->err.hint, "restored from an older backup"));
    char *after = fs_read(log, 4096, NULL, &l->err);
    assert_string_equal(after, entry);
    free(log), free(after);
    lake_free(l);
}

static void a_lost_log_is_not_built_upon(void **state) {
    (void)state;
    struct lake *l = lake_new(NULL);
    struct publication p = append(days, 1);
    lake_publish(l, &p);
    char *log = delta_log_path(lake_path(l, "trusted.o"), 0);
    assert_int_equal(unlink(log), 0);
    struct lake_attempt a = {0};
    lake_claim(l, "trusted", &a);
    int64_t intent = lake_prepare(l, &a, &p);
    json_t *outside;
    assert_int_equal(run(l, intent, &outside), PUBLISH_STOPPED);
    assert_string_equal(l->err.reason, "log_missing");
    free(log);
    lake_free(l);
}

/* ---- outside writers: rules of re-basing, as data */

static const struct {
    const char *operation, *outside; /* a loose JSON array; output 0, version 5 unless said */
    const char *refused;             /* part of the message; NULL: it goes on top */
    size_t removes;
} rebases[] = {
    {"append", "{'adds':[{'target':'x','partition':{'d':'1'}}],'removes':[],'changes_data':true}", NULL, 1},
    {"append", "{'adds':[],'removes':[{'path':'old'}],'changes_data':true}", NULL, 0},
    {"append", "{'adds':[],'removes':[],'changes_data':true,'columns':[{'name':'z'}]}",
     "it changed the columns", 0},
    {"append", "{'adds':[],'removes':[],'needs':'deletion vectors'}", "the table now needs deletion vectors",
     0},
    {"replace_partitions", "{'adds':[{'target':'x','partition':{'d':'2'}}],'removes':[],'changes_data':true}",
     NULL, 1},
    {"replace_partitions", "{'adds':[{'target':'x','partition':{'d':'1'}}],'removes':[],'changes_data':true}",
     "it changed partitions that this step replaces", 0},
    {"replace_partitions", "{'adds':[{'target':'x','partition':{'d':'9'}}],'removes':[],'changes_data':true}",
     "it changed partitions that this step replaces", 0},
    {"replace_partitions", "{'adds':[],'removes':[{'path':'old'}],'changes_data':true}",
     "it changed partitions that this step replaces", 0},
    {"replace", "{'adds':[{'target':'x','partition':{'d':'2'}}],'removes':[],'changes_data':true}",
     "replacing the table would drop what it wrote", 0},
    {"replace", "{'adds':[{'target':'big','partition':{}}],'removes':[{'path':'old'}],'changes_data':false}",
     NULL, 1},
    {"merge", "{'adds':[],'removes':[],'changes_data':false}", "fits only on the version it read", 0},
    {"rollback", "{'adds':[],'removes':[],'changes_data':false}", "fits only on the version it read", 0},
};

static void check_rebase(size_t i) {
    struct err err = {0};
    json_t *plan =
        loose("{'token':'t','at':1,'outputs':[{'dataset':'trusted.o','base':4,'version':5,'first':false,"
              "'columns':[{'name':'a'}],'files':[{'target':'t-1','partition':{'d':'1'}}],"
              "'cleared':[{'d':'9'}],'removes':[{'path':'old','partition':{'d':'1'}}]}]}");
    json_t *one = loose(rebases[i].outside), *outside = json_array();
    json_put(one, "output", json_integer(0));
    json_put(one, "version", json_integer(5));
    json_put_text(one, "writer", "Spark/4");
    json_array_append_new(outside, one);
    json_t *out = json_array_get(json_object_get(plan, "outputs"), 0);
    json_put_text(out, "operation", rebases[i].operation);
    json_t *fresh = publish_rebase(plan, outside, 77, &err);
    if (rebases[i].refused) {
        assert_null(fresh);
        if (!strstr(err.msg, rebases[i].refused)) fail_msg("%zu: %s", i, err.msg);
        assert_int_equal(err.exit, EX_CONFLICT);
    } else {
        if (!fresh) fail_msg("%zu: %s", i, err.msg);
        assert_int_equal(json_int(output_of(fresh), "base", -1), 5);
        assert_int_equal(json_int(output_of(fresh), "version", -1), 6);
        assert_int_equal(json_int(fresh, "at", -1), 77);
        assert_int_equal(removes_of(fresh), rebases[i].removes);
        assert_int_equal(json_array_size(json_object_get(fresh, "outside")), 1);
    }
    json_decref(fresh);
    json_decref(plan);
    json_decref(outside);
}

static void outside_versions_are_followed_by_rule(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rebases / sizeof *rebases; i++) check_rebase(i);
}

/* ---- rollback */

static const char *live_files(struct lake *l, int64_t version) {
    struct file_list files;
    struct buf b = BUF_INIT;
    assert_true(store_files_at(l->store, lake_id(l, "trusted.o"), version, l->arena, &files, &l->err) >= 0);
    for (size_t i = 0; i < files.count; i++) buf_addf(&b, "%s ", files.rows[i].path);
    const char *out = arena_strdup(l->arena, buf_str(&b));
    buf_release(&b);
    return out;
}

static int64_t roll_back(struct lake *l, int64_t to) {
    const char *token = arena_printf(l->arena, "rollback-%lld", (long long)l->now);
    const struct rollback r = {.dataset = "trusted.o",
                               .token = token,
                               .project = "demo",
                               .dataset_id = lake_id(l, "trusted.o"),
                               .to_version = to,
                               .now = l->now};
    json_t *plan = publish_rollback(l->store, &r, &l->err), *outside;
    if (!plan) return -1;
    const struct intent_spec spec = {
        .token = token, .author = "me", .reason = "test", .plan = plan, .at = l->now};
    int64_t intent = -1;
    assert_int_equal(store_begin(l->store, &l->err), 0);
    if (store_intent_prepare(l->store, &spec, &intent, &l->err) != PREPARE_DONE) fail_msg("%s", l->err.msg);
    assert_int_equal(store_commit(l->store, &l->err), 0);
    if (run(l, intent, &outside) != PUBLISH_DONE) fail_msg("%s", l->err.msg);
    lake_commit(l, intent, false);
    json_decref(plan);
    return intent;
}

static void a_rollback_lists_the_old_files_again(void **state) {
    (void)state;
    struct lake *l = lake_new(NULL);
    struct publication p = append(days, 2);
    lake_publish(l, &p);
    p = append(days, 1);
    lake_publish(l, &p);
    p.operation = "replace";
    p.columns = WIDER;
    lake_publish(l, &p);
    assert_true(roll_back(l, 0) > 0);
    assert_string_equal(live_files(l, 3), live_files(l, 0));
    struct version_row v;
    assert_int_equal(store_version_get(l->store, lake_id(l, "trusted.o"), 3, l->arena, &v, &l->err), 1);
    assert_string_equal(v.operation, "rollback");
    assert_int_equal(v.rolled_back_to, 0);
    assert_int_equal(v.files, 2);
    json_t *columns = loose(COLUMNS), *is = json_loads(v.columns, 0, NULL);
    assert_true(json_equal(columns, is));
    json_decref(columns);
    json_decref(is);
    assert_int_equal(roll_back(l, 99), -1);
    assert_int_equal(l->err.exit, EX_NOT_FOUND);
    lake_free(l);
}

static void a_rollback_to_removed_files_says_which(void **state) {
    (void)state;
    struct lake *l = lake_new(NULL);
    struct publication p = append(days, 1);
    lake_publish(l, &p);
    p.operation = "replace";
    lake_publish(l, &p);
    struct file_list files;
    store_files_at(l->store, lake_id(l, "trusted.o"), 0, l->arena, &files, &l->err);
    unlink(arena_printf(l->arena, "%s/%s", lake_path(l, "trusted.o"), files.rows[0].path));
    assert_int_equal(roll_back(l, 0), -1);
    assert_int_equal(l->err.exit, EX_CONFLICT);
    assert_non_null(strstr(l->err.msg, files.rows[0].path));
    lake_free(l);
}

/* ---- retention and the collector */

static struct gc_report collect(struct lake *l, instant_t now, duration_t grace) {
    const char *path = arena_printf(l->arena, "%s/lake/trusted", l->root);
    const struct gc_zone zone = {.name = "trusted", .path = path};
    const struct gc_options o = {
        .zones = &zone, .zone_count = 1, .now = now, .grace = grace, .trash_grace = US_PER_DAY};
    struct gc_report report;
    if (gc_run(l->store, &o, &report, NULL, &l->err)) fail_msg("%s", l->err.msg);
    return report;
}

static void retention_keeps_what_was_current(void **state) {
    (void)state;
    struct lake *l = lake_new(NULL);
    instant_t start = l->now; /* version i is published at start + i minutes */
    struct publication p = append(days, 1);
    for (int i = 0; i < 4; i++) lake_publish(l, &p);
    static const struct {
        duration_t keep;
        int64_t first;
    } cases[] = {{0, 0}, {US_PER_HOUR, 0}, {90 * US_PER_SECOND, 1}, {30 * US_PER_SECOND, 2}, {1, 3}};
    instant_t now = start + 3 * US_PER_MINUTE + US_PER_SECOND;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t first = -1;
        assert_int_equal(
            gc_first_kept(l->store, lake_id(l, "trusted.o"), cases[i].keep, now, &first, &l->err), 0);
        assert_int_equal(first, cases[i].first);
    }
    lake_free(l);
}

static void only_what_nothing_refers_to_is_collected(void **state) {
    (void)state;
    struct lake *l = lake_new(NULL);
    struct publication p = append(days, 2);
    lake_publish(l, &p);
    p.operation = "replace";
    lake_publish(l, &p);
    const char *table = lake_path(l, "trusted.o");
    const char *foreign = arena_printf(l->arena, "%s/part-0000-spark.parquet", table);
    const char *orphan =
        arena_printf(l->arena, "%s/d=2026-01-09/r7-s0-g1-a1-0123456789abcdef-0-x.parquet", table);
    const char *temporary = arena_printf(l->arena, "%s/_delta_log/.00000000000000000009.json.AbCdEf", table);
    char *folder = fs_parent(orphan);
    assert_int_equal(fs_mkdirs(folder, 0755, &l->err), 0);
    assert_int_equal(fs_replace(foreign, "x", 1, 0644, &l->err), 0);
    assert_int_equal(fs_replace(orphan, "x", 1, 0644, &l->err), 0);
    assert_int_equal(fs_replace(temporary, "x", 1, 0644, &l->err), 0);
    struct lake_attempt live = {0};
    lake_claim(l, "trusted", &live);
    const char *dead =
        arena_printf(l->arena, "%s/lake/trusted/_leat_stage/r8-s0-g1-a1-0123456789abcdef", l->root);
    assert_int_equal(fs_mkdirs(dead, 0755, &l->err), 0);
    instant_t now = world_wall(world_real());
    struct gc_report r = collect(l, now, US_PER_HOUR); /* all too young */
    assert_int_equal(r.files + r.stages, 0);
    r = collect(l, now + 2 * US_PER_HOUR, US_PER_HOUR);
    assert_int_equal(r.files, 1);
    assert_int_equal(r.stages, 3); /* the two published ones, emptied, and the dead one */
    assert_false(fs_exists(orphan) || fs_exists(folder) || fs_exists(dead) || fs_exists(temporary));
    assert_true(fs_exists(foreign) && fs_exists(live.stage));
    /* Version 0's files stay until the version is forgotten. */
    assert_int_equal(store_begin(l->store, &l->err), 0);
    assert_true(store_versions_forget(l->store, lake_id(l, "trusted.o"), 1, 1000, &l->err) >= 0);
    assert_int_equal(store_commit(l->store, &l->err), 0);
    r = collect(l, now + 2 * US_PER_HOUR, US_PER_HOUR);
    assert_int_equal(r.files, 2);
    r = collect(l, now + 3 * US_PER_DAY, US_PER_HOUR);
    assert_int_equal(r.deleted, 1);
    r = collect(l, now + 3 * US_PER_DAY, US_PER_HOUR);
    assert_int_equal(r.deleted + r.files + r.stages, 0);
    free(folder);
    lake_free(l);
}

/* What is published between two pieces is kept, and does not keep the rest from being collected. */
static void others_publish_between_the_pieces(void **state) {
    (void)state;
    for (int before = 0; before < 5; before++) {
        struct lake *l = lake_new(NULL);
        struct publication p = append(days, 2);
        lake_publish(l, &p);
        const char *table = lake_path(l, "trusted.o");
        const char *orphan = arena_printf(l->arena, "%s/r7-s0-g1-a1-0123456789abcdef-0-x.parquet", table);
        assert_int_equal(fs_replace(orphan, "x", 1, 0644, &l->err), 0);
        const struct gc_zone zone = {.name = "trusted",
                                     .path = arena_printf(l->arena, "%s/lake/trusted", l->root)};
        const struct gc_options o = {.zones = &zone,
                                     .zone_count = 1,
                                     .now = world_wall(world_real()) + 2 * US_PER_HOUR,
                                     .grace = US_PER_HOUR};
        struct gc *g = gc_new(l->store, &o, NULL);
        for (int i = 0; i < before; i++) assert_int_equal(gc_step(g, &l->err), 1);
        lake_publish(l, &p);
        int more = 1;
        while (more == 1) more = gc_step(g, &l->err);
        assert_int_equal(more, 0);
        assert_int_equal(gc_done(g)->files, 1);
        assert_false(fs_exists(orphan));
        struct file_list files;
        assert_true(store_files_all(l->store, lake_id(l, "trusted.o"), l->arena, &files, &l->err) >= 0);
        assert_true(files.count > 0);
        for (size_t i = 0; i < files.count; i++)
            assert_true(fs_exists(arena_printf(l->arena, "%s/%s", table, files.rows[i].path)));
        gc_free(g);
        lake_free(l);
    }
}

static void a_dataset_ahead_of_the_database_is_left_alone(void **state) {
    (void)state;
    struct lake *l = lake_new(NULL);
    struct publication p = append(days, 1);
    lake_publish(l, &p);
    const char *table = lake_path(l, "trusted.o");
    const char *orphan = arena_printf(l->arena, "%s/r7-s0-g1-a1-0123456789abcdef-0-x.parquet", table);
    assert_int_equal(fs_replace(orphan, "x", 1, 0644, &l->err), 0);
    static const char entry[] =
        "{\"commitInfo\":{\"engineInfo\":\"Leat/0.1.0\",\"txnId\":\"r7-s0-g1-a1-00\"}}\n";
    char *log = delta_log_path(table, 1);
    assert_int_equal(fs_create(log, entry, sizeof entry - 1, 0644, &l->err), 0);
    collect(l, world_wall(world_real()) + US_PER_DAY, US_PER_HOUR);
    assert_true(fs_exists(orphan));
    free(log);
    lake_free(l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations_decide_what_goes),
        cmocka_unit_test(a_moved_head_is_followed_where_it_can_be),
        cmocka_unit_test(a_schema_that_changed_underneath_is_a_conflict),
        cmocka_unit_test(other_partition_columns_need_replace),
        cmocka_unit_test(targets_outside_the_attempt_are_refused),
        cmocka_unit_test(a_staged_file_that_is_gone_stops_the_dataset),
        cmocka_unit_test(a_file_that_changed_after_its_checks_stops_the_dataset),
        cmocka_unit_test(a_second_run_changes_nothing),
        cmocka_unit_test(a_folder_that_cannot_be_written_is_said_and_can_be_repaired),
        cmocka_unit_test(a_forgotten_version_of_our_own_stops_the_dataset),
        cmocka_unit_test(a_lost_log_is_not_built_upon),
        cmocka_unit_test(outside_versions_are_followed_by_rule),
        cmocka_unit_test(a_rollback_lists_the_old_files_again),
        cmocka_unit_test(a_rollback_to_removed_files_says_which),
        cmocka_unit_test(retention_keeps_what_was_current),
        cmocka_unit_test(only_what_nothing_refers_to_is_collected),
        cmocka_unit_test(others_publish_between_the_pieces),
        cmocka_unit_test(a_dataset_ahead_of_the_database_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
