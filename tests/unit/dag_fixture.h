/* dag_fixture.h: a small table of verbs like that of operators/, and a stand-in for the engine's parser. */
#ifndef LEAT_TESTS_DAG_FIXTURE_H
#define LEAT_TESTS_DAG_FIXTURE_H

#include "base/buf.h"
#include "base/diag.h"
#include "base/err.h"
#include "base/fsio.h"
#include "base/json.h"
#include "dag/pipeline.h"

#include <ctype.h>
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <cmocka.h>

#define DAG_DATA LEAT_SOURCE_DIR "/tests/data/dag"

static const struct field fx_shell[] = {{.name = "sh", .kind = FK_SHELL, .flags = FIELD_SHORT},
                                        {.name = "bash", .kind = FK_SHELL},
                                        {.name = "python3", .kind = FK_SHELL},
                                        {0}};
static const struct field fx_exec[] = {{.name = "argv",
                                        .kind = FK_ARG,
                                        .flags = FIELD_REQUIRED | FIELD_LIST | FIELD_SHORT,
                                        .example = "[echo, hello]"},
                                       {0}};
static const struct field fx_sql[] = {{.name = "text",
                                       .kind = FK_SQL,
                                       .flags = FIELD_REQUIRED | FIELD_SHORT,
                                       .example = "select * from raw.orders"},
                                      {0}};
static const struct field fx_sql_file[] = {{.name = "text",
                                            .kind = FK_SQL,
                                            .flags = FIELD_REQUIRED | FIELD_SHORT | FIELD_FILE,
                                            .example = "sql/daily.sql"},
                                           {0}};
static const char *const fx_compressions[] = {"gzip", "zstd", NULL};
static const struct field fx_copy[] = {
    {.name = "from", .kind = FK_PATH, .flags = FIELD_REQUIRED | FIELD_SHORT, .example = "landing/*.csv"},
    {.name = "match", .kind = FK_TEXT, .flags = FIELD_LIST},
    {.name = "compressed", .kind = FK_ENUM, .values = fx_compressions},
    {0}};
static const struct field fx_dedupe[] = {
    {.name = "key", .kind = FK_TEXT, .flags = FIELD_REQUIRED | FIELD_LIST | FIELD_SHORT},
    {.name = "keep", .kind = FK_TEXT},
    {0}};
static const struct field fx_promote[] = {
    {.name = "dataset", .kind = FK_DATASET, .flags = FIELD_REQUIRED | FIELD_SHORT, .example = "raw.orders"},
    {.name = "select", .kind = FK_SQL},
    {.name = "types", .kind = FK_MAP},
    {.name = "dedupe", .kind = FK_OBJECT, .fields = fx_dedupe},
    {0}};
static const struct field fx_spark[] = {
    {.name = "app", .kind = FK_PATH, .flags = FIELD_REQUIRED | FIELD_SHORT, .example = "jobs/app.py"},
    {.name = "args", .kind = FK_ARG, .flags = FIELD_LIST},
    {.name = "conf", .kind = FK_MAP},
    {0}};
static const struct field fx_sql_siblings[] = {
    {.name = "memory", .kind = FK_SIZE}, {.name = "threads", .kind = FK_COUNT}, {0}};
static const struct field fx_spark_siblings[] = {{.name = "poll", .kind = FK_DURATION}, {0}};

static const struct field fx_wait[] = {{.name = "for",
                                        .kind = FK_TARGET,
                                        .flags = FIELD_REQUIRED | FIELD_SHORT,
                                        .example = "landing/orders.csv"},
                                       {.name = "poll", .kind = FK_DURATION},
                                       {.name = "timeout", .kind = FK_DURATION},
                                       {.name = "complete", .kind = FK_SPAN, .flags = FIELD_FIXED},
                                       {0}};
static const struct field fx_call[] = {
    {.name = "name", .kind = FK_NAME, .flags = FIELD_FIXED | FIELD_REQUIRED | FIELD_SHORT},
    {.name = "with", .kind = FK_ANY},
    {0}};

