/* spark.c: `spark:`, a Spark application in client mode: the driver runs in spark-submit, a child of the
 * worker.
 *
 * spark-submit is that of engines.spark.home, of SPARK_HOME, or the first in PATH. Settings: Leat's own
 * first, then engines.spark.conf, then the step's, so that each wins over the one before. Window, parameters
 * and stage are in the environment (environment.h) and, as the pipeline says, in `args`. What the application
 * wrote into the stage is audited like any other process's output.
 *
 * In client mode the exit code is the application's own (design: engines.md 12.1). TERM makes the driver stop
 * its context, and with it the executors, before it ends. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/fsio.h"
#include "base/json.h"
#include "operators/child.h"
#include "operators/environment.h"
#include "operators/operators.h"
#include "operators/sparkui.h"
#include "operators/work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_RETRY = 75, EXIT_NOTHING_NEW = 99, POLL_SECONDS = 2 };

/* ---- spark-submit -------------------------------------------------------------------------------------- */

static char *submit_below(const char *home) {
    char *path = home && home[0] ? fs_join(home, "bin/spark-submit") : NULL;
    if (path && access(path, X_OK) == 0) return path;
    free(path);
    return NULL;
}

static char *submit_in_path(void) {
    const char *path = getenv("PATH");
    for (const char *p = path ? path : ""; *p;) {
        size_t n = strcspn(p, ":");
        struct buf b = BUF_INIT;
        buf_add(&b, p, n);
        buf_adds(&b, "/spark-submit");
        if (n && access(buf_str(&b), X_OK) == 0) return buf_take(&b);
        buf_release(&b);
        p += n + (p[n] == ':');
    }
    return NULL;
}

static char *find_submit(const struct request *r, struct err *err) {
    const char *home = json_text(json_object_get(r->engines, "spark"), "home"), *env = getenv("SPARK_HOME");
    char *found = submit_below(home);
    if (!found && !home) found = submit_below(env);
    if (!found && !home) found = submit_in_path();
    if (found) return found;
    if (home)
        err_set(err, EX_ENVIRONMENT, "there is no Spark in %s (engines.spark.home): no bin/spark-submit",
                home);
    else
        err_set(err, EX_ENVIRONMENT, "there is no spark-submit: not in SPARK_HOME, not in PATH");
    err_hint(err, "install Spark (for example `pip install pyspark`) and say where in leat.yaml: engines: "
                  "{spark: {home: "
                  "…}}");
    err_reason(err, "no_spark");
    return NULL;
}

/* ---- its arguments ------------------------------------------------------------------------------------- */

struct words {
    char **list;
    size_t count, cap;
};

static void word(struct words *w, const char *text) {
    GROW(w->list, w->count, w->cap);
    w->list[w->count++] = xstrdup(text);
}

static void pair(struct words *w, const char *flag, const char *value) {
    if (!value || !value[0]) return;
    word(w, flag);
    word(w, value);
}

static void words_release(struct words *w) {
    for (size_t i = 0; i < w->count; i++) free(w->list[i]);
    free(w->list);
}

static void add_setting(struct words *w, const char *key, const char *value) {
    struct buf b = BUF_INIT;
    buf_addf(&b, "%s=%s", key, value);
    pair(w, "--conf", buf_str(&b));
    buf_release(&b);
}

/* A list becomes one word with commas, as spark-submit wants it. */
static void add_list(struct words *w, const char *flag, const json_t *list) {
    struct buf b = BUF_INIT;
    size_t i;
    json_t *item;
    if (json_is_string(list)) buf_adds(&b, json_string_value(list));
    json_array_foreach(list, i, item) buf_addf(&b, "%s%s", i ? "," : "", json_string_value(item));
    pair(w, flag, buf_str(&b));
    buf_release(&b);
}

struct submit {
    struct work *w;
    struct sparkui ui;
    char name[256];
};

