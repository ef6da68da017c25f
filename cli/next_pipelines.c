/* next_pipelines.c: `leat next PIPELINE...`: when schedules fire, and the window of each firing. */
#include "base/json.h"
#include "base/utf8.h"
#include "cli/load.h"
#include "cli/next.h"
#include "cli/select.h"
#include "cli/view.h"
#include "cli/when.h"
#include "dag/schedule.h"
#include "store/schedules.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One firing to show. */
struct row {
    const struct pipeline *pipeline;
    const struct schedule *schedule;
    struct slot slot;
    char note[120]; /* on its window; "" */
};

struct preview {
    struct view v;
    struct pipeline **list;
    size_t count;
    struct row *rows;
    size_t row_count, row_cap;
    instant_t from;
    bool explain;
};

static const struct tz *shown_zone(const struct preview *p, const struct schedule *s) {
    return p->v.c->tz ? p->v.tz : s->rule.tz;
}

/* ---- the pipelines */

static struct pipeline *load(struct preview *p, const struct selected *it, struct err *err) {
    char *problem = NULL;
    struct pipeline *pl = load_words(p->v.project, it->path, &problem);
    if (!pl) {
        err_set(err, EX_INVALID, "%s", problem);
        err_hint(err, "see what is wrong: leat validate");
    }
    free(problem);
    return pl;
}

/* A file that is broken, and what was served last goes on by its own words. */
static void say_served(struct preview *p, const char *name) {
    struct schedule_row *rows;
    struct err ignored;
    size_t n = 0;
    if (!name || !p->v.store || store_schedules_list(p->v.store, name, p->v.arena, &rows, &n, &ignored) < 0)
        return;
    for (size_t i = 0; i < n; i++) {
        struct slot slot;
        json_t *rule = rows[i].gone_at == INSTANT_NONE ? json_loads(rows[i].rule, 0, NULL) : NULL;
        struct schedule *s =
            rule ? schedule_from_rule(rows[i].name, rule, p->v.project->zone_data, &ignored) : NULL;
        struct slots *slots = s ? slots_new(&s->rule) : NULL;
        char at[WHEN_TEXT];
        if (slots && slots_next(slots, world_wall(p->v.c->world), &slot))
            cli_say(p->v.c, "%s is broken; by the definition served last it fires next at %s\n", name,
                    when_minute(p->v.c->tz ? p->v.tz : s->rule.tz, slot.fire, at));
        slots_free(slots);
        schedule_free(s);
        json_decref(rule);
    }
}

/* Those that are not valid are said, and left out, unless somebody asked for them. */
static int load_chosen(struct preview *p, struct err *err) {
    const struct cli *c = p->v.c;
    struct selection chosen;
    if (select_pipelines(&p->v, c->args, c->arg_count, &chosen, err)) return -1;
    p->list = xcalloc(chosen.count + 1, sizeof *p->list);
    for (size_t i = 0; i < chosen.count; i++) {
        struct err why = {0};
        struct pipeline *pl = chosen.list[i].path ? load(p, &chosen.list[i], &why) : NULL;
        if (pl) p->list[p->count++] = pl;
        if (pl || !chosen.list[i].path) continue;
        say_served(p, chosen.list[i].name);
        if (c->arg_count) return *err = why, -1;
        cli_say(p->v.c, "%s\n", why.msg);
    }
    if (chosen.count || c->arg_count) return 0;
    err_set(err, EX_NOT_FOUND, "no pipeline files in %s", p->v.project->root);
    return err_hint(err,
                    "put one into pipelines/NAME.yaml, or ask about a text: leat next --cron \"15 6 * * *\"");
}

/* ---- notes on windows */

static void long_text(duration_t d, char *out, size_t size) {
    long long hours = d / US_PER_HOUR, minutes = d % US_PER_HOUR / US_PER_MINUTE;
    if (minutes)
        snprintf(out, size, "%lldh%02lldm long", hours, minutes);
    else
        snprintf(out, size, "%lld hour%s long", hours, hours == 1 ? "" : "s");
}

