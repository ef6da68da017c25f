/* tz.c: loading zones and asking them.
 *
 * What holds at an instant is the type of the last transition before it, type 0 before the first (RFC 9636
 * 3.2), and what the footer's rule says after the last. Transitions that leave the offset as it is are no
 * changes here. So that the stretch around an instant costs one search, all changes until 2200 are put in a
 * table when the zone is loaded. */
#include "base/tz.h"

#include "base/arena.h"
#include "base/fsio.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/tz_inner.h"

#include <stdlib.h>
#include <string.h>

enum { TABLE_FROM = 1900, TABLE_TO = 2201 }; /* years of the rule in the table */

/* ---- asking */

static int64_t floor_seconds(instant_t t) { return t / US_PER_SECOND - (t % US_PER_SECOND < 0); }

static size_t transitions_until(const struct tz *z, int64_t t) {
    size_t low = 0, high = z->time_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (z->times[middle] <= t)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const struct tz_type *type_at(const struct tz *z, int64_t t) {
    size_t n = transitions_until(z, t);
    if (n == z->time_count && z->rule.present) return tz_rule_type(&z->rule, t);
    return n ? &z->types[z->indexes[n - 1]] : &z->types[0];
}

void tz_at(const struct tz *z, instant_t t, struct tz_local *out) {
    const struct tz_type *type = type_at(z, floor_seconds(t));
    *out = (struct tz_local){.offset = type->offset, .dst = type->dst, .abbreviation = type->abbreviation};
}

struct civil tz_civil(const struct tz *z, instant_t t) {
    return civil_of(t + type_at(z, floor_seconds(t))->offset * US_PER_SECOND);
}

/* The last jump at or before t. */
static size_t jump_at(const struct tz *z, int64_t t) {
    size_t low = 0, high = z->jump_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        *(z->jumps[middle].at <= t ? &low : &high) = middle;
    }
    return low;
}

struct tz_segment tz_segment(const struct tz *z, int64_t t) {
    size_t i = jump_at(z, t);
    return (struct tz_segment){.from = z->jumps[i].at,
                               .to = i + 1 < z->jump_count ? z->jumps[i + 1].at : INT64_MAX,
                               .offset = z->jumps[i].offset};
}

instant_t tz_next_change(const struct tz *z, instant_t t) {
    int64_t at = floor_seconds(t);
    struct tz_segment s = tz_segment(z, at);
    if (s.to != INT64_MAX) return s.to * US_PER_SECOND;
    if (!z->rule.has_dst) return INSTANT_NONE;
    int32_t now = type_at(z, at)->offset;
    int64_t next = tz_rule_next(&z->rule, at);
    if (next != INT64_MAX && type_at(z, next)->offset == now) next = tz_rule_next(&z->rule, next);
    return next == INT64_MAX ? INSTANT_NONE : next * US_PER_SECOND;
}

/* Offsets are within 26 hours of UTC, so what a wall time can stand for lies within that of the wall time
 * read as UTC. The candidates are the offsets that hold one and a half days before and after. */
enum tz_wall tz_instants(const struct tz *z, const struct civil *wall, instant_t *first, instant_t *second) {
    instant_t local = instant_of(wall);
    duration_t before = type_at(z, floor_seconds(local - 36 * US_PER_HOUR))->offset * US_PER_SECOND;
    duration_t after = before;
    instant_t end = local + 36 * US_PER_HOUR;
    /* Walk the changes around the wall time: the pair of offsets that matters is that of the nearest one. */
    for (instant_t t = tz_next_change(z, local - 36 * US_PER_HOUR); t != INSTANT_NONE && t <= end;
         t = tz_next_change(z, t)) {
        duration_t left = type_at(z, floor_seconds(t) - 1)->offset * US_PER_SECOND;
        duration_t right = type_at(z, floor_seconds(t))->offset * US_PER_SECOND;
        instant_t as_left = local - left, as_right = local - right;
        if (as_left < t) { /* still before this change */
            *first = *second = as_left;
            if (as_right < t) return TZ_ONE;
            *second = as_right;
            return TZ_OVERLAP;
        }
        if (as_right < t) { /* neither side shows it */
            *first = as_left;
            *second = as_right;
            return TZ_GAP;
        }
        after = right;
    }
    *first = *second = local - after;
    return TZ_ONE;
}

instant_t tz_instant(const struct tz *z, const struct civil *wall) {
    instant_t first, second;
    if (tz_instants(z, wall, &first, &second) != TZ_GAP) return first;
    return tz_next_change(z, second - 1); /* second < the jump <= first */
}

/* ---- loading */

static int jump_order(const void *a, const void *b) {
    int64_t x = ((const struct tz_jump *)a)->at, y = ((const struct tz_jump *)b)->at;
    return (x > y) - (x < y);
}

