/* topics.c: the concepts that `leat help TOPIC` explains. */
#include "cli/help.h"

static void print_exit_codes(const struct out *o) {
#define X(name, code, text) out_printf(o, "%4d  %s\n", code, text);
    EXIT_LIST(X)
#undef X
}

static const char windows_text[] =
    "A window is the half-open span of data time [start, end) that a run is about. Both ends are always\n"
    "shown, and the end is never part of it: a row of exactly `end` belongs to the next window.\n"
    "\n"
    "  leat run P                                  the last complete window of its schedule\n"
    "  leat run P --window 2026-11-19              that day, in the pipeline's time zone\n"
    "  leat run P --window 2026-11-19T10           that hour\n"
    "  leat run P --window 2026-11                 that month\n"
    "  leat run P --window yesterday               also: today, monday\n"
    "  leat run P --from 2026-11-01 --to 2026-11-08  one run over seven days; --to is exclusive\n"
    "  --from -2h, --from '7d ago'                 relative to now\n"
    "\n"
    "In SQL write where ts >= ${window.start} and ts < ${window.end}. A shell step finds LEAT_WINDOW_START\n"
    "and LEAT_WINDOW_END in its environment (UTC). A day on which the clocks change is 23 or 25 hours long.\n"
    "Which window a scheduled run is about is said by `covers:` of the schedule; leat next P shows it.\n"
    "A pipeline that uses window.* and gets none is refused with exit code 2.\n";

static const char bookmarks_text[] =
    "A bookmark is what a step has already consumed from a source. It moves in the same transaction that\n"
    "publishes what was made of it: never one without the other, whatever is killed when.\n"
    "\n"
    "  bookmark: files      the exact set of files consumed (path, size, time). Late files are found.\n"
    "  bookmark: version    the version of a dataset consumed; `promote` and dataset__new have it anyway\n"
    "  bookmark: value      whatever the step writes to the file $LEAT_BOOKMARK_FILE\n"
    "\n"
    "Every change is a version with an author and a reason:\n"
    "  leat bookmark list                          where everything stands\n"
    "  leat bookmark history P.STEP                how it got there\n"
    "  leat bookmark rewind P.STEP --to-run 41     as it was after run 41\n"
    "  leat bookmark reset P.STEP                  consume everything again\n"
    "  leat bookmark undo P.STEP                   take the last change back\n"
    "\n"
    "A run that finds nothing new publishes nothing, succeeds and says so.\n";

static const char expressions_text[] =
    "${ expression } is evaluated once and its result is never looked at again. Nothing is pasted:\n"
    "\n"
    "  in sql:     a bound, typed parameter; ${ident(params.table)} for a name\n"
    "  in exec:    one element of argv; no splitting\n"
    "  in env:     text; the only way into shell text, which is passed on verbatim\n"
    "  in paths    a part of the path; a value with `/` or `..` is refused\n"
    "\n"
    "Names: params.X, window.start .end .date .duration, run.id .attempt .trigger, bookmark.from .to,\n"
    "steps.S.outputs.X, steps.S.rows, each.X, output.path, zones.Z.path, inputs.D.files, project.name,\n"
    "env.X (listed under env_allowed), secrets.X.\n"
    "Functions: date(t, \"%Y/%m/%d\") start_of(t, \"month\") add(t, 2h) lower upper trim replace length "
    "join\n"
    "ident(x) json(x). Operators: or and not == != < <= > >= in + - * / ??\n"
    "An unknown name is an error when the file is checked. `$${` writes a literal `${`.\n";

static const char checks_text[] =
    "Checks run on what a step has staged, before anyone can see it. A row rule judges each row, and with\n"
    "bad_rows: quarantine the bad ones are set aside in DATASET__quarantine; a set rule judges the whole.\n"
    "\n"
    "  row rules   amount >= 0 | status in (new, paid) | missing(id) = 0 | email matches \"^.+@.+$\"\n"
    "              delay between -60 and 3000 | origin references(raw.airports.iata)\n"
    "  set rules   row_count > 0 | duplicates(id) = 0 | missing(user) < 1% | freshness(ts) < 2h\n"
    "              avg(amount) between 1 and 10 | row_count within 30% of average(last 7 runs)\n"
    "              {sql: \"select count(*) from staged where a > b\", expect: 0}\n"
    "\n"
    "`warn: RULE` only warns. A failed gate publishes nothing, moves no bookmark, and ends with exit code "
    "5.\n";

static const char schedules_text[] =
    "When a pipeline runs by itself, in the words of `every:` or as cron texts:\n"
    "\n"
    "  schedule: {every: day at 06:15, timezone: Europe/Berlin}\n"
    "  schedule: {cron: [\"15 6 * * MON-FRI\", \"0 9 L * *\"], timezone: Europe/Berlin}\n"
    "\n"
    "  every   15 minutes | hour at :05 | day at 06:15 | weekday at 06:15 | monday, thursday at 06:15\n"
    "          month on 1 at 06:15 | month on last at 06:15\n"
    "  cron    minute hour day-of-month month day-of-week; with seconds in front 6 fields, with a year 7\n"
    "          names, ranges past the end, L, W, #, H, @daily, @every 90m; CRON_TZ=Zone in front\n"
    "\n"
    "Two day fields: either is enough; a `+` before the day of week makes both count: 0 6 13 * +FRI.\n"
    "A wall time that the clock jumps over runs at the jump; one that comes twice runs once. What comes in "
    "a\n"
    "rhythm (*, ranges, steps) follows the wall clock through both.\n"
    "\n"
    "  leat next --cron \"30 2 * * *\" --tz Europe/Berlin --explain    what a text means, and when it runs\n"
    "\n"
    "All of it: docs/reference/cron.md\n";

static const char selection_text[] =
    "status, next, forecast, pause and resume take any number of words; what any of them means is meant\n"
    "(cancel takes one):\n"
    "\n"
    "  sales_daily            the pipeline of that name; the path of a file\n"
    "  'sales_*'              names that match\n"
    "  tag:finance            with that word under `tags:`\n"
    "  dataset:raw.orders     that write it\n"
    "  zone:trusted           that write into the zone\n"
    "  state:stale            also broken, paused, queued, running: what is so now\n"
    "  result:failed          also ok, warn, cancelled: how the last run ended\n"
    "\n"
    "A name, pattern, tag, dataset or zone that nothing has is a mistake: exit 4. That nothing is in a "
    "state\n"
    "is an answer.\n";

const struct topic topics[] = {
    {.name = "bookmarks", .about = "what a step has consumed, and how to move it", .text = bookmarks_text},
    {.name = "checks", .about = "data-quality rules and gates", .text = checks_text},
    {.name = "exit-codes", .about = "what a script can rely on", .print = print_exit_codes},
    {.name = "expressions", .about = "what ${...} may say and what becomes of it", .text = expressions_text},
    {.name = "schedules", .about = "when a pipeline runs by itself", .text = schedules_text},
    {.name = "selection", .about = "which pipelines are meant, in a word", .text = selection_text},
    {.name = "windows", .about = "the span of data time a run is about", .text = windows_text},
    {.name = NULL},
};
