/* zone_repair.c: `leat zone repair`: what can be put right about a dataset that was stopped.
 *
 * A dataset that is ahead of its database (a restored backup) is never processed again silently: what is on
 * disk is shown, --adopt takes it as it is, and the bookmarks that know nothing of it are named, because what
 * they would read again is there already. */
#include "base/json.h"
#include "bookmarks/bookmark.h"
#include "cli/format.h"
#include "cli/verbs.h"
#include "cli/writing.h"
#include "cli/zone.h"
#include "zones/repair.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A step whose bookmark knows nothing of what is on disk already. */
struct behind {
    const char *pipeline, *step;
    const struct bookmark_row *bookmark; /* NULL: the database knows none of it */
    bool writes;                         /* it made some of it; else it reads the dataset */
};

struct repairing {
    struct view *v;
    struct dataset_row dataset;
    struct repair found;
    size_t count; /* of versions to adopt */
    struct behind *behind;
    size_t behind_count;
};

/* ---- finding ---- */

/* A dataset that the database has forgotten, too: a folder of a zone of the project. */
static int find_on_disk(struct repairing *r, const char *name, struct err *err) {
    const char *dot = strchr(name, '.');
    const struct zone *z = dot ? project_zone(r->v->project, name, (size_t)(dot - name)) : NULL;
    bool plain = dot && dot[1] && strspn(dot + 1, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(dot + 1);
    char *path = z && plain ? arena_printf(r->v->arena, "%s/%s", z->path, dot + 1) : NULL;
    if (!path || access(path, F_OK) != 0) return zone_find(r->v, name, &r->dataset, err);
    r->dataset = (struct dataset_row){.id = -1,
                                      .name = name,
                                      .path = path,
                                      .format = z->format == FORMAT_DELTA ? "delta" : "files",
                                      .head = -1};
    return 0;
}

static int find(struct repairing *r, struct err *err) {
    struct view *v = r->v;
    const char *name = cli_arg(v->c, 0);
    int hit = v->store ? store_dataset_find(v->store, name, v->arena, &r->dataset, err) : 0;
    if (hit < 0 || (hit == 0 && find_on_disk(r, name, err) < 0)) return -1;
    if (repair_look(v->store, &r->dataset, &r->found, err) < 0) return -1;
    r->count = json_array_size(r->found.versions);
    return 0;
}

static void add_behind(struct repairing *r, struct behind b) {
    for (size_t i = 0; i < r->behind_count; i++)
        if (strcmp(r->behind[i].pipeline, b.pipeline) == 0 && strcmp(r->behind[i].step, b.step) == 0) return;
    r->behind[r->behind_count++] = b;
}

/* Who made one of the versions. Without a bookmark it matters when it adds to what is there. */
static void add_writer(struct repairing *r, const json_t *entry, const struct bookmark_row *rows, size_t n) {
    struct behind b = {
        .pipeline = json_text_or(entry, "pipeline", ""), .step = json_text(entry, "step"), .writes = true};
    for (size_t i = 0; i < n && b.step; i++)
        if (strcmp(rows[i].pipeline, b.pipeline) == 0 && strcmp(rows[i].step, b.step) == 0)
            b.bookmark = &rows[i];
    bool appends = strcmp(json_text_or(entry, "operation", ""), "append") == 0;
    if (b.step && (b.bookmark || appends)) add_behind(r, b);
}

static void add_reader(struct repairing *r, const struct bookmark_row *b) {
    int64_t since = strcmp(b->kind, "version") == 0 ? bookmark_since(b, r->dataset.name) : -1;
    if (since >= 0 && since < r->found.last)
        add_behind(r, (struct behind){.pipeline = b->pipeline, .step = b->step, .bookmark = b});
}

static int find_behind(struct repairing *r, struct err *err) {
    struct view *v = r->v;
    struct bookmark_row *rows = NULL;
    size_t n = 0, i;
    json_t *entry;
    if (v->store && store_bookmarks_list(v->store, NULL, NULL, v->arena, &rows, &n, err) < 0) return -1;
    r->behind = arena_array(v->arena, n + r->count + 1, sizeof *r->behind);
    json_array_foreach(r->found.versions, i, entry) add_writer(r, entry, rows, n);
    for (i = 0; i < n; i++) add_reader(r, &rows[i]);
    return 0;
}

/* ---- showing ---- */

static void show_version(const struct repairing *r, const json_t *entry) {
    struct cli *c = r->v->c;
    char files[FORMAT_TEXT];
    format_plural((int64_t)json_array_size(json_object_get(entry, "adds")), "file", files);
    cli_say(c, "  v%" PRId64 "  %s  %s", json_int(entry, "version", 0), json_text_or(entry, "operation", ""),
            files);
    if (json_text(entry, "step"))
        cli_say(c, "  by %s.%s in run %s of the database that is not here\n",
                json_text_or(entry, "pipeline", ""), json_text_or(entry, "step", ""),
                json_text_or(entry, "run", "-"));
    else
        cli_say(c, "  by %s\n", json_text_or(entry, "writer", "another program"));
}

static void show_writer(const struct repairing *r, const struct behind *b) {
    struct cli *c = r->v->c;
    cli_say(
        c,
        "%s %s.%s knows nothing of this: its next run would read again what it was made from, and an append "
        "would have it twice\n",
        b->bookmark ? "the bookmark of" : "the database has no bookmark of", b->pipeline, b->step);
    if (r->dataset.head >= 0)
        cli_say(c, "  to have it read again, and once: after this, leat zone rollback %s --to %" PRId64 "\n",
                r->dataset.name, r->dataset.head);
    else
        cli_say(c, "  to have it made anew instead: do not adopt it, move %s aside\n", r->dataset.path);
}

static void show_reader(const struct repairing *r, const struct behind *b) {
    struct cli *c = r->v->c;
    const char *name = r->dataset.name;
    cli_say(c, "the bookmark of %s.%s has read %s up to v%" PRId64 ": its next run reads the rest\n",
            b->pipeline, b->step, name, bookmark_since(b->bookmark, name));
    cli_say(c, "  if what it writes to has that already: leat bookmark set %s.%s --to %s=%" PRId64 "\n",
            b->pipeline, b->step, name, r->found.last);
}

static void show_ahead(const struct repairing *r) {
    struct cli *c = r->v->c;
    size_t i;
    json_t *entry;
    if (r->dataset.head >= 0)
        cli_say(c, "%s is at v%" PRId64 " in the database, at v%" PRId64 " on disk:\n", r->dataset.name,
                r->dataset.head, r->found.last);
    else
        cli_say(c, "%s is not in the database; on disk it is at v%" PRId64 ":\n", r->dataset.name,
                r->found.last);
    json_array_foreach(r->found.versions, i, entry) show_version(r, entry);
    if (r->found.whole_from > 0)
        cli_say(c, "versions before v%" PRId64 " have lost files already: they are not kept\n",
                r->found.whole_from);
    for (i = 0; i < r->behind_count; i++) (r->behind[i].writes ? show_writer : show_reader)(r, &r->behind[i]);
}

static json_t *behind_json(const struct repairing *r) {
    json_t *list = json_array();
    for (size_t i = 0; i < r->behind_count; i++) {
        const struct behind *b = &r->behind[i];
        json_t *o = json_object();
        json_put_text(o, "pipeline", b->pipeline);
        json_put_text(o, "step", b->step);
        json_put_text(o, "kind", b->bookmark ? b->bookmark->kind : NULL);
        json_put(o, "value", b->bookmark ? bookmark_json(b->bookmark) : NULL);
        json_array_append_new(list, o);
    }
    return list;
}

static void show_end(const struct repairing *r, const char *action) {
    struct cli *c = r->v->c;
    const char *name = r->dataset.name;
    if (c->json) {
        json_t *item = json_object(), *items = json_array();
        json_put_text(item, "dataset", name);
        json_put_text(item, "action", action);
        json_put(item, "from", json_number(r->dataset.head));
        json_put(item, "version", json_number(r->found.last));
        json_put(item, "bookmarks_behind", behind_json(r));
        json_array_append_new(items, item);
        out_document(&c->out, "zone_repair", items);
    } else if (r->count) {
        out_printf(&c->out, "%s v%" PRId64 " is live; it is published to again\n", name, r->found.last);
    } else {
        out_printf(&c->out, "%s is published to again\n", name);
    }
}

/* ---- deciding ---- */

static int say_adopt(const struct repairing *r, struct err *err) {
    err_set(err, EX_CONFLICT, "%s is ahead of the database", r->dataset.name);
    err_hint(err,
             "put the newer database back if there is one; else take what is on disk as it is: leat zone "
             "repair %s "
             "--adopt",
             r->dataset.name);
    return err_reason(err, "dataset_ahead");
}

static int change(struct conductor *k, void *ctx, struct err *err) {
    const struct repairing *r = ctx;
    const struct repair_request rq = {.dataset = &r->dataset,
                                      .last = r->found.last,
                                      .author = writing_author(),
                                      .reason = cli_value(r->v->c, "reason")};
    return conductor_repair(k, &rq, err);
}

static int apply(struct repairing *r, const char *question, const char *action, struct err *err) {
    struct cli *c = r->v->c;
    bool yes = false;
    if (cli_given(c, "dry-run")) return EX_OK;
    if (cli_confirm(c, question, &yes, err) < 0) return -1;
    if (!yes) {
        cli_say(c, "nothing was changed\n");
        return EX_OK;
    }
    if (writing_apply(r->v, change, r, err) < 0) return -1;
    show_end(r, action);
    return EX_OK;
}

static int decide(struct repairing *r, struct err *err) {
    struct cli *c = r->v->c;
    if (r->count) {
        show_ahead(r);
        return cli_given(c, "adopt") ? apply(r, "adopt it?", "adopted", err) : say_adopt(r, err);
    }
    if (!r->dataset.stopped) {
        cli_say(c, "%s is in order: the database and the disk agree\n", r->dataset.name);
        return EX_OK;
    }
    cli_say(c, "%s was stopped: %s\nthe database and the disk agree now, and every file is there\n",
            r->dataset.name, r->dataset.stopped);
    return apply(r, "let it go on?", "continued", err);
}

static int repair(struct view *v, struct err *err) {
    struct repairing r = {.v = v};
    if (writing_check_reason(v->c, err) < 0 || writing_prepare(v, err) < 0 || find(&r, err) < 0) return -1;
    int rc = find_behind(&r, err) < 0 ? -1 : decide(&r, err);
    repair_release(&r.found);
    return rc;
}

static int run(struct cli *c, struct err *err) {
    struct view v;
    int rc = view_open(&v, c, err);
    if (rc == 0) rc = repair(&v, err);
    view_close(&v);
    return rc;
}

static const struct flag flags[] = {
    {.name = "adopt", .help = "take the versions on disk that the database does not know as they are"},
    {.name = "reason", .value = "TEXT", .help = "why, for the history; needed with --no-input"},
    {.name = "dry-run", .help = "show what would change, and stop"},
    {.name = NULL},
};

static const char *const examples[] = {
    "leat zone repair trusted.orders\twhat is wrong, and what can be done",
    "leat zone repair trusted.orders --adopt\tafter an older database was put back",
    NULL,
};

static const int exits[] = {EX_NOT_FOUND, EX_ENVIRONMENT, EX_CONFLICT, 0};

const struct command command_zone_repair = {
    .name = "zone repair",
    .group = GROUP_FIX,
    .usage = "DATASET [--adopt] [--reason TEXT]",
    .about = "Lets a dataset that was stopped go on.",
    .more = "A dataset is stopped when the disk has versions that the database does not know (an older "
            "backup of it was\n"
            "put back), or when a file that should be published is gone. Nothing is read, made or moved "
            "again: --adopt\n"
            "records what the log beside the data says, and the bookmarks that know nothing of it are named.",
    .examples = examples,
    .flags = flags,
    .exits = exits,
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
