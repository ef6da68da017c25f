/* test_core_cases.c: plays tests/data/core/ *.txt against the core and compares every action, word for word.
 *
 * A file is a list of cases:
 *
 *   == title
 *   jobs 2                         the general limit (default 4)
 *   pool db 3                      a pool and its tokens
 *   set quiet | bypasses N | ageing N | asked TIMESxWAIT
 *   run 1 [limit=N group=G timeout=S queued|running stop=WORD]
 *     NAME [< parent parent …] [key or key=value …]
 *   > event                        and below it, each on its line, the actions expected
 *
 * Step keys: rule=, retry=TIMESxWAIT[^][/MAX] (^ exponential), if=a,b, pool=NAME:TOKENS, priority=, hold=a,b,
 * publish=a,b, finally, allow_failure, when, remote, and for recovery: state=, reason=, attempts=, due=,
 * left_out, warned, publishing. Seconds everywhere. Events: add RUN · end RUN.STEP OUTCOME [reason=]
 * [permanent] [wait=S] [attempt=N] · decide RUN.STEP run|skip|error · publish RUN.STEP · cancel RUN [kill] ·
 * freeze RUN · stop · resume · wait S (time passes) · forget RUN · result RUN (asks core_run_result) · block
 * RUN.STEP (asks core_step_block) · due (core_next_due). Several events may share one line, separated by ` ;
 * `: they are one turn. */
#include "base/arena.h"
#include "base/map.h"
#include "scheduler/core/core.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_STEPS = 64, MAX_RUNS = 32, MAX_POOLS = 8, MAX_LIST = 8, MAX_TEXT = 1 << 16 };

struct case_run {
    struct core_run_spec spec;
    char names[MAX_STEPS][24];
    struct core_step steps[MAX_STEPS];
    struct core_init init[MAX_STEPS];
    uint64_t hold[MAX_STEPS][MAX_LIST], publish[MAX_STEPS][MAX_LIST];
    const char *only[MAX_STEPS][MAX_LIST];
    bool edge[MAX_STEPS][MAX_STEPS];
    uint32_t down_at[MAX_STEPS + 1], down[MAX_STEPS * MAX_STEPS];
};

struct play {
    const char *file;
    int line;
    struct arena *arena;
    struct core_config config;
    struct core_pool pools[MAX_POOLS];
    struct case_run *runs;
    size_t run_count;
    struct core *core;
    struct core_actions actions;
    instant_t now;
    char got[MAX_TEXT], want[MAX_TEXT];
};

/* ---- words ---- */

static void bad(const struct play *p, const char *what, const char *word) {
    fail_msg("%s:%d: %s '%s'", p->file, p->line, what, word);
}

/* "key=value": the value when the word has that key. */
static const char *value_of(const char *word, const char *key) {
    size_t n = strlen(key);
    return strncmp(word, key, n) == 0 && word[n] == '=' ? word + n + 1 : NULL;
}

static int64_t number(const char *s) { return strtoll(s, NULL, 10); }
static duration_t seconds(const char *s) { return (duration_t)(strtod(s, NULL) * 1e6 + 0.5); }

static uint32_t name_list(uint64_t *out, struct play *p, const char *text) {
    uint32_t n = 0;
    char *copy = arena_strdup(p->arena, text), *rest = NULL;
    for (char *w = strtok_r(copy, ",", &rest); w; w = strtok_r(NULL, ",", &rest)) {
        assert_true(n < MAX_LIST);
        out[n++] = hash_bytes(w, strlen(w));
    }
    return n;
}

static size_t text_list(const char **out, struct play *p, const char *text) {
    size_t n = 0;
    char *copy = arena_strdup(p->arena, text), *rest = NULL;
    for (char *w = strtok_r(copy, ",", &rest); w; w = strtok_r(NULL, ",", &rest)) out[n++] = w;
    return n;
}

static int word_find(const char *const *words, int count, const char *word) {
    for (int i = 0; i < count; i++)
        if (strcmp(words[i], word) == 0) return i;
    return -1;
}

#define X(name) #name,
static const char *const rules[] = {TRIGGER_RULE_LIST(X)};
#undef X
enum { RULE_COUNT = sizeof rules / sizeof *rules };

