/* tz.c: TZif files and POSIX TZ rules.
 *
 * A file holds transitions (instant, type) and types (offset, dst, abbreviation). Version 2 and later repeat
 * the data with 64-bit times after the 32-bit block, then a footer between newlines: the rule for everything
 * later. Every count and index of the file is checked; a file that is not as RFC 9636 says is refused.
 *
 * Before the first transition type 0 holds (RFC 9636 3.2). Times of transitions are whole seconds. */
#include "base/tz.h"

#include "base/arena.h"
#include "base/fsio.h"
#include "base/suggest.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ZONE_BYTES = 1 << 20, NAMES_MAX = 4096, HEADER = 44, ABBREVIATION = 16 };

struct type {
    int32_t offset;
    bool dst;
    const char *abbreviation;
};

/* When a rule changes, in local wall time of the side it leaves. */
struct rule_date {
    enum { DAY_JULIAN, DAY_ZERO, DAY_MONTH } form; /* Jn, n, Mm.w.d */
    int month, week, day;
    int32_t time; /* seconds after local midnight, -167 to 167 hours */
};

struct rule {
    bool present, has_dst;
    struct type standard, daylight;
    struct rule_date start, end; /* of daylight time */
    char names[2][ABBREVIATION];
};

struct tz {
    char *name;
    char *data; /* the file; abbreviations point into it */
    int64_t *times;
    uint8_t *indexes;
    size_t time_count;
    struct type *types;
    size_t type_count;
    struct rule rule;
};

/* ---- POSIX TZ rules */

static bool eat(const char **s, char c) { return **s == c ? (*s)++, true : false; }

static bool eat_number(const char **s, int least, int most, int *out) {
    int v = 0, digits = 0;
    for (; isdigit((unsigned char)**s) && digits < 4; (*s)++, digits++) v = v * 10 + (**s - '0');
    *out = v;
    return digits && v >= least && v <= most;
}

static bool eat_name(const char **s, char out[ABBREVIATION]) {
    bool quoted = eat(s, '<');
    size_t n = 0;
    while (**s && (quoted ? **s != '>' : isalpha((unsigned char)**s)) && n + 1 < ABBREVIATION)
        out[n++] = *(*s)++;
    out[n] = 0;
    return n >= 3 && (!quoted || eat(s, '>'));
}

static bool eat_time(const char **s, int most_hours, int32_t *out) {
    int sign = 1, h, m = 0, sec = 0;
    if (eat(s, '-'))
        sign = -1;
    else
        eat(s, '+');
    if (!eat_number(s, 0, most_hours, &h)) return false;
    if (eat(s, ':')) {
        if (!eat_number(s, 0, 59, &m)) return false;
        if (eat(s, ':') && !eat_number(s, 0, 59, &sec)) return false;
    }
    *out = sign * (h * 3600 + m * 60 + sec);
    return true;
}

static bool eat_date(const char **s, struct rule_date *d) {
    d->time = 2 * 3600;
    if (eat(s, 'J')) {
        d->form = DAY_JULIAN;
        if (!eat_number(s, 1, 365, &d->day)) return false;
    } else if (eat(s, 'M')) {
        d->form = DAY_MONTH;
        if (!eat_number(s, 1, 12, &d->month) || !eat(s, '.') || !eat_number(s, 1, 5, &d->week) ||
            !eat(s, '.') || !eat_number(s, 0, 6, &d->day))
            return false;
    } else {
        d->form = DAY_ZERO;
        if (!eat_number(s, 0, 365, &d->day)) return false;
    }
    return !eat(s, '/') || eat_time(s, 167, &d->time);
}

static bool parse_rule(const char *s, struct rule *r) {
    int32_t west;
    if (!eat_name(&s, r->names[0]) || !eat_time(&s, 24, &west)) return false;
    r->standard = (struct type){.offset = -west, .abbreviation = r->names[0]};
    r->present = true;
    if (!*s) return true;
    if (!eat_name(&s, r->names[1])) return false;
    r->daylight =
        (struct type){.offset = r->standard.offset + 3600, .dst = true, .abbreviation = r->names[1]};
    if (*s && *s != ',') {
        if (!eat_time(&s, 24, &west)) return false;
        r->daylight.offset = -west;
    }
    r->has_dst = true;
    return eat(&s, ',') && eat_date(&s, &r->start) && eat(&s, ',') && eat_date(&s, &r->end) && !*s;
}