static const struct verb fx_verbs[] = {
    {"shell", "Runs shell text.", fx_shell, NULL, VERB_SECRET_ENV},
    {"exec", "Runs a program.", fx_exec, NULL, VERB_SECRET_ENV},
    {"copy", "Copies files.", fx_copy, NULL, VERB_WORKER | VERB_EXTRACT | VERB_INTO},
    {"sql", "Transforms.", fx_sql, fx_sql_siblings, VERB_WORKER | VERB_SQL | VERB_INTO},
    {"sql_file", "Transforms.", fx_sql_file, fx_sql_siblings, VERB_WORKER | VERB_SQL | VERB_INTO},
    {"promote", "Promotes.", fx_promote, fx_sql_siblings, VERB_WORKER | VERB_INTO | VERB_PROMOTE},
    {"spark", "Runs Spark.", fx_spark, fx_spark_siblings, VERB_WORKER | VERB_SECRET_ENV},
    {"wait", "Waits.", fx_wait, NULL, VERB_ATTENDED},
    {"pipeline", "Runs a pipeline.", fx_call, NULL, VERB_ATTENDED | VERB_CALL},
};
static const struct verb *const fx_table[] = {&fx_verbs[0], &fx_verbs[1], &fx_verbs[2],
                                              &fx_verbs[3], &fx_verbs[4], &fx_verbs[5],
                                              &fx_verbs[6], &fx_verbs[7], &fx_verbs[8]};

/* Takes every word.word after from or join for a table. */
static inline void fx_names(const char *text, json_t *names) {
    bool table = false;
    for (const char *p = text; *p;) {
        size_t len = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.");
        if (table && memchr(p, '.', len)) json_array_append_new(names, json_stringn(p, len));
        if (len) table = len == 4 && (strncasecmp(p, "from", 4) == 0 || strncasecmp(p, "join", 4) == 0);
        p += len ? len : 1;
    }
}

/* A stand-in for the engine that knows nothing but names. */
static inline json_t *fx_ask(void *ctx, const json_t *steps, struct err *err) {
    (void)ctx, (void)err;
    json_t *answers = json_array(), *step, *check;
    size_t i, k;
    json_array_foreach(steps, i, step) {
        json_t *answer = json_pack("{s[] s[] s[]}", "reads", "checked", "problems");
        const json_t *sql = json_object_get(json_object_get(step, "config"), "text");
        fx_names(json_text_or(sql, "text", ""), json_object_get(answer, "reads"));
        json_array_foreach(json_object_get(step, "checks"), k, check) fx_names(
            json_text_or(json_object_get(check, "sql"), "text", ""), json_object_get(answer, "checked"));
        json_array_append_new(answers, answer);
    }
    return answers;
}

static const struct pipeline_reader fx_reader = {fx_table, sizeof fx_table / sizeof *fx_table, fx_ask, NULL};

static inline char *fx_file(const char *path, size_t *len) {
    struct err err;
    char *s = fs_read(path, (size_t)1 << 30, len, &err);
    if (!s) fail_msg("%s", err.msg);
    return s;
}

/* The names of the files in a folder of tests/data/dag that end so, sorted; malloc'ed. */
static inline int fx_order(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}
static inline char **fx_files(const char *folder, const char *ending, size_t *count) {
    char **list = NULL;
    size_t cap = 0;
    *count = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        size_t n = strlen(e->d_name), m = strlen(ending);
        if (n <= m || strcmp(e->d_name + n - m, ending) != 0) continue;
        GROW(list, *count, cap);
        list[(*count)++] = fs_join(folder, e->d_name);
    }
    if (dir) closedir(dir);
    if (*count) qsort(list, *count, sizeof *list, fx_order);
    return list;
}
static inline void fx_files_free(char **list, size_t count) {
    for (size_t i = 0; i < count; i++) free(list[i]);
    free(list);
}

/* The text must be that of the file beside `path` with another ending. LEAT_UPDATE=1 writes it instead. */
static inline void fx_golden(const char *path, const char *ending, const char *text) {
    const char *dot = strrchr(path, '.');
    struct buf name = BUF_INIT;
    struct err err;
    buf_add(&name, path, (size_t)(dot - path));
    buf_adds(&name, ending);
    if (getenv("LEAT_UPDATE")) {
        if (fs_replace(buf_str(&name), text, strlen(text), 0644, &err)) fail_msg("%s", err.msg);
    } else {
        char *want = fx_file(buf_str(&name), NULL);
        if (strcmp(want, text) != 0) fail_msg("%s:\n--- expected\n%s--- found\n%s", path, want, text);
        free(want);
    }
    buf_release(&name);
}

static inline bool fx_has_code(const struct diags *d, const char *code) {
    for (size_t i = 0; i < d->count; i++)
        if (strcmp(d->list[i].code, code) == 0) return true;
    return false;
}

static inline struct project *fx_project(struct diags *d) {
    struct err err = {0};
    struct project *p = project_load(DAG_DATA, d, &err);
    if (!p) fail_msg("%s", err.msg);
    struct buf b = BUF_INIT;
    diags_render(d, DIAG_HUMAN, 20, false, &b);
    if (d->errors) fail_msg("leat.yaml of the cases:\n%s", buf_str(&b));
    buf_release(&b);
    return p;
}

#endif
