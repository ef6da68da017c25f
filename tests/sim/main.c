/* main.c: plays seeds. Two phases each: until scene.quiet things fail, afterwards nothing does and every run
 * must end within bounds. A violation prints SEED and stops; `sim --seed N -v` tells that story line by line.
 */
#include "tests/sim/sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TURNS_MOST = 20000 };
#define TIME_MOST (4 * US_PER_DAY)

bool faults_on(const struct sim *s) { return s->now < s->scene.quiet; }
instant_t wall_now(const struct sim *s) { return s->now + s->wall; }
const struct pipe *pipe_of(const struct sim *s, uint32_t run) {
    return &s->scene.pipes[s->scene.visits[run].pipe];
}

void violation(struct sim *s, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    printf("SEED=%llu at %.3f s (%s): ", (unsigned long long)s->scene.seed, (double)s->now / 1e6,
           s->backend->name);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
    s->backend->close(s);
    s->backend->finish(s);
    exit(1);
}

void note(const struct sim *s, const char *fmt, ...) {
    if (!s->verbose) return;
    va_list ap;
    va_start(ap, fmt);
    printf("%9.3f  ", (double)s->now / 1e6);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
}

static bool run_settled(const struct sim *s, uint32_t run) {
    const struct image_run *r = &s->committed.runs[run];
    bool again = (r->state == RUN_failed || r->state == RUN_cancelled) &&
                 r->generation <= s->scene.visits[run].retries;
    return r->there && run_state_final(r->state) && !again;
}

static bool all_settled(const struct sim *s) {
    for (uint32_t r = 0; r < s->scene.run_count; r++)
        if (!run_settled(s, r)) return false;
    return !s->unsaved && s->core && s->job_count == 0;
}

static void time_pass(struct sim *s) {
    instant_t world = world_next(s), conductor = conductor_next(s);
    instant_t next = world < conductor ? world : conductor;
    if (next == INT64_MAX) next = s->now + US_PER_SECOND;
    if (next > s->now)
        s->now = next;
    else
        s->now += US_PER_MS; /* somebody can do something at once */
    world_pass(s);
}

static void not_live(struct sim *s) {
    for (uint32_t r = 0; r < s->scene.run_count; r++) {
        const struct image_run *run = &s->committed.runs[r];
        if (run_settled(s, r)) continue;
        printf("  run %u is %s:", r, run->there ? run_state_names[run->state] : "not there");
        for (uint32_t i = 0; i < pipe_of(s, r)->n; i++)
            printf(" %u=%s", i, step_state_names[run->steps[i].state]);
        printf("\n");
    }
    for (size_t i = 0; i < s->job_count; i++)
        printf("  job %u.%u generation %u attempt %u%c is %s%s\n", s->jobs[i].run, s->jobs[i].step,
               s->jobs[i].generation, s->jobs[i].attempt, s->jobs[i].phase,
               s->jobs[i].ended ? "ended" : "running", s->jobs[i].told ? ", told" : "");
    violation(s, "not everything ended");
}

static void story_play(struct sim *s) {
    if (setjmp(s->crash)) conductor_die(s);
    while (!all_settled(s)) {
        if (s->counts.turns > TURNS_MOST || s->now > TIME_MOST) not_live(s);
        time_pass(s);
        if (s->core)
            conductor_turn(s);
        else if (s->restart <= s->now)
            conductor_start(s);
    }
}

static struct counts seed_play(uint64_t seed, const struct backend *backend, bool verbose) {
    struct sim *s = calloc(1, sizeof *s);
    if (!s) abort();
    s->backend = backend;
    s->verbose = verbose;
    scene_make(&s->scene, seed);
    s->rng.state = hash_mix(seed, 11);
    s->wall = (duration_t)1763700000 * US_PER_SECOND;
    story_play(s);
    core_free(s->core);
    s->backend->compare(s, &s->committed);
    s->backend->close(s);
    s->backend->finish(s);
    struct counts counts = s->counts;
    core_actions_release(&s->actions);
    free(s->journal);
    free(s->jobs);
    free(s->effects);
    free(s);
    return counts;
}

static void counts_add(struct counts *sum, const struct counts *c) {
    const uint64_t *from = (const uint64_t *)c;
    uint64_t *to = (uint64_t *)sum;
    for (size_t i = 0; i < sizeof *c / sizeof *from; i++) to[i] += from[i];
}

struct options {
    uint64_t from, seeds;
    bool verbose;
    const struct backend *backend;
};

static int usage(void) {
    fprintf(stderr, "usage: sim [--seeds N] [--from S] [--seed S] [--store] [-v]\n");
    return 2;
}

static bool options_parse(struct options *o, int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        bool more = i + 1 < argc;
        if (strcmp(argv[i], "-v") == 0)
            o->verbose = true;
        else if (strcmp(argv[i], "--store") == 0)
            o->backend = backend_real;
        else if (strcmp(argv[i], "--seeds") == 0 && more)
            o->seeds = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--from") == 0 && more)
            o->from = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0 && more)
            o->from = strtoull(argv[++i], NULL, 10), o->seeds = 1;
        else
            return false;
    }
    return o->backend != NULL;
}

int main(int argc, char **argv) {
    struct options o = {.from = 1, .seeds = 200, .backend = &backend_memory};
    struct counts sum = {0};
    if (!options_parse(&o, argc, argv)) return usage();
    for (uint64_t seed = o.from; seed < o.from + o.seeds; seed++) {
        struct counts c = seed_play(seed, o.backend, o.verbose);
        counts_add(&sum, &c);
    }
    printf("%llu seeds from %llu (%s): %llu runs, %llu turns, %llu writes, %llu attempts, %llu retries, %llu "
           "lost, %llu never begun, "
           "%llu publishes, %llu crashes, %llu full disks, %llu stale ends\n",
           (unsigned long long)o.seeds, (unsigned long long)o.from, o.backend->name,
           (unsigned long long)sum.runs, (unsigned long long)sum.turns, (unsigned long long)sum.writes,
           (unsigned long long)sum.starts, (unsigned long long)sum.retried, (unsigned long long)sum.lost,
           (unsigned long long)sum.unbegun, (unsigned long long)sum.published,
           (unsigned long long)sum.crashes, (unsigned long long)sum.full, (unsigned long long)sum.stale);
    return 0;
}