static bool leap_year(int64_t y) { return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0; }

static int64_t month_day(int64_t year, const struct rule_date *d) {
    int64_t first = days_from_civil(year, d->month, 1);
    int64_t next = d->month == 12 ? days_from_civil(year + 1, 1, 1) : days_from_civil(year, d->month + 1, 1);
    int64_t weekday = ((first + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
    int64_t day = first + ((d->day - weekday) + 7) % 7 + (d->week - 1) * 7;
    return day < next ? day : day - 7;
}

/* Seconds since 1970 of the change in `year`, where `offset` is what holds before it. */
static int64_t rule_change(int64_t year, const struct rule_date *d, int32_t offset) {
    int64_t day;
    switch (d->form) {
    case DAY_MONTH: day = month_day(year, d); break;
    case DAY_JULIAN:
        day = days_from_civil(year, 1, 1) + d->day - 1 + (leap_year(year) && d->day >= 60);
        break;
    default: day = days_from_civil(year, 1, 1) + d->day; break;
    }
    return day * 86400 + d->time - offset;
}

static const struct type *rule_type(const struct rule *r, int64_t t) {
    if (!r->has_dst) return &r->standard;
    int64_t year = civil_of((t + r->standard.offset) * US_PER_SECOND).year;
    int64_t start = rule_change(year, &r->start, r->standard.offset);
    int64_t end = rule_change(year, &r->end, r->daylight.offset);
    bool daylight = start < end ? t >= start && t < end : t >= start || t < end;
    return daylight ? &r->daylight : &r->standard;
}

/* The first change after t, looking at this year and the next. */
static int64_t rule_next(const struct rule *r, int64_t t) {
    int64_t best = INT64_MAX, year = civil_of((t + r->standard.offset) * US_PER_SECOND).year;
    if (!r->has_dst) return best;
    for (int64_t y = year - 1; y <= year + 1; y++) {
        int64_t changes[] = {rule_change(y, &r->start, r->standard.offset),
                             rule_change(y, &r->end, r->daylight.offset)};
        for (int i = 0; i < 2; i++)
            if (changes[i] > t && changes[i] < best) best = changes[i];
    }
    return best;
}

/* ---- TZif */

struct header {
    size_t isutc, isstd, leap, time, type, chars;
};

static uint32_t be32(const char *p) {
    const unsigned char *s = (const unsigned char *)p;
    return (uint32_t)s[0] << 24 | (uint32_t)s[1] << 16 | (uint32_t)s[2] << 8 | s[3];
}

static int64_t be64(const char *p) { return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4)); }

static bool read_header(const char *p, size_t left, struct header *h) {
    if (left < HEADER || memcmp(p, "TZif", 4) != 0) return false;
    *h = (struct header){be32(p + 20), be32(p + 24), be32(p + 28), be32(p + 32), be32(p + 36), be32(p + 40)};
    return h->type && h->chars && h->isutc < ZONE_BYTES && h->isstd < ZONE_BYTES && h->leap < ZONE_BYTES &&
           h->time < ZONE_BYTES && h->type <= 256 && h->chars < ZONE_BYTES;
}

static size_t data_size(const struct header *h, size_t time_size) {
    return h->time * time_size + h->time + h->type * 6 + h->chars + h->leap * (time_size + 4) + h->isstd +
           h->isutc;
}

static bool read_types(struct tz *z, const char *p, const struct header *h) {
    const char *chars = p + h->type * 6;
    z->types = xcalloc(h->type, sizeof *z->types);
    z->type_count = h->type;
    for (size_t i = 0; i < h->type; i++, p += 6) {
        size_t at = (unsigned char)p[5];
        if (at >= h->chars || !memchr(chars + at, 0, h->chars - at)) return false;
        z->types[i] = (struct type){.offset = (int32_t)be32(p), .dst = p[4] != 0, .abbreviation = chars + at};
        if (z->types[i].offset < -93599 || z->types[i].offset > 93599) return false;
    }
    return true;
}

