/* test_timetable_cases.c: what the clock decides, case by case: tests/data/timetable.
 *
 *   {"name": "A", …}                          a schedule, as dag/schedule.h writes its rule
 *   > add 1 A cursor=T [group=G] [since=T] [now=T]      schedule 1; its group is 1 unless said
 *   > tick T [decisions=N] [slots=N]          what is decided at T; repeated until all is, unless there is a
 *                                             budget
 *   > change 1 B at=T ; remove 1
 *   > end 1 [at=T] ; ended 1                  it goes; without at: it stays after all
 *   > pause G [from=T] ; resume G at=T none|latest|all [from=T] ; busy G yes|no
 *   > due [1]                                 when there is work next; when schedule 1 is due
 *
 * Times are UTC. */
#include "base/json.h"
#include "scheduler/timetable/timetable.h"
#include "script.h"

enum { SCHEDULES = 16 };

struct bench {
    struct timetable *t;
    struct timetable_out out;
    struct {
        char name[8];
        struct schedule *s;
    } list[SCHEDULES];
    size_t count;
};

static void reset(void *ctx) {
    struct bench *b = ctx;
    timetable_free(b->t);
    timetable_out_release(&b->out);
    for (size_t i = 0; i < b->count; i++) schedule_free(b->list[i].s);
    *b = (struct bench){.t = timetable_new()};
}

static void say(void *ctx, char *line) {
    struct bench *b = ctx;
    struct err err = {0};
    json_t *j = json_loads(line, 0, NULL);
    if (!j) fail_msg("not JSON: %s", line);
    struct schedule *s = schedule_from_rule(json_text(j, "name"), j, NULL, &err);
    if (!s) fail_msg("%s: %s", line, err.msg);
    assert_true(b->count < SCHEDULES);
    snprintf(b->list[b->count].name, sizeof b->list->name, "%s", json_text(j, "name"));
    b->list[b->count++].s = s;
    json_decref(j);
}

static const struct schedule *named(const struct bench *b, const char *name) {
    for (size_t i = 0; i < b->count; i++)
        if (strcmp(b->list[i].name, name) == 0) return b->list[i].s;
    fail_msg("no schedule %s", name);
    return NULL;
}

/* The value of KEY=VALUE among the words; NULL: not there. */
static const char *value_of(char *const *words, const char *key) {
    size_t n = strlen(key);
    for (; *words; words++)
        if (strncmp(*words, key, n) == 0 && (*words)[n] == '=') return *words + n + 1;
    return NULL;
}

static instant_t time_of(char *const *words, const char *key, instant_t otherwise) {
    const char *v = value_of(words, key);
    return v ? script_time(v, NULL) : otherwise;
}

static long number_of(char *const *words, const char *key, long otherwise) {
    const char *v = value_of(words, key);
    return v ? atol(v) : otherwise;
}

static void put(struct buf *out, const char *before, instant_t t) {
    buf_adds(out, before);
    script_put_time(out, NULL, t);
}

static void put_decision(struct buf *out, const struct timetable_decision *d) {
    buf_addf(out, "%lld %s", (long long)d->id, d->run ? "run" : "skip");
    if (!d->run) buf_addf(out, " %s x%lld", skip_reason_names[d->reason], (long long)d->count);
    put(out, "  ", d->fire);
    if (d->last_fire != d->fire) put(out, " .. ", d->last_fire);
    put(out, "  [", d->window_start);
    put(out, ", ", d->window_end);
    buf_addc(out, ')');
    if (d->due != d->last_fire)
        buf_addf(out, "  +%llds", (long long)((d->due - d->last_fire) / US_PER_SECOND));
    buf_adds(out, d->cancel_running ? "  cancels\n" : "\n");
}

static void put_move(struct buf *out, const struct timetable_move *m) {
    buf_addf(out, "%lld cursor", (long long)m->id);
    put(out, " ", m->from);
    put(out, " -> ", m->to);
    buf_addf(out, "%s%s\n", m->changed ? "  changed" : "", m->set_back ? "  set back" : "");
}

