/* status.c: `leat status`: is everything all right? */
#include "cli/status.h"

#include "base/json.h"
#include "cli/verbs.h"
#include "scheduler/timetable/timetable.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- --daemon ---- */

static int not_ticking(struct err *err, const char *what) {
    err_set(err, EX_ENVIRONMENT, "%s", what);
    return err_hint(err, "start it with: leat serve (or: systemctl restart leat)");
}

/* It answers, and what is due has been decided. */
static int check_daemon(const struct state_of *s, struct err *err) {
    instant_t due = json_int(json_object_get(s->daemon, "next"), "due", INSTANT_NONE);
    if (s->deaf) return not_ticking(err, "the daemon does not answer");
    if (!status_serves(s)) return not_ticking(err, "no daemon is running here: nothing starts by itself");
    if (status_drains(s)) return not_ticking(err, "the daemon stops: it starts nothing more");
    if (due != INSTANT_NONE && due + SLOT_ON_TIME < s->now)
        return not_ticking(err, "the daemon answers, but what is due is not decided");
    cli_say(s->v->c, "the scheduler ticks\n");
    return 0;
}

/* ---- once, and again and again ---- */

static int show(const struct state_of *s, struct err *err) {
    const struct cli *c = s->v->c;
    if (cli_given(c, "daemon")) return check_daemon(s, err) ? -1 : EX_OK;
    (c->json ? status_json : status_print)(s);
    return status_troubles(s) > 0 && cli_given(c, "exit-code") ? EX_FINDINGS : EX_OK;
}

static int look(struct cli *c, struct err *err) {
    struct view v;
    struct state_of s = {0};
    int rc = view_open(&v, c, err);
    if (rc == 0) rc = status_gather(&s, &v, err);
    if (rc == 0) rc = show(&s, err);
    status_release(&s);
    view_close(&v);
    return rc;
}

static int watch(struct cli *c, duration_t every, struct err *err) {
    for (;;) {
        if (c->out.tty) out_printf(&c->out, "\033[H\033[2J");
        if (look(c, err) < 0) return -1;
        if (!c->out.tty) out_printf(&c->out, "\n");
        if (fflush(c->out.file)) return EX_OK; /* nobody reads any more */
        usleep((useconds_t)every);
    }
}

static int run(struct cli *c, struct err *err) {
    const char *text = cli_value(c, "watch");
    duration_t every = 2 * US_PER_SECOND;
    if (!cli_given(c, "watch")) return look(c, err);
    if (c->json || cli_given(c, "daemon") || cli_given(c, "exit-code"))
        return err_set(err, EX_USAGE, "--watch is for people: leave out --json, --daemon and --exit-code");
    if (text && (!duration_parse(text, &every) || every < US_PER_SECOND / 10)) {
        err_set(err, EX_USAGE, "--watch takes a duration of a tenth of a second or more, not `%s`", text);
        return err_hint(err, "write --watch=5s");
    }
    return watch(c, every, err);
}

static const struct flag flags[] = {
    {.name = "watch",
     .value = "DURATION",
     .optional = true,
     .help = "look again every 2s, or so often, until Ctrl-C"},
    {.name = "daemon", .help = "only whether the scheduler ticks: exit with 6 when it does not"},
    {.name = "exit-code", .help = "exit with 10 when something is failing, late or broken"},
    {.name = NULL},
};

static const char *const examples[] = {
    "leat status\twhat runs, what fails, what is fine",
    "leat status --watch\tthe same, again and again",
    "leat status --exit-code -q > /dev/null || page somebody\tin a monitor",
    "leat status --daemon -q\tin a health check",
    NULL,
};

static const int exits[] = {EX_NOT_FOUND, EX_ENVIRONMENT, EX_FINDINGS, 0};

const struct command command_status = {
    .name = "status",
    .alias = "ps",
    .group = GROUP_LOOK,
    .everyday = true,
    .usage = "[SELECTION...] [--watch[=2s]] [--daemon] [--exit-code]",
    .about = "Says whether everything is all right.",
    .more = "DAEMON: who runs pipelines by themselves, and what comes next. CLOCK: it cannot be right. "
            "RUNNING: the step that runs, and "
            "how long it "
            "usually takes (the median of its last successes). QUEUED: and why it waits. STOPPED: "
            "interrupted, and "
            "nobody is there to go on with it. LATE: due more than a minute ago. FAILING: the last run "
            "failed. BROKEN: "
            "a file with errors. STALE: what was read for these windows has been published anew since. "
            "PAUSED. GONE: asked for, and without a file. OK: none of these.",
    .examples = examples,
    .flags = flags,
    .exits = exits,
    .args_max = 1000,
    .run = run,
};