/* The step's settings win over the project's, and both over Leat's. */
static json_t *settings(const struct submit *s) {
    const struct request *r = &s->w->request;
    char port[16];
    snprintf(port, sizeof port, "%d", s->ui.port);
    json_t *all = json_object();
    json_put_text(all, SPARKUI_MARK, r->token);
    json_put_text(all, "spark.ui.port", port);
    json_put_text(all, "spark.ui.showConsoleProgress", "false");
    json_put_text(all, "spark.sql.session.timeZone", r->timezone);
    json_put_text(all, "spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS");
    const json_t *conf[] = {json_object_get(json_object_get(r->engines, "spark"), "conf"),
                            json_object_get(r->config, "conf")};
    for (size_t i = 0; i < sizeof conf / sizeof *conf; i++)
        if (conf[i]) json_object_update(all, (json_t *)(uintptr_t)conf[i]);
    return all;
}

static void add_settings(struct words *w, struct submit *s) {
    json_t *all = settings(s);
    const char *key;
    json_t *value;
    json_object_foreach(all, key, value) {
        char *text = json_is_string(value) ? xstrdup(json_string_value(value)) : json_line(value);
        if (strcmp(key, "spark.ui.port") == 0) s->ui.port = atoi(text);
        add_setting(w, key, text);
        free(text);
    }
    json_decref(all);
}

static const char *master_of(const struct request *r) {
    const char *own = json_text(r->config, "master");
    return own ? own : json_text_or(json_object_get(r->engines, "spark"), "master", "local[*]");
}

static void add_words(struct words *w, struct submit *s, const char *program) {
    const struct request *r = &s->w->request;
    const json_t *c = r->config;
    word(w, program);
    pair(w, "--master", master_of(r));
    pair(w, "--deploy-mode", "client");
    pair(w, "--name", s->name);
    pair(w, "--class", json_text(c, "class"));
    add_settings(w, s);
    add_list(w, "--packages", json_object_get(c, "packages"));
    add_list(w, "--py-files", json_object_get(c, "py_files"));
    add_list(w, "--jars", json_object_get(c, "jars"));
    word(w, json_string_value(op_config(r->json, "app")));
    const json_t *args = json_object_get(c, "args");
    size_t i;
    json_t *arg;
    if (json_is_string(args)) word(w, json_string_value(args));
    json_array_foreach(args, i, arg) word(w, json_string_value(arg));
    GROW(w->list, w->count, w->cap);
    w->list[w->count] = NULL;
}

/* ---- while it runs ------------------------------------------------------------------------------------- */

static void tick(void *ctx) {
    struct submit *s = ctx;
    struct progress *p = &s->w->progress;
    struct spark_progress now;
    if (!sparkui_ask(&s->ui, &now)) return;
    snprintf(p->text, sizeof p->text, "stage %lld/%lld tasks %lld/%lld", (long long)now.stages_done,
             (long long)now.stages, (long long)now.tasks_done, (long long)now.tasks);
    progress_write(p);
}

/* Codes that say more than that it failed. */
static const struct {
    int code;
    const char *reason, *text;
} meanings[] = {
    {EXIT_RETRY, "temporary", "the application asks for a retry"},
    {50, "exit", "an exception in a thread of Spark was not caught"},
    {51, "exit", "an exception in a thread of Spark was not caught, and reporting it failed"},
    {52, "out_of_memory", "the driver ran out of memory"},
    {137, "killed", "the driver was killed, perhaps for memory"},
    {143, "killed", "the driver was told to stop"},
};

static int ended_badly(const struct child_end *end, struct err *err) {
    int code = end->signal ? 128 + end->signal : end->exit_code;
    err_set(err, EX_FAILED, "spark-submit ended with exit code %d", code);
    err_hint(err, "the application's own words are in the step's log");
    err_reason(err, "exit");
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        if (meanings[i].code != code) continue;
        err_set(err, EX_FAILED, "spark-submit ended with exit code %d: %s", code, meanings[i].text);
        err_hint(err, "the application's own words are in the step's log");
        return err_reason(err, meanings[i].reason);
    }
    return -1;
}

