/* rule.c: a schedule by itself: written down as JSON, read back, copied. Its JSON is kept in the database, so
 * its keys are never renamed and what is read may have been written by any older version. */
#include "base/json.h"
#include "cron/every.h"
#include "dag/schedule.h"
#include "dag/types.h"

#include <stdlib.h>
#include <string.h>

/* A schedule that is not a pipeline's owns its memory and its zones. */
struct schedule_own {
    struct schedule pub; /* first */
    struct arena *arena;
    struct tz *tz, *closed_tz;
    struct tz_set *zones; /* only while it is read */
};

/* Everybody's jitter is a share of its own, the same every time. */
void schedule_set_delay(struct schedule *s) {
    uint64_t most = (uint64_t)(s->jitter / US_PER_SECOND);
    s->delay = most ? (duration_t)(cron_hash(s->seed, "jitter") % (most + 1)) * US_PER_SECOND : 0;
}

/* ---- to JSON */

static json_t *texts_json(const struct schedule *s) {
    json_t *list = json_array();
    for (size_t i = 0; i < s->firing_count; i++) json_array_append_new(list, json_string(s->firings[i].text));
    return list;
}

static json_t *day_json(int64_t day) {
    struct civil c = civil_of(day * US_PER_DAY);
    return json_sprintf("%04d-%02d-%02d", (int)c.year, c.month, c.day);
}

static json_t *days_json(const struct slot_rule *r) {
    json_t *list = json_array();
    for (size_t i = 0; i < r->closed_count; i++)
        json_array_append_new(list,
                              json_pack("[oo]", day_json(r->closed[i].first), day_json(r->closed[i].last)));
    return list;
}

static json_t *calendar_json(const struct schedule *s) {
    json_t *j = json_pack("{ss so}", "name", s->calendar, "days", days_json(&s->rule));
    if (s->rule.closed_tz) json_put_text(j, "timezone", tz_name(s->rule.closed_tz));
    return j;
}

static json_t *after_json(const struct after *a) {
    json_t *j = json_object(), *list = json_array();
    for (size_t i = 0; i < a->count; i++) json_array_append_new(list, json_string(a->datasets[i]));
    json_put(j, a->all ? "all" : "any", list);
    if (a->same) json_put_text(j, "same", a->same == SAME_DAY ? "day" : "month");
    return j;
}

static void put_instant(json_t *j, const char *key, instant_t t) {
    char text[INSTANT_TEXT];
    if (t != INSTANT_NONE) json_put_text(j, key, instant_text(t, text));
}

/* Whole seconds, rounded up. */
static void put_duration(json_t *j, const char *key, duration_t d) {
    if (d) json_put(j, key, json_integer((d + US_PER_SECOND - 1) / US_PER_SECOND));
}

static void put_timing(json_t *j, const struct schedule *s) {
    char covers[COVERS_TEXT];
    if (s->firings[0].phrase)
        json_put_text(j, "every", s->firings[0].text);
    else
        json_put(j, "cron", texts_json(s));
    if (s->dst) json_put_text(j, "dst", s->dst == CRON_DST_FIXED ? "fixed" : "interval");
    json_put_text(j, "covers", covers_text(&s->rule.covers, covers));
    put_instant(j, "start", s->rule.start);
    put_instant(j, "end", s->rule.end);
    json_put_text(j, "if_missed", if_missed_names[s->if_missed]);
    put_duration(j, "start_within", s->start_within);
    put_duration(j, "jitter", s->jitter);
    if (s->calendar) json_put(j, "calendar", calendar_json(s));
}

json_t *schedule_rule_json(const struct schedule *s) {
    json_t *j = json_object();
    json_put_text(j, "seed", s->seed);
    json_put_text(j, "timezone", s->timezone);
    if (s->firing_count) put_timing(j, s);
    json_put_text(j, "if_running", if_running_names[s->if_running]);
    if (s->after.count) json_put(j, "after", after_json(&s->after));
    return j;
}

json_t *schedule_stored_json(const struct schedule *s, const struct slot_join *join) {
    char zones[SCHEDULE_ZONES];
    json_t *j = schedule_rule_json(s);
    if (s->firing_count) json_put_text(j, "zone_data", schedule_zones(s, zones));
    if (!join->there) return j;
    json_t *joined = json_object();
    put_instant(joined, "at", join->at);
    put_instant(joined, "end", join->end);
    if (join->overlaps) json_put(joined, "overlaps", json_true());
    json_put(j, "joined", joined);
    return j;
}

/* ---- from JSON */

