/* next.c: `leat next`: when a schedule fires. Here: any cron text or phrase, in any zone. Pipelines are in
 * next_pipelines.c. */
#include "cli/next.h"

#include "base/json.h"
#include "base/limits.h"
#include "cli/verbs.h"
#include "cli/view.h"
#include "cli/when.h"
#include "cron/every.h"
#include "cron/explain.h"
#include "dag/schedule.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct preview {
    struct cli *c;
    const char *text; /* as given */
    bool phrase;
    struct cron cron;
    struct tz *tz;
    struct cron_clock clock;
    instant_t from;
    long count;
    bool explain;
    json_t *items;
};

/* ---- the schedule */

/* What is wrong with the text, or may not be meant, on stderr like any diagnostic. */
static void say_notes(const struct preview *v, const struct cron_note *notes, size_t n) {
    struct source s = {.path = v->phrase ? "--every" : "--cron", .text = v->text, .len = strlen(v->text)};
    struct diags *d = diags_new();
    struct buf out = BUF_INIT;
    for (size_t i = 0; i < n; i++) {
        uint32_t end = notes[i].length ? notes[i].offset + notes[i].length : (uint32_t)s.len;
        schedule_tell(d, (struct span){&s, notes[i].offset, end}, &notes[i]);
    }
    for (size_t i = 0; i < d->count; i++) d->list[i].fix.text = NULL; /* there is no file to mend */
    diags_sort(d);
    diags_render(d, DIAG_HUMAN, LIMIT_DIAG_SHOWN, v->c->err.color, &out);
    if (n) fputs(buf_str(&out), v->c->err.file);
    buf_release(&out);
    diags_free(d);
}

static int read_cron(struct preview *v) {
    const struct cron_options opts = {.seed = cli_value(v->c, "seed")};
    struct cron_note notes[CRON_NOTES_MAX];
    if (cron_parse(v->text, &opts, &v->cron, notes) != 0) {
        if (notes[0].code == CRON_E_HASH && !opts.seed && !*notes[0].hint)
            snprintf(notes[0].hint, sizeof notes[0].hint, "add `--seed PIPELINE/0`");
        say_notes(v, notes, 1);
        return -1;
    }
    say_notes(v, notes, v->c->quiet ? 0 : cron_lint(v->text, &opts, notes));
    return 0;
}

static int read_every(struct preview *v) {
    struct cron_note note;
    if (every_parse(v->text, CRON_DST_AUTO, &v->cron, NULL, &note) == 0) return 0;
    say_notes(v, &note, 1);
    return -1;
}

static int find_zone(struct preview *v, struct err *err) {
    char zone[TZ_NAME] = "UTC";
    bool named = !v->phrase && cron_zone(&v->cron, v->text, zone);
    if (named && v->c->tz && strcmp(v->c->tz, zone) != 0) {
        err_set(err, EX_USAGE, "the cron text says %s and --tz says %s", zone, v->c->tz);
        return err_hint(err, "leave one of them out");
    }
    v->tz = tz_load(v->c->tz ? v->c->tz : zone, err);
    if (!v->tz) err->exit = EX_USAGE;
    return v->tz ? 0 : -1;
}

static int read_from(struct preview *v, struct err *err) {
    instant_t now = world_wall(v->c->world);
    const char *text = cli_value(v->c, "from");
    v->from = now;
    return text ? when_instant(text, v->tz, now, &v->from, err) : 0;
}

/* ---- what is shown */