static bool read_times(struct tz *z, const char *p, const struct header *h, size_t time_size) {
    z->times = xcalloc(h->time, sizeof *z->times);
    z->indexes = xcalloc(h->time, sizeof *z->indexes);
    z->time_count = h->time;
    for (size_t i = 0; i < h->time; i++) {
        z->times[i] = time_size == 8 ? be64(p + i * 8) : (int32_t)be32(p + i * 4);
        z->indexes[i] = (uint8_t)p[h->time * time_size + i];
        if (z->indexes[i] >= h->type || (i && z->times[i] <= z->times[i - 1])) return false;
    }
    return true;
}

static bool read_footer(struct tz *z, const char *p, size_t left) {
    if (left < 2 || *p != '\n') return false;
    const char *end = memchr(p + 1, '\n', left - 1);
    char rule[128];
    size_t n = end ? (size_t)(end - p) - 1 : sizeof rule;
    if (n >= sizeof rule) return false;
    memcpy(rule, p + 1, n);
    rule[n] = 0;
    return !n || parse_rule(rule, &z->rule);
}

static bool read_zone(struct tz *z, const char *p, size_t left) {
    struct header h;
    if (!read_header(p, left, &h)) return false;
    size_t time_size = 4;
    bool modern = p[4] >= '2';
    if (modern) { /* the second block says the same and more */
        size_t skip = HEADER + data_size(&h, 4);
        if (skip > left || !read_header(p + skip, left - skip, &h)) return false;
        p += skip, left -= skip, time_size = 8;
    }
    size_t size = HEADER + data_size(&h, time_size);
    if (size > left) return false;
    return read_times(z, p + HEADER, &h, time_size) &&
           read_types(z, p + HEADER + h.time * (time_size + 1), &h) &&
           (!modern || read_footer(z, p + size, left - size));
}

/* ---- loading */

static bool safe_name(const char *s) {
    size_t n = strlen(s);
    if (!n || n > 64 || *s == '/' || *s == '.' || strstr(s, "..") || strstr(s, "//") || s[n - 1] == '/')
        return false;
    for (; *s; s++)
        if (!isalnum((unsigned char)*s) && !strchr("/_+-.", *s)) return false;
    return true;
}

static const char *zone_folder(void) {
    const char *folder = getenv("TZDIR");
    return folder && *folder == '/' ? folder : "/usr/share/zoneinfo";
}

static bool is_utc(const char *name) { return strcmp(name, "UTC") == 0 || strcmp(name, "Etc/UTC") == 0; }

static struct tz *new_zone(const char *name) {
    struct tz *z = xcalloc(1, sizeof *z);
    z->name = xstrdup(name);
    return z;
}

void tz_free(struct tz *z) {
    if (!z) return;
    free(z->name);
    free(z->data);
    free(z->times);
    free(z->indexes);
    free(z->types);
    free(z);
}

struct tz *tz_from_rule(const char *rule, struct err *err) {
    struct tz *z = new_zone(rule);
    if (parse_rule(rule, &z->rule)) return z;
    tz_free(z);
    err_set(err, EX_INVALID, "`%s` is not a POSIX time zone rule", rule);
    return NULL;
}

struct tz *tz_load(const char *name, struct err *err) {
    if (is_utc(name)) {
        struct tz *utc = tz_from_rule("UTC0", err);
        free(utc->name);
        utc->name = xstrdup(name);
        return utc;
    }
    if (!safe_name(name)) {
        err_set(err, EX_INVALID, "unknown time zone `%s`", name);
        return NULL;
    }
    char *path = fs_join(zone_folder(), name);
    struct tz *z = new_zone(name);
    size_t len = 0;
    z->data = fs_read(path, ZONE_BYTES, &len, NULL);
    bool good = z->data && read_zone(z, z->data, len);
    if (!z->data)
        err_set(err, EX_INVALID, "unknown time zone `%s`", name);
    else if (!good)
        err_set(err, EX_ENVIRONMENT, "%s is not a zone file as RFC 9636 describes", path);
    free(path);
    if (good) return z;
    tz_free(z);
    return NULL;
}

