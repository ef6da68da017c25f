/* plan.c: a change worked out and described, before anything is changed. */
#include "bookmarks/impl.h"

#include "base/buf.h"
#include "base/json.h"
#include "store/datasets.h"

#include <stdlib.h>
#include <string.h>

/* ---- set ---- */

static int shape_error(struct err *err, const char *to) {
    err_set(err, EX_USAGE, "`%s` is not a version", to);
    return err_hint(err, "write a version (12), or one per dataset: raw.orders=12,raw.users=3");
}

static bool whole_number(const char *s, size_t len, int64_t *out) {
    int64_t value = 0;
    if (len == 0 || len > 18) return false;
    for (size_t i = 0; i < len; i++) {
        if (s[i] < '0' || s[i] > '9') return false;
        value = value * 10 + (s[i] - '0');
    }
    *out = value;
    return true;
}

/* A bare number means every dataset of the bookmark. */
static json_t *versions_all(const json_t *now, const char *source, int64_t version) {
    json_t *value = json_object();
    const char *name;
    json_t *old;
    json_object_foreach((json_t *)now, name, old) json_put(value, name, json_integer(version));
    if (json_object_size(value) == 0 && strchr(source, '.') && !strchr(source, ','))
        json_put(value, source, json_integer(version));
    return value;
}

static int versions_parse(const struct bookmark_row *b, const char *to, json_t **out, struct err *err) {
    json_t *now = bookmark_json(b);
    int64_t version;
    bool good = true;
    json_t *value;
    if (whole_number(to, strlen(to), &version)) {
        value = versions_all(now, b->source, version);
        good = json_object_size(value) > 0;
    } else {
        value = json_is_object(now) ? json_deep_copy(now) : json_object();
        for (const char *at = to; good && *at;) {
            size_t part = strcspn(at, ","), name = strcspn(at, "=");
            good = name > 0 && name < part && memchr(at, '.', name) &&
                   whole_number(at + name + 1, part - name - 1, &version);
            if (good) json_object_setn_new(value, at, name, json_integer(version));
            at += part + (at[part] == ',');
        }
    }
    json_decref(now);
    if (good && *to) {
        *out = value;
        return 0;
    }
    json_decref(value);
    return shape_error(err, to);
}

static int plan_set(struct store *s, const struct bookmark_request *r, struct arena *a,
                    struct bookmark_plan *p, struct err *err) {
    (void)s, (void)a;
    const struct bookmark_row *b = &p->bookmark;
    if (!r->to) return err_set(err, EX_USAGE, "say what to set it to: --to VALUE");
    if (strcmp(b->kind, "version") == 0) return versions_parse(b, r->to, &p->value, err);
    if (strcmp(b->kind, "value") == 0) {
        p->value = json_string(r->to);
        return p->value ? 0 : err_set(err, EX_USAGE, "the value is not UTF-8 text");
    }
    err_set(err, EX_USAGE, "the bookmark of %s.%s is a set of files: it cannot be set to a value",
            b->pipeline, b->step);
    return err_hint(err, "go back in its history: leat bookmark rewind %s.%s --to-version V", b->pipeline,
                    b->step);
}

/* ---- reset, rewind, undo ---- */

static int plan_reset(struct store *s, const struct bookmark_request *r, struct arena *a,
                      struct bookmark_plan *p, struct err *err) {
    (void)s, (void)r, (void)a, (void)p, (void)err;
    return 0;
}

static int no_version(const struct bookmark_row *b, int64_t version, struct err *err) {
    err_set(err, EX_NOT_FOUND, "the bookmark of %s.%s has no version %lld (it is at %lld)", b->pipeline,
            b->step, (long long)version, (long long)b->version);
    return err_hint(err, "see them all: leat bookmark history %s.%s", b->pipeline, b->step);
}

/* Moves a value that is a point in time back; false when it is none. */
static bool value_move_back(const json_t *value, duration_t by, json_t **out) {
    const char *text = json_is_string(value) ? json_string_value(value) : NULL;
    char full[INSTANT_TEXT];
    instant_t t;
    if (!text) return false;
    if (instant_parse(text, &t)) {
        *out = json_string(instant_text(t - by, full));
        return true;
    }
    bool date = strlen(text) == 10 && by % US_PER_DAY == 0;
    if (!date) return false;
    memcpy(full, text, 10);
    memcpy(full + 10, "T00:00:00Z", 11);
    if (!instant_parse(full, &t)) return false;
    instant_text(t - by, full);
    *out = json_stringn(full, 10);
    return true;
}

