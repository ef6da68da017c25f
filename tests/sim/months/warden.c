/* warden.c: the warden of the simulator: warden/client.h over the jobs of the stage. */
#include "stage.h"
#include "warden/client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct warden {
    int fd;
    bool lost, list_end;
    bool told[JOBS]; /* in this life */
    bool listed[JOBS];
    bool listing;
};

static struct warden connection;

static void drop_all(void) {
    for (int i = 0; i < JOBS; i++) stage->jobs[i].used = false;
}

struct warden *warden_connect(const char *state, const char *program, bool *fresh, struct err *err) {
    (void)state, (void)program, (void)err;
    int fd = connection.fd ? connection.fd : eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    connection = (struct warden){.fd = fd};
    *fresh = stage->warden_dies;
    if (stage->warden_dies) drop_all();
    stage->warden_dies = false;
    return &connection;
}

struct warden *warden_find(const char *state, struct err *err) {
    (void)state, (void)err;
    return &connection;
}

void warden_close(struct warden *w) { (void)w; }
int warden_fd(const struct warden *w) { return w->fd; }
bool warden_wants_write(const struct warden *w) { return (void)w, false; }
int warden_flush(struct warden *w, struct err *err) { return (void)w, (void)err, 0; }

static struct job *job_find(const char *id) {
    for (int i = 0; i < JOBS; i++)
        if (stage->jobs[i].used && strcmp(stage->jobs[i].id, id) == 0) return &stage->jobs[i];
    return NULL;
}

static struct job *job_new(void) {
    for (int i = 0; i < JOBS; i++)
        if (!stage->jobs[i].used) return &stage->jobs[i];
    return NULL;
}

/* .leat/log/RUN/STEP.gN.aN.log */
static bool is_of_wait(const struct job_spec *spec) {
    char step[64];
    const char *file = strrchr(spec->log_path, '/');
    return file && sscanf(file, "/%63[^.]", step) == 1 && step_waits(step);
}

int warden_start(struct warden *w, const struct job_spec *spec, struct err *err) {
    point();
    stage->jobs_of_waits += is_of_wait(spec);
    if (job_find(spec->id)) return 0;
    struct job *j = job_new();
    if (!j) return err_set(err, EX_ENVIRONMENT, "the simulator has too few jobs");
    int log = open(spec->log_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (log >= 0) close(log);
    int64_t lasts = (int64_t)(1 + chance_below(stage->quiet > stage->now ? 2400 : 60)) * US_PER_SECOND;
    *j = (struct job){.used = true,
                      .ends = stage->now + lasts,
                      .exit_code = chance_of(80) ? 1 : 0,
                      .failed_start = chance_of(10)};
    snprintf(j->id, sizeof j->id, "%s", spec->id);
    worker_takes(j, spec);
    w->told[j - stage->jobs] = false;
    stage->jobs_started++;
    point();
    return 0;
}

int warden_cancel(struct warden *w, const char *id, bool kill_now, struct err *err) {
    struct job *j = job_find(id);
    (void)w, (void)kill_now, (void)err;
    point();
    if (!j || j->ends <= stage->now) return 0;
    j->cancelled = true;
    j->ends = stage->now + US_PER_SECOND;
    return 0;
}

int warden_ack(struct warden *w, const char *id, struct err *err) {
    struct job *j = job_find(id);
    (void)w, (void)err;
    point();
    if (j) j->used = false;
    return 0;
}

int warden_list(struct warden *w, struct err *err) {
    (void)err;
    w->listing = true;
    memset(w->listed, 0, sizeof w->listed);
    return 0;
}

static void tell_exit(const struct job *j, struct warden_event *out) {
    if (!j->failed_start && !j->cancelled && !j->exit_code) worker_leaves(j);
    *out = (struct warden_event){.kind = WARDEN_EXIT};
    out->exit = (struct job_exit){.started = !j->failed_start,
                                  .exit_code = j->cancelled ? -1 : j->exit_code,
                                  .signal = j->cancelled ? 15 : 0,
                                  .killed = j->cancelled ? KILLED_CANCEL : KILLED_NO,
                                  .started_at = stage_wall(),
                                  .ended_at = stage_wall()};
    if (j->failed_start) {
        snprintf(out->exit.stage, sizeof out->exit.stage, "exec");
        out->exit.error = ENOENT;
    }
    snprintf(out->exit.id, sizeof out->exit.id, "%s", j->id);
}

static bool next_listed(struct warden *w, struct warden_event *out) {
    for (int i = 0; i < JOBS; i++) {
        struct job *j = &stage->jobs[i];
        if (!j->used || w->listed[i]) continue;
        w->listed[i] = true;
        if (j->ends <= stage->now) {
            w->told[i] = true;
            tell_exit(j, out);
            return true;
        }
        *out = (struct warden_event){.kind = WARDEN_JOB, .pid = 1};
        snprintf(out->id, sizeof out->id, "%s", j->id);
        return true;
    }
    w->listing = false;
    *out = (struct warden_event){.kind = WARDEN_LISTED};
    return true;
}

bool warden_next(struct warden *w, struct warden_event *out) {
    if (stage->warden_dies && !w->lost) {
        w->lost = true;
        *out = (struct warden_event){.kind = WARDEN_LOST};
        return true;
    }
    if (w->listing) return next_listed(w, out);
    for (int i = 0; i < JOBS; i++) {
        struct job *j = &stage->jobs[i];
        if (!j->used || w->told[i] || (j->ends > stage->now && !j->failed_start)) continue;
        w->told[i] = true;
        tell_exit(j, out);
        return true;
    }
    return false;
}

int warden_reap_tree(const char *state, const char *id, duration_t patience, struct err *err) {
    (void)state, (void)patience, (void)err;
    struct job *j = job_find(id);
    if (j) j->used = false;
    return 0;
}
