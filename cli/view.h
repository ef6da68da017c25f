/* view.h: what every verb that only looks needs: the project, its database opened for reading, a zone to show
 * times in. Works while a conductor is at work and when none is. */
#ifndef LEAT_CLI_VIEW_H
#define LEAT_CLI_VIEW_H

#include "base/tz.h"
#include "cli/load.h"
#include "cli/when.h"
#include "store/store.h"

#include <jansson.h>

struct view_zone;

struct view {
    struct cli *c;
    struct project *project;
    struct store *store; /* NULL: there is no database yet, nothing ever ran */
    struct arena *arena; /* of everything read */
    struct tz *tz;       /* --tz, else UTC */
    struct view_zone *zones;
    size_t zone_count, zone_cap;
};

/* 0, or -1 with err; close it either way. */
int view_open(struct view *v, struct cli *c, struct err *err);
void view_close(struct view *v);
/* A whole verb: opens, asks `of`, closes; what `of` answers. */
int view_run(struct cli *c, int (*of)(struct view *, struct err *), struct err *err);

/* The zone to show a pipeline's times in: --tz, else the one its schedule names, else UTC. Borrowed. */
const struct tz *view_tz(struct view *v, const char *pipeline);
const char *view_time(struct view *v, const char *pipeline, instant_t t); /* in the arena */
const char *view_window(struct view *v, const char *pipeline, instant_t start, instant_t end);
/* "3.1s"; "" while one of the two is not known, up to now when only the end is. */
const char *view_took(struct view *v, instant_t start, instant_t end);

/* Exit 4: nothing was ever run here, so there is no such thing. */
int view_nothing(const struct view *v, const char *noun, const char *name, struct err *err);

/* JSON for cli.md 1.6: RFC 3339 or null, an id as text, {"start", "end"} or null. */
json_t *json_instant(instant_t t);
json_t *json_id(int64_t id); /* null for ids below 1 */
json_t *json_window(instant_t start, instant_t end);
json_t *json_number(int64_t n);        /* null below 0: not known */
json_t *json_parsed(const char *text); /* a JSON text of the database; null for NULL */

#endif