/* "23 hours long: clocks go forward Sunday 02:00" of a window in which they do. */
static void note_window(struct row *r) {
    static const char *const days[] = {"Thursday", "Friday",  "Saturday", "Sunday",
                                       "Monday",   "Tuesday", "Wednesday"}; /* 1970-01-01 was the first */
    const struct tz *tz = r->schedule->rule.tz;
    struct tz_local before, after;
    char length[48];
    if (!tz || r->slot.end - r->slot.start > SHORT_WINDOW) return;
    instant_t t = tz_next_change(tz, r->slot.start - 1);
    if (t == INSTANT_NONE || t >= r->slot.end) return;
    tz_at(tz, t - 1, &before);
    tz_at(tz, t, &after);
    instant_t wall = t + before.offset * US_PER_SECOND;
    struct civil c = civil_of(wall);
    long_text(r->slot.end - r->slot.start, length, sizeof length);
    snprintf(r->note, sizeof r->note, "%s: clocks go %s %s %02d:%02d", length,
             after.offset > before.offset ? "forward" : "back", days[wall / US_PER_DAY % 7], c.hour,
             c.minute);
}

/* ---- the firings */

static void add_schedule(struct preview *p, const struct pipeline *pl, const struct schedule *s, long count) {
    struct slots *slots = slots_new(&s->rule);
    struct row r = {.pipeline = pl, .schedule = s};
    bool there = slots_next(slots, p->from - 1, &r.slot);
    for (; there && count > 0; count--, there = slots_step(slots, &r.slot)) {
        r.note[0] = '\0';
        note_window(&r);
        GROW(p->rows, p->row_count, p->row_cap);
        p->rows[p->row_count++] = r;
    }
    slots_free(slots);
}

static int by_time(const void *a, const void *b) {
    const struct row *x = a, *y = b;
    if (x->slot.fire != y->slot.fire) return x->slot.fire < y->slot.fire ? -1 : 1;
    int names = strcmp(x->pipeline->name, y->pipeline->name);
    return names ? names : strcmp(x->schedule->name, y->schedule->name);
}

static void find_firings(struct preview *p, long count) {
    for (size_t i = 0; i < p->count; i++)
        for (size_t k = 0; k < p->list[i]->schedule_count; k++)
            add_schedule(p, p->list[i], &p->list[i]->schedules[k], count);
    if (p->row_count) qsort(p->rows, p->row_count, sizeof *p->rows, by_time);
    if (p->row_count > (size_t)count) p->row_count = (size_t)count;
}

/* What the clock does to it since the firing before. */
static json_t *effects_of(const struct row *r) {
    json_t *lines = json_array();
    struct slots *slots = slots_new(&r->schedule->rule);
    instant_t before = slots_fire_prev(slots, r->slot.fire);
    for (size_t i = 0; before != INSTANT_NONE && i < r->schedule->firing_count; i++) {
        struct cron_clock clock;
        cron_clock_init(&clock, r->schedule->firings[i].cron, r->schedule->rule.tz);
        next_effects(&clock, before, r->slot.fire, lines);
    }
    slots_free(slots);
    return lines;
}

/* ---- JSON */

static json_t *row_json(const struct preview *p, const struct row *r) {
    char local[LOCAL_TEXT];
    const struct tz *tz = shown_zone(p, r->schedule);
    json_t *item = json_object();
    json_put_text(item, "pipeline", r->pipeline->name);
    json_put_text(item, "schedule", r->schedule->name);
    json_put(item, "fire_at", json_instant(r->slot.fire));
    json_put(item, "due_at", json_instant(r->slot.fire + r->schedule->delay));
    json_put_text(item, "local", next_local(tz, r->slot.fire, local));
    json_put_text(item, "timezone", tz_name(tz));
    json_put(item, "window", json_window(r->slot.start, r->slot.end));
    json_put(item, "note", *r->note ? json_string(r->note) : json_null());
    if (p->explain) json_put(item, "clock_changes", effects_of(r));
    return item;
}

