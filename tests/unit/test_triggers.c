/* test_triggers.c: plays tests/data/triggers/ *.txt against the real store: what is published, and what that
 * starts.
 *
 * A file is a list of cases; below each event, indented, what it started or skipped, as the database has it:
 *
 *   == title
 *   load NAME: SCHEDULE -> DATASET [window]     a pipeline: its `schedule:` ({} for none), what it writes;
 *                                               `window`: it uses its window. Also an edit, when it is there
 *                                               already
 *   drop NAME                                   its file is gone
 *   at DAY                                      the wall clock shows that
 *   publish DATASET WINDOW [by backfill|restate|outside]    a version, by a run of nobody's pipeline; - is no
 *                                               window
 *   slot NAME WINDOW run|SKIP-REASON            the clock decides a slot of that window: it fires when that
 *                                               ends
 *   hand NAME WINDOW                            somebody queues a run
 *   begin RUN · end RUN ok|warn|failed · again RUN
 *   pause NAME · resume NAME none|latest|all    decided up to the time the clock shows
 *   away EVENT                                  it happens while nobody serves
 *   serve                                       another daemon begins
 *   complete DATASET WINDOW                     whether it is, or what is missing
 *
 * Several events of one line, separated by ` ; `, are one turn. Times are UTC: day 3, hour 5 of it 3.5, days
 * 3 and 4 3-5, hours 5 and 6 of day 3 3.5-3.7. Day 0 is 2026-03-01. LEAT_UPDATE=1 writes what is expected
 * anew. */
#include "store_fixture.h"

#include "base/map.h"
#include "dag_fixture.h"
#include "operators/op.h"
#include "scheduler/catalog.h"
#include "scheduler/conductor/triggers.h"
#include "store/backfills.h"
#include "store/internal.h"

#define DAY(n) (INT64_C(1772323200000000) + (n)*US_PER_DAY) /* 2026-03-01 + n */

enum { FILES = 16, RUNS = 64, SOMEBODY = 999 /* a run that was pruned long ago */ };

struct scene {
    struct fx fx;
    struct world world;
    instant_t now;
    struct project *project;
    struct pipeline *files[FILES];
    size_t file_count;
    struct conductor c;
    struct live_run live[RUNS]; /* by id */
    int64_t shown;              /* slots decided up to here were printed: their number */
    bool away;
    const char *file;
    int line;
    struct buf *out;
};

static instant_t wall(void *ctx) { return ((struct scene *)ctx)->now; }

/* ---- pipelines ---- */

static struct pipeline **slot_named(struct scene *s, const char *name) {
    for (size_t i = 0; i < s->file_count; i++)
        if (strcmp(s->files[i]->name, name) == 0) return &s->files[i];
    return NULL;
}

static struct pipeline *find(void *ctx, const char *name, struct err *err) {
    struct pipeline **p = slot_named(ctx, name);
    if (!p) err_set(err, EX_NOT_FOUND, "no pipeline %s", name);
    return p ? pipeline_share(*p) : NULL;
}

static const struct pipeline *next(void *ctx, size_t *at) {
    struct scene *s = ctx;
    return *at < s->file_count ? s->files[(*at)++] : NULL;
}

static void define(struct scene *s, const struct pipeline *p) {
    const struct catalog_entry e = {.name = p->name, .pipeline = (struct pipeline *)(uintptr_t)p};
    if (s->away) return;
    triggers_definition(&s->c, p->name, &e);
}

/* The clock's part of a schedule, which here nobody drives. */
static void clock_rows(struct scene *s, const struct pipeline *p) {
    struct err err;
    struct schedule_row row;
    for (size_t i = 0; i < p->schedule_count; i++) {
        if (!p->schedules[i].firing_count) continue;
        json_t *rule = schedule_rule_json(&p->schedules[i]);
        struct schedule_spec spec = {
            .pipeline = p->name, .name = p->schedules[i].name, .cursor = s->now, .rule = rule, .at = s->now};
        assert_ok(store_begin(s->fx.s, &err));
        assert_ok(store_schedule_ensure(s->fx.s, &spec, s->fx.a, &row, &err));
        assert_ok(store_commit(s->fx.s, &err));
        json_decref(rule);
    }
}