/* ---- set-up ---- */

static void retry_parse(struct retry *r, const char *text) {
    char *rest;
    r->times = strtoll(text, &rest, 10);
    if (*rest == 'x') r->wait = (duration_t)(strtod(rest + 1, &rest) * 1e6 + 0.5);
    if (*rest == '^') r->exponential = *rest++ != '\0';
    if (*rest == '/') r->max_wait = seconds(rest + 1);
}

static struct case_run *run_find(const struct play *p, int64_t id) {
    for (size_t i = 0; i < p->run_count; i++)
        if (p->runs[i].spec.run == id) return &p->runs[i];
    return NULL;
}

static uint32_t step_find(const struct play *p, const struct case_run *r, const char *name) {
    for (uint32_t i = 0; i < r->spec.step_count; i++)
        if (strcmp(r->names[i], name) == 0) return i;
    bad(p, "no step", name);
    return 0;
}

static void pool_parse(struct play *p, struct core_step *s, const char *text) {
    const char *colon = strchr(text, ':');
    size_t n = colon ? (size_t)(colon - text) : strlen(text);
    s->tokens = colon ? number(colon + 1) : 1;
    for (uint32_t i = 0; i < p->config.pool_count; i++)
        if (strlen(p->pools[i].name) == n && strncmp(p->pools[i].name, text, n) == 0) s->pool = i;
    if (s->pool == CORE_NO_POOL) bad(p, "no pool", text);
}

static bool flag_parse(struct core_step *s, struct core_init *init, const char *word) {
    struct {
        const char *name;
        bool *flag;
    } flags[] = {{"finally", &s->finally},         {"allow_failure", &s->allow_failure},
                 {"when", &s->has_when},           {"remote", &s->remote},
                 {"left_out", &init->left_out},    {"warned", &init->warned},
                 {"publishing", &init->publishing}};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (strcmp(flags[i].name, word) == 0) return *flags[i].flag = true;
    return false;
}

static void step_word(struct play *p, struct case_run *r, uint32_t i, const char *word) {
    struct core_step *s = &r->steps[i];
    struct core_init *init = &r->init[i];
    const char *v;
    if (flag_parse(s, init, word)) return;
    if ((v = value_of(word, "rule"))) {
        int rule = word_find(rules, RULE_COUNT, v);
        if (rule < 0) bad(p, "no rule", v);
        s->rule = (enum trigger_rule)rule;
    } else if ((v = value_of(word, "retry")))
        retry_parse(&s->retry, v);
    else if ((v = value_of(word, "if")))
        s->retry.only_count = text_list(r->only[i], p, v);
    else if ((v = value_of(word, "pool")))
        pool_parse(p, s, v);
    else if ((v = value_of(word, "priority")))
        s->priority = number(v);
    else if ((v = value_of(word, "hold")))
        s->hold_count = name_list(r->hold[i], p, v);
    else if ((v = value_of(word, "publish")))
        s->publish_count = name_list(r->publish[i], p, v);
    else if ((v = value_of(word, "attempts")))
        init->attempts = (uint32_t)number(v);
    else if ((v = value_of(word, "reason")))
        init->reason = arena_strdup(p->arena, v);
    else if ((v = value_of(word, "due")))
        init->due = seconds(v);
    else if ((v = value_of(word, "state"))) {
        if (!step_state_parse(v, &init->state)) bad(p, "no state", v);
    } else
        bad(p, "no step key", word);
}

static void step_line(struct play *p, char *line) {
    struct case_run *r = &p->runs[p->run_count - 1];
    char *rest = NULL, *word = strtok_r(line, " ", &rest);
    uint32_t i = r->spec.step_count++;
    assert_true(i < MAX_STEPS);
    snprintf(r->names[i], sizeof r->names[i], "%s", word);
    r->steps[i].pool = CORE_NO_POOL;
    bool parents = false;
    while ((word = strtok_r(NULL, " ", &rest))) {
        if (strcmp(word, "<") == 0)
            parents = true;
        else if (strcmp(word, "|") == 0)
            parents = false;
        else if (parents)
            r->edge[step_find(p, r, word)][i] = true;
        else
            step_word(p, r, i, word);
    }
}