static void print_json(const struct preview *p) {
    json_t *items = json_array();
    for (size_t i = 0; i < p->row_count; i++) json_array_append_new(items, row_json(p, &p->rows[i]));
    out_document(&p->v.c->out, "next", items);
}

/* ---- for people */

enum { PIPELINE, SCHEDULE, FIRE, WINDOW, COLUMNS };
struct texts {
    char cell[COLUMNS][WHEN_TEXT + 8];
};

static void row_texts(const struct preview *p, const struct row *r, struct texts *out) {
    const struct tz *tz = shown_zone(p, r->schedule);
    struct span_of_time w = {r->slot.start, r->slot.end};
    char window[WHEN_TEXT];
    *out = (struct texts){0};
    if (p->count > 1) snprintf(out->cell[PIPELINE], WHEN_TEXT, "%s", r->pipeline->name);
    if (r->pipeline->schedule_count > 1) snprintf(out->cell[SCHEDULE], WHEN_TEXT, "%s", r->schedule->name);
    when_minute(tz, r->slot.fire, out->cell[FIRE]);
    snprintf(out->cell[WINDOW], sizeof out->cell[WINDOW], "window %s",
             when_window_text(tz, &w, out_arrow(&p->v.c->out), window));
}

static void print_row(const struct preview *p, const struct row *r, const struct texts *t, const int *width) {
    const struct out *o = &p->v.c->out;
    for (int k = 0; k < COLUMNS; k++) {
        if (!width[k]) continue;
        bool last = k == WINDOW && !*r->note;
        out_paint(o, k == PIPELINE ? PAINT_BOLD : PAINT_NONE, t->cell[k], last ? 0 : width[k]);
        if (!last) out_printf(o, k == WINDOW ? "   " : "  ");
    }
    out_printf(o, "%s\n", r->note);
    if (!p->explain) return;
    json_t *lines = effects_of(r);
    next_print_lines(o, lines);
    json_decref(lines);
}

static void print_rows(const struct preview *p) {
    struct texts *all = xcalloc(p->row_count + 1, sizeof *all);
    int width[COLUMNS] = {0};
    for (size_t i = 0; i < p->row_count; i++) {
        row_texts(p, &p->rows[i], &all[i]);
        for (int k = 0; k < COLUMNS; k++) {
            int n = (int)utf8_columns(all[i].cell[k], strlen(all[i].cell[k]));
            if (n > width[k]) width[k] = n;
        }
    }
    for (size_t i = 0; i < p->row_count; i++) print_row(p, &p->rows[i], &all[i], width);
    free(all);
}

static void explain_schedule(const struct preview *p, const struct pipeline *pl, const struct schedule *s) {
    const struct out *o = &p->v.c->out;
    struct buf words = BUF_INIT;
    char covers[COVERS_TEXT];
    for (size_t i = 0; i < s->firing_count; i++) {
        if (i) buf_adds(&words, "; ");
        cron_explain(s->firings[i].cron, &words);
    }
    if (s->calendar) buf_addf(&words, "; not on days of %s", s->calendar);
    out_paint(o, PAINT_BOLD, pl->name, 0);
    if (pl->schedule_count > 1) out_printf(o, " %s", s->name);
    out_printf(o, "  %s  (%s)  covers %s\n", buf_str(&words), s->timezone,
               covers_text(&s->rule.covers, covers));
    buf_release(&words);
}

static void explain(const struct preview *p) {
    for (size_t i = 0; i < p->count; i++)
        for (size_t k = 0; k < p->list[i]->schedule_count; k++)
            if (p->list[i]->schedules[k].firing_count)
                explain_schedule(p, p->list[i], &p->list[i]->schedules[k]);
}

