/* pause.c: `leat pause` and `leat resume`: a pipeline starts nothing by itself for a while. Done by the
 * conductor at work at once or, when there is none, on the database, where the next one finds it. */
#include "base/json.h"
#include "cli/asking.h"
#include "cli/select.h"
#include "cli/verbs.h"
#include "cli/view.h"
#include "cli/writing.h"
#include "dag/schedule.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT_ENOUGH = 1000000 }; /* a tenth of a second; more of them is "more than" */

/* ---- how many slots come meanwhile ---- */

/* NULL: it has no file, or one that is broken. */
static struct pipeline *schedules_of(const struct view *v, const struct selected *p) {
    char *problem = NULL;
    struct pipeline *pl = p->path ? load_words(v->project, p->path, &problem) : NULL;
    free(problem);
    return pl;
}

static int64_t count_slots(const struct schedule *s, instant_t after, instant_t until, int64_t limit) {
    struct slots *slots = slots_new(&s->rule);
    struct slot at;
    int64_t n = 0;
    for (bool there = slots_next(slots, after, &at); there && at.fire <= until && n < limit;
         there = slots_step(slots, &at))
        n++;
    slots_free(slots);
    return n;
}

/* -1: not known, or nothing of it starts by the clock. */
static int64_t count_between(const struct pipeline *p, instant_t after, instant_t until) {
    int64_t n = 0;
    bool timed = false;
    if (!p || until == INSTANT_NONE) return -1;
    for (size_t i = 0; i < p->schedule_count && n < COUNT_ENOUGH; i++) {
        timed |= p->schedules[i].firing_count > 0;
        n += count_slots(&p->schedules[i], after, until, COUNT_ENOUGH - n);
    }
    return timed ? n : -1;
}

static const char *count_text(const struct view *v, int64_t n) {
    return n >= COUNT_ENOUGH ? arena_printf(v->arena, "more than %d scheduled runs", COUNT_ENOUGH - 1)
                             : arena_printf(v->arena, "%" PRId64 " scheduled run%s", n, n == 1 ? "" : "s");
}

/* ---- when it ends ---- */

static int past(const char *text, struct err *err) {
    err_set(err, EX_USAGE, "--until %s is in the past", text);
    return err_hint(err, "write when it is to go on: tomorrow, monday, 2h, 2026-11-23T06:00");
}

/* `monday` is the last one, today included, to when_instant(): a day later the same one, or the one of a week
 * later; `today` moves by a day, and a date does not move. */
static bool is_weekday(const char *text, const struct tz *tz, instant_t now, instant_t at) {
    instant_t in_a_day, in_a_week;
    struct err ignored;
    if (when_instant(text, tz, now + US_PER_DAY, &in_a_day, &ignored)) return false;
    if (when_instant(text, tz, now + 7 * US_PER_DAY, &in_a_week, &ignored)) return false;
    return in_a_week != at && (in_a_day == at || in_a_day - at > 6 * US_PER_DAY);
}

/* A weekday is the next one here; a span is from now on. */
static int read_until(const struct view *v, const struct tz *tz, instant_t now, instant_t *until,
                      struct err *err) {
    const char *text = cli_value(v->c, "until");
    duration_t d;
    *until = INSTANT_NONE;
    if (!text) return 0;
    if (duration_parse(text, &d)) {
        *until = now + d;
        return 0;
    }
    if (when_instant(text, tz, now, until, err)) return -1;
    if (*until <= now && is_weekday(text, tz, now, *until))
        return when_instant(text, tz, now + 7 * US_PER_DAY, until, err);
    return *until > now ? 0 : past(text, err);
}

/* ---- pause ---- */

struct pausing {
    struct view *v;
    const char *pipeline, *catch_up;
    instant_t now, until;
    int64_t slots; /* -1: not known */
};

static const char *becomes(const struct pausing *p) {
    static const struct {
        const char *catch_up, *one, *some;
    } words[] = {{"none", "will be skipped", "will be skipped"},
                 {"latest", "will run then", "will come, and the newest of them will run then"},
                 {"all", "will run then", "will run then"}};
    size_t i = 0;
    while (i < 2 && strcmp(words[i].catch_up, p->catch_up) != 0) i++;
    return p->slots == 1 ? words[i].one : words[i].some;
}

