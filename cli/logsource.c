/* logsource.c: see logsource.h. */
#include "cli/logsource.h"

#include "base/fsio.h"
#include "warden/logline.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_BYTES = 64 << 10, LINE_BYTES = 1 << 20 };

struct attempt_log {
    char *path, *step;
    uint32_t number;
    instant_t started;
    int fd; /* -1: not opened yet, or not there yet */
    off_t at;
    struct buf text; /* read, not handed out; the line begins at `used` */
    size_t used;
    bool whole,
        over; /* the next line is there with its end; the attempt's file is read to its end and done */
    size_t line_len;
};

struct log_stream {
    char *state, *only_step, *line;
    uint32_t only_attempt;
    struct attempt_log *sources; /* by start */
    size_t count, cap;
    size_t first;    /* sources before it are over */
    int64_t last_id; /* of the attempts told about: ids only grow */
};

struct log_stream *log_stream_new(const char *state, const char *step, uint32_t attempt) {
    struct log_stream *s = xcalloc(1, sizeof *s);
    s->state = xstrdup(state);
    s->only_step = step ? xstrdup(step) : NULL;
    s->only_attempt = attempt;
    return s;
}

static void source_release(struct attempt_log *f) {
    if (f->fd >= 0) close(f->fd);
    f->fd = -1;
    buf_release(&f->text);
}

void log_stream_free(struct log_stream *s) {
    if (!s) return;
    for (size_t i = 0; i < s->count; i++) {
        source_release(&s->sources[i]);
        free(s->sources[i].path);
        free(s->sources[i].step);
    }
    free(s->sources);
    free(s->state);
    free(s->only_step);
    free(s->line);
    free(s);
}

static bool wanted(const struct log_stream *s, const struct attempt_row *a) {
    if (!a->log) return false;
    if (s->only_step && strcmp(s->only_step, a->step_name) != 0) return false;
    return s->only_attempt == 0 || s->only_attempt == a->number;
}

static int by_start(const void *a, const void *b) {
    const struct attempt_log *x = a, *y = b;
    return x->started < y->started ? -1 : x->started > y->started;
}

void log_stream_add(struct log_stream *s, const struct attempt_row *rows, size_t n) {
    size_t old = s->count;
    int64_t last = s->last_id;
    for (size_t i = 0; i < n; i++) {
        bool known = rows[i].id <= last;
        if (rows[i].id > s->last_id) s->last_id = rows[i].id;
        if (known || !wanted(s, &rows[i])) continue;
        GROW(s->sources, s->count, s->cap);
        s->sources[s->count++] = (struct attempt_log){
            .path = fs_join(s->state, rows[i].log),
            .step = xstrdup(rows[i].step_name),
            .number = rows[i].number,
            .started = rows[i].started_at,
            .fd = -1,
        };
    }
    qsort(s->sources + old, s->count - old, sizeof *s->sources, by_start);
}

size_t log_stream_attempts(const struct log_stream *s) { return s->count; }

/* A file that became shorter was cut in its middle: what follows is read on from its new end. */
static void follow_cut(struct attempt_log *f) {
    struct stat st;
    if (fstat(f->fd, &st) == 0 && st.st_size < f->at) f->at = st.st_size;
}

/* Reads more; false when there is nothing more now. */
static bool source_fill(struct attempt_log *f) {
    if (f->fd < 0) f->fd = open(f->path, O_RDONLY | O_CLOEXEC);
    if (f->fd < 0) return false;
    if (f->used > 0) {
        memmove(f->text.s, f->text.s + f->used, f->text.len - f->used);
        f->text.len -= f->used;
        f->used = 0;
    }
    char *chunk = xmalloc(READ_BYTES);
    ssize_t n = pread(f->fd, chunk, READ_BYTES, f->at);
    if (n > 0) buf_add(&f->text, chunk, (size_t)n);
    if (n > 0) f->at += n;
    if (n == 0) follow_cut(f);
    free(chunk);
    return n > 0;
}

/* Makes the next line ready; a very long one is handed out in pieces. */
static bool source_ready(struct attempt_log *f, bool ended) {
    while (!f->whole) {
        const char *start = f->text.s + f->used, *end = NULL;
        size_t left = f->text.len - f->used;
        if (left > 0) end = memchr(start, '\n', left);
        if (end || left > LINE_BYTES) {
            f->line_len = end ? (size_t)(end - start) : left;
            f->whole = true;
        } else if (!source_fill(f)) {
            if (!ended || left == 0) return false;
            f->line_len = left;
            f->whole = true;
        }
    }
    return true;
}

static const char *source_line(const struct attempt_log *f) { return f->text.s + f->used; }

static instant_t stamp_of(const char *line, size_t len) {
    char text[LOG_STAMP];
    instant_t t;
    if (len < LOG_STAMP - 1) return INSTANT_NONE;
    memcpy(text, line, LOG_STAMP - 1);
    text[LOG_STAMP - 1] = '\0';
    return instant_parse(text, &t) ? t : INSTANT_NONE;
}

static void source_take(struct log_stream *s, struct attempt_log *f, struct log_line *out) {
    const char *line = source_line(f);
    size_t len = f->line_len, skip = 0;
    instant_t at = stamp_of(line, len);
    if (at != INSTANT_NONE) skip = len < LOG_STAMP ? len : LOG_STAMP;
    free(s->line);
    s->line = xmalloc(len - skip + 1);
    memcpy(s->line, line + skip, len - skip);
    s->line[len - skip] = '\0';
    *out = (struct log_line){f->step, f->number, at, s->line, len - skip};
    f->used += f->line_len;
    if (f->used < f->text.len) f->used++; /* the line break */
    f->whole = false;
}

bool log_stream_next(struct log_stream *s, bool ended, struct log_line *out) {
    struct attempt_log *best = NULL;
    instant_t best_at = INT64_MAX;
    while (s->first < s->count && s->sources[s->first].over) s->first++;
    for (size_t i = s->first; i < s->count; i++) {
        struct attempt_log *f = &s->sources[i];
        if (best && f->started > best_at) break; /* later ones have only later lines */
        if (f->over) continue;
        if (!source_ready(f, ended)) {
            f->over = ended;
            if (f->over) source_release(f);
            continue;
        }
        instant_t at = stamp_of(source_line(f), f->line_len);
        if (at == INSTANT_NONE) at = f->started;
        if (!best || at < best_at) best = f, best_at = at;
    }
    if (!best) return false;
    source_take(s, best, out);
    return true;
}
