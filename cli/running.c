/* running.c: see running.h. */
#include "cli/running.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/tz.h"
#include "cli/calls.h"
#include "cli/transcript.h"
#include "store/store.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static int exit_code(const struct transcript *t, const char *state, int signal) {
    if (signal) return signal == SIGTERM ? EX_TERMINATED : EX_INTERRUPTED;
    if (strcmp(state, "failed") == 0) return transcript_failure(t);
    return strcmp(state, "cancelled") == 0 ? EX_FAILED : EX_OK;
}

static int follow(struct cli *c, struct conductor *k, const struct running *r, const struct transcript *t,
                  struct err *err) {
    int64_t run = 0;
    const char *state = "";
    int signal = 0;
    const char *warning = store_warning(conductor_store(k));
    if (warning[0]) cli_say(c, "warning: %s\n", warning);
    if (r->start(k, r->ctx, &run, err)) return -1;
    if (!run) return EX_OK;
    if (conductor_wait(k, run, &state, &signal, err)) return -1;
    struct err late;
    if (!signal && conductor_collect(k, &late))
        cli_say(c, "warning: old versions could not be collected: %s\n", late.msg);
    return exit_code(t, state, signal);
}

/* The disk was full while something was written down: with the ballast gone there is room to say how the live
 * steps ended. Whatever this achieves, the first failure is the answer. */
static void settle_full_disk(struct cli *c, const struct conductor_options *o, const struct err *why) {
    struct err ignored;
    if (strcmp(why->reason, "disk_full") != 0) return;
    struct conductor *k = conductor_open(o, &ignored);
    if (k && conductor_recover(k, 0, &ignored) == 0)
        cli_say(c, "the disk is full: nothing was half published, and what ran is recorded\n");
    conductor_close(k);
}

/* A run belongs to its project, not to who watches it: `leat run x | head` must not kill it half-way. Steps
 * get the usual SIGPIPE from the warden. */
static void outlive_readers(void) {
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, NULL);
}

static int zone_known(const struct cli *c, struct err *err) {
    struct tz *tz = c->tz ? tz_load(c->tz, err) : NULL;
    bool known = tz || !c->tz;
    tz_free(tz);
    if (!known) err->exit = EX_USAGE;
    return known ? 0 : -1;
}

int running(struct cli *c, const struct project *p, const struct running *r, struct err *err) {
    long jobs;
    if (cli_number(c, "jobs", 1, 0, &jobs, err) || zone_known(c, err)) return -1;
    outlive_readers();
    char *programs = programs_folder();
    struct transcript *t = transcript_new(c, p->state, c->tz ? c->tz : r->timezone);
    struct sql_asking asking = {.project = p};
    struct calls *own = r->calls ? NULL : calls_new(p), *calls = own ? own : r->calls;
    struct pipeline_reader reader = pipeline_reader(&asking);
    struct conductor_options o = {.project = p,
                                  .world = c->world,
                                  .programs = programs,
                                  .jobs = jobs,
                                  .reader = &reader,
                                  .find = calls_find,
                                  .next = calls_next,
                                  .find_ctx = calls,
                                  .report = transcript_event,
                                  .report_ctx = t,
                                  .progress_every = transcript_progress_every(t)};
    struct conductor *k = conductor_open(&o, err);
    int rc = k ? follow(c, k, r, t, err) : -1;
    conductor_close(k);
    if (rc < 0) settle_full_disk(c, &o, err);
    transcript_free(t);
    calls_free(own);
    free(programs);
    return rc;
}