static unsigned word_at(const json_t *j, const char *key, const char *const *words) {
    const char *word = json_text(j, key);
    for (unsigned i = 0; word && words[i]; i++)
        if (strcmp(words[i], word) == 0) return i;
    return 0;
}

static bool instant_at(const json_t *j, const char *key, instant_t *out) {
    const char *text = json_text(j, key);
    *out = INSTANT_NONE;
    return !text || instant_parse(text, out);
}

static bool read_day(const json_t *j, int64_t *day) {
    return json_is_string(j) && parse_day(json_string_value(j), day);
}

static bool read_calendar(struct schedule_own *o, const json_t *j, struct err *err) {
    const json_t *days = json_object_get(j, "days");
    const char *zone = json_text(j, "timezone");
    struct date_range *ranges = arena_array(o->arena, json_array_size(days), sizeof *ranges);
    struct slot_rule *r = &o->pub.rule;
    if (!j) return true;
    o->pub.calendar = arena_strdup(o->arena, json_text_or(j, "name", ""));
    if (zone && !(o->closed_tz = tz_set_load(o->zones, zone, err))) return false;
    for (size_t i = 0; i < json_array_size(days); i++) {
        const json_t *pair = json_array_get(days, i);
        if (!read_day(json_array_get(pair, 0), &ranges[i].first) ||
            !read_day(json_array_get(pair, 1), &ranges[i].last))
            return false;
    }
    r->closed = ranges;
    r->closed_count = json_array_size(days);
    r->closed_tz = o->closed_tz;
    return true;
}

static bool read_firing(struct schedule_own *o, const char *text, bool phrase, struct cron *cron) {
    struct schedule *s = &o->pub;
    struct firing *f = &s->firings[s->firing_count];
    char cron_text[EVERY_CRON_TEXT];
    struct cron_note note;
    *f = (struct firing){.text = arena_strdup(o->arena, text), .phrase = phrase, .cron = cron};
    f->seed = arena_printf(o->arena, "%s/%zu", s->seed, s->firing_count++);
    if (phrase) {
        if (every_parse(text, s->dst, cron, cron_text, &note)) return false;
        f->cron_text = arena_strdup(o->arena, cron_text);
        return true;
    }
    f->cron_text = f->text;
    return cron_parse(text, &(struct cron_options){.seed = f->seed, .dst = s->dst}, cron, &note) == 0;
}

static bool read_firings(struct schedule_own *o, const json_t *j) {
    const json_t *list = json_object_get(j, "cron");
    const char *every = json_text(j, "every");
    size_t n = every ? 1 : json_array_size(list);
    struct cron *crons = arena_array(o->arena, n, sizeof *crons);
    o->pub.firings = arena_array(o->arena, n, sizeof *o->pub.firings);
    o->pub.rule.crons = crons;
    o->pub.rule.cron_count = n;
    for (size_t i = 0; i < n; i++) {
        const char *text = every ? every : json_string_value(json_array_get(list, i));
        if (!text || !read_firing(o, text, every != NULL, &crons[i])) return false;
    }
    return true;
}

static void read_after(struct schedule_own *o, const json_t *j) {
    struct after *a = &o->pub.after;
    const json_t *all = json_object_get(j, "all"), *list = all ? all : json_object_get(j, "any");
    const char *same = json_text_or(j, "same", "");
    a->all = all != NULL;
    a->same = strcmp(same, "day") == 0 ? SAME_DAY : strcmp(same, "month") == 0 ? SAME_MONTH : SAME_NONE;
    a->datasets = arena_array(o->arena, json_array_size(list), sizeof *a->datasets);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        if (name) a->datasets[a->count++] = arena_strdup(o->arena, name);
    }
}

static bool read_join(struct slot_join *out, const json_t *j) {
    if (!j) return true;
    out->there = true;
    out->overlaps = json_is_true(json_object_get(j, "overlaps"));
    return instant_at(j, "at", &out->at) && instant_at(j, "end", &out->end);
}

