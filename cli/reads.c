/* reads.c: what steps read and what does not fit, asked of the embedded engine in a process of its own (`leat
 * worker`, action parse): this process never loads it. One process answers for all that are asked together.
 */
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

static json_t *make_request(const struct project *p, const json_t *steps, const char *result) {
    static const char *const formats[] = {"files", "delta"}, *const policies[] = {"any", "add", "strict"};
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
    for (size_t i = 0; i < p->zone_count; i++)
        request_zone(request, p->zones[i].name, p->zones[i].path, formats[p->zones[i].format],
                     policies[p->zones[i].schema]);
    request_steps(request, steps);
    return request;
}

static json_t *take_answers(const char *path, size_t n, struct err *err) {
    json_t *result = result_load(path, err);
    if (!result) return NULL;
    json_t *answers = json_incref(json_object_get(result, "steps"));
    bool failed = result_error(result, err);
    if (!failed && json_array_size(answers) != n)
        failed = err_set(err, EX_ENVIRONMENT, "the process that reads SQL answered %zu of %zu questions",
                         json_array_size(answers), n) < 0;
    json_decref(result);
    if (!failed) return answers;
    json_decref(answers);
    return NULL;
}

static json_t *ask_worker(const struct project *p, const json_t *steps, struct err *err) {
    struct exchange_folder f;
    if (folder_open(&f, err) < 0) return NULL;
    json_t *request = make_request(p, steps, f.result), *answers = NULL;
    int rc = request_write(request, f.request, err);
    if (rc == 0) rc = run_worker(f.request, err);
    if (rc == 0) answers = take_answers(f.result, json_array_size(steps), err);
    json_decref(request);
    folder_close(&f);
    return answers;
}

static json_t *ask(void *ctx, const json_t *steps, struct err *err) {
    struct sql_asking *a = ctx;
    json_t *answers = ask_worker(a->project, steps, err);
    if (!answers) a->failed = *err;
    return answers;
}

struct pipeline_reader pipeline_reader(struct sql_asking *a) {
    struct pipeline_reader reader = {.ask = ask, .ctx = a};
    reader.verbs = op_verbs(&reader.verb_count);
    return reader;
}
