/* reads.c: what SQL reads, asked of the embedded engine in a process of its own (`leat worker`, action
 * parse): this process never loads it. One process answers for all statements of a file. */
#include "base/fsio.h"
#include "base/json.h"
#include "cli/load.h"
#include "operators/exchange.h"
#include "operators/op.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The files of one question, in a folder of its own. */
struct exchange_folder {
    char path[64];
    char *request, *result;
};

static int folder_open(struct exchange_folder *f, struct err *err) {
    const char *base = getenv("TMPDIR");
    snprintf(f->path, sizeof f->path, "%s/leat-XXXXXX", base && strlen(base) < 40 ? base : "/tmp");
    if (!mkdtemp(f->path)) return err_errno(err, "cannot make a folder %s", f->path);
    f->request = fs_join(f->path, "request.json");
    f->result = fs_join(f->path, "result.json");
    return 0;
}

static void folder_close(struct exchange_folder *f) {
    fs_remove_tree(f->path, NULL);
    free(f->request);
    free(f->result);
}

/* The parse has its answers in a file; what the engine prints is no part of this verb's output. */
static int run_worker(const char *request, struct err *err) {
    char *folder = programs_folder(), *program = fs_join(folder, "leat");
    char *argv[] = {program, "worker", "--request", (char *)request, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t pid = -1;
    int status = 0, rc = posix_spawn(&pid, program, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    errno = rc;
    if (rc != 0) err_errno(err, "cannot start %s", program);
    while (rc == 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    free(program);
    free(folder);
    if (rc != 0) return -1;
    if (!WIFEXITED(status)) return err_set(err, EX_ENVIRONMENT, "the process that reads SQL was killed");
    return 0;
}

static json_t *make_request(const struct project *p, const struct sql_reads *list, size_t n,
                            const char *result) {
    struct request_head head = {
        .action = "parse",
        .token = "",
        .project = p->name,
        .root = p->root,
        .state = p->state,
        .uuid = "",
        .pipeline = "",
        .step = "",
        .run = "",
        .trigger = "manual",
        .timezone = "UTC",
        .verb = "",
        .db = "",
        .window_start = INSTANT_NONE,
    };
    json_t *request = request_new(&head);
    json_put_text(request, "result", result);
    for (size_t i = 0; i < n; i++) request_sql(request, list[i].text);
    return request;
}

static void take_answer(struct sql_reads *r, const json_t *answer, struct arena *arena) {
    const json_t *names = json_object_get(answer, "names");
    const char *error = json_text(answer, "error");
    r->count = json_array_size(names);
    r->names = arena_array(arena, r->count + 1, sizeof *r->names);
    for (size_t i = 0; i < r->count; i++)
        r->names[i] = arena_strdup(arena, json_string_value(json_array_get(names, i)));
    r->error = arena_strdup(arena, error);
    int64_t at = json_int(answer, "position", -1);
    r->error_at = at < 0 ? 0 : (uint32_t)at;
}

static int take_answers(const char *path, struct sql_reads *list, size_t n, struct arena *arena,
                        struct err *err) {
    json_t *result = result_load(path, err);
    if (!result) return -1;
    const json_t *reads = json_object_get(result, "reads");
    int rc = result_error(result, err) ? -1 : 0;
    if (rc == 0 && json_array_size(reads) != n)
        rc = err_set(err, EX_ENVIRONMENT, "the process that reads SQL answered %zu of %zu questions",
                     json_array_size(reads), n);
    for (size_t i = 0; rc == 0 && i < n; i++) take_answer(&list[i], json_array_get(reads, i), arena);
    json_decref(result);
    return rc;
}

static int ask_worker(const struct project *p, struct sql_reads *list, size_t n, struct arena *arena,
                      struct err *err) {
    struct exchange_folder f;
    if (folder_open(&f, err) < 0) return -1;
    json_t *request = make_request(p, list, n, f.result);
    int rc = request_write(request, f.request, err);
    if (rc == 0) rc = run_worker(f.request, err);
    if (rc == 0) rc = take_answers(f.result, list, n, arena, err);
    json_decref(request);
    folder_close(&f);
    return rc;
}

static int sql_reads(void *ctx, struct sql_reads *list, size_t n, struct arena *arena, struct err *err) {
    struct sql_asking *a = ctx;
    int rc = ask_worker(a->project, list, n, arena, err);
    if (rc) a->failed = *err;
    return rc;
}

struct pipeline_reader pipeline_reader(struct sql_asking *a) {
    struct pipeline_reader reader = {.sql_reads = sql_reads, .ctx = a};
    reader.verbs = op_verbs(&reader.verb_count);
    return reader;
}
