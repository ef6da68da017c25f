/* transcript.h: a run as people watch it: one line a step start and end, and below them, on a terminal, one
 * live line per running step. Elsewhere a line every 30 seconds says what still runs. With --json the events
 * themselves, one a line. */
#ifndef LEAT_CLI_TRANSCRIPT_H
#define LEAT_CLI_TRANSCRIPT_H

#include "base/tz.h"
#include "cli/cli.h"

struct transcript;

/* state: the state folder, for the end of a failed step's log. */
struct transcript *transcript_new(struct cli *c, const char *state, const char *timezone);
void transcript_free(struct transcript *t);
/* For struct conductor_options.report; ctx is the transcript. */
void transcript_event(void *ctx, const json_t *event);
duration_t transcript_progress_every(const struct transcript *t);
/* What a failed run should exit with: EX_GATE when a data-quality gate stopped it, EX_ENVIRONMENT when the
 * machine, its engine or a credential was at fault, else EX_FAILED. */
int transcript_failure(const struct transcript *t);

#endif
