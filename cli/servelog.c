/* servelog.c: see servelog.h. */
#include "cli/servelog.h"

#include "base/buf.h"
#include "base/instant.h"
#include "base/json.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_one_of(const char *key, const char *const *keys) {
    for (; *keys; keys++)
        if (strcmp(key, *keys) == 0) return true;
    return false;
}

/* Not said in a line of text: where it stands already, what nobody reads there, what is not known (a count of
 * -1), and what did not happen. */
static bool is_left_out(const char *key, const json_t *v) {
    static const char *const never[] = {"seq",      "at",  "type",  "counts",   "outputs", "log",
                                        "warnings", "sql", "index", "timezone", NULL};
    static const char *const when_true[] = {"nothing_new", "warned", NULL};
    if (json_is_null(v) || is_one_of(key, never)) return true;
    if (json_is_integer(v) && json_integer_value(v) == -1) return true;
    return json_is_false(v) && is_one_of(key, when_true);
}

static void add_text(struct buf *b, const char *text) {
    if (*text && !strpbrk(text, " \"=\n\t\\")) {
        buf_adds(b, text);
        return;
    }
    json_t *quoted = json_string(text);
    char *s = json_dumps(quoted, JSON_ENCODE_ANY);
    buf_adds(b, s);
    free(s);
    json_decref(quoted);
}

static void add_value(struct buf *b, const json_t *v) {
    if (json_is_string(v)) {
        add_text(b, json_string_value(v));
        return;
    }
    const json_t *start = json_object_get(v, "start"), *end = json_object_get(v, "end");
    if (json_is_string(start) && json_is_string(end)) {
        buf_addf(b, "%s..%s", json_string_value(start), json_string_value(end));
        return;
    }
    char *s = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(6));
    buf_adds(b, s ? s : "");
    free(s);
}

static void text_line(struct buf *b, const char *level, const json_t *event) {
    const char *key;
    json_t *v;
    buf_addf(b, "%s %-5s %s", json_text_or(event, "at", "-"), level, json_text_or(event, "type", ""));
    json_object_foreach((json_t *)(uintptr_t)event, key, v) {
        if (is_left_out(key, v)) continue;
        buf_addf(b, " %s=", key);
        add_value(b, v);
    }
}

static void json_line_of(struct buf *b, const char *level, const json_t *event) {
    json_t *e = json_copy((json_t *)(uintptr_t)event);
    json_put_text(e, "level", level);
    char *s = json_line(e);
    buf_adds(b, s);
    free(s);
    json_decref(e);
}

/* ---- to where it goes ---- */

enum { PATIENCE_MS = 1000 };

/* 0, or -1 with errno: not all of it could be written, or somebody does not read. What poll() calls writable
 * takes so much of a pipe without waiting. */
static int put(int fd, const struct buf *b, int patience_ms, size_t *done) {
    for (*done = 0; *done < b->len;) {
        struct pollfd p = {.fd = fd, .events = POLLOUT};
        size_t n = b->len - *done < PIPE_BUF ? b->len - *done : PIPE_BUF;
        int ready = poll(&p, 1, patience_ms);
        if (ready == 0) errno = EAGAIN;
        ssize_t k = ready > 0 ? write(fd, b->s + *done, n) : -1;
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) return -1;
        *done += (size_t)k;
    }
    return 0;
}

static const char *why_lost(const struct servelog *l) {
    return l->failure == EAGAIN ? "nobody reads it" : strerror(l->failure);
}

static void complain(struct servelog *l) {
    struct buf b = BUF_INIT;
    size_t done;
    buf_addf(&b, "error: the log cannot be written to stdout: %s; the daemon goes on without it\n",
             why_lost(l));
    put(fileno(l->err->file), &b, 0, &done);
    buf_release(&b);
}

static void lose(struct servelog *l, size_t done) {
    if (l->lost++ == 0) {
        l->failure = errno;
        complain(l);
    }
    l->torn |= done > 0;
}

static void add_line(const struct servelog *l, struct buf *b, const char *level, const json_t *event) {
    (l->json ? json_line_of : text_line)(b, level, event);
    buf_addc(b, '\n');
}

/* What was lost is said before the first line that is not. */
static void add_lost(const struct servelog *l, struct buf *b, const json_t *event) {
    json_t *e = json_pack("{ss ss sI ss}", "at", json_text_or(event, "at", "-"), "type", "log_lost", "lines",
                          (json_int_t)l->lost, "message", why_lost(l));
    if (l->torn) buf_addc(b, '\n');
    add_line(l, b, "warn", e);
    json_decref(e);
}

void servelog_event(void *ctx, const char *level, const json_t *event) {
    struct servelog *l = ctx;
    struct buf b = BUF_INIT;
    size_t done;
    if (strcmp(json_text_or(event, "type", ""), "step_progress") == 0) return;
    if (l->lost) add_lost(l, &b, event);
    add_line(l, &b, level, event);
    if (put(fileno(l->out->file), &b, l->lost ? 0 : PATIENCE_MS, &done))
        lose(l, done);
    else
        l->lost = l->torn = 0;
    buf_release(&b);
}

int servelog_end(const struct servelog *l, struct err *err) {
    if (!l->lost || l->failure == EPIPE) return 0;
    return err_set(err, EX_ENVIRONMENT, "%lld line%s of the log could not be written to stdout: %s", l->lost,
                   l->lost == 1 ? "" : "s", why_lost(l));
}
