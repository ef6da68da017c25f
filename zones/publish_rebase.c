/* publish_rebase.c: a prepared plan meets versions that another program wrote first.
 *
 *   append              goes on top, whatever the others did to other files
 *   replace_partitions  goes on top when nobody touched its partitions or the files it removes
 *   replace             goes on top when the others only rearranged files
 *   merge, rollback     are on the version they read, or nowhere
 *
 * A changed schema, or a table that now needs what Leat does not write, is a conflict for all of them.
 * Outputs after the first (the quarantine) always go on top: the first may be in its log already, and the two
 * belong together. Pure: two documents in, one out. */
#include "base/buf.h"
#include "base/json.h"
#include "base/map.h"
#include "zones/publish.h"

#include <stdlib.h>
#include <string.h>

/* What the outside versions did, for one output. */
struct outside {
    const json_t *versions; /* all of them */
    size_t output;
    struct map removed; /* paths they removed */
    int64_t last;       /* their newest version; -1: none for this output */
    bool changes_data;
    const char *writer;
};

static int refuse(const json_t *out, const struct outside *o, const char *why, struct err *err) {
    err_set(err, EX_CONFLICT, "%s: %s wrote version %lld first, and %s", json_text_or(out, "dataset", "?"),
            o->writer && *o->writer ? o->writer : "another program", (long long)o->last, why);
    err_hint(err, "retry the run: it reads the new version");
    return err_reason(err, "version_moved");
}

static bool concerns(const json_t *version, size_t output) {
    return (size_t)json_int(version, "output", -1) == output;
}

static void gather(struct outside *o) {
    size_t i, k;
    json_t *v, *r;
    json_array_foreach(o->versions, i, v) {
        if (!concerns(v, o->output)) continue;
        o->last = json_int(v, "version", o->last);
        o->writer = json_text(v, "writer");
        o->changes_data |= json_flag(v, "changes_data");
        json_array_foreach(json_object_get(v, "removes"), k, r)
            map_add(&o->removed, json_text_or(r, "path", ""), 1, NULL);
    }
}

/* ---- what the operations allow ---- */

static bool touches_removes(const json_t *out, const struct outside *o) {
    size_t i;
    json_t *r;
    json_array_foreach(json_object_get(out, "removes"), i,
                       r) if (map_get(&o->removed, json_text_or(r, "path", ""), NULL)) return true;
    return false;
}

static bool partition_is_ours(const json_t *out, const json_t *partition) {
    size_t i;
    json_t *f;
    json_array_foreach(
        json_object_get(out, "files"), i,
        f) if (json_equal(json_object_get(f, "partition"), (json_t *)(uintptr_t)partition)) return true;
    json_array_foreach(json_object_get(out, "cleared"), i,
                       f) if (json_equal(f, (json_t *)(uintptr_t)partition)) return true;
    return false;
}

static bool adds_to_ours(const json_t *out, const struct outside *o) {
    size_t i, k;
    json_t *v, *a;
    json_array_foreach(o->versions, i, v) {
        if (!concerns(v, o->output)) continue;
        json_array_foreach(json_object_get(v, "adds"), k,
                           a) if (partition_is_ours(out, json_object_get(a, "partition"))) return true;
    }
    return false;
}

static const char *allow_append(const json_t *out, const struct outside *o) {
    (void)out, (void)o;
    return NULL;
}

static const char *allow_partitions(const json_t *out, const struct outside *o) {
    return touches_removes(out, o) || adds_to_ours(out, o) ? "it changed partitions that this step replaces"
                                                           : NULL;
}

static const char *allow_replace(const json_t *out, const struct outside *o) {
    (void)out;
    return o->changes_data ? "replacing the table would drop what it wrote" : NULL;
}

static const char *allow_never(const json_t *out, const struct outside *o) {
    (void)out, (void)o;
    return "this operation fits only on the version it read";
}