static int rewind_by(struct store *s, const struct bookmark_request *r, struct bookmark_plan *p,
                     struct err *err) {
    if (strcmp(p->bookmark.kind, "value") == 0) {
        json_t *now = bookmark_json(&p->bookmark);
        bool moved = value_move_back(now, r->by, &p->value);
        json_decref(now);
        if (moved) return 0;
    }
    return store_bookmark_version_at(s, p->bookmark.id, r->now - r->by, &p->restore, err);
}

static int rewind_to_run(struct store *s, const struct bookmark_request *r, struct bookmark_plan *p,
                         struct err *err) {
    int found = store_bookmark_version_of_run(s, p->bookmark.id, r->to_run, &p->restore, err);
    if (found == 0) {
        err_set(err, EX_NOT_FOUND, "there is no run %lld", (long long)r->to_run);
        err_hint(err, "leat runs %s", p->bookmark.pipeline);
    }
    return found == 1 ? 0 : -1;
}

static int plan_rewind(struct store *s, const struct bookmark_request *r, struct arena *a,
                       struct bookmark_plan *p, struct err *err) {
    (void)a;
    int said = (r->to_version >= 0) + (r->to_run > 0) + (r->by > 0);
    if (said != 1)
        return err_set(err, EX_USAGE, "say how far: one of --to-run N, --to-version V, --by DURATION");
    if (r->by > 0) return rewind_by(s, r, p, err);
    if (r->to_run > 0) return rewind_to_run(s, r, p, err);
    p->restore = r->to_version;
    return r->to_version > p->bookmark.version ? no_version(&p->bookmark, r->to_version, err) : 0;
}

/* The last change, whatever it was: undoing an undo brings it back. */
static int plan_undo(struct store *s, const struct bookmark_request *r, struct arena *a,
                     struct bookmark_plan *p, struct err *err) {
    (void)s, (void)r, (void)a;
    const struct bookmark_row *b = &p->bookmark;
    p->restore = b->version - 1;
    if (b->version > 0) return 0;
    err_set(err, EX_NOT_FOUND, "the bookmark of %s.%s has nothing to undo: it never moved", b->pipeline,
            b->step);
    return err_reason(err, "nothing_to_undo");
}

/* ---- all verbs ---- */

static int (*const planners[])(struct store *, const struct bookmark_request *, struct arena *,
                               struct bookmark_plan *, struct err *) = {
    [BOOKMARK_SET] = plan_set,
    [BOOKMARK_RESET] = plan_reset,
    [BOOKMARK_REWIND] = plan_rewind,
    [BOOKMARK_UNDO] = plan_undo,
};

/* The content that a restore brings back, for the texts. */
static int restored_value(struct store *s, struct bookmark_plan *p, struct arena *a, struct err *err) {
    if (p->restore < 0) return 0;
    struct bookmark_row then;
    int r = store_bookmark_at(s, p->bookmark.id, p->restore, a, &then, err);
    if (r == 0) return no_version(&p->bookmark, p->restore, err);
    if (r < 0) return -1;
    p->value = bookmark_json(&then);
    return 0;
}

static int refuse_busy(struct store *s, const struct bookmark_row *b, struct err *err) {
    char who[160];
    int busy = store_bookmark_busy(s, b->id, who, err);
    if (busy <= 0) return busy;
    err_set(err, EX_CONFLICT, "the bookmark of %s.%s cannot be changed now: %s", b->pipeline, b->step, who);
    err_reason(err, "bookmark_busy");
    return err_hint(err, "wait for it, or stop it: leat cancel %s", b->pipeline);
}

static int plan_fill(struct store *s, const struct bookmark_request *r, struct arena *a,
                     struct bookmark_plan *p, struct err *err) {
    if (refuse_busy(s, &p->bookmark, err)) return -1;
    if (planners[r->verb](s, r, a, p, err) || restored_value(s, p, a, err)) return -1;
    json_t *now = bookmark_json(&p->bookmark);
    json_t *then = p->value ? p->value : json_null();
    bool files = strcmp(p->bookmark.kind, "files") == 0;
    p->from = bookmark_value_text(p->bookmark.kind, now, a);
    p->to = bookmark_value_text(p->bookmark.kind, then, a);
    p->same = files ? p->restore == p->bookmark.version : json_equal(now, then);
    if (files && !p->value && strcmp(p->from, "nothing") == 0) p->same = true;
    json_decref(now);
    return bookmark_plan_next(s, p, a, err);
}

