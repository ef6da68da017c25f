/* next.h: `leat next`: of any text (next.c), of pipelines (next_pipelines.c). */
#ifndef LEAT_CLI_NEXT_H
#define LEAT_CLI_NEXT_H

#include "cli/cli.h"
#include "cron/explain.h"

#include <jansson.h>

enum { LOCAL_TEXT = 48 };

/* A change of the clock matters to windows up to this long even where nothing runs at it. */
#define SHORT_WINDOW (8 * US_PER_DAY)

/* 2027-03-28T03:00:00+02:00 */
const char *next_local(const struct tz *tz, instant_t t, char out[LOCAL_TEXT]);
/* What the clock does in (before, fire], one text each, appended. */
void next_effects(struct cron_clock *clock, instant_t before, instant_t fire, json_t *lines);
void next_print_lines(const struct out *o, const json_t *lines);

/* leat next [PIPELINE...] */
int next_pipelines(struct cli *c, long count, struct err *err);

#endif
