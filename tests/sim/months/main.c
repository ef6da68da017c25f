/* main.c: seeds: months [--in FOLDER] --seeds N [--from SEED] [--at-once N] | months --seed N [-v] [--keep].
 * See stage.h. */
#include "stage.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct stage *stage;

enum { DAYS = 30, QUIET_DAYS = 2, LIVES_MAX = 800 };

/* ---- chance ---- */

uint64_t chance_next(void) { /* splitmix64 */
    uint64_t z = stage->chance += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

uint32_t chance_below(uint32_t n) { return (uint32_t)(chance_next() % n); }
bool chance_of(uint32_t per_mille) { return chance_below(1000) < per_mille && stage->now < stage->quiet; }

void story(const char *fmt, ...) {
    if (!stage->verbose) return;
    va_list args;
    va_start(args, fmt);
    printf("  day %lld %02lld:%02lld  ", (long long)(stage->now / US_PER_DAY),
           (long long)(stage->now / US_PER_HOUR % 24), (long long)(stage->now / US_PER_MINUTE % 60));
    vprintf(fmt, args);
    putchar('\n');
    fflush(stdout);
    va_end(args);
}

/* ---- a seed ---- */

static void set_up(uint64_t seed, const char *in, bool verbose) {
    memset(stage, 0, sizeof *stage);
    stage->seed = seed;
    stage->sets_back = seed % 4 == 0;
    stage->chance = seed * 0x9E3779B97F4A7C15u + 1;
    stage->verbose = verbose;
    stage->now = US_PER_DAY;
    stage->wall_ahead = INT64_C(1767225600) * US_PER_SECOND; /* 2026-01-01 */
    stage->quiet = stage->now + DAYS * US_PER_DAY;
    stage->horizon = stage->quiet + QUIET_DAYS * US_PER_DAY;
    stage->next_act = stage->now + US_PER_HOUR;
    snprintf(stage->folder, sizeof stage->folder, "%s/leat-months-XXXXXX", in);
    if (!mkdtemp(stage->folder)) abort();
    zone_begin();
    files_begin();
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at) {
    (void)st, (void)type, (void)at;
    return remove(path);
}

static int one_life(void) {
    stage->lives++;
    stage->points = 0;
    stage->die_at = chance_of(990) ? 1 + chance_below(chance_below(4) ? 7000 : 60) : 0;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) _exit(live());
    int status;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int one_seed(uint64_t seed, const char *in, bool verbose, bool keep) {
    char why[400] = "";
    int code = DIED;
    set_up(seed, in, verbose);
    while ((code == DIED || code == BROKE) && stage->lives < LIVES_MAX) {
        code = one_life();
        story("life %lld ended with %d after %lld points", (long long)stage->lives, code,
              (long long)stage->points);
        stage->now += (int64_t)(code ? chance_below(600) : 0) * US_PER_SECOND; /* down for a while */
        if (code && chance_of(50)) zone_change();                              /* nobody notices */
    }
    if (code) snprintf(why, sizeof why, "life %lld ended with %d", (long long)stage->lives, code);
    bool bad = code || judge(why, sizeof why);
    if (bad)
        printf("seed %llu: %s   (%s)\n", (unsigned long long)seed, why,
               verbose ? stage->folder : "months --seed N -v tells the story");
    if (verbose)
        printf("seed %llu: %lld lives, %lld jobs, %lld acts\n", (unsigned long long)seed,
               (long long)stage->lives, (long long)stage->jobs_started, (long long)stage->acts);
    if (!keep && (!bad || !verbose)) nftw(stage->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return bad;
}

/* What all of them share; each has a stage of its own. */
struct total {
    int64_t lives, jobs, published;
};

struct wanted {
    uint64_t from, count, at_once;
    const char *in;
    bool verbose, keep;
};

/* Every n-th seed. */
static int some_seeds(const struct wanted *w, uint64_t first, struct total *total) {
    stage = mmap(NULL, sizeof *stage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (stage == MAP_FAILED) return 2;
    for (uint64_t s = w->from + first; s < w->from + w->count; s += w->at_once) {
        if (one_seed(s, w->in, w->verbose, w->keep)) return 1;
        total->lives += stage->lives;
        total->jobs += stage->jobs_started;
        total->published += stage->published;
    }
    return 0;
}

static void read_words(struct wanted *w, int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "-v") == 0) w->verbose = true;
        if (strcmp(argv[i], "--keep") == 0) w->keep = true;
        if (strcmp(argv[i], "--in") == 0) w->in = value;
        if (strcmp(argv[i], "--seeds") == 0) w->count = strtoull(value, NULL, 10);
        if (strcmp(argv[i], "--from") == 0) w->from = strtoull(value, NULL, 10);
        if (strcmp(argv[i], "--at-once") == 0) w->at_once = strtoull(value, NULL, 10);
        if (strcmp(argv[i], "--seed") == 0) w->from = strtoull(value, NULL, 10), w->count = 1;
    }
}

int main(int argc, char **argv) {
    struct wanted w = {.from = 1, .count = 10, .at_once = 1, .in = "/tmp"};
    if (access("/dev/shm", W_OK) == 0) w.in = "/dev/shm";
    read_words(&w, argc, argv);
    struct total *totals = mmap(NULL, (w.at_once + 1) * sizeof *totals, PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS, -1, 0),
                 all = {0};
    if (totals == MAP_FAILED || !w.at_once) return 2;
    int bad = 0, status;
    for (uint64_t i = 0; i < w.at_once; i++) {
        fflush(NULL);
        if (fork() == 0) exit(some_seeds(&w, i, &totals[i]));
    }
    while (wait(&status) > 0) bad |= status != 0;
    for (uint64_t i = 0; i < w.at_once; i++) {
        all.lives += totals[i].lives;
        all.jobs += totals[i].jobs;
        all.published += totals[i].published;
    }
    if (bad) return 1;
    printf("%llu seeds of %d days: %lld lives of a daemon, %lld jobs, %lld versions, nothing violated\n",
           (unsigned long long)w.count, DAYS + QUIET_DAYS, (long long)all.lives, (long long)all.jobs,
           (long long)all.published);
    return 0;
}
