/* err.c: fixed-size, so that reporting an error never allocates. What an error says is UTF-8, whatever it was
 * made of, and is cut between characters: others make JSON of it. */
#include "base/err.h"

#include "base/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* After a print into `text` that wanted n bytes. */
static void be_text(char *text, size_t size, int n) {
    if (n >= 0 && (size_t)n >= size) text[utf8_whole(text, size - 1)] = 0;
    utf8_mend(text);
}

int err_set(struct err *err, enum leat_exit exit, const char *fmt, ...) {
    if (!err) return -1;
    *err = (struct err){.exit = exit};
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    va_end(ap);
    be_text(err->msg, sizeof err->msg, n);
    return -1;
}

static const struct {
    int number;
    const char *word, *hint;
} errno_words[] = {
    {ENOSPC, "disk_full", "free some space and run the same command again"},
    {EDQUOT, "disk_full", "free some of your quota and run the same command again"},
    {EROFS, "read_only", "the file system is mounted read-only"},
    {EACCES, "permission", "check the owner and mode of the path and its folders"},
    {EPERM, "permission", "check the owner and mode of the path and its folders"},
    {EMFILE, "too_many_files", "raise the limit of open files: ulimit -n"},
    {ENFILE, "too_many_files", "the system is out of file handles"},
    {EIO, "io_error", "the disk reported an error; look at the kernel's log"},
    {ENOMEM, "out_of_memory", "free some memory"},
    {EAGAIN, "out_of_processes", "raise the limit of processes: ulimit -u"},
};

int err_errno(struct err *err, const char *fmt, ...) {
    int number = errno;
    if (!err) return -1;
    *err = (struct err){.exit = EX_ENVIRONMENT};
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof err->msg)
        n += snprintf(err->msg + n, sizeof err->msg - (size_t)n, ": %s", strerror(number));
    be_text(err->msg, sizeof err->msg, n);
    for (size_t i = 0; i < sizeof errno_words / sizeof *errno_words; i++) {
        if (errno_words[i].number != number) continue;
        err_reason(err, errno_words[i].word);
        err_hint(err, "%s", errno_words[i].hint);
        break;
    }
    errno = number;
    return -1;
}

int err_hint(struct err *err, const char *fmt, ...) {
    if (!err) return -1;
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(err->hint, sizeof err->hint, fmt, ap);
    va_end(ap);
    be_text(err->hint, sizeof err->hint, n);
    return -1;
}

int err_reason(struct err *err, const char *word) {
    if (err) snprintf(err->reason, sizeof err->reason, "%s", word);
    return -1;
}

void err_prefix(struct err *err, const char *fmt, ...) {
    if (!err) return;
    char old[sizeof err->msg];
    memcpy(old, err->msg, sizeof old);
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof err->msg)
        n += snprintf(err->msg + n, sizeof err->msg - (size_t)n, ": %.*s", (int)(sizeof old - 1), old);
    be_text(err->msg, sizeof err->msg, n);
}
