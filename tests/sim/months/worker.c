/* worker.c: what the job of a worker leaves: the result of an audit, with one file in its stage, or of a
 * publish. What the conductor does with it is the real thing; the bytes in the zone are not there. */
#include "stage.h"

#include "base/err.h"
#include "base/json.h"
#include "operators/exchange.h"
#include "warden/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A publish that fails is tried again, thrice in all; then somebody has to look at it. Here it fails once. */
void worker_takes(struct job *j, const struct job_spec *spec) {
    const char *phase = strrchr(j->id, '.');
    if (!spec->argv[1] || strcmp(spec->argv[1], "worker") != 0) return;
    snprintf(j->request, sizeof j->request, "%s", spec->argv[3]);
    if (!phase || phase[1] != 'p') return;
    bool again = strncmp(stage->spoiled, j->id, (size_t)(phase - j->id)) == 0;
    if (again) j->exit_code = 0, j->failed_start = false;
    if (j->exit_code || j->failed_start) snprintf(stage->spoiled, sizeof stage->spoiled, "%s", j->id);
}

static json_t *file_of(const char *token) {
    return json_pack("{ss so sI sI s{} sn sn sn}", "staged", "part.csv", "target",
                     json_sprintf("%s/part.csv", token), "rows", (json_int_t)1, "bytes", (json_int_t)10,
                     "partition", "stats", "source", "sha256");
}

static json_t *result_of(const json_t *request, const char *action) {
    json_t *result = result_new();
    const json_t *into = json_object_get(request, "into");
    if (strcmp(action, "publish") == 0) {
        json_put_text(result, "publish", "done");
        stage->published++;
        return result;
    }
    json_t *output = json_pack("{sO ss s[o]}", "dataset", json_object_get(into, "dataset"), "operation",
                               "replace", "files", file_of(json_text_or(request, "token", "")));
    json_array_append_new(json_object_get(result, "outputs"), output);
    return result;
}

void worker_leaves(const struct job *j) {
    struct err err = {0};
    char state[300];
    if (!j->request[0]) return;
    json_t *request = json_load_path(j->request, &err);
    if (!request) abort(); /* it was written before the job began */
    const char *action = json_text_or(request, "action", "");
    snprintf(state, sizeof state, "%s/.leat", stage->folder);
    char *path = exchange_result_path(state, json_text_or(request, "token", ""), action);
    json_t *result = result_of(request, action);
    if (result_write(result, path, &err)) abort();
    json_decref(result);
    json_decref(request);
    free(path);
}