static void tick(struct bench *b, char *const *words, struct buf *out) {
    instant_t now = script_time(words[1], NULL);
    bool budget = value_of(words, "decisions") || value_of(words, "slots");
    struct timetable_budget most = {.decisions = (size_t)number_of(words, "decisions", 1000),
                                    .slots = (size_t)number_of(words, "slots", 100000)};
    do {
        b->out.count = b->out.move_count = 0;
        timetable_tick(b->t, now, most, &b->out);
        for (size_t i = 0; i < b->out.count; i++) put_decision(out, &b->out.decisions[i]);
        for (size_t i = 0; i < b->out.move_count; i++) put_move(out, &b->out.moves[i]);
        instant_t due = timetable_next_due(b->t, NULL);
        if (due == INSTANT_NONE || due > now) return;
    } while (!budget);
    buf_adds(out, "more\n");
}

static void add(struct bench *b, char *const *words) {
    struct timetable_spec spec = {.id = atol(words[1]), .schedule = named(b, words[2])};
    spec.group = number_of(words, "group", (long)spec.id);
    spec.cursor = time_of(words, "cursor", 0);
    spec.since = time_of(words, "since", INSTANT_NONE);
    timetable_add(b->t, &spec, time_of(words, "now", spec.cursor));
}

static void due(struct bench *b, char *const *words, struct buf *out) {
    int64_t id = 0;
    instant_t t = words[1] ? timetable_due(b->t, atol(words[1])) : timetable_next_due(b->t, &id);
    put(out, "", t);
    if (id) buf_addf(out, "  %lld", (long long)id);
    buf_addc(out, '\n');
}

static enum catch_up catch_up_of(const char *word) {
    static const char *const names[] = {"none", "latest", "all"};
    for (int i = 0; i < 3; i++)
        if (strcmp(names[i], word) == 0) return (enum catch_up)i;
    fail_msg("no catch-up %s", word);
    return CATCH_UP_none;
}

static void ask(void *ctx, char *line, struct buf *out) {
    struct bench *b = ctx;
    char *words[9] = {0}, *rest = NULL;
    size_t n = 0;
    for (char *w = strtok_r(line, " ", &rest); w && n < 8; w = strtok_r(NULL, " ", &rest)) words[n++] = w;
    const char *verb = words[0];
    if (strcmp(verb, "add") == 0)
        add(b, words);
    else if (strcmp(verb, "tick") == 0)
        tick(b, words, out);
    else if (strcmp(verb, "due") == 0)
        due(b, words, out);
    else if (strcmp(verb, "remove") == 0)
        timetable_remove(b->t, atol(words[1]));
    else if (strcmp(verb, "end") == 0)
        timetable_end(b->t, atol(words[1]), time_of(words, "at", INSTANT_NONE));
    else if (strcmp(verb, "ended") == 0)
        buf_addf(out, "%s\n", timetable_ended(b->t, atol(words[1])) ? "yes" : "no");
    else if (strcmp(verb, "pause") == 0)
        timetable_pause(b->t, atol(words[1]), time_of(words, "from", INSTANT_NONE));
    else if (strcmp(verb, "busy") == 0)
        timetable_busy(b->t, atol(words[1]), strcmp(words[2], "yes") == 0);
    else if (strcmp(verb, "change") == 0)
        timetable_change(b->t, atol(words[1]), named(b, words[2]), time_of(words, "at", 0));
    else if (strcmp(verb, "resume") == 0)
        timetable_resume(b->t, atol(words[1]), time_of(words, "from", INSTANT_NONE), time_of(words, "at", 0),
                         catch_up_of(words[3]));
    else
        fail_msg("no such word: %s", verb);
}

static void test_cases(void **state) {
    (void)state;
    struct bench b = {0};
    script_folder(&(struct script){.reset = reset, .say = say, .ask = ask, .ctx = &b}, "timetable");
    timetable_free(b.t);
    timetable_out_release(&b.out);
    for (size_t i = 0; i < b.count; i++) schedule_free(b.list[i].s);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