static void load(struct scene *s, char *args) {
    char *schedule = strstr(args, ": "), *into = strstr(args, " -> ");
    assert_true(schedule && into);
    *schedule = *into = 0;
    schedule += 2, into += 4;
    char *window = strstr(into, " window");
    if (window) *window = 0;
    const char *text =
        arena_printf(s->fx.a, "pipeline: %s\n%s%s\nsteps:\n  s: {copy: x/*.csv, into: %s}\n%s", args,
                     strcmp(schedule, "{}") ? "schedule: " : "", strcmp(schedule, "{}") ? schedule : "", into,
                     window ? "  w: {exec: [echo, \"${window.start}\"]}\n" : "");
    struct diags *d = diags_new();
    struct err err = {0};
    struct pipeline_reader reader = {.ask = NULL};
    reader.verbs = op_verbs(&reader.verb_count);
    struct pipeline *p = pipeline_load_text(s->project, "x.yaml", text, strlen(text), &reader, d, &err),
                    **old;
    if (!p) fail_msg("%s:%d: %s\n%s", s->file, s->line, d->count ? d->list[0].message : err.msg, text);
    diags_free(d);
    if ((old = slot_named(s, p->name))) {
        pipeline_free(*old);
        *old = p;
    } else {
        s->files[s->file_count++] = p;
    }
    clock_rows(s, p);
    define(s, p);
}

static void drop(struct scene *s, const char *name) {
    struct pipeline **p = slot_named(s, name);
    pipeline_free(*p);
    *p = s->files[--s->file_count];
    if (!s->away) triggers_definition(&s->c, name, NULL);
}

/* ---- time ---- */

static instant_t read_time(const char *text) {
    char *end;
    long day = strtol(text, &end, 10), hour = *end == '.' ? strtol(end + 1, NULL, 10) : 0;
    return DAY(day) + hour * US_PER_HOUR;
}

static struct time_span read_window(char *text) {
    if (strcmp(text, "-") == 0) return (struct time_span){INSTANT_NONE, INSTANT_NONE};
    char *dash = strchr(text, '-');
    if (dash) return (struct time_span){read_time(text), read_time(dash + 1)};
    instant_t start = read_time(text);
    return (struct time_span){start, start + (strchr(text, '.') ? US_PER_HOUR : US_PER_DAY)};
}

static const char *time_text(struct arena *a, instant_t t) {
    int64_t day = (t - DAY(0)) / US_PER_DAY, hour = (t - DAY(day)) / US_PER_HOUR;
    return hour ? arena_printf(a, "%lld.%lld", (long long)day, (long long)hour)
                : arena_printf(a, "%lld", (long long)day);
}

static const char *window_text(struct arena *a, instant_t start, instant_t end) {
    if (start == INSTANT_NONE) return "-";
    bool whole = (start - DAY(0)) % US_PER_DAY == 0;
    if (end - start == (whole ? US_PER_DAY : US_PER_HOUR)) return time_text(a, start);
    return arena_printf(a, "%s-%s", time_text(a, start), time_text(a, end));
}

/* ---- runs ---- */

static int64_t add_run(struct scene *s, const char *pipeline, struct time_span w, const char *trigger,
                       int64_t backfill) {
    struct err err;
    int64_t run;
    struct run_spec r = {.definition = fx_definition(s->fx.s, pipeline, 1, pipeline),
                         .trigger = trigger,
                         .window_start = w.start,
                         .window_end = w.end,
                         .scheduled_for = INSTANT_NONE,
                         .backfill = backfill,
                         .at = s->now};
    assert_ok(store_run_add(s->fx.s, &r, &run, &err));
    assert_true(run < RUNS);
    return run;
}

static void move_run(struct scene *s, int64_t run, const char *from, const char *to) {
    struct err err;
    struct run_move m = {.run = run, .from = from, .to = to, .at = s->now};
    assert_hit(1, store_run_move(s->fx.s, &m, &err));
}

static void begin_run(struct scene *s, int64_t run) {
    struct err err;
    struct run_row row;
    struct live_run *r = &s->live[run];
    if (store_run_get(s->fx.s, run, s->fx.a, &row, &err) != 1)
        fail_msg("%s:%d: there is no run %lld\n%s", s->file, s->line, (long long)run, buf_str(s->out));
    move_run(s, run, "queued", "running");
    struct lane *l = lane_of(&s->c, row.pipeline);
    *r = (struct live_run){.id = run,
                           .pipeline_name = (char *)(uintptr_t)row.pipeline,
                           .window_start = row.window_start,
                           .window_end = row.window_end,
                           .lane_next = l->runs};
    l->runs = r;
}

