/* reference_cron.c: the page about schedules. Tables come from cron/'s own; what an expression means and when
 * it runs is asked of the program while the page is written. */
#include "cli/reference.h"
#include "cron/every.h"
#include "cron/explain.h"

/* ---- asking */

static void print_meaning(const struct out *o, const struct cron *c) {
    struct buf words = BUF_INIT;
    cron_explain(c, &words);
    out_printf(o, "%s", buf_str(&words));
    buf_release(&words);
}

static void print_examples(const struct out *o, const char *const *list) {
    const struct cron_options opts = {.seed = "sales_daily/0"};
    out_printf(o, "\n| text | means |\n|---|---|\n");
    for (; *list; list++) {
        struct cron c;
        struct cron_note err;
        if (cron_parse(*list, &opts, &c, &err) != 0) continue;
        out_printf(o, "| `%s` | ", *list);
        print_meaning(o, &c);
        out_printf(o, " |\n");
    }
}

static void print_phrases(const struct out *o, const char *const *list) {
    out_printf(o, "\n| phrase | as a cron text | means |\n|---|---|---|\n");
    for (; *list; list++) {
        struct cron c;
        struct cron_note err;
        char text[EVERY_CRON_TEXT];
        if (every_parse(*list, CRON_DST_AUTO, &c, text, &err) != 0) continue;
        out_printf(o, "| `%s` | `%s` | ", *list, text);
        print_meaning(o, &c);
        out_printf(o, " |\n");
    }
}

/* Wall times with their offset of what runs in (from, to]. */
static void print_runs(const struct out *o, const struct cron *c, const struct tz *tz, const char *from,
                       const char *to) {
    struct cron_clock k;
    instant_t t, end;
    bool any = false;
    if (!instant_parse(from, &t) || !instant_parse(to, &end)) return;
    cron_clock_init(&k, c, tz);
    for (t = cron_next(&k, t); t != INSTANT_NONE && t <= end; t = cron_next(&k, t), any = true) {
        struct civil wall = tz_civil(tz, t);
        struct tz_local l;
        tz_at(tz, t, &l);
        out_printf(o, "%s%02d:%02d %s", any ? ", " : "", wall.hour, wall.minute, l.abbreviation);
    }
    if (!any) out_printf(o, "nothing");
}

static void print_changes(const struct out *o, const char *const *list) {
    struct tz *tz = tz_from_rule("CET-1CEST,M3.5.0,M10.5.0/3", NULL); /* the rule of Berlin */
    out_printf(o, "\n| text | 2027-03-28, no 02:00 to 03:00 | 2027-10-31, two |\n|---|---|---|\n");
    for (; *list; list++) {
        struct cron c;
        struct cron_note err;
        if (cron_parse(*list, NULL, &c, &err) != 0) continue;
        out_printf(o, "| `%s` | ", *list);
        print_runs(o, &c, tz, "2027-03-27T23:59:59Z", "2027-03-28T02:59:59Z");
        out_printf(o, " | ");
        print_runs(o, &c, tz, "2027-10-30T22:59:59Z", "2027-10-31T02:59:59Z");
        out_printf(o, " |\n");
    }
    tz_free(tz);
}

/* ---- tables */

static void print_fields(const struct out *o) {
    out_printf(o, "\n| field | values | names |\n|---|---|---|\n");
#define X(name, words, salt, low, high)                                                                      \
    out_printf(o, "| %s | %d-%d | %s |\n", words, low, high,                                                 \
               CRON_##name == CRON_MONTH ? "JAN to DEC"                                                      \
               : CRON_##name == CRON_DOW ? "SUN to SAT; 0 and 7 are Sunday"                                  \
                                         : "");
    CRON_FIELD_LIST(X)
#undef X
}

static void print_nicknames(const struct out *o) {
    out_printf(o, "\n| nickname | stands for |\n|---|---|\n");
    for (const struct cron_nickname *n = cron_nicknames; n->name; n++)
        out_printf(o, "| `%s` | `%s` |\n", n->name, n->means);
    out_printf(o,
               "| `@every 1h30m` | that much elapsed time, anchored at 1970-01-01T00:00:00Z; `w` `d` `h` `m` "
               "`s`, in this order |\n");
}

static const char grammar[] =
    "```\n"
    "text     = [(\"CRON_TZ=\" | \"TZ=\") zone] (nickname | \"@every\" duration | fields)\n"
    "fields   = minute hour day-of-month month day-of-week                   5: second 0, every year\n"
    "         | second minute hour day-of-month month day-of-week [year]     6 or 7\n"
    "field    = item {\",\" item}\n"
    "item     = \"*\" [\"/\" step] | value [\"-\" value] [\"/\" step] | hash\n"
    "hash     = \"H\" [\"(\" value \"-\" value \")\"] [\"/\" step]               not in the year\n"
    "day of month, also:   \"L\" [\"-\" n] [\"W\"] | value \"W\"            whole field: \"?\"\n"
    "day of week, also:    value \"L\" | value \"#\" (1..5 | \"L\")       whole field: \"?\"; in front: "
    "\"+\"\n"
    "```\n";