/* Every instant at which the offset may change, in order, the beginning of time first. */
static size_t candidates(const struct tz *z, struct tz_jump **out) {
    size_t n = 0, cap = 0;
    struct tz_jump *list = NULL;
    for (size_t i = 0; i <= z->time_count; i++) {
        GROW(list, n, cap);
        list[n++].at = i ? z->times[i - 1] : INT64_MIN;
    }
    const int64_t last = days_from_civil(TABLE_TO, 1, 1) * 86400;
    int64_t t = days_from_civil(TABLE_FROM, 1, 1) * 86400;
    if (z->time_count && t < list[n - 1].at) t = list[n - 1].at;
    while (z->rule.present && t < last && (t = tz_rule_next(&z->rule, t)) < last) {
        GROW(list, n, cap);
        list[n++].at = t;
    }
    qsort(list, n, sizeof *list, jump_order);
    *out = list;
    return n;
}

static void fill_table(struct tz *z) {
    size_t n = candidates(z, &z->jumps);
    int64_t early = n > 1 ? z->jumps[1].at - 1 : 0;
    for (size_t i = 0; i < n; i++) {
        int64_t at = z->jumps[i].at;
        int32_t offset = type_at(z, i ? at : early)->offset;
        if (i && offset == z->jumps[z->jump_count - 1].offset) continue;
        z->jumps[z->jump_count++] = (struct tz_jump){.at = at, .offset = offset};
    }
}

static bool is_utc(const char *name) { return strcmp(name, "UTC") == 0 || strcmp(name, "Etc/UTC") == 0; }

static struct tz *new_zone(const char *name) {
    struct tz *z = xcalloc(1, sizeof *z);
    z->name = xstrdup(name);
    return z;
}

struct tz *tz_share(const struct tz *z) {
    struct tz *shared = (struct tz *)(uintptr_t)z;
    if (shared) atomic_fetch_add(&shared->shares, 1);
    return shared;
}

void tz_free(struct tz *z) {
    if (!z || atomic_fetch_sub(&z->shares, 1) > 0) return;
    free(z->name);
    free(z->path);
    free(z->data);
    free(z->times);
    free(z->indexes);
    free(z->types);
    free(z->jumps);
    free(z);
}

struct tz *tz_from_rule(const char *rule, struct err *err) {
    struct tz *z = new_zone(rule);
    if (tz_rule_parse(rule, &z->rule)) {
        fill_table(z);
        return z;
    }
    tz_free(z);
    err_set(err, EX_INVALID, "`%s` is not a POSIX time zone rule", rule);
    return NULL;
}

static int unknown(const char *name, struct err *err) {
    char meant[TZ_NAME];
    err_set(err, EX_INVALID, "unknown time zone `%s`", name);
    if (!err) return -1;
    tz_suggest(name, meant, sizeof meant);
    return *meant ? err_hint(err, "did you mean `%s`?", meant) : -1;
}

static int read_file(struct tz *z, struct err *err) {
    size_t len = 0;
    /* Looked at before it is read: replaced in between, it counts as changed and is read once more. */
    if (stat(z->path, &z->stat) != 0 || !S_ISREG(z->stat.st_mode)) return unknown(z->name, err);
    z->data = fs_read(z->path, LIMIT_TZ_FILE_BYTES, &len, NULL);
    if (!z->data) return unknown(z->name, err);
    const char *why = tz_file_parse(z, len);
    return why ? err_set(err, EX_ENVIRONMENT, "%s %s", z->path, why) : 0;
}

struct tz *tz_load(const char *name, struct err *err) {
    if (!is_utc(name) && !tz_name_is_safe(name)) {
        unknown(name, err);
        return NULL;
    }
    struct tz *z = new_zone(name);
    if (is_utc(name))
        tz_rule_parse("UTC0", &z->rule);
    else
        z->path = fs_join(tz_folder(), name);
    if (z->path && read_file(z, err) != 0) {
        tz_free(z);
        return NULL;
    }
    fill_table(z);
    return z;
}

const char *tz_name(const struct tz *z) { return z->name; }

bool tz_exists(const char *name) {
    struct tz *z = tz_load(name, NULL);
    tz_free(z);
    return z != NULL;
}

/* ---- noticing changes */

bool tz_changed(const struct tz *z) {
    struct stat now;
    if (!z->path) return false;
    if (stat(z->path, &now) != 0) return true;
    const struct stat *then = &z->stat;
    return now.st_ino != then->st_ino || now.st_dev != then->st_dev || now.st_size != then->st_size ||
           now.st_mtim.tv_sec != then->st_mtim.tv_sec || now.st_mtim.tv_nsec != then->st_mtim.tv_nsec;
}

bool tz_same(const struct tz *a, const struct tz *b) {
    if (a->jump_count != b->jump_count) return false;
    for (size_t i = 0; i < a->jump_count; i++)
        if (a->jumps[i].at != b->jumps[i].at || a->jumps[i].offset != b->jumps[i].offset) return false;
    return true;
}

uint64_t tz_digest(const struct tz *z) {
    uint64_t sum = 0;
    for (size_t i = 0; z && i < z->jump_count; i++) {
        const struct tz_jump *j = &z->jumps[i];
        const int64_t of[] = {(int64_t)sum, j->at, j->offset};
        bool is_utc_so_far = i == 0 && j->offset == 0;
        if (!is_utc_so_far) sum = hash_bytes(of, sizeof of);
    }
    return sum;
}