static void run_word(struct play *p, struct core_run_spec *spec, const char *word) {
    const char *v;
    if ((v = value_of(word, "limit")))
        spec->group_limit = number(v);
    else if ((v = value_of(word, "group")))
        spec->group = hash_bytes(v, strlen(v));
    else if ((v = value_of(word, "timeout")))
        spec->timeout = seconds(v);
    else if ((v = value_of(word, "started")))
        spec->started_at = seconds(v);
    else if ((v = value_of(word, "stop"))) {
        int stop = word_find(run_stop_names, RUN_STOP_COUNT, v);
        if (stop < 0) bad(p, "no stop", v);
        spec->stop = (enum run_stop)stop;
    } else if (!run_state_parse(word, &spec->state))
        bad(p, "no run key", word);
}

static void run_line(struct play *p, char *rest) {
    assert_true(p->run_count < MAX_RUNS);
    struct case_run *r = &p->runs[p->run_count++];
    *r = (struct case_run){.spec = {.state = RUN_queued}};
    char *word = strtok_r(NULL, " ", &rest);
    r->spec.run = number(word);
    while ((word = strtok_r(NULL, " ", &rest))) run_word(p, &r->spec, word);
}

static void set_line(struct play *p, char *rest) {
    char *key = strtok_r(NULL, " ", &rest), *value = strtok_r(NULL, " ", &rest);
    if (strcmp(key, "quiet") == 0)
        p->config.quiet_ready = true;
    else if (strcmp(key, "bypasses") == 0)
        p->config.bypasses = (uint32_t)number(value);
    else if (strcmp(key, "ageing") == 0)
        p->config.ageing = (uint32_t)number(value);
    else if (strcmp(key, "asked") == 0)
        retry_parse(&p->config.asked, value);
    else
        bad(p, "no setting", key);
}

static void setup_line(struct play *p, char *line) {
    char *rest = NULL, *word;
    if (line[0] == ' ') {
        step_line(p, line);
        return;
    }
    word = strtok_r(line, " ", &rest);
    if (strcmp(word, "jobs") == 0)
        p->config.jobs = number(rest);
    else if (strcmp(word, "run") == 0)
        run_line(p, rest);
    else if (strcmp(word, "set") == 0)
        set_line(p, rest);
    else if (strcmp(word, "pool") == 0) {
        struct core_pool *pool = &p->pools[p->config.pool_count++];
        pool->name = arena_strdup(p->arena, strtok_r(NULL, " ", &rest));
        pool->tokens = number(rest);
    } else
        bad(p, "no such line", word);
}

static void run_finish(struct case_run *r) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < r->spec.step_count; i++) {
        r->down_at[i] = n;
        for (uint32_t k = 0; k < r->spec.step_count; k++)
            if (r->edge[i][k]) r->down[n++] = k;
        r->steps[i].hold = r->hold[i];
        r->steps[i].publish = r->publish[i];
        r->steps[i].retry.only = r->only[i];
    }
    r->down_at[r->spec.step_count] = n;
    r->spec.down_at = r->down_at;
    r->spec.down = r->down;
    r->spec.steps = r->steps;
    r->spec.init = r->init;
}

/* ---- what happened, as text ---- */

static void say(struct play *p, const char *fmt, ...) {
    size_t n = strlen(p->got);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(p->got + n, sizeof p->got - n, fmt, ap);
    va_end(ap);
}

static const char *step_name(const struct play *p, const struct core_action *a) {
    const struct case_run *r = run_find(p, a->run);
    return a->step == CORE_NO_STEP ? "" : r->names[a->step];
}

static void move_say(struct play *p, const struct core_action *a) {
    say(p, "%lld.%s %s -> %s", (long long)a->run, step_name(p, a), step_state_names[a->from],
        step_state_names[a->to]);
    if (a->to == STEP_running) say(p, " #%u", a->attempt);
    if (a->at != INSTANT_NONE) say(p, " at %.3f", (double)a->at / 1e6);
    say(p, "%s%s\n", *a->reason ? " " : "", a->reason);
}

static void run_say(struct play *p, const struct core_action *a) {
    say(p, "%lld %s -> %s%s%s%s%s\n", (long long)a->run, run_state_names[a->from], run_state_names[a->to],
        *a->reason ? " " : "", a->reason, a->step == CORE_NO_STEP ? "" : " by ", step_name(p, a));
}

