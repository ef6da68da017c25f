/* copy.c: `copy:`, files into a zone byte for byte.
 *
 * Files keep the folders they had below the fixed beginning of `from`, so that equal names from different
 * folders do not meet. A file that changes while it is copied is left for the next run. The embedded engine
 * is not needed. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/fsio.h"
#include "base/json.h"
#include "operators/copyfile.h"
#include "operators/copyurl.h"
#include "operators/landing.h"
#include "operators/operators.h"
#include "operators/work.h"
#include "store/datasets.h"
#include "zones/write.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- endings ---- */

static const struct {
    const char *word, *ending;
    unsigned char magic[4];
    size_t magic_bytes;
} packings[] = {
    {"gzip", ".gz", {0x1f, 0x8b}, 2},
    {"zstd", ".zst", {0x28, 0xb5, 0x2f, 0xfd}, 4},
};

static bool begins_with(const char *path, const unsigned char *magic, size_t n) {
    unsigned char head[4] = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, head, sizeof head) : -1;
    if (fd >= 0) close(fd);
    return got >= (ssize_t)n && memcmp(head, magic, n) == 0;
}

static bool ends_with(const char *s, const char *ending) {
    size_t n = strlen(s), m = strlen(ending);
    return n >= m && strcmp(s + n - m, ending) == 0;
}

/* The ending that the name lacks: "" when it says what the file is. NULL with err when it is not packed like
 * that. */
static const char *missing_ending(const char *path, const char *compressed, struct err *err) {
    for (size_t i = 0; compressed && i < sizeof packings / sizeof *packings; i++) {
        if (strcmp(packings[i].word, compressed) != 0) continue;
        if (begins_with(path, packings[i].magic, packings[i].magic_bytes))
            return ends_with(path, packings[i].ending) ? "" : packings[i].ending;
        err_set(err, EX_FAILED, "%s is not compressed with %s", path, compressed);
        err_hint(err, "leave `compressed` out when the files' names say how they are compressed");
        return NULL;
    }
    return "";
}

/* ---- one file ---- */

struct copying {
    struct work *w;
    const char *compressed;
    json_t *files, *removes, *consumed;
    int64_t total_files, done_bytes, total_bytes;
    size_t changed; /* while they were copied */
};

static bool stop(void *ctx) { return work_stopped(((struct copying *)ctx)->w); }

static void moved(void *ctx, int64_t bytes) {
    struct copying *c = ctx;
    struct progress *p = &c->w->progress;
    c->done_bytes += bytes;
    p->percent = c->total_bytes ? 100.0 * (double)c->done_bytes / (double)c->total_bytes : -1;
    progress_write(p);
}

static json_t *source_of(const struct landing_file *f, const char *hex) {
    json_t *s = json_object();
    json_put_text(s, "path", f->path);
    json_put(s, "size", json_integer(f->size));
    json_put(s, "mtime_ns", json_integer(f->mtime_ns));
    json_put(s, "etag", NULL);
    json_put_text(s, "hash", hex);
    return s;
}

static int note_copied(struct copying *c, const struct landing_file *f, const char *staged, const char *hex,
                       struct err *err) {
    json_t *source = source_of(f, hex), *file = json_object();
    json_t *name = json_string(staged);
    if (!name || !json_text(source, "path")) {
        json_decref(source);
        json_decref(file);
        json_decref(name);
        return err_set(err, EX_FAILED, "a file name in %s is not UTF-8 text", f->path);
    }
    json_put(file, "staged", name);
    json_put(file, "bytes", json_integer(f->size));
    json_put_text(file, "sha256", hex);
    json_put(file, "source", source);
    json_array_append_new(c->files, file);
    json_array_append(c->consumed, source);
    return 0;
}

/* A rewritten landing file goes in instead of its old copy (contract.md 30). */
static int note_replaced(struct copying *c, const struct landing_file *f, struct err *err) {
    struct store *store = NULL;
    if (!f->replaces || work_store(c->w, &store, err) < 0) return f->replaces ? -1 : 0;
    if (!store || c->w->request.into.dataset_id < 0) return 0;
    struct arena *arena = arena_new();
    struct file_row old;
    int found = store_file_of_source(store, c->w->request.into.dataset_id, f->path, arena, &old, err);
    if (found == 1) json_array_append_new(c->removes, json_string(old.path));
    arena_free(arena);
    return found < 0 ? -1 : 0;
}

static int copy_one(struct copying *c, const struct landing_file *f, struct err *err) {
    const char *ending = missing_ending(f->path, c->compressed, err);
    if (!ending) return -1;
    struct buf staged = BUF_INIT;
    buf_addf(&staged, STAGE_COPIES "%s%s", f->name, ending);
    char *to = fs_join(c->w->request.into.stage, buf_str(&staged)), hex[SHA256_HEX];
    struct copy_job job = {.from = f->path,
                           .to = to,
                           .size = f->size,
                           .mtime_ns = f->mtime_ns,
                           .stop = stop,
                           .moved = moved,
                           .ctx = c};
    int rc = copy_file(&job, hex, err);
    if (rc == 1) {
        c->changed++;
        work_warn(c->w, "%s changed while it was copied: it is left for the next run", f->path);
    }
    if (rc == 0) rc = note_replaced(c, f, err);
    if (rc == 0) rc = note_copied(c, f, buf_str(&staged), hex, err);
    free(to);
    buf_release(&staged);
    return rc < 0 ? -1 : 0;
}