static int run_submit(struct submit *s, struct child_end *end, struct err *err) {
    const struct request *r = &s->w->request;
    char *program = find_submit(r, err);
    if (!program) return -1;
    struct words words = {0};
    add_words(&words, s, program);
    char **env = environment_build(r->json, NULL);
    struct child_run run = {.argv = words.list,
                            .env = env,
                            .stopper = s->w->stopper,
                            .every = json_int(r->siblings, "poll", POLL_SECONDS * US_PER_SECOND),
                            .tick = tick,
                            .ctx = s};
    work_log(s->w, "%s on %s", program, master_of(r));
    fflush(stdout);
    int rc = child_run(&run, end, err);
    environment_free(env);
    words_release(&words);
    free(program);
    return rc;
}

/* ---- the step ------------------------------------------------------------------------------------------ */

/* Spark makes its output folder itself and refuses one that is there; only the parent must be. */
static int clear_place(const struct request *r, struct err *err) {
    if (!r->has_into) return 0;
    char *parent = fs_parent(r->into.stage);
    int rc = fs_mkdirs(parent, 0755, err);
    free(parent);
    rmdir(r->into.stage);
    return rc;
}

static int take_output(struct work *w, struct err *err) {
    if (!w->request.has_into) return work_propose_value(w, err);
    bool engine = w->request.into.delta || audit_needs_engine(&w->request.into);
    if (work_audit_begin(w, engine, err) < 0 || audit_process(&w->audit, err) < 0) return -1;
    return work_propose_value(w, err);
}

static int work(struct work *w, struct err *err) {
    const struct request *r = &w->request;
    if (!json_string_value(op_config(r->json, "app")))
        return err_set(err, EX_INVALID, "`spark` names no `app`");
    struct submit s = {.w = w, .ui = {.port = sparkui_free_port(), .token = r->token}};
    snprintf(s.name, sizeof s.name, "%s.%s %s", r->pipeline, r->step, r->token);
    struct child_end end;
    if (clear_place(r, err) < 0 || run_submit(&s, &end, err) < 0) return -1;
    if (work_stopped(w)) return work_cancelled(err);
    if (end.exit_code == EXIT_NOTHING_NEW) {
        work_nothing_new(w);
        return 0;
    }
    if (end.exit_code != 0) return ended_badly(&end, err);
    return take_output(w, err);
}

/* ---- the verb ------------------------------------------------------------------------------------------ */

static const struct field fields[] = {
    {.name = "app",
     .kind = FK_PATH,
     .flags = FIELD_REQUIRED | FIELD_SHORT,
     .help = "The application: a .py file, a .jar or a URL that Spark can read.",
     .example = "spark/daily_delay.py"},
    {.name = "master",
     .kind = FK_TEXT,
     .otherwise = "engines.spark.master, else local[*]",
     .help = "Where Spark runs.",
     .example = "spark://spark-master:7077"},
    {.name = "class", .kind = FK_TEXT, .help = "The main class of a .jar.", .example = "com.acme.Sessions"},
    {.name = "args",
     .kind = FK_ARG,
     .flags = FIELD_LIST,
     .help = "Arguments of the application, one item each.",
     .example = "[--out, '${output.path}']"},
    {.name = "conf",
     .kind = FK_MAP,
     .help = "Spark settings; they win over engines.spark.conf.",
     .example = "{spark.sql.shuffle.partitions: 400}"},
    {.name = "packages",
     .kind = FK_TEXT,
     .flags = FIELD_LIST,
     .help = "Maven coordinates to load.",
     .example = "io.delta:delta-spark_2.12:3.3.2"},
    {.name = "py_files",
     .kind = FK_PATH,
     .flags = FIELD_LIST,
     .help = "Python files, .zip or .egg to put on the path.",
     .example = "spark/lib.zip"},
    {.name = "jars",
     .kind = FK_PATH,
     .flags = FIELD_LIST,
     .help = "Jars to put on the class path.",
     .example = "spark/udfs.jar"},
    {0},
};

static const struct field siblings[] = {
    {.name = "poll",
     .kind = FK_DURATION,
     .otherwise = "2s",
     .help = "How often the driver is asked how far it is.",
     .example = "10s"},
    {0},
};

const struct op op_spark = {
    .verb = {.name = "spark",
             .about = "Runs a Spark application.",
             .fields = fields,
             .siblings = siblings,
             .traits = VERB_WORKER | VERB_SECRET_ENV},
    .work = work,
};
