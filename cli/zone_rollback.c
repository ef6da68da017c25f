/* zone_rollback.c: `leat zone rollback`: a new version that lists an old one's files. */
#include "base/json.h"
#include "bookmarks/bookmark.h"
#include "cli/verbs.h"
#include "cli/writing.h"
#include "cli/zone.h"
#include "store/attempts.h"

#include <inttypes.h>
#include <string.h>

struct rolling {
    struct view *v;
    struct dataset_row dataset;
    int64_t to, from, version; /* version: the new one */
    struct built_row *built;
    size_t built_count;
    struct bookmark_ahead *ahead;
    size_t ahead_count;
};

/* The version before the live one; before the one it went back to, when it is a rollback itself: twice is two
 * steps back, not there and back again. */
static int default_target(struct rolling *r, struct err *err) {
    struct version_row head;
    int hit = store_version_get(r->v->store, r->dataset.id, r->from, r->v->arena, &head, err);
    if (hit < 0) return -1;
    r->to = (hit == 1 && head.rolled_back_to >= 0 ? head.rolled_back_to : r->from) - 1;
    return 0;
}

static int find_target(struct rolling *r, struct err *err) {
    struct version_row row;
    const char *to = cli_value(r->v->c, "to");
    r->from = r->dataset.head;
    if (to && zone_version(to, &r->to, err) < 0) return -1;
    if (!to && default_target(r, err) < 0) return -1;
    if (r->from < 0) return err_set(err, EX_NOT_FOUND, "%s has no version yet", r->dataset.name);
    if (r->to == r->from)
        return err_set(err, EX_USAGE, "%s is at v%" PRId64 " already", r->dataset.name, r->to);
    int hit = r->to < 0 ? 0 : store_version_get(r->v->store, r->dataset.id, r->to, r->v->arena, &row, err);
    if (hit < 0) return -1;
    if (hit == 1) return 0;
    err_set(err, EX_NOT_FOUND, "%s has no version to go back to", r->dataset.name);
    if (r->to >= 0) err_set(err, EX_NOT_FOUND, "%s has no version %" PRId64, r->dataset.name, r->to);
    return err_hint(err, "see `leat zone history %s`", r->dataset.name);
}

/* The rows go, what they were made from counts as consumed: nobody reads it again by himself. */
static void show_ahead(struct cli *c, const struct bookmark_ahead *b) {
    const char *pipeline = b->bookmark.pipeline, *step = b->bookmark.step;
    cli_say(c, "the bookmark of %s.%s stays ahead: what those rows were made from is not read again\n",
            pipeline, step);
    cli_say(c, "  to read it again: leat bookmark rewind %s.%s --to-version %" PRId64 "\n", pipeline, step,
            b->back);
    if (b->next) cli_say(c, "  %s %s %s: %s\n", b->from, out_arrow(&c->err), b->to, b->next);
}

static void show_plan(const struct rolling *r) {
    struct cli *c = r->v->c;
    cli_say(c,
            "%s v%" PRId64 " %s v%" PRId64 ". Readers switch at once; the files of v%" PRId64 " are kept.\n",
            r->dataset.name, r->from, out_arrow(&c->err), r->to, r->from);
    for (size_t i = 0; i < r->built_count; i++)
        cli_say(c, "%s v%" PRId64 " was built from v%" PRId64 " by %s.%s and stays as it is\n",
                r->built[i].dataset, r->built[i].version, r->from, r->built[i].pipeline, r->built[i].step);
    for (size_t i = 0; i < r->ahead_count; i++) show_ahead(c, &r->ahead[i]);
}

static int change(struct conductor *k, void *ctx, struct err *err) {
    struct rolling *r = ctx;
    struct rollback_request rq = {
        .dataset = r->dataset.name,
        .author = writing_author(),
        .reason = cli_value(r->v->c, "reason"),
        .to_version = r->to,
    };
    return conductor_rollback(k, &rq, &r->from, &r->version, err);
}

static json_t *ahead_json(const struct rolling *r) {
    json_t *list = json_array();
    for (size_t i = 0; i < r->ahead_count; i++) {
        const struct bookmark_ahead *b = &r->ahead[i];
        json_t *o = json_object();
        json_put_text(o, "pipeline", b->bookmark.pipeline);
        json_put_text(o, "step", b->bookmark.step);
        json_put(o, "version", json_integer(b->bookmark.version));
        json_put(o, "rewind_to", json_integer(b->back));
        json_array_append_new(list, o);
    }
    return list;
}

static void show_end(const struct rolling *r) {
    struct cli *c = r->v->c;
    if (!c->json) {
        out_printf(&c->out, "%s v%" PRId64 " is live: the rows of v%" PRId64 "\n", r->dataset.name,
                   r->version, r->to);
        return;
    }
    json_t *item = json_object(), *items = json_array();
    json_put_text(item, "dataset", r->dataset.name);
    json_put(item, "from", json_integer(r->from));
    json_put(item, "to", json_integer(r->to));
    json_put(item, "version", json_integer(r->version));
    json_put(item, "bookmarks_ahead", ahead_json(r));
    json_array_append_new(items, item);
    out_document(&c->out, "zone_rollback", items);
}

static int roll_back(struct view *v, struct err *err) {
    struct rolling r = {.v = v};
    bool yes = false;
    if (writing_check_reason(v->c, err) < 0 || writing_prepare(v, err) < 0) return -1;
    if (zone_find(v, cli_arg(v->c, 0), &r.dataset, err) < 0 || find_target(&r, err) < 0) return -1;
    const struct version_span gone = {r.dataset.id, r.to, r.from};
    if (store_built_from(v->store, r.dataset.id, r.from, v->arena, &r.built, &r.built_count, err) < 0 ||
        bookmarks_ahead(v->store, &gone, v->arena, &r.ahead, &r.ahead_count, err) < 0)
        return -1;
    show_plan(&r);
    if (cli_given(v->c, "dry-run")) return EX_OK;
    if (cli_confirm(v->c, "roll back?", &yes, err) < 0) return -1;
    if (!yes) {
        cli_say(v->c, "nothing was changed\n");
        return EX_OK;
    }
    if (writing_apply(v, change, &r, err) < 0) return -1;
    show_end(&r);
    return EX_OK;
}

static int run(struct cli *c, struct err *err) {
    struct view v;
    int rc = view_open(&v, c, err);
    if (rc == 0) rc = roll_back(&v, err);
    view_close(&v);
    return rc;
}

static const struct flag flags[] = {
    {.name = "to",
     .value = "VERSION",
     .help = "the version to go back to; the one before the live one when not said"},
    {.name = "reason", .value = "TEXT", .help = "why, for the history; needed with --no-input"},
    {.name = "dry-run", .help = "show what would change, and stop"},
    {.name = NULL},
};

static const char *const examples[] = {
    "leat zone rollback trusted.orders\tto the version before",
    "leat zone rollback trusted.orders --to 210 --yes --reason \"bad feed\"\twithout a question",
    NULL,
};

static const int exits[] = {EX_NOT_FOUND, EX_ENVIRONMENT, EX_CONFLICT, 0};

const struct command command_zone_rollback = {
    .name = "zone rollback",
    .group = GROUP_FIX,
    .usage = "DATASET [--to VERSION] [--reason TEXT]",
    .about = "Makes an older version of a dataset the live one.",
    .more =
        "It is a new version that lists the old one's files: history only grows. What was built from the\n"
        "version it replaces is named, and stays as it is. So are the bookmarks that stay ahead: what the "
        "rows\n"
        "that go were made from is not read again, unless they are rewound.",
    .examples = examples,
    .flags = flags,
    .exits = exits,
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