static const struct {
    const char *operation;
    const char *(*allow)(const json_t *out, const struct outside *o); /* NULL: yes; else why not */
} rules[] = {
    {"append", allow_append},
    {"replace_partitions", allow_partitions},
    {"replace", allow_replace},
};

static const char *why_not(const json_t *out, const struct outside *o) {
    const char *operation = json_text_or(out, "operation", "");
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (strcmp(rules[i].operation, operation) == 0) return rules[i].allow(out, o);
    return allow_never(out, o);
}

static int check_tables(const json_t *out, const struct outside *o, struct err *err) {
    size_t i;
    json_t *v;
    json_array_foreach(o->versions, i, v) {
        if (!concerns(v, o->output)) continue;
        const char *needs = json_text(v, "needs");
        struct buf why = BUF_INIT;
        buf_addf(&why, "the table now needs %s, which Leat does not write", needs ? needs : "");
        int r = needs ? refuse(out, o, buf_str(&why), err) : 0;
        buf_release(&why);
        if (r) return r;
        const json_t *columns = json_object_get(v, "columns");
        if (json_is_array(columns) &&
            !json_equal((json_t *)(uintptr_t)columns, json_object_get(out, "columns")))
            return refuse(out, o, "it changed the columns", err);
    }
    return 0;
}

/* ---- the new plan ---- */

/* Files another program removed need no second removal; for `replace` its rearranged files go too. */
static void follow_removes(json_t *out, const struct outside *o) {
    json_t *kept = json_array(), *r, *v, *a;
    size_t i, k;
    json_array_foreach(json_object_get(out, "removes"), i,
                       r) if (!map_get(&o->removed, json_text_or(r, "path", ""), NULL))
        json_array_append(kept, r);
    bool replace = strcmp(json_text_or(out, "operation", ""), "replace") == 0;
    json_array_foreach(o->versions, i, v) {
        if (!replace || !concerns(v, o->output)) continue;
        json_array_foreach(json_object_get(v, "adds"), k, a) {
            const char *path = json_text_or(a, "target", "");
            if (map_get(&o->removed, path, NULL)) continue;
            json_t *gone = json_object();
            json_put_text(gone, "path", path);
            json_put(gone, "bytes", json_incref(json_object_get(a, "bytes")));
            json_put(gone, "rows", json_incref(json_object_get(a, "rows")));
            json_put(gone, "partition", json_incref(json_object_get(a, "partition")));
            json_array_append_new(kept, gone);
        }
    }
    json_put(out, "removes", kept);
}

/* Totals of files another program wrote are not known here: the database counts them. */
static void forget_totals(json_t *out) {
    static const char *const totals[] = {"files_total", "rows_total", "bytes_total"};
    for (size_t i = 0; i < sizeof totals / sizeof *totals; i++) json_object_del(out, totals[i]);
}

static int rebase_output(json_t *out, size_t index, const json_t *outside, struct err *err) {
    struct outside o = {.versions = outside, .output = index, .last = -1};
    gather(&o);
    bool free_to_follow = o.last < 0 || index > 0;
    const char *why = free_to_follow ? NULL : why_not(out, &o);
    int r = why ? refuse(out, &o, why, err) : free_to_follow ? 0 : check_tables(out, &o, err);
    if (!r && o.last >= 0) {
        follow_removes(out, &o);
        json_put(out, "base", json_integer(o.last));
        json_put(out, "version", json_integer(o.last + 1));
        json_put(out, "first", json_false());
        forget_totals(out);
    }
    map_release(&o.removed);
    return r;
}

json_t *publish_rebase(const json_t *plan, const json_t *outside, instant_t now, struct err *err) {
    json_t *fresh = json_deep_copy(plan), *out;
    size_t i;
    int r = 0;
    json_array_foreach(json_object_get(fresh, "outputs"), i, out) {
        if (!r) r = rebase_output(out, i, outside, err);
    }
    if (r) {
        json_decref(fresh);
        return NULL;
    }
    json_put(fresh, "at", json_integer(now));
    json_put(fresh, "outside", json_deep_copy(outside));
    return fresh;
}
