/* bookmark_change.c: `leat bookmark set`, `reset`, `rewind`, `undo`.
 *
 * Each works the change out first and shows it: old -> new, what the next run will therefore read, how to
 * take it back. Only then it asks, and only a yes changes anything: a new version of the bookmark with an
 * author and a reason. The change is compare-and-set against what was shown. */
#include "base/json.h"
#include "cli/bookmark.h"
#include "cli/verbs.h"
#include "cli/writing.h"

static int read_rewind(struct view *v, struct bookmark_request *r, struct err *err) {
    const char *by = cli_value(v->c, "by");
    long run = 0, version = -1;
    if (cli_number(v->c, "to-run", 1, 0, &run, err) < 0) return -1;
    if (cli_number(v->c, "to-version", 0, -1, &version, err) < 0) return -1;
    if (by && !duration_parse(by, &r->by))
        return err_set(err, EX_USAGE, "--by takes a span such as 2d, not `%s`", by);
    if ((run > 0) + (version >= 0) + (by != NULL) != 1) {
        err_set(err, EX_USAGE, "`leat bookmark rewind` needs one of --by, --to-run, --to-version");
        return err_hint(err, "see `leat bookmark history %s`", cli_arg(v->c, 0));
    }
    r->to_run = run;
    r->to_version = version;
    return 0;
}

static int read_request(struct view *v, enum bookmark_verb verb, struct bookmark_request *r,
                        struct err *err) {
    *r = (struct bookmark_request){.verb = verb, .to_version = -1, .now = world_wall(v->c->world)};
    if (verb == BOOKMARK_REWIND) return read_rewind(v, r, err);
    if (verb != BOOKMARK_SET) return 0;
    r->to = cli_value(v->c, "to");
    return r->to ? 0 : err_set(err, EX_USAGE, "`leat bookmark set` needs --to VALUE");
}

static json_t *change_json(const struct bookmark_plan *p, bool applied) {
    json_t *o = json_object();
    json_put_text(o, "pipeline", p->bookmark.pipeline);
    json_put_text(o, "step", p->bookmark.step);
    json_put_text(o, "from", p->from);
    json_put_text(o, "to", p->to);
    json_put_text(o, "next", p->next);
    json_put(o, "version", json_integer(p->bookmark.version + (applied ? 1 : 0)));
    json_put(o, "applied", json_boolean(applied));
    return o;
}

static void show_plan(const struct view *v, const struct bookmark_plan *p) {
    const struct cli *c = v->c;
    if (c->json) return;
    out_printf(&c->out, "%s.%s   %s %s %s\n", p->bookmark.pipeline, p->bookmark.step, p->from,
               out_arrow(&c->out), p->to);
    if (p->next) out_printf(&c->out, "%s\n", p->next);
}

struct change {
    struct view *v;
    const struct bookmark_plan *plan;
};

static int make(struct conductor *k, void *ctx, struct err *err) {
    const struct change *change = ctx;
    struct cli *c = change->v->c;
    struct store *s = conductor_store(k);
    struct bookmark_by by = {writing_author(), cli_value(c, "reason"), world_wall(c->world)};
    if (store_begin(s, err) < 0) return -1;
    if (bookmark_apply(s, change->plan, &by, err) < 0) {
        store_rollback(s);
        return -1;
    }
    return store_commit(s, err);
}

static int apply(struct view *v, const struct bookmark_plan *p, struct err *err) {
    struct change change = {v, p};
    return writing_apply(v, make, &change, err);
}

static int decide(struct view *v, const struct bookmark_plan *p, bool *applied, struct err *err) {
    bool yes = false;
    *applied = false;
    if (p->same || cli_given(v->c, "dry-run")) return 0;
    if (cli_confirm(v->c, "apply?", &yes, err) < 0) return -1;
    if (!yes) return 0;
    if (apply(v, p, err) < 0) return -1;
    *applied = true;
    return 0;
}

static void show_end(const struct view *v, const struct bookmark_plan *p, bool applied) {
    struct cli *c = v->c;
    if (c->json) {
        json_t *items = json_array();
        json_array_append_new(items, change_json(p, applied));
        out_document(&c->out, "bookmark_change", items);
    } else if (p->same) {
        cli_say(c, "it is there already: nothing was changed\n");
    } else if (!applied) {
        cli_say(c, "nothing was changed\n");
    } else {
        cli_say(c, "done. undo: leat bookmark undo %s.%s\n", p->bookmark.pipeline, p->bookmark.step);
    }
}

