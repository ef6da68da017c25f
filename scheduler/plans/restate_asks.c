/* restate_asks.c: see restate_asks.h.
 *
 * A run reads its inputs as they are now. So what a window needs is gone when the input has nothing at all,
 * when it is kept by days and has none of the window's, though it was published for that window, or when it
 * is replaced window by window and is about another one now. */
#include "scheduler/plans/restate_asks.h"
#include "base/tz.h"

#include "scheduler/plans/days.h"
#include "store/datasets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- who wrote, who read ---- */

static int ask_written(void *ctx, const char *dataset, instant_t from, instant_t to, struct arena *a,
                       struct version_window **rows, size_t *n, struct err *err) {
    const struct restate_asked *k = ctx;
    struct dataset_row d;
    int found = store_dataset_find(k->store, dataset, a, &d, err);
    *n = 0;
    if (found <= 0) return found;
    const struct version_query q = {.dataset = d.id, .from = from, .to = to};
    return store_version_windows(k->store, &q, a, rows, n, err) < 0 ? -1 : 0;
}

static int ask_consumers(void *ctx, const char *dataset, instant_t from, instant_t to, struct arena *a,
                         struct consumed_row **rows, size_t *n, struct err *err) {
    const struct restate_asked *k = ctx;
    struct dataset_row d;
    int found = store_dataset_find(k->store, dataset, a, &d, err);
    *n = 0;
    if (found <= 0) return found;
    return store_consumers(k->store, d.id, from, to, a, rows, n, err) < 0 ? -1 : 0;
}

/* ---- what is gone ---- */

/* The days of a dataset as a zone has them. */
struct known_days {
    const char *dataset, *timezone;
    struct time_span *days; /* by start */
    size_t count;
    bool by_day;
    struct known_days *next;
};

struct looking {
    struct restate_asked *asked;
    struct store *s;
    struct arena *arena;
    struct dataset_row d;
    const struct step *writer;
    const char *timezone;
    instant_t start, end;
    char *why;
};

static int gone(const struct looking *k, const char *what) {
    char start[TZ_TEXT];
    snprintf(k->why, GONE_TEXT, "%s %s %s", k->d.name, what, tz_text_in(k->timezone, k->start, start));
    return 1;
}

enum days { NOT_BY_DAY, DAY_IS_THERE, NO_DAY };

static struct known_days *find_days(const struct looking *k) {
    struct known_days *d = k->asked->days;
    while (d && (strcmp(d->dataset, k->d.name) != 0 || strcmp(d->timezone, k->timezone) != 0)) d = d->next;
    return d;
}

static int read_days(const struct looking *k, struct known_days **out, struct err *err) {
    struct restate_asked *asked = k->asked;
    if (!asked->arena) asked->arena = arena_new();
    struct arena *a = asked->arena;
    struct known_days *d = *out = arena_array(a, 1, sizeof *d);
    *d = (struct known_days){
        .dataset = arena_strdup(a, k->d.name), .timezone = arena_strdup(a, k->timezone), .next = asked->days};
    const struct days_query q = {
        .dataset = k->d.id, .column = days_column(k->d.partition_by, a), .timezone = k->timezone};
    int by_day = dataset_days(k->s, &q, a, &d->days, &d->count, err);
    if (by_day < 0) return -1;
    d->by_day = by_day;
    asked->days = d;
    return 0;
}

/* Days do not lie over one another: the first that ends after `start` is the one to look at. */
static bool has_day(const struct known_days *d, instant_t start, instant_t end) {
    size_t lo = 0, hi = d->count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (d->days[mid].end <= start)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < d->count && d->days[lo].start < end;
}

static int look_at_days(const struct looking *k, enum days *out, struct err *err) {
    struct known_days *d = find_days(k);
    if (!d && read_days(k, &d, err)) return -1;
    *out = !d->by_day ? NOT_BY_DAY : has_day(d, k->start, k->end) ? DAY_IS_THERE : NO_DAY;
    return 0;
}

/* Of the versions for this window: whether some brought files, and whether one of those is still live. */
static int look_at_versions(const struct looking *k, bool *had, bool *alive, struct err *err) {
    const struct version_query q = {.dataset = k->d.id, .from = k->start, .to = k->end, .undone = true};
    struct version_window *rows;
    size_t n;
    if (store_version_windows(k->s, &q, k->arena, &rows, &n, err) < 0) return -1;
    *had = *alive = false;
    for (size_t i = 0; i < n && !*alive; i++) {
        *had |= rows[i].files_added > 0;
        *alive = rows[i].alive;
    }
    return 0;
}

static int look(struct looking *k, struct err *err) {
    enum days days;
    bool had, alive;
    if (k->d.head < 0 || k->d.files == 0) return gone(k, "holds nothing any more, also not of");
    if (look_at_days(k, &days, err)) return -1;
    if (days == DAY_IS_THERE) return 0;
    if (look_at_versions(k, &had, &alive, err)) return -1;
    if (days == NO_DAY) return had && !alive ? gone(k, "has lost what it had of") : 0;
    bool of_one_window = k->writer && k->writer->into->write == WRITE_REPLACE && k->writer->uses_window;
    return of_one_window && !alive ? gone(k, "is about another window now, and has nothing left of") : 0;
}

static int ask_gone(void *ctx, const char *dataset, const struct step *writer, const char *timezone,
                    instant_t start, instant_t end, char why[GONE_TEXT], struct err *err) {
    struct restate_asked *asked = ctx;
    struct looking k = {.asked = asked,
                        .s = asked->store,
                        .arena = arena_new(),
                        .writer = writer,
                        .timezone = timezone,
                        .start = start,
                        .end = end,
                        .why = why};
    int found = store_dataset_find(k.s, dataset, k.arena, &k.d, err);
    k.d.name = dataset;
    if (!found) k.d.head = -1;
    int rc = found < 0 ? -1 : look(&k, err);
    arena_free(k.arena);
    return rc;
}

struct restate_asks restate_asks_of(struct restate_asked *k) {
    return (struct restate_asks){
        .ctx = k, .written = ask_written, .consumers = ask_consumers, .gone = ask_gone};
}

void restate_asked_release(struct restate_asked *k) { arena_free(k->arena); }

/* ---- the pipelines ---- */

void all_pipelines_read(const struct project *p, struct pipeline *(*find)(void *, const char *, struct err *),
                        void *find_ctx, struct arena *a, struct all_pipelines *out, const char **broken) {
    size_t n;
    char **files = project_pipeline_files(p, &n);
    *out = (struct all_pipelines){.list = xcalloc(n + 1, sizeof *out->list)};
    *broken = NULL;
    for (size_t i = 0; i < n; i++) {
        struct err why = {0};
        char *name = pipeline_peek_name(files[i]);
        struct pipeline *pl = name ? find(find_ctx, name, &why) : NULL;
        if (pl) out->list[out->count++] = pl;
        if (!pl && !*broken)
            *broken = name ? arena_printf(a, "%s: %s", name, why.msg)
                           : arena_printf(a, "%s says no name", files[i]);
        free(name);
        free(files[i]);
    }
    free(files);
}

void all_pipelines_release(struct all_pipelines *p) {
    for (size_t i = 0; i < p->count; i++) pipeline_free(p->list[i]);
    free(p->list);
}