int bookmark_plan(struct store *s, int64_t id, const struct bookmark_request *r, struct arena *a,
                  struct bookmark_plan *out, struct err *err) {
    struct bookmark_plan p = {.verb = r->verb, .restore = -1};
    int found = store_bookmark_get(s, id, a, &p.bookmark, err);
    if (found == 0) return err_set(err, EX_NOT_FOUND, "there is no such bookmark");
    if (found < 0) return -1;
    if (plan_fill(s, r, a, &p, err)) {
        bookmark_plan_release(&p);
        return -1;
    }
    *out = p;
    return 0;
}

void bookmark_plan_release(struct bookmark_plan *p) {
    json_decref(p->value);
    p->value = NULL;
}

/* ---- what follows from it ---- */

static int next_files(struct store *s, struct bookmark_plan *p, struct arena *a, struct err *err) {
    int64_t again = 0, skip = 0;
    int64_t to = p->restore >= 0 ? p->restore : 0;
    if (store_bookmark_files_differ(s, p->bookmark.id, p->bookmark.version, to, &again, &skip, err))
        return -1;
    if (p->restore < 0)
        p->next = "the next run reads every file it finds";
    else if (again)
        p->next = arena_printf(a, "the next run reads %lld file%s again, where %s still there",
                               (long long)again, again == 1 ? "" : "s", again == 1 ? "it is" : "they are");
    else if (skip)
        p->next = arena_printf(a, "the next run leaves out %lld file%s more", (long long)skip,
                               skip == 1 ? "" : "s");
    else
        p->next = "the next run reads what it would have read";
    return 0;
}

static int next_dataset(struct store *s, const char *name, int64_t since, struct arena *a, struct buf *text,
                        struct err *err) {
    struct dataset_row d;
    struct file_totals t;
    int r = store_dataset_find(s, name, a, &d, err);
    if (r < 0) return -1;
    if (text->len) buf_adds(text, "; ");
    if (r == 0 || d.head < 0) {
        buf_addf(text, "%s has no version yet", name);
        return 0;
    }
    if (store_files_totals(s, d.id, since, d.head, &t, err)) return -1;
    if (since < 0)
        buf_addf(text, "all of %s v%lld", name, (long long)d.head);
    else
        buf_addf(text, "of %s what came after v%lld", name, (long long)since);
    buf_addf(text, ": %lld file%s", (long long)t.files, t.files == 1 ? "" : "s");
    if (t.rows >= 0) buf_addf(text, ", %lld row%s", (long long)t.rows, t.rows == 1 ? "" : "s");
    return 0;
}

/* Every dataset the bookmark knows now or will know. */
static int next_versions(struct store *s, struct bookmark_plan *p, struct arena *a, struct err *err) {
    json_t *names = bookmark_json(&p->bookmark), *unused;
    if (!json_is_object(names)) {
        json_decref(names);
        names = json_object();
    }
    if (json_is_object(p->value)) json_object_update_missing(names, p->value);
    struct buf text = BUF_INIT;
    const char *name;
    int r = 0;
    json_object_foreach(names, name, unused) {
        if (!r) r = next_dataset(s, name, json_int(p->value, name, -1), a, &text, err);
    }
    p->next = text.len ? arena_printf(a, "the next run reads %s", text.s)
                       : "the next run reads every version there is";
    buf_release(&text);
    json_decref(names);
    return r;
}

int bookmark_plan_next(struct store *s, struct bookmark_plan *p, struct arena *a, struct err *err) {
    if (strcmp(p->bookmark.kind, "files") == 0) return next_files(s, p, a, err);
    if (strcmp(p->bookmark.kind, "version") == 0) return next_versions(s, p, a, err);
    bool none = !p->value || json_is_null(p->value);
    p->next = none ? "the next run starts without a bookmark, as the first one did"
                   : arena_printf(a, "the next run starts from %s", p->to);
    return 0;
}
