/* effects.c: what happens after the commit: jobs start and stop, exits are acknowledged, files go, listeners
 * hear. */
#include "scheduler/conductor/inner.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/fsio.h"
#include "base/json.h"
#include "base/limits.h"
#include "operators/environment.h"
#include "operators/exchange.h"
#include "operators/op.h"
#include "scheduler/secrets.h"
#include "store/datasets.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GRACE (10 * US_PER_SECOND) /* between TERM and KILL */

void effect_add(struct conductor *c, const struct effect *e) {
    GROW(c->effects, c->effect_count, c->effect_cap);
    c->effects[c->effect_count++] = *e;
}

/* ---- jobs ---- */

struct starting {
    struct conductor *c;
    struct live_attempt *a;
    const struct op *op;
    struct job_spec spec;
    struct op_launch launch;
    char id[128], *request_path, *log, *out_path;
    const char **masks;
    char **env;
};

static bool is_worker(const struct starting *k) { return k->op->work || k->a->phase != PHASE_MAIN; }

/* The files named by ${inputs.X.files}: one absolute path a line. */
static int write_input_list(struct conductor *c, const struct live_attempt *a, const json_t *in,
                            struct err *err) {
    struct arena *arena = arena_new();
    struct file_list files = {0};
    struct dataset_row d;
    int64_t id = json_int(in, "dataset_id", -1), version = json_int(in, "version", -1);
    int rc = id < 0 || version < 0 ? 0 : store_dataset_get(c->store, id, arena, &d, err);
    if (rc == 1) rc = store_files_at(c->store, id, version, arena, &files, err);
    struct buf text = BUF_INIT, suffix = BUF_INIT;
    for (size_t i = 0; i < files.count; i++) buf_addf(&text, "%s/%s\n", d.path, files.rows[i].path);
    buf_addf(&suffix, "%s.files", json_text_or(in, "dataset", ""));
    char *path = exchange_path(c->options.project->state, a->token, buf_str(&suffix));
    if (rc >= 0) rc = fs_replace(path, buf_str(&text), text.len, 0600, err);
    free(path);
    buf_release(&text);
    buf_release(&suffix);
    arena_free(arena);
    return rc < 0 ? -1 : 0;
}

static int write_input_lists(struct starting *k, struct err *err) {
    size_t i;
    json_t *in;
    if (k->op->verb.traits & (VERB_SQL | VERB_PROMOTE))
        return 0; /* the engine attaches the datasets itself */
    json_array_foreach(json_object_get(k->a->request, "inputs"), i, in) {
        if (write_input_list(k->c, k->a, in, err)) return -1;
    }
    return 0;
}

/* What the end of a process means beyond its exit code: who adopts it after a crash has to know it, too. */
static bool keeps_request(const struct live_attempt *a) {
    return json_flag(a->request, "worker") || a->stage ||
           json_is_object(json_object_get(a->request, "bookmark"));
}

static int write_request(struct starting *k, const char *action, struct err *err) {
    k->request_path = exchange_request_path(k->c->options.project->state, k->a->token, action);
    return request_write(k->a->request, k->request_path, err);
}

static const char *action_of(const struct live_attempt *a) {
    return a->phase == PHASE_PUBLISH ? "publish" : a->phase == PHASE_AUDIT ? "audit" : "work";
}

/* `leat worker --request FILE`, with the whole environment: it is our own program. */
static int aim_worker(struct starting *k, struct err *err) {
    struct live_attempt *a = k->a;
    const char *action = action_of(a);
    json_put_text(a->request, "action", action);
    if (a->intent) request_intent(a->request, a->intent);
    if (write_request(k, action, err)) return -1;
    k->launch.argv = xcalloc(5, sizeof *k->launch.argv);
    k->launch.argv[0] = xstrdup(k->c->worker);
    k->launch.argv[1] = xstrdup("worker");
    k->launch.argv[2] = xstrdup("--request");
    k->launch.argv[3] = xstrdup(k->request_path);
    k->spec.argv = (const char *const *)k->launch.argv;
    k->spec.env = (const char *const *)environ;
    return 0;
}

static int aim_process(struct starting *k, struct err *err) {
    if (k->a->stage && fs_mkdirs(k->a->stage, 0700, err)) return -1;
    if (keeps_request(k->a) && write_request(k, "work", err)) return -1;
    if (k->op->launch(k->a->request, &k->launch, err)) return -1;
    k->env = environment_build(k->a->request, k->launch.env);
    k->spec.argv = (const char *const *)k->launch.argv;
    k->spec.env = (const char *const *)k->env;
    return 0;
}

static int set_user(struct starting *k, const char *name, struct err *err) {
    if (!name) return 0;
    const struct passwd *pw = getpwnam(name);
    if (!pw) return err_set(err, EX_INVALID, "there is no user %s on this machine", name);
    k->spec.uid = pw->pw_uid;
    k->spec.gid = pw->pw_gid;
    return 0;
}

static int set_limits(struct starting *k, struct err *err) {
    const json_t *siblings = json_object_get(k->a->request, "siblings"),
                 *l = json_object_get(siblings, "limits");
    const char *cwd = json_text(siblings, "cwd");
    if (!is_worker(k)) {
        k->spec.limits = (struct job_limits){.cpu_seconds = json_int(l, "cpu", 0) / US_PER_SECOND,
                                             .memory_bytes = json_int(l, "memory", 0),
                                             .open_files = json_int(l, "files", 0),
                                             .processes = json_int(l, "processes", 0)};
        if (cwd) k->spec.cwd = k->out_path = fs_join(k->c->options.project->root, cwd);
        return set_user(k, json_text(siblings, "user"), err);
    }
    return 0;
}

