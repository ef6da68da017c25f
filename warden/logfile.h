/* logfile.h: where a job's output goes: one file, capped, stamped, masked.
 *
 * The file keeps its first `head` and its last `tail` bytes. Until the job ends it may hold up to head + 2 *
 * tail: then the middle is cut out in place, so the file is at any moment in order and readable, also after
 * the warden was killed.
 *
 * Writing never fails for the caller: what a full disk refuses is counted, its last LOGFILE_SPARE bytes are
 * kept in memory and written when there is room again. */
#ifndef LEAT_WARDEN_LOGFILE_H
#define LEAT_WARDEN_LOGFILE_H

#include "base/instant.h"

#include <stddef.h>
#include <stdint.h>

enum { LOGFILE_SPARE = 64 << 10 };

struct logfile;

struct logfile_options {
    const char *path;
    int64_t head, tail;
    const char *const *masks; /* may be NULL */
};

/* Opens (0600; folders on the way are made) or continues the file. NULL with errno. */
struct logfile *logfile_open(const struct logfile_options *o);
void logfile_write(struct logfile *l, const char *p, size_t n, instant_t now);
/* A line of the warden's own. */
void logfile_note(struct logfile *l, instant_t now, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
struct logfile_sizes {
    int64_t kept, dropped; /* of what this job added, stamps included */
};
/* Ends the stream, applies the cap, closes, frees. */
struct logfile_sizes logfile_close(struct logfile *l, instant_t now);

#endif
