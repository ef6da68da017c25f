/* adopt.c: versions that were found on disk become the database's. See intents.h. */
#include "base/json.h"
#include "store/datasets.h"
#include "store/intents.h"
#include "store/internal.h"

#include <stdio.h>
#include <string.h>

/* One of Leat's own keeps its operation, token, pipeline and step; the number of its run is another run's by
 * now. */
static int adopt_one(struct store *s, const struct adoption *a, const json_t *entry, struct err *err) {
    int64_t version = json_int(entry, "version", -1);
    bool ours = json_text(entry, "token") != NULL;
    char reason[512];
    snprintf(reason, sizeof reason, "adopted%s%s", a->reason ? ": " : "", a->reason ? a->reason : "");
    const struct publish p = {.dataset = a->dataset,
                              .base = version - 1,
                              .version = version,
                              .token = json_text(entry, "token"),
                              .pipeline = json_text(entry, "pipeline"),
                              .step = json_text(entry, "step"),
                              .author = ours ? a->author : json_text(entry, "writer"),
                              .reason = reason,
                              .window_start = INSTANT_NONE,
                              .window_end = INSTANT_NONE,
                              .at = a->at,
                              .output = entry,
                              .outside = true};
    return publish_version(s, &p, err);
}

static int adopt_all(struct store *s, const struct adoption *a, struct err *err) {
    size_t i;
    json_t *entry;
    json_array_foreach(a->versions, i, entry) if (adopt_one(s, a, entry, err)) return -1;
    if (a->whole_from > 0 &&
        sql_run(SQL(s, dataset_forget, err, A_INT(a->dataset), A_INT(a->whole_from))) < 0)
        return -1;
    return store_dataset_stop(s, a->dataset, NULL, err) < 0 ? -1 : 0;
}

int store_versions_adopt(struct store *s, const struct adoption *a, struct err *err) {
    if (!store_in_transaction(s)) return err_set(err, EX_FAILED, "versions are adopted inside a transaction");
    if (sql_mark(s, err)) return -1;
    int r = adopt_all(s, a, err);
    if (!r) r = sql_keep(s, err);
    if (r) sql_drop(s);
    return r;
}