/* ---- what is not a firing */

static void say_after(const struct preview *p, const struct pipeline *pl, const struct after *a) {
    struct buf b = BUF_INIT;
    const char *between = a->all ? " and " : " or ";
    for (size_t i = 0; i < a->count; i++) buf_addf(&b, "%s%s", i ? between : "", a->datasets[i]);
    cli_say(p->v.c, "%s runs when %s %s a new version%s\n", pl->name, buf_str(&b),
            a->all && a->count > 1 ? "have" : "has",
            a->same == SAME_DAY     ? " for the same day"
            : a->same == SAME_MONTH ? " for the same month"
                                    : "");
    buf_release(&b);
}

static void say_pause(struct preview *p, const struct pause_row *row, const char *name) {
    char until[WHEN_TEXT];
    if (row->until == INSTANT_NONE)
        cli_say(p->v.c, "%s is paused until somebody resumes it\n", name);
    else
        cli_say(p->v.c, "%s is paused until %s\n", name, when_text(view_tz(&p->v, name), row->until, until));
}

/* It has times, and the last of them is behind `from`. */
static bool is_over(const struct preview *p, const struct pipeline *pl) {
    size_t timed = 0, over = 0;
    for (size_t i = 0; i < pl->schedule_count; i++) {
        if (!pl->schedules[i].firing_count) continue;
        struct slots *slots = slots_new(&pl->schedules[i].rule);
        struct slot slot;
        timed++;
        over += !slots_next(slots, p->from, &slot);
        slots_free(slots);
    }
    return timed && over == timed;
}

static int say_others(struct preview *p, struct err *err) {
    struct pause_row *pauses = NULL;
    size_t n = 0;
    if (p->v.store &&
        store_pauses_list(p->v.store, world_wall(p->v.c->world), p->v.arena, &pauses, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < p->count; i++) {
        const struct pipeline *pl = p->list[i];
        if (!pl->schedule_count && p->v.c->arg_count) cli_say(p->v.c, "%s has no schedule\n", pl->name);
        if (p->v.c->arg_count && is_over(p, pl))
            cli_say(p->v.c, "%s does not fire any more: its schedule is over\n", pl->name);
        for (size_t k = 0; k < pl->schedule_count; k++)
            if (pl->schedules[k].after.count) say_after(p, pl, &pl->schedules[k].after);
        for (size_t k = 0; k < n; k++)
            if (strcmp(pauses[k].pipeline, pl->name) == 0) say_pause(p, &pauses[k], pl->name);
    }
    return 0;
}

static int read_from(struct preview *p, struct err *err) {
    instant_t now = world_wall(p->v.c->world);
    const char *text = cli_value(p->v.c, "from");
    const struct tz *tz = p->count == 1 ? view_tz(&p->v, p->list[0]->name) : p->v.tz;
    p->from = now;
    return text ? when_instant(text, tz, now, &p->from, err) : 0;
}

static int show(struct preview *p, long count, struct err *err) {
    if (read_from(p, err)) return -1;
    find_firings(p, count);
    if (p->v.c->json) {
        print_json(p);
        return 0;
    }
    if (p->explain) explain(p);
    print_rows(p);
    if (!p->row_count && !p->v.c->arg_count) cli_say(p->v.c, "no pipeline has a schedule that fires\n");
    return say_others(p, err);
}

int next_pipelines(struct cli *c, long count, struct err *err) {
    struct preview p = {.explain = cli_given(c, "explain")};
    int rc = view_open(&p.v, c, err);
    if (!rc) rc = load_chosen(&p, err);
    if (!rc) rc = show(&p, count, err);
    for (size_t i = 0; i < p.count; i++) pipeline_free(p.list[i]);
    free(p.list);
    free(p.rows);
    view_close(&p.v);
    return rc ? -1 : EX_OK;
}
