/* status.h: what `leat status` knows: gathered by status_gather.c, shown by status_print.c and status_json.c.
 *
 * It costs the number of pipelines, schedules and open runs, never the number of past runs. The daemon is
 * asked for what only it knows; what is durable is read from the database, so it is the same when none is
 * there. */
#ifndef LEAT_CLI_STATUS_H
#define LEAT_CLI_STATUS_H

#include "cli/runs.h"
#include "cli/select.h"
#include "store/attempts.h"
#include "store/backfills.h"
#include "store/schedules.h"

/* A slot or a queued run whose time has come and gone. */
struct late_one {
    const char *pipeline, *why; /* why: "behind run 12"; in the arena */
    instant_t due;
    int64_t run; /* queued; 0: not even that */
};

struct state_of {
    struct view *v;
    struct selection chosen; /* of all there are, those asked about */
    instant_t now;
    struct store_holder holder;
    bool held;
    json_t *
        daemon; /* scheduler/conductor/standing.c has its members; NULL: none serves, or it does not answer */
    bool deaf;  /* somebody holds the project and does not answer */
    json_t *broken; /* files with errors, as the daemon tells of them, when none does */
    struct pipeline_row *pipelines;
    struct run_row *open;     /* runs that have not ended, oldest first */
    struct attempt_row *live; /* attempts that have not ended, by start */
    struct pause_row *pauses;
    struct schedule_row *schedules;
    struct stale_count *stale;      /* by pipeline and dataset */
    struct backfill_row *backfills; /* that have not ended */
    size_t backfill_count;
    size_t pipeline_count, open_count, live_count, pause_count, schedule_count, stale_count;
    struct late_one *late; /* malloc'ed */
    size_t late_count, late_cap;
};

/* 0, or -1 with err (a name that nothing has: exit 4); release it either way. */
int status_gather(struct state_of *s, struct view *v, struct err *err);
void status_release(struct state_of *s);

bool status_selected(const struct state_of *s, const char *pipeline);
bool status_is_failing(const struct pipeline_row *p);
/* It is, and that is somebody's business: what has no file any more is not mended by running it. */
bool status_fails(const struct state_of *s, const struct pipeline_row *p);
bool status_serves(const struct state_of *s); /* a daemon answers */
bool status_is_running(const struct state_of *s, const struct run_row *r);
const struct pause_row *status_pause_of(const struct state_of *s,
                                        const char *pipeline);                         /* NULL: not paused */
const struct late_one *status_late_of(const struct state_of *s, const char *pipeline); /* NULL: not late */
const json_t *status_broken(const struct state_of *s);                                 /* array */
/* What is wrong with its file, of status_broken(); NULL: nothing. */
const json_t *status_problem_of(const struct state_of *s, const char *pipeline);
bool status_is_gone(const struct state_of *s, const char *pipeline);  /* it has no file any more */
bool status_is_stale(const struct state_of *s, const char *pipeline); /* what it read has changed */
bool status_drains(const struct state_of *s); /* the daemon is to stop, and waits for what runs */
/* Why a queued run does not run, in brief; in the arena. */
const char *status_why_queued(const struct state_of *s, const struct run_row *r);
/* The oldest live attempt of a run; NULL. *others: how many more there are. */
const struct attempt_row *status_step_of(const struct state_of *s, int64_t run, size_t *others);
/* Median of what the step's last successes took; -1: there were none. */
duration_t status_usual(const struct state_of *s, const struct attempt_row *a);
/* What makes those windows anew: "leat restate trusted.orders --from … --to …"; in the arena. */
const char *status_restate(const struct state_of *s, const struct stale_count *c);
/* What is worth an alarm: failing, late, broken, a daemon that does not answer. */
size_t status_troubles(const struct state_of *s);

void status_print(const struct state_of *s);
void status_json(const struct state_of *s);

#endif
