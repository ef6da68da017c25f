/* landing.c: see landing.h. */
#include "operators/landing.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/world.h"
#include "store/bookmarks.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

/* ---- by name and age ---- */

static bool name_fits(const char *path, const json_t *match) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    if (json_is_string(match)) return fnmatch(json_string_value(match), name, 0) == 0;
    size_t i;
    json_t *pattern;
    json_array_foreach(match, i, pattern) if (fnmatch(json_string_value(pattern), name, 0) == 0) return true;
    return json_array_size(match) == 0;
}

static bool is_settled(const struct found_file *f, instant_t now, duration_t settle) {
    return f->mtime_ns / 1000 + settle <= now || settle == 0;
}

/* What the set may have forgotten must not be taken for new. */
static bool is_past(const struct found_file *f, instant_t now, duration_t horizon) {
    return horizon > 0 && f->mtime_ns / 1000 < now - horizon;
}

static void keep_fitting(struct work *w, struct landing *l, const json_t *match) {
    const json_t *options = l->bookmarked ? w->request.bookmark_options : NULL;
    duration_t settle = json_int(options, "settle", 0), horizon = json_int(options, "horizon", 0);
    instant_t now = world_wall(world_real());
    for (size_t i = l->found.count; i-- > 0;) {
        const struct found_file *f = &l->found.files[i];
        bool fits = name_fits(f->path, match), settled = is_settled(f, now, settle),
             past = is_past(f, now, horizon);
        if (fits && settled && !past) continue;
        l->unsettled += fits && !settled;
        l->past += fits && past;
        found_drop(&l->found, i);
    }
}

/* ---- by what was consumed ---- */

static struct seen_file *seen_list(const struct landing *l) {
    struct seen_file *list = xcalloc(l->found.count + 1, sizeof *list);
    for (size_t i = 0; i < l->found.count; i++) {
        const struct found_file *f = &l->found.files[i];
        list[i] = (struct seen_file){.path = f->path, .size = f->size, .mtime_ns = f->mtime_ns};
    }
    return list;
}

/* Hashes only what size and mtime do not settle, then asks again by content. */
static int ask_by_hash(struct work *w, struct landing *l, struct seen_file *list, char (*hashes)[SHA256_HEX],
                       struct store *store, struct err *err) {
    for (size_t i = 0; i < l->found.count; i++) {
        if (list[i].seen == FILE_SAME) continue;
        if (work_stopped(w)) return work_cancelled(err);
        if (sha256_file(list[i].path, hashes[i], err) < 0) return -1;
        list[i].hash = hashes[i];
        list[i].by_hash = true;
        enum file_seen before = list[i].seen;
        if (!store) continue;
        if (store_bookmark_seen(store, w->request.bookmark_id, w->request.bookmark_version, &list[i], 1,
                                err) < 0)
            return -1;
        if (list[i].seen == FILE_NEW && before == FILE_CHANGED) list[i].seen = FILE_CHANGED;
    }
    return 0;
}

static int changed_error(const struct seen_file *f, struct err *err) {
    err_set(err, EX_FAILED, "%s changed after it was consumed (on_change: fail)", f->path);
    err_hint(err,
             "deliver changes under new names, or say `on_change: reprocess` or `ignore` in the bookmark");
    return err_reason(err, "file_changed");
}

static int take_one(struct landing *l, size_t i, const struct seen_file *s, const char *on_change,
                    struct err *err) {
    l->known += s->seen == FILE_SAME;
    if (s->seen == FILE_SAME) return 0;
    bool changed = s->seen == FILE_CHANGED;
    if (changed && strcmp(on_change, "fail") == 0) return changed_error(s, err);
    if (changed && strcmp(on_change, "ignore") == 0) {
        l->ignored++;
        return 0;
    }
    const struct found_file *f = &l->found.files[i];
    struct landing_file *to = &l->files[l->count++];
    *to = (struct landing_file){
        .path = f->path, .name = f->name, .size = f->size, .mtime_ns = f->mtime_ns, .replaces = changed};
    if (s->hash) memcpy(to->hash, s->hash, sizeof to->hash);
    return 0;
}

static int choose(struct work *w, struct landing *l, struct seen_file *list, char (*hashes)[SHA256_HEX],
                  struct err *err) {
    const json_t *options = w->request.bookmark_options;
    const char *on_change = json_text_or(options, "on_change", "reprocess");
    struct store *store = NULL;
    if (l->bookmarked) {
        if (work_store(w, &store, err) < 0) return -1;
        const struct request *r = &w->request;
        if (store &&
            store_bookmark_seen(store, r->bookmark_id, r->bookmark_version, list, l->found.count, err) < 0)
            return -1;
        bool by_hash = strcmp(json_text_or(options, "identity", ""), "hash") == 0;
        if (by_hash && ask_by_hash(w, l, list, hashes, store, err) < 0) return -1;
    }
    for (size_t i = 0; i < l->found.count; i++)
        if (take_one(l, i, &list[i], on_change, err) < 0) return -1;
    return 0;
}

/* A run that does not move the bookmark does not ask it either: it is about its window (contract.md 37). */
int landing_look(struct work *w, const char *from, const json_t *match, struct landing *out,
                 struct err *err) {
    const char *kind = w->request.bookmark_kind;
    *out = (struct landing){.bookmarked = kind && strcmp(kind, "files") == 0 && w->request.bookmark_moves};
    if (glob_find(from, &out->found, err) < 0) return -1;
    keep_fitting(w, out, match);
    out->files = xcalloc(out->found.count + 1, sizeof *out->files);
    struct seen_file *list = seen_list(out);
    char(*hashes)[SHA256_HEX] = xcalloc(out->found.count + 1, sizeof *hashes);
    int rc = choose(w, out, list, hashes, err);
    free(hashes);
    free(list);
    if (rc < 0) landing_release(out);
    return rc;
}

void landing_release(struct landing *l) {
    free(l->files);
    found_release(&l->found);
    *l = (struct landing){0};
}