/* ---- all of them ---- */

static int copy_all(struct copying *c, const struct landing *l, struct err *err) {
    for (size_t i = 0; i < l->count; i++) c->total_bytes += l->files[i].size;
    for (size_t i = 0; i < l->count; i++)
        if (copy_one(c, &l->files[i], err) < 0) return -1;
    work_log(c->w, "copied %zu files, %lld bytes; %zu known, %zu not settled, %zu past the horizon",
             json_array_size(c->files), (long long)c->done_bytes, l->known, l->unsettled, l->past);
    result_add_read(c->w->result, -1, c->done_bytes);
    return 0;
}

static int publish(struct copying *c, bool bookmarked, struct err *err) {
    if (audit_copies(&c->w->audit, c->files, c->removes, err) < 0) return -1;
    if (bookmarked) work_propose(c->w, json_pack("{ss sO}", "kind", "files", "files", c->consumed));
    return 0;
}

/* `if_empty` of the verb goes before that of the step. */
static void choose_if_empty(struct work *w) {
    static const char *const words[] = {"fail", "ok", "skip"};
    const char *word = json_text_or(w->request.config, "if_empty", "");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i], word) == 0) w->request.into.if_empty = (enum stage_empty)i;
}

static int copy_local(struct work *w, const char *from, struct err *err) {
    struct landing l;
    if (landing_look(w, from, json_object_get(w->request.config, "match"), &l, err) < 0) return -1;
    struct copying c = {.w = w,
                        .compressed = json_text(w->request.config, "compressed"),
                        .files = json_array(),
                        .removes = json_array(),
                        .consumed = json_array()};
    int rc = copy_all(&c, &l, err);
    if (rc == 0 && json_array_size(c.files) == 0 && l.bookmarked)
        work_nothing_new(w);
    else if (rc == 0) {
        if (json_array_size(c.files) == 0) work_warn(w, "no file is there for `%s`", from);
        rc = publish(&c, l.bookmarked, err);
    }
    json_decref(c.files);
    json_decref(c.removes);
    json_decref(c.consumed);
    landing_release(&l);
    return rc;
}

static int copy_remote(struct work *w, const char *url, struct err *err) {
    char *staged = NULL;
    json_t *source = NULL;
    int rc = copy_url(w, url, &staged, &source, err);
    if (rc < 0) return -1;
    if (rc == 1) {
        work_log(w, "%s has not changed", url);
        work_nothing_new(w);
        return 0;
    }
    struct copying c = {.w = w, .files = json_array(), .removes = json_array(), .consumed = json_array()};
    bool bookmarked = w->request.bookmark_kind && strcmp(w->request.bookmark_kind, "files") == 0;
    struct landing_file f = {.path = url, .replaces = bookmarked};
    int64_t bytes = json_int(source, "size", 0);
    rc = note_replaced(&c, &f, err);
    json_array_append_new(c.files, json_pack("{ss sI sO sO}", "staged", staged, "bytes", (json_int_t)bytes,
                                             "sha256", json_object_get(source, "hash"), "source", source));
    json_array_append_new(c.consumed, source);
    result_add_read(w->result, -1, bytes);
    work_log(w, "downloaded %lld bytes", (long long)bytes);
    if (rc == 0) rc = publish(&c, bookmarked, err);
    json_decref(c.files);
    json_decref(c.removes);
    json_decref(c.consumed);
    free(staged);
    return rc;
}

static int work(struct work *w, struct err *err) {
    const char *from = json_string_value(op_config(w->request.json, "from"));
    if (!from || !from[0]) return err_set(err, EX_INVALID, "`copy` does not say where from");
    if (!w->request.has_into) return err_set(err, EX_INVALID, "`copy` needs `into:`");
    choose_if_empty(w);
    if (work_audit_begin(w, audit_needs_engine(&w->request.into), err) < 0) return -1;
    return copy_is_url(from) ? copy_remote(w, from, err) : copy_local(w, from, err);
}

/* ---- the verb ---- */

static const char *const compressions[] = {"gzip", "zstd", NULL};
static const char *const empties[] = {"fail", "ok", "skip", NULL};

static const struct field fields[] = {
    {.name = "from",
     .kind = FK_PATH,
     .flags = FIELD_REQUIRED | FIELD_SHORT,
     .help = "A glob, a file, a folder (with what is below it) or an http(s):// URL.",
     .example = "landing/orders/*.csv"},
    {.name = "match",
     .kind = FK_TEXT,
     .flags = FIELD_LIST,
     .help = "Take only files whose name matches one of these patterns.",
     .example = "orders_*.csv"},
    {.name = "compressed",
     .kind = FK_ENUM,
     .values = compressions,
     .help = "How the files are compressed when their names do not say; the copies get the matching ending.",
     .example = "gzip"},
    {.name = "if_empty",
     .kind = FK_ENUM,
     .values = empties,
     .otherwise = "what the step says",
     .help = "What it means that no file is there.",
     .example = "ok"},
    {0},
};

const struct op op_copy = {
    .verb = {.name = "copy",
             .about = "Copies files into a zone as they came.",
             .fields = fields,
             .traits = VERB_WORKER | VERB_EXTRACT | VERB_INTO},
    .work = work,
};