static void end_run(struct scene *s, int64_t run, const char *state) {
    struct live_run *r = &s->live[run], **link;
    if (!r->id) begin_run(s, run);
    move_run(s, run, "running", state);
    for (link = &lane_of(&s->c, r->pipeline_name)->runs; *link != r;) link = &(*link)->lane_next;
    *link = r->lane_next;
    r->id = 0;
    if (!s->away && strcmp(state, "failed") != 0) triggers_run_ended(&s->c, r);
}

static void run_again(struct scene *s, int64_t run) {
    struct err err;
    struct run_row row;
    int64_t generation;
    assert_hit(1, store_run_get(s->fx.s, run, s->fx.a, &row, &err));
    struct generation_spec g = {.run = run, .definition = row.definition, .at = s->now};
    assert_hit(1, store_run_again(s->fx.s, &g, &generation, &err));
}

/* ---- datasets ---- */

static int64_t a_backfill(struct scene *s, const char *kind) {
    struct err err;
    int64_t id;
    struct backfill_spec b = {.kind = kind,
                              .subject = "raw.a",
                              .window_from = DAY(0),
                              .window_to = DAY(1),
                              .max_parallel = 1,
                              .max_failures = -1,
                              .at = s->now};
    assert_ok(store_backfill_add(s->fx.s, &b, NULL, 0, &id, &err));
    return id;
}

static void put_version(struct scene *s, const char *dataset, int64_t run, struct time_span w) {
    struct err err;
    int64_t id;
    struct dataset_row d;
    struct dataset_spec spec = {.name = dataset, .path = "/x", .format = "files", .at = s->now};
    assert_ok(store_dataset_ensure(s->fx.s, &spec, &id, &err));
    assert_hit(1, store_dataset_get(s->fx.s, id, s->fx.a, &d, &err));
    const char *sql = arena_printf(
        s->fx.a,
        "INSERT INTO version(dataset, version, run, operation, published_at, window_start, window_end, rows,"
        " rows_unknown, bytes, files, rows_added, files_added, files_removed, based_on)"
        " VALUES(%lld, %lld, nullif(%lld, 0), 'append', %lld, nullif(%lld, %lld), nullif(%lld, %lld), 0, 0, "
        "0, 0, 0,"
        " 0, 0, %lld); UPDATE dataset SET head = %lld WHERE id = %lld",
        (long long)id, (long long)d.head + 1, (long long)run, (long long)s->now, (long long)w.start,
        (long long)INSTANT_NONE, (long long)w.end, (long long)INSTANT_NONE, (long long)d.head,
        (long long)d.head + 1, (long long)id);
    assert_ok(store_exec(s->fx.s, sql, &err));
    if (!s->away) triggers_published(&s->c, dataset);
}

static void publish(struct scene *s, char *args) {
    char *save, *dataset = strtok_r(args, " ", &save), *window = strtok_r(NULL, " ", &save),
                *by = strtok_r(NULL, " ", &save), *kind = by ? strtok_r(NULL, " ", &save) : NULL;
    struct time_span w = read_window(window);
    int64_t run = kind ? 0 : SOMEBODY;
    if (kind && strcmp(kind, "outside") != 0)
        run = add_run(s, "somebody", w, "backfill", a_backfill(s, kind));
    put_version(s, dataset, run, w);
}

/* ---- the clock, as far as it matters ---- */

static void clock_slot(struct scene *s, char *args) {
    char *save, *name = strtok_r(args, " ", &save), *window = strtok_r(NULL, " ", &save),
                *what = strtok_r(NULL, " ", &save);
    struct err err;
    struct schedule_row *rows;
    size_t n, i = 0, len;
    struct time_span w = read_window(window);
    assert_ok(store_schedules_list(s->fx.s, name, s->fx.a, &rows, &n, &err));
    while (i < n && after_part(rows[i].name, &len)) i++;
    assert_true(i < n);
    struct slot_row slot = {.schedule = rows[i].id,
                            .fire = w.end,
                            .window_start = w.start,
                            .window_end = w.end,
                            .outcome = "skipped",
                            .reason = what,
                            .decided_at = s->now};
    struct run_spec spec = {.definition = fx_definition(s->fx.s, name, 1, name),
                            .trigger = "schedule",
                            .window_start = w.start,
                            .window_end = w.end,
                            .scheduled_for = w.end,
                            .schedule = rows[i].name,
                            .at = s->now};
    int64_t run = 0;
    if (strcmp(what, "run") == 0) {
        slot.reason = NULL;
        assert_hit(1, store_slot_run(s->fx.s, &slot, &spec, &run, &err));
    } else {
        assert_hit(1, store_slot_add(s->fx.s, &slot, &err));
    }
    assert_hit(1, store_schedule_move(s->fx.s, rows[i].id, rows[i].cursor, w.end, &err));
    if (run) buf_addf(s->out, "  %s %s: run %lld\n", name, window, (long long)run);
}

