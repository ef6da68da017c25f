/* logfile.c: mask -> stamp -> file.
 *
 * Layout of what this job adds, from `base` (the file's size when it was opened):
 *
 *     base        cut                     size
 *     | head ......| note | newest output ...|
 *
 * `cut` is set by the first compaction, at the end of a line where there is one within the head; the note has
 * a fixed width and is rewritten with the new count each time. A compaction moves the last `tail` bytes down
 * to right behind the note: it runs once per `tail` bytes of output, so a byte is moved about once.
 *
 * Invariants: (1) offset `size` is where the next byte goes and nothing lies behind it; (2) every byte handed
 * in is either in the file, in `spare`, in the mask's held part, or counted in `dropped`. */
#include "warden/logfile.h"

#include "base/arena.h"
#include "base/buf.h"
#include "warden/logline.h"
#include "warden/mask.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COPY_BYTES = 64 << 10, LINE_SEARCH = 64 << 10 };

struct logfile {
    int fd;
    int64_t base, size, head, tail;
    int64_t cut, cut_note; /* -1: nothing was left out yet; bytes of the note at the cut */
    int64_t left_out;      /* bytes the cap removed */
    int64_t refused;       /* bytes the disk refused and that are gone */
    int refused_error;     /* why; 0: the disk takes writes */
    instant_t cut_at;
    bool in_line, cut_in_line;
    struct mask *mask;
    struct buf masked, stamped, spare;
};

/* ---- opening ---- */

/* Makes the folders above a path; existing ones are fine. */
static int make_folders(const char *path) {
    char *copy = xstrdup(path);
    int r = 0;
    for (char *p = strchr(copy + 1, '/'); p && r == 0; p = strchr(p + 1, '/')) {
        *p = '\0';
        if (mkdir(copy, 0700) < 0 && errno != EEXIST) r = -1;
        *p = '/';
    }
    int saved = errno;
    free(copy);
    errno = saved;
    return r;
}

static int open_file(const char *path) {
    const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    int fd = open(path, flags, 0600);
    if (fd >= 0 || errno != ENOENT || make_folders(path) < 0) return fd;
    return open(path, flags, 0600);
}

/* What an earlier attempt left unended gets its newline, so that ours begins on a line. */
static void end_open_line(struct logfile *l) {
    char last = '\n';
    if (l->size == 0 || pread(l->fd, &last, 1, l->size - 1) != 1 || last == '\n') return;
    if (pwrite(l->fd, "\n", 1, l->size) == 1) l->base = ++l->size;
}

struct logfile *logfile_open(const struct logfile_options *o) {
    int fd = open_file(o->path);
    if (fd < 0) return NULL;
    struct stat st;
    if (fstat(fd, &st) < 0) return close(fd), NULL;
    struct logfile *l = xcalloc(1, sizeof *l);
    *l = (struct logfile){.fd = fd,
                          .base = st.st_size,
                          .size = st.st_size,
                          .cut = -1,
                          .head = o->head > 0 ? o->head : 0,
                          .tail = o->tail > 0 ? o->tail : 0};
    l->mask = mask_new(o->masks);
    end_open_line(l);
    return l;
}

/* ---- the cap ---- */

/* The place behind the last newline of [from, to), or `otherwise`. */
static int64_t line_end_before(const struct logfile *l, int64_t from, int64_t to, int64_t otherwise) {
    if (to - from > LINE_SEARCH) from = to - LINE_SEARCH;
    char *b = xmalloc(LINE_SEARCH);
    ssize_t n = pread(l->fd, b, (size_t)(to - from), from);
    const char *at = n > 0 ? memrchr(b, '\n', (size_t)n) : NULL;
    int64_t r = at ? from + (at - b) + 1 : otherwise;
    free(b);
    return r;
}

static int64_t line_start_after(const struct logfile *l, int64_t from, int64_t to) {
    int64_t n_max = to - from > LINE_SEARCH ? LINE_SEARCH : to - from;
    char *b = xmalloc(LINE_SEARCH);
    ssize_t n = pread(l->fd, b, (size_t)n_max, from);
    const char *at = n > 0 ? memchr(b, '\n', (size_t)n) : NULL;
    int64_t r = at && from + (at - b) + 1 < to ? from + (at - b) + 1 : from;
    free(b);
    return r;
}

static void stamp_add(struct buf *out, instant_t now) {
    struct civil c = civil_of(now);
    buf_addf(out, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ ", (int)c.year, c.month, c.day, c.hour, c.minute,
             c.second, c.micros / 1000);
}

/* The note at the cut; always as long as the first one. */
static void cut_note_add(struct buf *b, const struct logfile *l) {
    if (l->cut_in_line) buf_addc(b, '\n');
    stamp_add(b, l->cut_at);
    buf_addf(b, LOG_NOTE "%020lld bytes of output left out here: the log keeps its beginning and its end\n",
             (long long)l->left_out);
}

static void choose_cut(struct logfile *l, instant_t now) {
    int64_t limit = l->base + l->head;
    l->cut = line_end_before(l, l->base, limit, limit);
    char last = '\n';
    if (l->cut > l->base && pread(l->fd, &last, 1, l->cut - 1) != 1) last = '\n';
    l->cut_in_line = last != '\n';
    l->cut_at = now;
    struct buf b = BUF_INIT;
    cut_note_add(&b, l);
    l->cut_note = (int64_t)b.len;
    buf_release(&b);
}

/* Moves [from, size) down to `to`. Returns the new end of the file; short when the disk fails. */
static int64_t move_down(struct logfile *l, int64_t from, int64_t to) {
    char *b = xmalloc(COPY_BYTES);
    while (from < l->size) {
        ssize_t n = pread(l->fd, b, COPY_BYTES, from);
        if (n <= 0 || pwrite(l->fd, b, (size_t)n, to) != n) break;
        from += n;
        to += n;
    }
    free(b);
    l->left_out += l->size - from;
    return to;
}