static void print_pause(const struct pausing *p) {
    const struct view *v = p->v;
    const struct out *o = &v->c->out;
    if (p->until == INSTANT_NONE)
        out_printf(o, "%s paused until it is resumed: leat resume %s.", p->pipeline, p->pipeline);
    else
        out_printf(o, "%s paused until %s.", p->pipeline, view_time(p->v, p->pipeline, p->until));
    if (p->slots >= 0) out_printf(o, " %s %s.", count_text(v, p->slots), becomes(p));
    out_printf(o, " Running runs are not touched.\n");
}

static json_t *pause_json(const struct pausing *p) {
    json_t *o = json_object();
    json_put_text(o, "pipeline", p->pipeline);
    json_put(o, "at", json_instant(p->now));
    json_put(o, "until", json_instant(p->until));
    json_put_text(o, "catch_up", p->catch_up);
    json_put_text(o, "reason", cli_value(p->v->c, "reason"));
    json_put(o, "slots", json_number(p->slots));
    return o;
}

static int ask_for(const struct pausing *p, struct err *err) {
    json_t *request = json_pack("{ss ss ss ss}", "ask", "pause", "pipeline", p->pipeline, "author",
                                writing_author(), "catch_up", p->catch_up),
           *answer;
    if (p->until != INSTANT_NONE) json_put(request, "until", json_integer(p->until));
    if (cli_value(p->v->c, "reason")) json_put_text(request, "reason", cli_value(p->v->c, "reason"));
    if (ask(p->v->c, p->v->project, request, &answer, err)) return -1;
    json_decref(answer);
    return 0;
}

static int pause_one(struct view *v, const struct selected *it, json_t *items, struct err *err) {
    const char *catch_up = cli_value(v->c, "catch-up");
    struct pausing p = {.v = v,
                        .pipeline = it->name,
                        .catch_up = catch_up ? catch_up : "none",
                        .now = world_wall(v->c->world)};
    struct pipeline *pl = schedules_of(v, it);
    int rc = read_until(v, view_tz(v, it->name), p.now, &p.until, err);
    p.slots = rc ? -1 : count_between(pl, p.now, p.until);
    pipeline_free(pl);
    if (rc || ask_for(&p, err)) return -1;
    if (v->c->json)
        json_array_append_new(items, pause_json(&p));
    else
        print_pause(&p);
    return 0;
}

/* ---- resume ---- */

/* ended: by itself, then; INSTANT_NONE: by this. */
static void print_resume(struct view *v, const char *name, const char *catch_up, instant_t ended,
                         int64_t slots) {
    const struct out *o = &v->c->out;
    static const struct {
        const char *catch_up, *text;
    } words[] = {{"none", "skipped"},
                 {"latest", "skipped but the newest, which runs now"},
                 {"all", "made up for now"}};
    size_t i = 0;
    while (i < 2 && strcmp(words[i].catch_up, catch_up) != 0) i++;
    if (ended == INSTANT_NONE)
        out_printf(o, "%s resumed.", name);
    else
        out_printf(o, "%s: the pause ended already, at %s.", name, view_time(v, name, ended));
    if (slots > 0)
        out_printf(o, " %s of the pause %s %s.", count_text(v, slots), slots == 1 ? "is" : "are",
                   slots == 1 && i == 1 ? "made up for now" : words[i].text);
    out_printf(o, "\n");
}

static json_t *resume_json(const char *name, const char *catch_up, instant_t since, int64_t slots) {
    json_t *o = json_object();
    json_put_text(o, "pipeline", name);
    json_put(o, "paused_at", json_instant(since));
    json_put_text(o, "catch_up", catch_up);
    json_put(o, "slots", json_number(slots));
    return o;
}

static int resume_one(struct view *v, const struct selected *it, json_t *items, struct err *err) {
    const char *given = cli_value(v->c, "catch-up"), *name = it->name;
    json_t *request = json_pack("{ss ss}", "ask", "resume", "pipeline", name), *answer;
    if (given) json_put_text(request, "catch_up", given);
    if (ask(v->c, v->project, request, &answer, err)) return -1;
    struct pipeline *pl = schedules_of(v, it);
    const char *catch_up = json_text_or(answer, "catch_up", "none");
    instant_t since = json_int(answer, "paused_at", INSTANT_NONE);
    instant_t until = json_int(answer, "until", world_wall(v->c->world));
    bool over = json_is_true(json_object_get(answer, "over"));
    int64_t slots = count_between(pl, since, until);
    if (v->c->json)
        json_array_append_new(items, resume_json(name, catch_up, since, slots));
    else
        print_resume(v, name, catch_up, over ? until : INSTANT_NONE, slots);
    pipeline_free(pl);
    json_decref(answer);
    return 0;
}