static void resume(struct scene *s, char *args) {
    char *word = strchr(args, ' ');
    *word++ = 0;
    lane_of(&s->c, args)->paused = false;
    triggers_resume(&s->c, lane_of(&s->c, args), lane_of(&s->c, args)->paused_at, s->now, word);
}

static void ask_complete(struct scene *s, char *args) {
    char *window = strchr(args, ' ');
    struct err err;
    const char *why;
    *window++ = 0;
    struct time_span w = read_window(window);
    struct complete_asks asks = conductor_completeness(&s->c);
    int yes = complete_span(&asks, args, w.start, w.end, s->fx.a, &why, &err);
    if (yes < 0) fail_msg("%s:%d: %s", s->file, s->line, err.msg);
    buf_addf(s->out, "  %s\n", yes ? "complete" : why);
}

/* ---- what came of it ---- */

static int by_decision(const void *a, const void *b) {
    const struct slot_row *x = a, *y = b;
    if (x->decided_at != y->decided_at)
        return (x->decided_at > y->decided_at) - (x->decided_at < y->decided_at);
    int c = strcmp(x->pipeline, y->pipeline);
    return c ? c : (x->fire > y->fire) - (x->fire < y->fire);
}

/* Every slot of a trigger that was not printed yet: the first `shown` of them by decision were. */
static void show_new(struct scene *s) {
    struct err err;
    struct arena *a = arena_new();
    struct schedule_row *rows;
    struct slot_row all[256];
    size_t n, count = 0, len;
    assert_ok(store_schedules_list(s->fx.s, NULL, a, &rows, &n, &err));
    for (size_t i = 0; i < n; i++) {
        struct slot_row *slots;
        size_t k;
        if (!after_part(rows[i].name, &len)) continue;
        assert_ok(store_slots_last(s->fx.s, rows[i].id, INSTANT_NONE, 200, a, &slots, &k, &err));
        for (size_t j = 0; j < k; j++) all[count++] = slots[j];
    }
    qsort(all, count, sizeof *all, by_decision);
    for (size_t i = (size_t)s->shown; i < count; i++) {
        buf_addf(s->out, "  %s %s: ", all[i].pipeline,
                 window_text(a, all[i].window_start, all[i].window_end));
        if (all[i].run)
            buf_addf(s->out, "run %lld\n", (long long)all[i].run);
        else if (all[i].count > 1)
            buf_addf(s->out, "skipped (%s), %lld of them\n", all[i].reason, (long long)all[i].count);
        else
            buf_addf(s->out, "skipped (%s)\n", all[i].reason);
    }
    s->shown = (int64_t)count;
    arena_free(a);
}

/* ---- playing ---- */

/* As the clock does with those that only the database knows. */
static void leave_unknown(struct scene *s) {
    struct err err;
    struct schedule_row *rows;
    size_t n, len;
    assert_ok(store_schedules_list(s->fx.s, NULL, s->fx.a, &rows, &n, &err));
    for (size_t i = 0; i < n; i++) {
        bool after = after_part(rows[i].name, &len);
        if (!after || rows[i].gone_at != INSTANT_NONE || triggers_have(&s->c, rows[i].id)) continue;
        json_t *rule = json_loads(rows[i].rule, 0, NULL);
        struct schedule *schedule = schedule_from_rule("main", rule, s->project->zone_data, &err);
        json_decref(rule);
        triggers_leave(&s->c, lane_of(&s->c, rows[i].pipeline), &rows[i], schedule, s->now);
    }
}

static void serve_again(struct scene *s) {
    triggers_close(&s->c);
    triggers_open(&s->c);
    s->away = false;
    for (size_t i = 0; i < s->file_count; i++) define(s, s->files[i]);
    leave_unknown(s);
}