static void compact(struct logfile *l, instant_t now) {
    bool first = l->cut < 0;
    if (first) choose_cut(l, now);
    int64_t body = l->cut + (first ? 0 : l->cut_note);
    int64_t from = line_start_after(l, l->size - l->tail, l->size);
    int64_t to = l->cut + l->cut_note;
    if (from <= to) { /* a tail so small that the note would not pay */
        if (first) l->cut = -1;
        return;
    }
    l->left_out += from - body;
    l->size = move_down(l, from, to);
    struct buf b = BUF_INIT;
    cut_note_add(&b, l);
    if (pwrite(l->fd, b.s, b.len, l->cut) < 0 || ftruncate(l->fd, l->size) < 0) l->refused_error = errno;
    buf_release(&b);
}

static int64_t used(const struct logfile *l) { return l->size - l->base - (l->cut < 0 ? 0 : l->cut_note); }

/* ---- the file ---- */

/* Writes as much as the disk takes. */
static size_t write_some(struct logfile *l, const char *p, size_t n) {
    size_t done = 0;
    while (done < n) {
        ssize_t w = pwrite(l->fd, p + done, n - done, l->size);
        if (w < 0 && errno == EINTR) continue;
        if (w <= 0) {
            l->refused_error = w < 0 ? errno : ENOSPC;
            return done;
        }
        done += (size_t)w;
        l->size += w;
    }
    return done;
}

static void keep_spare(struct logfile *l, const char *p, size_t n) {
    buf_add(&l->spare, p, n);
    if (l->spare.len <= LOGFILE_SPARE) return;
    size_t over = l->spare.len - LOGFILE_SPARE;
    l->refused += (int64_t)over;
    memmove(l->spare.s, l->spare.s + over, LOGFILE_SPARE);
    l->spare.len = LOGFILE_SPARE;
}

/* Tries to write what the disk refused before, behind a note that says what is missing. */
static bool retry_spare(struct logfile *l, instant_t now) {
    if (!l->refused_error) return true;
    struct buf b = BUF_INIT;
    if (l->refused) {
        buf_addc(&b, '\n');
        stamp_add(&b, now);
        buf_addf(&b, LOG_NOTE "%lld bytes of output lost here: %s\n", (long long)l->refused,
                 strerror(l->refused_error));
    }
    /* All or nothing: a torn note would be repeated with every try. */
    buf_add(&b, l->spare.s ? l->spare.s : "", l->spare.len);
    int64_t before = l->size;
    l->refused_error = 0;
    if (write_some(l, b.s ? b.s : "", b.len) < b.len) {
        if (l->size > before && ftruncate(l->fd, before) == 0) l->size = before;
    } else {
        buf_clear(&l->spare);
        l->left_out += l->refused;
        l->refused = 0;
    }
    buf_release(&b);
    return !l->refused_error;
}

static void append(struct logfile *l, const char *p, size_t n, instant_t now) {
    size_t done = retry_spare(l, now) ? write_some(l, p, n) : 0;
    if (done < n) keep_spare(l, p + done, n - done);
    if (used(l) > l->head + 2 * l->tail) compact(l, now);
}

/* ---- lines ---- */

static void add_stamped(struct logfile *l, const char *p, size_t n, const struct buf *stamp) {
    while (n) {
        if (!l->in_line) buf_add(&l->stamped, stamp->s, stamp->len);
        const char *nl = memchr(p, '\n', n);
        size_t line = nl ? (size_t)(nl - p) + 1 : n;
        buf_add(&l->stamped, p, line);
        l->in_line = !nl;
        p += line;
        n -= line;
    }
}

static void append_lines(struct logfile *l, const char *p, size_t n, instant_t now) {
    if (!n) return;
    struct buf stamp = BUF_INIT;
    stamp_add(&stamp, now);
    buf_clear(&l->stamped);
    add_stamped(l, p, n, &stamp);
    append(l, l->stamped.s, l->stamped.len, now);
    buf_release(&stamp);
}

void logfile_write(struct logfile *l, const char *p, size_t n, instant_t now) {
    if (!l->mask) {
        append_lines(l, p, n, now);
        return;
    }
    buf_clear(&l->masked);
    mask_feed(l->mask, p, n, &l->masked);
    append_lines(l, buf_str(&l->masked), l->masked.len, now);
}

static void end_stream(struct logfile *l, instant_t now) {
    if (!l->mask) return;
    buf_clear(&l->masked);
    mask_end(l->mask, &l->masked);
    append_lines(l, buf_str(&l->masked), l->masked.len, now);
}

void logfile_note(struct logfile *l, instant_t now, const char *fmt, ...) {
    end_stream(l, now);
    struct buf b = BUF_INIT;
    if (l->in_line) buf_addc(&b, '\n');
    buf_adds(&b, LOG_NOTE);
    va_list ap;
    va_start(ap, fmt);
    buf_vaddf(&b, fmt, ap);
    va_end(ap);
    buf_addc(&b, '\n');
    append_lines(l, b.s, b.len, now);
    buf_release(&b);
}

struct logfile_sizes logfile_close(struct logfile *l, instant_t now) {
    end_stream(l, now);
    retry_spare(l, now);
    if (used(l) > l->head + l->tail) compact(l, now);
    struct logfile_sizes sizes = {.kept = l->size - l->base,
                                  .dropped = l->left_out + l->refused + (int64_t)l->spare.len};
    close(l->fd);
    mask_free(l->mask);
    buf_release(&l->masked);
    buf_release(&l->stamped);
    buf_release(&l->spare);
    free(l);
    return sizes;
}