/* 2027-03-28T03:00:00+02:00 */
const char *next_local(const struct tz *tz, instant_t t, char out[LOCAL_TEXT]) {
    struct tz_local l;
    struct civil c = tz_civil(tz, t);
    tz_at(tz, t, &l);
    int minutes = abs(l.offset) / 60;
    snprintf(out, LOCAL_TEXT, "%04" PRId64 "-%02d-%02dT%02d:%02d:%02d%c%02d:%02d", c.year, c.month, c.day,
             c.hour, c.minute, c.second, l.offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
    return out;
}

static bool worth_saying(const struct cron_effect *e, instant_t before, instant_t fire) {
    return e->kind != CRON_EFFECT_NONE || fire - before <= SHORT_WINDOW;
}

void next_effects(struct cron_clock *clock, instant_t before, instant_t fire, json_t *lines) {
    struct cron_effect e;
    for (instant_t t = before; cron_effect_next(clock, t, fire, &e); t = e.at) {
        if (!worth_saying(&e, before, fire)) continue;
        struct buf b = BUF_INIT;
        cron_effect_text(&e, &b);
        json_array_append_new(lines, json_string(buf_str(&b)));
        buf_release(&b);
    }
}

void next_print_lines(const struct out *o, const json_t *lines) {
    size_t i;
    json_t *line;
    json_array_foreach(lines, i, line) {
        out_printf(o, "  ");
        out_paint(o, PAINT_DIM, json_string_value(line), 0);
        out_printf(o, "\n");
    }
}

static void add_item(struct preview *v, instant_t t, json_t *effects) {
    char local[LOCAL_TEXT];
    json_t *item = json_object();
    json_put(item, "fire_at", json_instant(t));
    json_put_text(item, "local", next_local(v->tz, t, local));
    json_put_text(item, "timezone", tz_name(v->tz));
    json_put_text(item, v->phrase ? "every" : "cron", v->text);
    if (v->explain) json_put(item, "clock_changes", json_incref(effects));
    json_array_append_new(v->items, item);
}

static void print_fire(const struct preview *v, instant_t t, const json_t *effects) {
    char shown[WHEN_TEXT];
    out_printf(&v->c->out, "%s\n", when_text(v->tz, t, shown));
    next_print_lines(&v->c->out, effects);
}

static void show_fires(struct preview *v) {
    instant_t before = v->from, t = cron_at_or_after(&v->clock, v->from);
    for (long i = 0; i < v->count && t != INSTANT_NONE; i++, before = t, t = cron_next(&v->clock, t)) {
        json_t *effects = json_array();
        if (v->explain) next_effects(&v->clock, i ? before : cron_prev(&v->clock, t), t, effects);
        if (v->items)
            add_item(v, t, effects);
        else
            print_fire(v, t, effects);
        json_decref(effects);
    }
    if (t == INSTANT_NONE) cli_say(v->c, "nothing more: schedules end with the year %d\n", CRON_YEAR_MAX);
}

static void show_meaning(const struct preview *v) {
    struct buf words = BUF_INIT;
    cron_explain(&v->cron, &words);
    out_paint(&v->c->out, PAINT_BOLD, buf_str(&words), 0);
    out_printf(&v->c->out, "  (%s)\n", tz_name(v->tz));
    buf_release(&words);
}

static void show(struct preview *v) {
    cron_clock_init(&v->clock, &v->cron, v->tz);
    v->items = v->c->json ? json_array() : NULL;
    if (v->explain && !v->items) show_meaning(v);
    show_fires(v);
    if (v->items) out_document(&v->c->out, "next", v->items);
}

static int find_text(struct preview *v, struct err *err) {
    const char *cron = cli_value(v->c, "cron"), *every = cli_value(v->c, "every");
    v->text = cron ? cron : every;
    v->phrase = !cron;
    if (cron && every) {
        err_set(err, EX_USAGE, "--cron and --every are two schedules");
        return err_hint(err, "leave one of them out");
    }
    if (v->c->arg_count == 0) return 0;
    err_set(err, EX_USAGE, "a pipeline has its own schedule: leave out %s", cron ? "--cron" : "--every");
    return -1;
}

static int next_text(struct cli *c, long count, struct err *err) {
    struct preview v = {.c = c, .count = count, .explain = cli_given(c, "explain")};
    if (find_text(&v, err) < 0) return -1;
    if ((v.phrase ? read_every(&v) : read_cron(&v)) < 0) return EX_INVALID;
    int rc = find_zone(&v, err) < 0 || read_from(&v, err) < 0 ? -1 : EX_OK;
    if (rc == EX_OK) show(&v);
    tz_free(v.tz);
    return rc;
}

static int run(struct cli *c, struct err *err) {
    long count;
    if (cli_number(c, "limit", 1, 5, &count, err) < 0) return -1;
    if (count > LIMIT_NEXT_SHOWN) return err_set(err, EX_USAGE, "-n is %d at most", LIMIT_NEXT_SHOWN);
    bool text = cli_given(c, "cron") || cli_given(c, "every");
    return text ? next_text(c, count, err) : next_pipelines(c, count, err);
}

static const struct flag flags[] = {
    {.name = "cron", .value = "EXPR", .help = "the cron text, 5 to 7 fields or a nickname"},
    {.name = "every", .value = "PHRASE", .help = "the schedule in words, as `every:` takes it"},
    {.name = "from", .value = "TIME", .help = "the first instant to look at (default now)"},
    {.name = "limit", .letter = 'n', .value = "N", .help = "how many firings to show (default 5)"},
    {.name = "explain", .help = "say in words what it means, and what each change of the clock does to it"},
    {.name = "seed", .value = "TEXT", .help = "what `H` is made from; in a pipeline NAME/0, NAME/1, …"},
    {0},
};

static const char *const examples[] = {
    "leat next\tthe next five firings of all pipelines",
    "leat next sales_daily -n 3 --from 2027-03-27\tof one, from a day on",
    "leat next --cron \"15 6 * * MON-FRI\" --tz Europe/Berlin\tthe next five",
    "leat next --cron \"30 2 * * *\" --tz Europe/Berlin --from 2027-03-27 -n 3 --explain\tclocks change",
    "leat next --every \"month on last at 06:15\" -n 12 --json\ta year of them",
    NULL,
};

static const int exits[] = {EX_INVALID, EX_NOT_FOUND, 0};

const struct command command_next = {
    .name = "next",
    .group = GROUP_LOOK,
    .usage = "[SELECTION...] | --cron EXPR | --every PHRASE",
    .about = "Says when schedules fire, and which window each firing is about.",
    .more = "With a text, --tz is the zone of its wall times, UTC when not given; warnings about it go to "
            "stderr.\n\n"
            "A selection is a name, a pattern, or a word such as tag:finance: leat help selection.\n\n"
            "The dialect and what it does when the clocks change: docs/reference/cron.md.",
    .examples = examples,
    .flags = flags,
    .exits = exits,
    .args_max = 1000,
    .run = run,
};