static void pause_it(struct scene *s, char *name) {
    lane_of(&s->c, name)->paused = true;
    lane_of(&s->c, name)->paused_at = s->now;
}
static void set_clock(struct scene *s, char *t) { s->now = read_time(t); }
static void begin_word(struct scene *s, char *run) { begin_run(s, strtol(run, NULL, 10)); }
static void again_word(struct scene *s, char *run) { run_again(s, strtol(run, NULL, 10)); }
static void drop_word(struct scene *s, char *name) { drop(s, name); }
static void serve_word(struct scene *s, char *args) {
    (void)args;
    serve_again(s);
}
static void end_word(struct scene *s, char *args) {
    char *state;
    long run = strtol(args, &state, 10);
    end_run(s, run, state + 1);
}
static void hand_word(struct scene *s, char *args) {
    char *window = strchr(args, ' ');
    *window++ = 0;
    buf_addf(s->out, "  run %lld\n", (long long)add_run(s, args, read_window(window), "manual", 0));
}

static const struct {
    const char *word;
    void (*play)(struct scene *s, char *args);
    bool alone; /* not inside of a turn */
} words[] = {
    {"load ", load, true},
    {"drop ", drop_word, true},
    {"serve", serve_word, true},
    {"at ", set_clock, false},
    {"publish ", publish, false},
    {"slot ", clock_slot, false},
    {"hand ", hand_word, false},
    {"begin ", begin_word, false},
    {"end ", end_word, false},
    {"again ", again_word, false},
    {"pause ", pause_it, false},
    {"resume ", resume, false},
    {"complete ", ask_complete, false},
};

static void play_one(struct scene *s, char *event) {
    bool away = s->away;
    struct err err;
    if (strncmp(event, "away ", 5) == 0) s->away = true, event += 5;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = strlen(words[i].word);
        if (strncmp(event, words[i].word, n) != 0) continue;
        if (words[i].alone) assert_ok(store_commit(s->fx.s, &err));
        words[i].play(s, event + n);
        if (words[i].alone) assert_ok(store_begin(s->fx.s, &err));
        s->away = away && s->away;
        return;
    }
    fail_msg("%s:%d: what is `%s`?", s->file, s->line, event);
}

/* One turn, and those that it wants to follow. */
static void play(struct scene *s, char *line) {
    struct err err;
    char *event = line, *more;
    assert_ok(store_begin(s->fx.s, &err));
    do {
        if ((more = strstr(event, " ; "))) *more = 0;
        play_one(s, event);
        event = more + 3;
    } while (more);
    do {
        s->c.wants_turn = false;
        triggers_tick(&s->c);
        if (s->c.is_broken) fail_msg("%s:%d: %s", s->file, s->line, s->c.broken.msg);
        assert_ok(store_commit(s->fx.s, &err));
        assert_ok(store_begin(s->fx.s, &err));
    } while (s->c.wants_turn);
    assert_ok(store_commit(s->fx.s, &err));
    show_new(s);
    s->now += US_PER_SECOND;
}

static void scene_open(struct scene *s, const char *file, struct buf *out) {
    struct err err;
    struct diags *d = diags_new();
    *s = (struct scene){.now = DAY(0), .file = file, .out = out};
    s->world = *world_real();
    s->world.wall = wall;
    s->world.ctx = s;
    fx_begin(&s->fx);
    s->project = project_load(s->fx.dir, d, &err);
    diags_free(d);
    s->c = (struct conductor){.store = s->fx.s,
                              .options = {.project = s->project,
                                          .world = &s->world,
                                          .find = find,
                                          .next = next,
                                          .find_ctx = s,
                                          .serves = true}};
    s->c.core = core_new(&(struct core_config){.jobs = 4});
    triggers_open(&s->c);
}

static void scene_close(struct scene *s) {
    triggers_close(&s->c);
    wiring_free(s->c.wiring);
    lanes_release(&s->c);
    core_free(s->c.core);
    core_actions_release(&s->c.actions);
    for (size_t i = 0; i < s->file_count; i++) pipeline_free(s->files[i]);
    project_free(s->project);
    fx_end(&s->fx);
}