static int start_it(struct starting *k, struct err *err) {
    const struct step *s = live_step(k->a->run, k->a->step);
    if (is_worker(k) ? aim_worker(k, err) : aim_process(k, err)) return -1;
    if (k->a->phase == PHASE_MAIN && write_input_lists(k, err)) return -1;
    if (set_limits(k, err)) return -1;
    if (k->a->phase == PHASE_MAIN && s) k->spec.timeout = s->timeout;
    return warden_start(k->c->warden, &k->spec, err);
}

static void release_argv(char **list) {
    for (char **p = list; p && *p; p++) free(*p);
    free(list);
}

static void starting_release(struct starting *k) {
    release_argv(k->launch.argv);
    release_argv(k->launch.env);
    release_argv(k->env);
    free(k->request_path);
    free(k->log);
    free(k->out_path);
    free(k->masks);
}

int effect_start_job(struct conductor *c, struct live_attempt *a, struct err *err) {
    const struct project *p = c->options.project;
    struct starting k = {.c = c, .a = a, .op = op_find(a->run->verbs[a->step])};
    attempt_job_id(a, k.id);
    k.log = fs_join(p->state, a->log);
    k.masks = secrets_masks(json_object_get(a->run->scope, "secrets"));
    k.spec = (struct job_spec){.id = k.id,
                               .cwd = p->root,
                               .log_path = k.log,
                               .masks = k.masks,
                               .grace = GRACE,
                               .log_head_bytes = LIMIT_LOG_HEAD_BYTES,
                               .log_tail_bytes = LIMIT_LOG_TAIL_BYTES,
                               .uid = (uid_t)-1,
                               .gid = (gid_t)-1};
    json_put(a->request, "worker", json_boolean(k.op->work));
    int rc = start_it(&k, err);
    starting_release(&k);
    return rc;
}

static void do_start(struct conductor *c, struct effect *e) {
    struct happening h = {.kind = HAPPENED_NOT_STARTED};
    attempt_job_id(e->attempt, h.id);
    if (e->attempt->cancelled && e->attempt->phase != PHASE_PUBLISH) {
        err_set(&h.err, EX_FAILED, "cancelled before it started");
        err_reason(&h.err, "cancelled");
    } else if (c->warden && effect_start_job(c, e->attempt, &h.err) == 0) {
        return;
    }
    turn_happened(c, &h);
    c->wants_turn = true;
}

static void do_cancel(struct conductor *c, struct effect *e) {
    char id[128];
    struct err ignored;
    attempt_job_id(e->attempt, id);
    if (c->warden)
        warden_cancel(c->warden, id, e->kill, &ignored); /* a dead connection shows as WARDEN_LOST */
}

static void do_ack(struct conductor *c, struct effect *e) {
    struct err ignored;
    if (c->warden) warden_ack(c->warden, e->id, &ignored);
}

/* ---- files of an attempt that is over ---- */

static void remove_exchange(struct conductor *c, const struct live_attempt *a, const char *action) {
    char *request = exchange_request_path(c->options.project->state, a->token, action);
    char *result = exchange_result_path(c->options.project->state, a->token, action);
    unlink(request);
    unlink(result);
    free(request);
    free(result);
}

static void remove_file(struct conductor *c, const struct live_attempt *a, const char *suffix) {
    char *path = exchange_path(c->options.project->state, a->token, suffix);
    unlink(path);
    free(path);
}

static void do_clean(struct conductor *c, struct effect *e) {
    struct live_attempt *a = e->attempt;
    struct err ignored; /* what stays is garbage that the collector knows */
    bool worker = json_flag(a->request, "worker");
    if (keeps_request(a)) {
        remove_exchange(c, a, "work");
        remove_file(c, a, EXCHANGE_PROGRESS);
    }
    if (a->intent) remove_exchange(c, a, "publish");
    if (a->stage) fs_remove_tree(a->stage, &ignored);
    if (!worker && !a->attended) remove_file(c, a, EXCHANGE_OUT);
    if (json_is_object(json_object_get(a->request, "bookmark"))) remove_file(c, a, EXCHANGE_BOOKMARK);
    size_t i;
    json_t *in;
    json_array_foreach(json_object_get(a->request, "inputs"), i, in) {
        char suffix[200];
        snprintf(suffix, sizeof suffix, "%s.files", json_text_or(in, "dataset", ""));
        remove_file(c, a, suffix);
    }
    attempt_free(a);
}

static void do_report(struct conductor *c, struct effect *e) {
    if (c->options.report) c->options.report(c->options.report_ctx, e->event);
    json_decref(e->event);
}

void effects_run(struct conductor *c) {
    static void (*const doers[])(struct conductor *, struct effect *) = {
        [EFFECT_START] = do_start,   [EFFECT_CANCEL] = do_cancel, [EFFECT_ACK] = do_ack,
        [EFFECT_REPORT] = do_report, [EFFECT_CLEAN] = do_clean,
    };
    for (size_t i = 0; i < c->effect_count; i++) {
        struct effect e = c->effects[i];
        doers[e.kind](c, &e);
    }
    c->effect_count = 0;
}