static bool read_rule(struct schedule_own *o, const json_t *j, struct err *err) {
    static const char *const dst[] = {"auto", "fixed", "interval", NULL};
    struct schedule *s = &o->pub;
    s->seed = arena_strdup(o->arena, json_text_or(j, "seed", ""));
    s->timezone = arena_strdup(o->arena, json_text_or(j, "timezone", "UTC"));
    s->dst = (enum cron_dst)word_at(j, "dst", dst);
    s->if_missed = (enum if_missed)word_at(j, "if_missed", if_missed_names);
    s->if_running = (enum if_running)word_at(j, "if_running", if_running_names);
    s->start_within = json_int(j, "start_within", 0) * US_PER_SECOND;
    s->jitter = json_int(j, "jitter", 0) * US_PER_SECOND;
    schedule_set_delay(s);
    if (!(o->tz = tz_set_load(o->zones, s->timezone, err))) return false;
    s->rule.tz = o->tz;
    read_after(o, json_object_get(j, "after"));
    return read_firings(o, j) &&
           covers_parse(json_text_or(j, "covers", "previous firing"), &s->rule.covers) &&
           instant_at(j, "start", &s->rule.start) && instant_at(j, "end", &s->rule.end) &&
           read_join(&s->rule.join, json_object_get(j, "joined")) &&
           read_calendar(o, json_object_get(j, "calendar"), err);
}

static struct schedule_own *own_new(const char *name) {
    struct schedule_own *o = xcalloc(1, sizeof *o);
    o->arena = arena_new();
    o->pub.name = arena_strdup(o->arena, name);
    return o;
}

struct schedule *schedule_from_rule(const char *name, const json_t *rule, struct tz_set *zones,
                                    struct err *err) {
    struct schedule_own *o = own_new(name);
    struct err why = {0};
    o->zones = zones;
    if (json_is_object(rule) && read_rule(o, rule, &why)) return &o->pub;
    schedule_free(&o->pub);
    if (why.msg[0])
        err_set(err, EX_ENVIRONMENT, "%s", why.msg);
    else
        err_set(err, EX_ENVIRONMENT, "the stored rule of schedule %s cannot be read", name);
    return NULL;
}

void schedule_free(struct schedule *s) {
    if (!s) return;
    struct schedule_own *o = (struct schedule_own *)s;
    tz_free(o->tz);
    tz_free(o->closed_tz);
    arena_free(o->arena);
    free(o);
}

static bool same_zone(const struct tz *a, const struct tz *b) { return a == b || (a && b && tz_same(a, b)); }

bool schedule_same_zones(const struct schedule *a, const struct schedule *b) {
    return same_zone(a->rule.tz, b->rule.tz) && same_zone(a->rule.closed_tz, b->rule.closed_tz);
}

const char *schedule_zones(const struct schedule *s, char out[SCHEDULE_ZONES]) {
    uint64_t sum = tz_digest(s->rule.tz) * 31 + tz_digest(s->rule.closed_tz);
    snprintf(out, SCHEDULE_ZONES, "%016llx", (unsigned long long)sum);
    return out;
}

/* ---- copies */

static void *copy_array(struct arena *a, const void *from, size_t n, size_t size) {
    void *to = arena_array(a, n, size);
    if (n) memcpy(to, from, n * size);
    return to;
}

static void copy_firings(struct schedule_own *o, const struct schedule *s) {
    struct cron *crons = copy_array(o->arena, s->rule.crons, s->rule.cron_count, sizeof *crons);
    o->pub.rule.crons = crons;
    o->pub.firings = copy_array(o->arena, s->firings, s->firing_count, sizeof *s->firings);
    for (size_t i = 0; i < s->firing_count; i++) {
        struct firing *f = &o->pub.firings[i];
        f->text = arena_strdup(o->arena, f->text);
        f->cron_text = arena_strdup(o->arena, f->cron_text);
        f->seed = arena_strdup(o->arena, f->seed);
        f->cron = &crons[i];
        f->at = (struct span){0};
    }
}

struct schedule *schedule_copy(const struct schedule *s) {
    struct schedule_own *o = own_new(s->name);
    struct schedule *c = &o->pub;
    const char *name = c->name;
    *c = *s;
    c->name = name;
    c->at = (struct span){0};
    c->seed = arena_strdup(o->arena, s->seed);
    c->timezone = arena_strdup(o->arena, s->timezone);
    c->calendar = arena_strdup(o->arena, s->calendar);
    copy_firings(o, s);
    c->rule.closed = copy_array(o->arena, s->rule.closed, s->rule.closed_count, sizeof *s->rule.closed);
    c->rule.tz = o->tz = tz_share(s->rule.tz);
    c->rule.closed_tz = o->closed_tz = tz_share(s->rule.closed_tz);
    c->after.datasets = copy_array(o->arena, s->after.datasets, s->after.count, sizeof *s->after.datasets);
    c->after.places = NULL;
    for (size_t i = 0; i < s->after.count; i++)
        c->after.datasets[i] = arena_strdup(o->arena, s->after.datasets[i]);
    return c;
}