/* ---- the verbs ---- */

struct doing {
    struct view v;
    struct selection chosen;
    json_t *items; /* for --json */
    size_t done;
};

static int nameless(const struct selected *it, struct err *err) {
    err_set(err, EX_INVALID, "%s does not say which pipeline it is", it->shown);
    return err_hint(err, "it begins with `pipeline: NAME`");
}

/* Of several, one that is not what it would have to be is said and passed over. */
static int each(struct doing *d, int (*one)(struct view *, const struct selected *, json_t *, struct err *),
                struct err *err) {
    for (size_t i = 0; i < d->chosen.count; i++) {
        const struct selected *it = &d->chosen.list[i];
        int rc = it->name ? one(&d->v, it, d->items, err) : nameless(it, err);
        d->done += rc == 0;
        if (rc == 0) continue;
        bool pass = d->chosen.count > 1 && (err->exit == EX_NOT_FOUND || !it->name);
        if (!pass) return -1;
        cli_say(d->v.c, "%s\n", err->msg);
    }
    return 0;
}

static int do_each(struct cli *c, const char *noun,
                   int (*one)(struct view *, const struct selected *, json_t *, struct err *),
                   struct err *err) {
    struct doing d = {.items = json_array()};
    int rc = view_open(&d.v, c, err);
    if (!rc) rc = select_pipelines(&d.v, c->args, c->arg_count, &d.chosen, err);
    if (!rc && !d.chosen.count) cli_say(c, "that means no pipeline: nothing was changed\n");
    if (!rc) rc = each(&d, one, err);
    if (!rc && d.chosen.count && !d.done) rc = -1; /* err: why the last one was passed over */
    if (c->json && (!rc || d.done)) out_document(&c->out, noun, json_incref(d.items));
    json_decref(d.items);
    view_close(&d.v);
    return rc ? -1 : EX_OK;
}

static int run_pause(struct cli *c, struct err *err) { return do_each(c, "pause", pause_one, err); }
static int run_resume(struct cli *c, struct err *err) { return do_each(c, "resume", resume_one, err); }

static const char *const catch_ups[] = {"none", "latest", "all", NULL};

static const struct flag pause_flags[] = {
    {.name = "until",
     .value = "TIME",
     .help = "when it goes on by itself (tomorrow, monday, 2h, 2026-11-23T06:00)"},
    {.name = "reason", .value = "TEXT", .help = "why; `leat status` shows it"},
    {.name = "catch-up",
     .value = "WHICH",
     .values = catch_ups,
     .help = "what becomes of the scheduled runs meanwhile: none (skipped, the default), latest, all"},
    {0},
};
static const struct flag resume_flags[] = {
    {.name = "catch-up",
     .value = "WHICH",
     .values = catch_ups,
     .help = "which of the scheduled runs of the pause run now (default: what the pause said)"},
    {0},
};

static const char *const pause_examples[] = {
    "leat pause sales_daily --until monday --reason \"shop_db migration\"\tgoes on by itself",
    "leat pause tag:finance --until 6h\tall that have the tag",
    "leat pause sales_daily --catch-up all\tuntil resumed; then every run it missed",
    NULL,
};
static const char *const resume_examples[] = {
    "leat resume sales_daily\twhat the pause skipped stays skipped",
    "leat resume state:paused\tall that are paused",
    "leat resume sales_daily --catch-up latest\tthe newest of the missed runs runs now",
    NULL,
};
static const int exits[] = {EX_NOT_FOUND, EX_ENVIRONMENT, EX_CONFLICT, 0};

const struct command command_pause = {
    .name = "pause",
    .group = GROUP_RUN,
    .usage = "SELECTION... [--until TIME] [--reason TEXT] [--catch-up none|latest|all]",
    .about = "Keeps pipelines from starting by themselves for a while.",
    .more = "Schedules and datasets start nothing of it; `leat run` still does. Runs that run are not "
            "touched. Each "
            "scheduled run of the pause is recorded: skipped, reason paused, or made up for afterwards.",
    .examples = pause_examples,
    .flags = pause_flags,
    .exits = exits,
    .args_min = 1,
    .args_max = 1000,
    .run = run_pause,
};

const struct command command_resume = {
    .name = "resume",
    .group = GROUP_RUN,
    .usage = "SELECTION... [--catch-up none|latest|all]",
    .about = "Ends the pause of pipelines.",
    .examples = resume_examples,
    .flags = resume_flags,
    .exits = exits,
    .args_min = 1,
    .args_max = 1000,
    .run = run_resume,
};