static const char meanings[] =
    "- `a-b` may go past the end: `22-2` is 22, 23, 0, 1, 2 and `FRI-MON` four days. A step counts on across "
    "it.\n"
    "- `a/n` is `a` to the end in steps of n. A step is at most the greatest value of its field.\n"
    "- `L` is the last day of the month, `L-2` two days before it; `15W` the Monday to Friday nearest to the "
    "15th "
    "inside of the month, `LW` the last one. A month that has no such day is left out.\n"
    "- `5L` or `FRIL` is the last Friday of the month, `FRI#2` the second.\n"
    "- Both day fields given: **either** is enough, as in every crontab, unless one of them begins with `*` "
    "or `?`; "
    "`+` in front of the day of week makes both count: `0 6 13 * +FRI` is Friday the 13th.\n"
    "- `H` is one value out of its range (days: 1-28), the same for ever: made from the pipeline's name and "
    "the "
    "place of the text in `cron:`, so pipelines spread out. `H/15` begins at such a value.\n"
    "- A zone in front is the zone of the schedule. It must not contradict `timezone:` or another text.\n"
    "- No date that ever matches is an error. Seconds, minutes and hours are always possible.\n"
    "- Years go from 1970 to 2199. Before and after there is no run.\n";

static const char clocks[] =
    "A text is a *rhythm* when its second, minute or hour holds a `*`, a range or a step; else it is a list "
    "of *fixed* "
    "wall times. `dst: fixed` or `dst: interval` says otherwise.\n"
    "\n"
    "- **The clock jumps over wall times** (spring). Fixed ones run once, at the moment of the jump. A "
    "rhythm goes on "
    "along the wall clock; only what would be lost runs at the jump.\n"
    "- **Wall times come twice** (autumn). Fixed ones run the first time only, a rhythm runs in both.\n"
    "- `@every` and phrases that do not fit into an hour or a day are elapsed time and do not notice.\n";

static const char *const texts[] = {"15 6 * * *",
                                    "15 6,18 * * MON-FRI",
                                    "*/15 9-17 * * MON-FRI",
                                    "0 */2 * * *",
                                    "0 6 1,15 * *",
                                    "0 6 L * *",
                                    "0 6 LW * *",
                                    "0 6 15W * *",
                                    "0 6 * * FRI#2",
                                    "0 6 * * 5L",
                                    "0 6 13 * FRI",
                                    "0 6 13 * +FRI",
                                    "*/10 * * * * *",
                                    "0 0 6 1 1 * 2030",
                                    "H H(0-5) * * *",
                                    NULL};

static const char *const phrases[] = {"15 minutes",
                                      "2 hours",
                                      "24 hours",
                                      "90 minutes",
                                      "hour at :05",
                                      "day at 06:15",
                                      "weekday at 06:15",
                                      "monday, thursday at 06:15",
                                      "month on 1 at 06:15",
                                      "month on last at 06:15",
                                      NULL};

static const char *const around_changes[] = {
    "30 2 * * *", "0,30 2 * * *", "*/30 2 * * *", "30 * * * *", "0 */2 * * *", "@every 90m", NULL};

void reference_print_cron(const struct out *o) {
    out_printf(
        o,
        "# Schedules: cron texts and phrases\n\nMade from the program's own tables by `scripts/gen-docs`; do "
        "not edit. `leat next --cron TEXT --explain` says the same about any text.\n");
    out_printf(o,
               "\n## Cron texts\n\nASCII, upper or lower case. A day of the week in a range may be 7.\n\n%s",
               grammar);
    print_fields(o);
    out_printf(o, "\n%s", meanings);
    print_examples(o, texts);
    print_nicknames(o);
    out_printf(o, "\n`@reboot` is an event and has no times: it is refused.\n");
    out_printf(
        o,
        "\n## Phrases: `every:`\n\nCounts that fit into an hour or a day follow the wall clock; others are "
        "elapsed time.\n");
    print_phrases(o, phrases);
    out_printf(
        o,
        "\n## When the clock changes\n\n%s\nIn Europe/Berlin, from 01:00 CET to 04:59 CEST and from 01:00 "
        "CEST to 03:59 CET:\n",
        clocks);
    print_changes(o, around_changes);
    out_printf(o, "\n## What is said about a text\n\nE0301 to E0313 and W0301 to W0306 among the "
                  "[codes](codes.md); in a "
                  "pipeline file at the line and column, inside of the text.\n");
}
