/* logsource.h: the logs of one run as one stream of lines in order of time.
 *
 * Each attempt has a file whose lines begin with a stamp (warden/logline.h), so merging is comparing stamps.
 * A file is open only from its attempt's start to its end, so a run of many thousand steps needs few at once.
 */
#ifndef LEAT_CLI_LOGSOURCE_H
#define LEAT_CLI_LOGSOURCE_H

#include "base/buf.h"
#include "cli/view.h"
#include "store/attempts.h"

struct log_stream;

struct log_line {
    const char *step; /* borrowed */
    uint32_t attempt;
    instant_t at;     /* INSTANT_NONE: the line has no stamp */
    const char *text; /* without stamp and line break; valid until the next call */
    size_t len;
};

/* step NULL: of all; attempt 0: of all. */
struct log_stream *log_stream_new(const char *state, const char *step, uint32_t attempt);
void log_stream_free(struct log_stream *s);
/* Tells about attempts; those it knows are left alone. */
void log_stream_add(struct log_stream *s, const struct attempt_row *rows, size_t n);
size_t log_stream_attempts(const struct log_stream *s);
/* The next line; false when there is none now. A line that has no line break yet waits for it, unless `ended`
 * says that nothing more will come. */
bool log_stream_next(struct log_stream *s, bool ended, struct log_line *out);

#endif
