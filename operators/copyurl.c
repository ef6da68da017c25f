/* copyurl.c: see copyurl.h. The bookmark knows a URL by its ETag and, failing that, by the hash of its
 * content. */
#include "operators/copyurl.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/fsio.h"
#include "base/json.h"
#include "base/sha256.h"
#include "operators/http/download.h"
#include "store/bookmarks.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

bool copy_is_url(const char *from) {
    return strncasecmp(from, "http://", 7) == 0 || strncasecmp(from, "https://", 8) == 0;
}

/* The last part of the path, with only characters that are a file name anywhere. */
static char *name_of(const char *url) {
    const char *p = strstr(url, "://") + 3;
    size_t end = strcspn(p, "?#");
    const char *slash = memrchr(p, '/', end);
    struct buf b = BUF_INIT;
    for (const char *c = slash ? slash + 1 : p + end; c < p + end; c++)
        buf_addc(&b, isalnum((unsigned char)*c) || strchr("._-", *c) ? *c : '_');
    if (b.len == 0 || buf_str(&b)[0] == '.') {
        buf_clear(&b);
        buf_adds(&b, "download");
    }
    return buf_take(&b);
}

static bool stop(void *ctx) { return work_stopped(ctx); }

static void progress(void *ctx, int64_t bytes, int64_t total) {
    struct progress *p = &((struct work *)ctx)->progress;
    p->percent = total > 0 ? 100.0 * (double)bytes / (double)total : -1;
    snprintf(p->text, sizeof p->text, "%lld bytes", (long long)bytes);
    progress_write(p);
}

static void retrying(void *ctx, const char *why, duration_t pause) {
    char text[DURATION_TEXT];
    work_log(ctx, "%s: trying again in %s", why, duration_text(pause, text));
}

static bool has_bookmark(const struct work *w) {
    const char *kind = w->request.bookmark_kind;
    return kind && strcmp(kind, "files") == 0 && w->request.bookmark_moves;
}

/* What the bookmark remembers of this URL; "" when nothing. */
static int remembered(struct work *w, const char *url, struct seen_row *out, struct arena *arena,
                      struct err *err) {
    struct store *store = NULL;
    struct seen_row *rows = NULL;
    size_t n = 0;
    *out = (struct seen_row){0};
    if (!has_bookmark(w)) return 0;
    if (work_store(w, &store, err) < 0) return -1;
    if (!store) return 0;
    const struct request *r = &w->request;
    if (store_bookmark_files_list(store, r->bookmark_id, r->bookmark_version, 10000, arena, &rows, &n, err) <
        0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (strcmp(rows[i].path, url) == 0) *out = rows[i];
    return 0;
}

static json_t *source_of(const char *url, const struct downloaded *got, const char *hash) {
    json_t *s = json_object();
    json_put_text(s, "path", url);
    json_put(s, "size", json_integer(got->bytes));
    json_put(s, "mtime_ns", json_integer(got->modified_ns));
    json_put_text(s, "etag", got->etag[0] ? got->etag : NULL);
    json_put_text(s, "hash", hash);
    return s;
}

/* Seen before, and not the same now. 1: leave it. */
static int judge_change(struct work *w, const char *url, struct err *err) {
    const char *on_change = json_text_or(w->request.bookmark_options, "on_change", "reprocess");
    if (strcmp(on_change, "ignore") == 0) return 1;
    if (strcmp(on_change, "fail") != 0) return 0;
    err_set(err, EX_FAILED, "%s changed after it was consumed (on_change: fail)", url);
    err_hint(err,
             "say `on_change: reprocess` or `ignore` in the bookmark, or give changes a URL of their own");
    return err_reason(err, "file_changed");
}

static int fetch(struct work *w, const char *url, const char *to, const struct seen_row *seen,
                 json_t **source, struct err *err) {
    struct download d = {.url = url,
                         .to = to,
                         .guarded = request_is_templated(&w->request, "from"),
                         .etag = seen->etag,
                         .stop = stop,
                         .progress = progress,
                         .retrying = retrying,
                         .ctx = w};
    struct downloaded got;
    char hex[SHA256_HEX];
    if (download_url(&d, &got, err) < 0) return -1;
    if (got.not_modified) return 1;
    if (sha256_file(to, hex, err) < 0) return -1;
    bool same = seen->hash && strcmp(seen->hash, hex) == 0;
    int left = same ? 1 : seen->path ? judge_change(w, url, err) : 0;
    if (left) {
        unlink(to);
        return left;
    }
    *source = source_of(url, &got, hex);
    return 0;
}

int copy_url(struct work *w, const char *url, char **staged, json_t **source, struct err *err) {
    struct arena *arena = arena_new();
    struct seen_row seen;
    struct buf name = BUF_INIT, folder = BUF_INIT;
    char *file = name_of(url);
    buf_addf(&name, STAGE_COPIES "%s", file);
    buf_addf(&folder, "%s/" STAGE_COPIES, w->request.into.stage);
    char *to = fs_join(w->request.into.stage, buf_str(&name));
    int rc = remembered(w, url, &seen, arena, err);
    if (rc == 0) rc = fs_mkdirs(buf_str(&folder), 0755, err);
    if (rc == 0) rc = fetch(w, url, to, &seen, source, err);
    if (rc == 0) *staged = xstrdup(buf_str(&name));
    free(file);
    free(to);
    buf_release(&name);
    buf_release(&folder);
    arena_free(arena);
    return rc;
}