static int change(struct view *v, enum bookmark_verb verb, struct err *err) {
    struct bookmark_request r;
    struct bookmark_row b;
    struct bookmark_plan plan = {0};
    bool applied = false;
    if (read_request(v, verb, &r, err) < 0 || writing_check_reason(v->c, err) < 0) return -1;
    if (!cli_given(v->c, "dry-run") && writing_prepare(v, err) < 0) return -1;
    if (bookmark_one(v, cli_arg(v->c, 0), &b, err) < 0) return -1;
    if (bookmark_plan(v->store, b.id, &r, v->arena, &plan, err) < 0) return -1;
    show_plan(v, &plan);
    int rc = decide(v, &plan, &applied, err);
    if (rc == 0) show_end(v, &plan, applied);
    bookmark_plan_release(&plan);
    return rc < 0 ? -1 : EX_OK;
}

static int in_view(struct cli *c, enum bookmark_verb verb, struct err *err) {
    struct view v;
    int rc = view_open(&v, c, err);
    if (rc == 0) rc = change(&v, verb, err);
    view_close(&v);
    return rc;
}

static int run_set(struct cli *c, struct err *err) { return in_view(c, BOOKMARK_SET, err); }
static int run_reset(struct cli *c, struct err *err) { return in_view(c, BOOKMARK_RESET, err); }
static int run_rewind(struct cli *c, struct err *err) { return in_view(c, BOOKMARK_REWIND, err); }
static int run_undo(struct cli *c, struct err *err) { return in_view(c, BOOKMARK_UNDO, err); }

#define FLAG_DRY_RUN                                                                                         \
    { .name = "dry-run", .help = "show what would change, and stop" }
#define FLAG_REASON                                                                                          \
    { .name = "reason", .value = "TEXT", .help = "why, for the history; needed with --no-input" }

static const struct flag set_flags[] = {
    {.name = "to",
     .value = "VALUE",
     .help = "the text of a value bookmark, or 12, or raw.orders=12,raw.users=3"},
    FLAG_REASON,
    FLAG_DRY_RUN,
    {.name = NULL},
};
static const struct flag plain_flags[] = {FLAG_REASON, FLAG_DRY_RUN, {.name = NULL}};
static const struct flag rewind_flags[] = {
    {.name = "by", .value = "SPAN", .help = "as it was so long ago; a date or time is moved back (2d, 12h)"},
    {.name = "to-run", .value = "RUN", .help = "as that run left it"},
    {.name = "to-version", .value = "N", .help = "as it was at that version of its history"},
    FLAG_REASON,
    FLAG_DRY_RUN,
    {.name = NULL},
};

static const int exits[] = {EX_NOT_FOUND, EX_ENVIRONMENT, EX_CONFLICT, 0};

static const char *const set_examples[] = {
    "leat bookmark set sales_daily.promote --to 12\tas if version 12 had been consumed",
    NULL,
};
static const char *const reset_examples[] = {
    "leat bookmark reset sales_daily.land\tconsume everything again",
    NULL,
};
static const char *const rewind_examples[] = {
    "leat bookmark rewind sales_daily.land --to-run 41\tas it was after run 41",
    "leat bookmark rewind sales_daily.land --by 2d --dry-run\twhat two days back would mean",
    NULL,
};
static const char *const undo_examples[] = {
    "leat bookmark undo sales_daily.land\ttake the last change back",
    NULL,
};

static const char more[] =
    "The change is shown first: old, new, and what the next run will therefore read. It is refused (exit 8)\n"
    "while a run of the step is under way. Every change is kept; see `leat bookmark history`.";

const struct command command_bookmark_set = {
    .name = "bookmark set",
    .group = GROUP_FIX,
    .usage = "PIPELINE[.STEP] --to VALUE [--reason TEXT]",
    .about = "Says what a step has consumed.",
    .more = more,
    .examples = set_examples,
    .flags = set_flags,
    .exits = exits,
    .args_min = 1,
    .args_max = 1,
    .run = run_set,
};

const struct command command_bookmark_reset = {
    .name = "bookmark reset",
    .group = GROUP_FIX,
    .usage = "PIPELINE[.STEP] [--reason TEXT]",
    .about = "Makes a step consume everything again.",
    .more = more,
    .examples = reset_examples,
    .flags = plain_flags,
    .exits = exits,
    .args_min = 1,
    .args_max = 1,
    .run = run_reset,
};

const struct command command_bookmark_rewind = {
    .name = "bookmark rewind",
    .group = GROUP_FIX,
    .usage = "PIPELINE[.STEP] --by SPAN | --to-run RUN | --to-version N",
    .about = "Puts a bookmark back to where it was.",
    .more = more,
    .examples = rewind_examples,
    .flags = rewind_flags,
    .exits = exits,
    .args_min = 1,
    .args_max = 1,
    .run = run_rewind,
};

const struct command command_bookmark_undo = {
    .name = "bookmark undo",
    .group = GROUP_FIX,
    .usage = "PIPELINE[.STEP]",
    .about = "Takes the last change of a bookmark back.",
    .more = more,
    .examples = undo_examples,
    .flags = plain_flags,
    .exits = exits,
    .args_min = 1,
    .args_max = 1,
    .run = run_undo,
};