static void action_say(struct play *p, const struct core_action *a) {
    long long run = a->run;
    const char *step = step_name(p, a);
    switch (a->kind) {
    case CORE_STEP_STATE: move_say(p, a); break;
    case CORE_RUN_STATE: run_say(p, a); break;
    case CORE_DECIDE: say(p, "decide? %lld.%s\n", run, step); break;
    case CORE_START: say(p, "start %lld.%s #%u\n", run, step, a->attempt); break;
    case CORE_MAY_PUBLISH: say(p, "may publish %lld.%s #%u\n", run, step, a->attempt); break;
    case CORE_CANCEL_ATTEMPT:
        say(p, "%s %lld.%s #%u\n", a->kill ? "kill" : "cancel", run, step, a->attempt);
        break;
    case CORE_RUN_STOP: say(p, "%lld stop %s %s\n", run, run_stop_names[a->stop], a->reason); break;
    case CORE_FAULT: say(p, "FAULT %lld.%s %u -> %u\n", run, step, a->from, a->to); break;
    }
}

/* ---- events ---- */

static void answer_say(struct play *p, enum core_answer answer, const struct err *err) {
    if (answer == CORE_STALE) say(p, "stale\n");
    if (answer == CORE_REFUSED) say(p, "refused: %s\n", err->msg);
}

static void event_send(struct play *p, struct core_event *e) {
    struct err err = {0};
    answer_say(p, core_apply(p->core, p->now, e, &p->actions, &err), &err);
}

static void event_word(struct play *p, struct core_event *e, const char *word) {
    static const char *const decisions[] = {"run", "skip", "error"};
    const char *v;
    int at;
    if ((v = value_of(word, "reason")))
        e->reason = v;
    else if ((v = value_of(word, "wait")))
        e->wait = seconds(v);
    else if ((v = value_of(word, "attempt")))
        e->attempt = (uint32_t)number(v);
    else if (strcmp(word, "permanent") == 0)
        e->permanent = true;
    else if (strcmp(word, "kill") == 0)
        e->kill = true;
    else if (e->kind == CORE_DECIDED && (at = word_find(decisions, 3, word)) >= 0)
        e->decision = (enum core_decision)at;
    else if ((at = word_find(core_outcome_names, OUTCOME_COUNT, word)) >= 0)
        e->outcome = (enum core_outcome)at;
    else
        bad(p, "no event word", word);
}

/* RUN or RUN.STEP */
static void target_parse(const struct play *p, struct core_event *e, char *word) {
    char *dot = strchr(word, '.');
    e->run = number(word);
    const struct case_run *r = run_find(p, e->run);
    if (!dot) return;
    e->step = step_find(p, r, dot + 1);
    if (core_has_run(p->core, e->run)) e->attempt = core_step_attempts(p->core, e->run, e->step);
}

static void question_ask(struct play *p, const char *verb, const struct core_event *e) {
    static const char *const blocks[] = {"no", "stopped", "jobs", "pool", "hold"};
    if (strcmp(verb, "result") == 0) say(p, "%s\n", run_state_names[core_run_result(p->core, e->run)]);
    if (strcmp(verb, "block") == 0) say(p, "%s\n", blocks[core_step_block(p->core, e->run, e->step)]);
    if (strcmp(verb, "forget") == 0) core_forget(p->core, e->run);
}

static const struct {
    const char *verb;
    enum core_event_kind kind;
} verbs[] = {{"add", CORE_RUN_ADD},        {"decide", CORE_DECIDED},        {"publish", CORE_PUBLISH_WANTED},
             {"end", CORE_ATTEMPT_ENDED},  {"cancel", CORE_RUN_CANCEL},     {"freeze", CORE_RUN_FREEZE},
             {"stop", CORE_STOP_STARTING}, {"resume", CORE_RESUME_STARTING}};

static bool verb_find(const char *verb, enum core_event_kind *kind) {
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verbs[i].verb, verb) == 0) {
            *kind = verbs[i].kind;
            return true;
        }
    return false;
}