static void play_file(const char *path) {
    struct scene *s = NULL;
    struct buf out = BUF_INIT;
    struct err err;
    char *text = fs_read(path, 1 << 20, NULL, &err), *save;
    assert_non_null(text);
    char *copy = xstrdup(text);
    int number = 0;
    for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        number++;
        if (line[0] == ' ') continue; /* what was expected */
        buf_addf(&out, "%s%s\n", strncmp(line, "== ", 3) == 0 && out.len ? "\n" : "", line);
        if (line[0] == '#') continue;
        if (strncmp(line, "== ", 3) == 0) {
            if (s) scene_close(s);
            if (!s) s = xcalloc(1, sizeof *s);
            scene_open(s, path, &out);
            continue;
        }
        s->line = number;
        play(s, line);
    }
    if (s) scene_close(s);
    free(s);
    if (getenv("LEAT_UPDATE") && strcmp(buf_str(&out), text) != 0)
        assert_int_equal(fs_replace(path, out.s, out.len, 0644, &err), 0);
    else
        assert_string_equal(buf_str(&out), text);
    free(copy);
    free(text);
    buf_release(&out);
}

static void test_cases(void **state) {
    (void)state;
    size_t n;
    char **files = fx_files(LEAT_SOURCE_DIR "/tests/data/triggers", ".txt", &n);
    assert_true(n > 0);
    for (size_t i = 0; i < n; i++) play_file(files[i]);
    fx_files_free(files, n);
}

/* ---- what it costs ---- */

enum { ROUNDS = 5, PUBLISHES = 40 };

static double microseconds(void) { return (double)world_steady(world_real()); }

static void add_readers(struct scene *s, int from, int to) {
    struct err err;
    assert_ok(store_begin(s->fx.s, &err));
    for (int i = from; i < to; i++) {
        const char *text =
            arena_printf(s->fx.a,
                         "pipeline: p%d\nschedule: {after: raw.d%d}\nsteps:\n  s: {copy: x, into: "
                         "trusted.e%d}\n",
                         i, i, i);
        struct pipeline_reader reader = {.ask = NULL};
        struct diags *d = diags_new();
        reader.verbs = op_verbs(&reader.verb_count);
        struct pipeline *p = pipeline_load_text(s->project, "x.yaml", text, strlen(text), &reader, d, &err);
        assert_non_null(p);
        const struct catalog_entry e = {.name = p->name, .pipeline = p};
        triggers_definition(&s->c, p->name, &e);
        pipeline_free(p);
        diags_free(d);
    }
    assert_ok(store_commit(s->fx.s, &err));
    assert_ok(store_begin(s->fx.s, &err));
    triggers_tick(&s->c);
    assert_ok(store_commit(s->fx.s, &err));
}

/* The best of some rounds of publishes whose dataset starts one pipeline: the decision, its slot and its
 * run. */
static double cost_of_publish(struct scene *s, int *day) {
    struct err err;
    double best = 0;
    for (int round = 0; round < ROUNDS; round++) {
        assert_ok(store_begin(s->fx.s, &err));
        double spent = 0;
        for (int i = 0; i < PUBLISHES; i++, (*day)++) {
            put_version(s, "raw.a", SOMEBODY, (struct time_span){DAY(*day), DAY(*day + 1)});
            double begin = microseconds();
            triggers_tick(&s->c);
            spent += microseconds() - begin;
        }
        assert_ok(store_commit(s->fx.s, &err));
        if (round == 0 || spent < best) best = spent;
        s->now += US_PER_SECOND;
    }
    return best / PUBLISHES;
}

/* Decided by who starts after the dataset, not by who there is. */
static void test_cost(void **state) {
    (void)state;
    enum { FEW = 10, MANY = 5000 };
    struct scene *s = xcalloc(1, sizeof *s);
    struct buf out = BUF_INIT;
    char reader[] = "sum: {after: raw.a} -> trusted.b";
    int day = 0;
    scene_open(s, "cost", &out);
    load(s, reader);
    add_readers(s, 0, FEW);
    double few = cost_of_publish(s, &day);
    add_readers(s, FEW, MANY);
    double many = cost_of_publish(s, &day);
    print_message("a publish that starts a pipeline, among %d: %.1f us; among %d: %.1f us\n", FEW, few, MANY,
                  many);
    if (many > 3 * few + 50)
        fail_msg("the cost grows with the number of pipelines: %.1f, then %.1f us", few, many);
    scene_close(s);
    free(s);
    buf_release(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases), cmocka_unit_test(test_cost)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