const char *tz_name(const struct tz *z) { return z->name; }

bool tz_exists(const char *name) {
    struct tz *z = tz_load(name, NULL);
    tz_free(z);
    return z != NULL;
}

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

static const struct type *type_at(const struct tz *z, int64_t t) {
    size_t n = transitions_until(z, t);
    if (n == z->time_count && z->rule.present) return rule_type(&z->rule, t);
    return n ? &z->types[z->indexes[n - 1]] : &z->types[0];
}

void tz_at(const struct tz *z, instant_t t, struct tz_local *out) {
    const struct type *type = type_at(z, floor_seconds(t));
    *out = (struct tz_local){.offset = type->offset, .dst = type->dst, .abbreviation = type->abbreviation};
}

struct civil tz_civil(const struct tz *z, instant_t t) {
    return civil_of(t + type_at(z, floor_seconds(t))->offset * US_PER_SECOND);
}

instant_t tz_next_change(const struct tz *z, instant_t t) {
    int64_t at = floor_seconds(t);
    int32_t now = type_at(z, at)->offset;
    for (size_t i = transitions_until(z, at); i < z->time_count; i++) {
        at = z->times[i];
        if (type_at(z, at)->offset != now) return at * US_PER_SECOND;
    }
    if (!z->rule.present || !z->rule.has_dst) return INSTANT_NONE;
    int64_t next = rule_next(&z->rule, at);
    if (next != INT64_MAX && type_at(z, next)->offset == now) next = rule_next(&z->rule, next);
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

/* ---- names */

struct names {
    char **list;
    size_t count, cap;
};

static bool is_zone_file(const char *path) {
    size_t len = 0;
    char magic[4] = {0};
    FILE *f = fopen(path, "rbe");
    if (!f) return false;
    len = fread(magic, 1, sizeof magic, f);
    fclose(f);
    return len == sizeof magic && memcmp(magic, "TZif", 4) == 0;
}

static int name_order(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void scan_folder(struct names *out, const char *folder, const char *prefix, int depth) {
    DIR *dir = opendir(folder);
    if (!dir) return;
    for (struct dirent *e; (e = readdir(dir)) && out->count < NAMES_MAX;) {
        if (!isupper((unsigned char)e->d_name[0])) continue; /* skips posix/, right/, tables */
        char *path = fs_join(folder, e->d_name), *name = fs_join(prefix, e->d_name);
        if (is_zone_file(path) && safe_name(name)) {
            GROW(out->list, out->count, out->cap);
            out->list[out->count++] = xstrdup(name);
        } else if (depth < 3) {
            scan_folder(out, path, name, depth + 1);
        }
        free(path);
        free(name);
    }
    closedir(dir);
}

char **tz_names(size_t *count) {
    struct names names = {0};
    scan_folder(&names, zone_folder(), "", 0);
    if (names.count) qsort(names.list, names.count, sizeof *names.list, name_order);
    *count = names.count;
    return names.list;
}

void tz_names_free(char **names, size_t count) {
    for (size_t i = 0; i < count; i++) free(names[i]);
    free(names);
}

void tz_suggest(const char *name, char *out, size_t size) {
    size_t count;
    char **names = tz_names(&count);
    const char *best = suggest(name, (const char *const *)names, count);
    snprintf(out, size, "%s", best ? best : "");
    if (!best) { /* `Berlin` means the one zone whose last part it is */
        for (size_t i = 0; i < count; i++) {
            const char *slash = strrchr(names[i], '/');
            if (slash && strcasecmp(slash + 1, name) == 0) snprintf(out, size, "%s", names[i]);
        }
    }
    tz_names_free(names, count);
}