static void event_play(struct play *p, char *text) {
    char *rest = NULL, *verb = strtok_r(text, " ", &rest), *word = strtok_r(NULL, " ", &rest);
    struct core_event e = {0};
    if (strcmp(verb, "wait") == 0) p->now += seconds(word);
    if (strcmp(verb, "due") == 0) {
        instant_t due = core_next_due(p->core);
        say(p, due == INSTANT_NONE ? "never\n" : "%.3f\n", (double)due / 1e6);
    }
    if (strcmp(verb, "wait") == 0 || strcmp(verb, "due") == 0) return;
    bool event = verb_find(verb, &e.kind);
    if (word) target_parse(p, &e, word);
    if (!event) {
        question_ask(p, verb, &e);
        return;
    }
    while ((word = strtok_r(NULL, " ", &rest))) event_word(p, &e, word);
    if (e.kind == CORE_RUN_ADD) e.spec = &run_find(p, e.run)->spec;
    event_send(p, &e);
}

static void turn_play(struct play *p, char *line) {
    p->got[0] = '\0';
    p->actions.count = 0;
    for (char *next; line; line = next) {
        if ((next = strstr(line, " ; "))) {
            *next = '\0';
            next += 3;
        }
        event_play(p, line);
    }
    core_settle(p->core, p->now, &p->actions);
    for (size_t i = 0; i < p->actions.count; i++) action_say(p, &p->actions.items[i]);
}

/* ---- cases ---- */

static void case_begin(struct play *p) {
    if (p->core) return;
    for (size_t i = 0; i < p->run_count; i++) run_finish(&p->runs[i]);
    p->config.pools = p->pools;
    p->core = core_new(&p->config);
}

static void case_reset(struct play *p) {
    core_free(p->core);
    p->core = NULL;
    p->config = (struct core_config){.jobs = 4};
    p->run_count = 0;
    p->now = 0;
}

static bool accepting(void) { return getenv("LEAT_ACCEPT") != NULL; }

static void turn_check(struct play *p, int line) {
    if (accepting()) return;
    if (strcmp(p->got, p->want) != 0)
        fail_msg("%s:%d:\n--- expected\n%s--- got\n%s", p->file, line, p->want, p->got);
}

static void file_play(const char *path) {
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    struct play *p = xcalloc(1, sizeof *p);
    p->file = path;
    p->arena = arena_new();
    p->runs = xcalloc(MAX_RUNS, sizeof *p->runs);
    case_reset(p);
    char line[1024];
    int turn = 0;
    while (fgets(line, sizeof line, f)) {
        p->line++;
        char original[1024];
        memcpy(original, line, sizeof line);
        line[strcspn(line, "\n")] = '\0';
        bool special = line[0] == '>' || line[0] == '\0' || line[0] == '#' || strncmp(line, "==", 2) == 0;
        if (turn && !special) {
            strncat(p->want, original, sizeof p->want - strlen(p->want) - 1);
            continue;
        }
        if (turn) turn_check(p, turn);
        turn = 0;
        if (accepting()) fputs(original, stdout);
        if (strncmp(line, "==", 2) == 0) case_reset(p);
        if (line[0] == '>') {
            case_begin(p);
            turn_play(p, line + 2);
            p->want[0] = '\0';
            turn = p->line;
            if (accepting()) fputs(p->got, stdout);
        } else if (!special)
            setup_line(p, line);
    }
    if (turn) turn_check(p, turn);
    core_free(p->core);
    core_actions_release(&p->actions);
    arena_free(p->arena);
    free(p->runs);
    free(p);
    fclose(f);
}

static int is_case(const struct dirent *d) { return strstr(d->d_name, ".txt") != NULL; }

static void test_cases(void **state) {
    (void)state;
    const char *only = getenv("LEAT_ACCEPT");
    struct dirent **files;
    int n = scandir(LEAT_SOURCE_DIR "/tests/data/core", &files, is_case, alphasort);
    assert_true(n > 0);
    for (int i = 0; i < n; i++) {
        char path[1024];
        snprintf(path, sizeof path, LEAT_SOURCE_DIR "/tests/data/core/%s", files[i]->d_name);
        if (!only || strcmp(only, files[i]->d_name) == 0) file_play(path);
        free(files[i]);
    }
    free(files);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
