/* sql_reads.c: a request and a result in a folder of their own, gone afterwards. See sql_reads.h. */
#include "scheduler/sql_reads.h"

#include "base/fsio.h"
#include "base/json.h"
#include "operators/exchange.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PARSE_TOKEN "parse"

extern char **environ;

static int run_worker(const char *worker, const char *request_path, struct err *err) {
    char *argv[] = {(char *)(uintptr_t)worker, (char *)(uintptr_t)"worker", (char *)(uintptr_t)"--request",
                    (char *)(uintptr_t)request_path, NULL};
    pid_t pid;
    int status, rc = posix_spawn(&pid, worker, NULL, NULL, argv, environ);
    if (rc) {
        errno = rc;
        return err_errno(err, "cannot start %s", worker);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return 0;
    return err_set(err, EX_ENVIRONMENT, "the worker that reads SQL ended unexpectedly (status %d)", status);
}

static void fill_one(struct sql_reads *out, const json_t *r, struct arena *arena) {
    const json_t *names = json_object_get(r, "names");
    const char *error = json_text(r, "error");
    out->count = json_array_size(names);
    out->names = arena_array(arena, out->count, sizeof *out->names);
    for (size_t i = 0; i < out->count; i++)
        out->names[i] = arena_strdup(arena, json_string_value(json_array_get(names, i)));
    out->error = arena_strdup(arena, error);
    int64_t at = json_int(r, "position", 0);
    out->error_at = at > 0 ? (uint32_t)at : 0;
}

static int fill(struct sql_reads *list, size_t n, const json_t *result, struct arena *arena, struct err *err) {
    const json_t *reads = json_object_get(result, "reads");
    if (result_error(result, err)) return -1;
    if (json_array_size(reads) != n) return err_set(err, EX_ENVIRONMENT, "the worker that reads SQL gave no answer");
    for (size_t i = 0; i < n; i++) fill_one(&list[i], json_array_get(reads, i), arena);
    return 0;
}

static int ask(const struct sql_reader *r, const char *folder, struct sql_reads *list, size_t n, struct arena *arena,
               struct err *err) {
    json_t *request = request_new(&(struct request_head){.action = "parse",
                                                         .token = PARSE_TOKEN,
                                                         .project = r->project->name,
                                                         .root = r->project->root,
                                                         .state = folder,
                                                         .window_start = INSTANT_NONE,
                                                         .window_end = INSTANT_NONE});
    for (size_t i = 0; i < n; i++) request_sql(request, list[i].text);
    char *in = exchange_request_path(folder, PARSE_TOKEN, "parse");
    char *out = exchange_result_path(folder, PARSE_TOKEN, "parse");
    char *stage = fs_parent(in);
    int rc = fs_mkdirs(stage, 0700, err);
    if (!rc) rc = request_write(request, in, err);
    if (!rc) rc = run_worker(r->worker, in, err);
    json_t *result = rc ? NULL : result_load(out, err);
    if (!rc) rc = result ? fill(list, n, result, arena, err) : -1;
    json_decref(result);
    json_decref(request);
    free(in);
    free(out);
    free(stage);
    return rc;
}

int sql_reads_by_worker(void *ctx, struct sql_reads *list, size_t n, struct arena *arena, struct err *err) {
    const char *tmp = getenv("TMPDIR");
    char *folder = fs_join(tmp && *tmp ? tmp : "/tmp", "leat-parse-XXXXXX");
    struct err ignored;
    int rc = mkdtemp(folder) ? ask(ctx, folder, list, n, arena, err)
                             : err_errno(err, "cannot create a folder in %s", tmp && *tmp ? tmp : "/tmp");
    if (!rc || fs_exists(folder)) fs_remove_tree(folder, &ignored);
    free(folder);
    return rc;
}
