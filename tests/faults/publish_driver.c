/* publish_driver.c: a conductor in small, with the real store and the real publish code, for the fault tests.
 *
 *   publish_driver init  FOLDER delta|files     an empty project
 *   publish_driver drive FOLDER delta|files N   recover, then publish until there are N versions
 *   publish_driver read  FOLDER delta|files     look at the disk as a reader would: every version is whole
 *   publish_driver prove FOLDER delta|files N   recover; strict look; drive to N; strict look
 *
 * Version i adds two files to trusted.orders and one to its quarantine, in one intent (every third version
 * replaces all others in both), and moves a value bookmark to i. The "worker" that writes and syncs the stage
 * runs in the same process, through zones/stage.h. What the disk must hold is therefore known from i alone.
 * Exit 0: fine, 1: an operation failed, 7: an invariant is broken (said on stderr). */
#include "base/arena.h"
#include "base/fsio.h"
#include "base/json.h"
#include "base/map.h"
#include "base/sha256.h"
#include "store/bookmarks.h"
#include "store/datasets.h"
#include "store/intents.h"
#include "store/runs.h"
#include "zones/delta.h"
#include "zones/gc.h"
#include "zones/publish.h"
#include "zones/stage.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FINE = 0, FAILED = 1, BROKEN = 7, FILES = 2 };

struct driver {
    const char *root, *format;
    char state[512], zone[512];
    struct store *store;
    struct arena *arena;
    int64_t bookmark;
    struct err err;
};

static const char *const datasets[] = {"trusted.orders", "trusted.orders__quarantine"};

static int say(const struct driver *d, const char *what) {
    fprintf(stderr, "%s: %s (%s) %s\n", what, d->err.msg, d->err.reason, d->err.hint);
    return FAILED;
}

static int broken(const char *what, int64_t version, const char *detail) {
    fprintf(stderr, "BROKEN: %s (version %lld) %s\n", what, (long long)version, detail);
    return BROKEN;
}

static bool replaces(int64_t version) { return version % 3 == 2; }

static void content(char out[160], size_t dataset, int64_t version, int part) {
    snprintf(out, 160, "dataset %zu version %lld part %d %0*d\n", dataset, (long long)version, part, 90, 7);
}

static const char *dataset_path(const struct driver *d, size_t i) {
    return arena_printf(d->arena, "%s/%s", d->zone, strchr(datasets[i], '.') + 1);
}

/* ---- opening ---- */

static int driver_open(struct driver *d) {
    const struct store_options o = {.ballast_bytes = -1};
    snprintf(d->state, sizeof d->state, "%s/.leat", d->root);
    snprintf(d->zone, sizeof d->zone, "%s/lake/trusted", d->root);
    d->arena = arena_new();
    d->store = store_open_writer(d->state, &o, &d->err);
    return d->store ? FINE : say(d, "open");
}

static void driver_close(struct driver *d) {
    store_close(d->store);
    arena_free(d->arena);
}

static instant_t now(void) { return world_wall(world_real()); }

/* ---- P0 ---- */

struct attempt {
    int64_t run, id, version;
    char token[TOKEN_TEXT];
};

static int claim_in_transaction(struct driver *d, struct attempt *a) {
    static const char *const names[] = {"load"}, *const verbs[] = {"copy"};
    const struct definition_spec def = {.pipeline = "orders",
                                        .sha256 = "0",
                                        .text = "",
                                        .step_count = 1,
                                        .names = names,
                                        .verbs = verbs,
                                        .at = now()};
    const struct bookmark_key key = {.pipeline = "orders", .step = "load", .kind = "value", .source = "s"};
    struct run_spec run = {.trigger = "manual",
                           .window_start = INSTANT_NONE,
                           .window_end = INSTANT_NONE,
                           .scheduled_for = INSTANT_NONE,
                           .at = now()};
    if (store_definition_put(d->store, &def, &run.definition, &d->err) < 0 ||
        store_run_add(d->store, &run, &a->run, &d->err) < 0 ||
        store_bookmark_ensure(d->store, &key, &d->bookmark, &d->err) < 0)
        return -1;
    struct attempt_spec spec = {.run = a->run, .generation = 1, .number = 1, .log = "log", .at = now()};
    spec.token = token_make(&spec, world_random(world_real()), a->token);
    return store_attempt_start(d->store, &spec, &a->id, &d->err);
}

static int claim(struct driver *d, struct attempt *a) {
    if (store_begin(d->store, &d->err)) return -1;
    if (claim_in_transaction(d, a) == 0) return store_commit(d->store, &d->err);
    store_rollback(d->store);
    return -1;
}

/* ---- P1 and P2: what a worker does ---- */

static int write_staged(struct driver *d, const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) return err_errno(&d->err, "cannot create %s", path);
    int r = fs_write_all(fd, text, strlen(text)) ? err_errno(&d->err, "cannot write %s", path) : 0;
    close(fd);
    return r;
}

static json_t *stage_one(struct driver *d, const struct attempt *a, const char *stage, size_t dataset,
                         int part) {
    char text[160], hex[SHA256_HEX];
    content(text, dataset, a->version, part);
    const char *name = arena_printf(d->arena, "part-%zu-%d.parquet", dataset, part);
    if (write_staged(d, arena_printf(d->arena, "%s/%s", stage, name), text)) return NULL;
    sha256_text(text, strlen(text), hex);
    const char *target =
        arena_printf(d->arena, "day=%lld/%s-%d.parquet", (long long)a->version, a->token, part);
    return json_pack("{s:s,s:s,s:i,s:i,s:s,s:{s:s},s:n,s:n}", "staged", name, "target", target, "rows", 1,
                     "bytes", (int)strlen(text), "sha256", hex, "partition", "day",
                     arena_printf(d->arena, "%lld", (long long)a->version), "stats", "source");
}

static json_t *output_of(struct driver *d, const struct attempt *a, const char *stage, size_t dataset,
                         int parts) {
    json_t *files = json_array();
    for (int part = 0; part < parts; part++) {
        json_t *f = stage_one(d, a, stage, dataset, part);
        if (!f || json_array_append_new(files, f)) {
            json_decref(files);
            return NULL;
        }
    }
    bool replace = dataset == 0 && replaces(a->version);
    json_t *columns = json_pack("[{s:s,s:s,s:b},{s:s,s:s,s:b}]", "name", "text", "type", "string", "nullable",
                                1, "name", "day", "type", "string", "nullable", 1);
    return json_pack("{s:s,s:s,s:o,s:[],s:[],s:o}", "dataset", datasets[dataset], "operation",
                     replace ? "replace" : "append", "files", files, "removes", "partitions_cleared",
                     "columns", columns);
}

static json_t *work(struct driver *d, const struct attempt *a, const char *stage) {
    const struct stage_into into = {.dataset = datasets[0], .stage = stage, .path = dataset_path(d, 0)};
    if (stage_make(&into, &d->err)) return NULL;
    json_t *main_output = output_of(d, a, stage, 0, FILES), *bad = output_of(d, a, stage, 1, 1);
    json_t *files = json_array();
    if (main_output && bad) {
        json_array_extend(files, json_object_get(main_output, "files"));
        json_array_extend(files, json_object_get(bad, "files"));
    }
    bool good = main_output && bad && stage_sync(stage, files, &d->err) == 0;
    json_decref(files);
    json_t *result = good ? json_pack("{s:s,s:[O,O]}", "outcome", "ok", "outputs", main_output, bad) : NULL;
    json_decref(main_output);
    json_decref(bad);
    return result;
}

/* ---- P3 to P7 ---- */

static json_t *request_of(struct driver *d, const struct attempt *a, const char *stage) {
    json_t *into =
        json_pack("{s:s,s:s,s:s,s:s,s:s,s:[s],s:i,s:{s:s,s:s}}", "dataset", datasets[0], "path",
                  dataset_path(d, 0), "format", d->format, "stage", stage, "write",
                  replaces(a->version) ? "replace" : "append", "partition_by", "day", "base_version",
                  (int)a->version - 1, "quarantine", "dataset", datasets[1], "path", dataset_path(d, 1));
    /* A window of its own: the quarantine of another version is not replaced. */
    return json_pack("{s:s,s:s,s:s,s:s,s:{s:s},s:{s:I,s:I},s:o}", "token", a->token, "pipeline", "orders",
                     "step", "load", "run", "1", "project", "name", "shop", "window", "start",
                     (json_int_t)a->version, "end", (json_int_t)a->version + 1, "into", into);
}

static int prepare(struct driver *d, const struct attempt *a, const json_t *plan, int64_t *intent) {
    struct bookmark_row b;
    if (store_bookmark_get(d->store, d->bookmark, d->arena, &b, &d->err) <= 0) return -1;
    json_t *value = json_pack("{s:s,s:s}", "kind", "value", "value",
                              arena_printf(d->arena, "%lld", (long long)a->version));
    const struct intent_spec spec = {.token = a->token,
                                     .attempt = a->id,
                                     .plan = plan,
                                     .bookmark = d->bookmark,
                                     .bookmark_version = b.version,
                                     .bookmark_value = value,
                                     .at = now()};
    int r = store_begin(d->store, &d->err);
    if (!r && store_intent_prepare(d->store, &spec, intent, &d->err) != PREPARE_DONE) r = -1;
    r = r ? -1 : store_commit(d->store, &d->err);
    if (r) store_rollback(d->store);
    json_decref(value);
    return r;
}

static int in_transaction(struct driver *d, int64_t intent,
                          int (*step)(struct store *s, int64_t intent, struct err *err)) {
    if (store_begin(d->store, &d->err)) return -1;
    if (step(d->store, intent, &d->err) >= 0) return store_commit(d->store, &d->err);
    store_rollback(d->store);
    return -1;
}

static int commit_step(struct store *s, int64_t intent, struct err *err) {
    const struct attempt_end end = {.exit_code = 0, .at = now()};
    return store_intent_commit(s, intent, &end, now(), err);
}

static int close_step(struct store *s, int64_t intent, struct err *err) {
    return store_intent_close(s, intent, now(), err);
}

/* P4 to P7: the way of a new intent and of one found by recovery. */
static int roll(struct driver *d, int64_t intent) {
    json_t *outside = NULL;
    enum publish_end end = publish_run_intent(d->store, intent, &outside, &d->err);
    json_decref(outside);
    if (end == PUBLISH_STOPPED) return broken("the dataset stopped", -1, d->err.msg);
    if (end != PUBLISH_DONE) return say(d, "publish");
    if (in_transaction(d, intent, commit_step) || in_transaction(d, intent, close_step))
        return say(d, "commit");
    return FINE;
}

static int publish_version(struct driver *d, int64_t version) {
    struct attempt a = {.version = version};
    int64_t intent = 0;
    if (claim(d, &a)) return say(d, "claim");
    const char *stage = arena_printf(d->arena, "%s/_leat_stage/%s", d->zone, a.token);
    json_t *result = work(d, &a, stage), *request = request_of(d, &a, stage);
    json_t *plan = result ? publish_prepare(d->store, request, result, now(), &d->err) : NULL;
    int r = plan ? prepare(d, &a, plan, &intent) : -1;
    json_decref(result);
    json_decref(request);
    json_decref(plan);
    return r ? say(d, "work") : roll(d, intent);
}

/* ---- recovery ---- */

static int lose_attempts(struct driver *d) {
    struct attempt_row *rows;
    size_t n;
    if (store_attempts_live(d->store, d->arena, &rows, &n, &d->err) < 0) return -1;
    for (size_t i = 0; i < n; i++) {
        const struct attempt_end end = {
            .id = rows[i].id, .from = rows[i].state, .to = "lost", .exit_code = -1, .at = now()};
        if (store_begin(d->store, &d->err) || store_attempt_end(d->store, &end, &d->err) < 0 ||
            store_commit(d->store, &d->err))
            return -1;
    }
    return 0;
}

static int recover(struct driver *d) {
    struct intent_row *rows;
    size_t n;
    if (store_intents_open(d->store, d->arena, &rows, &n, &d->err) < 0) return say(d, "intents");
    for (size_t i = 0; i < n; i++) {
        int r = roll(d, rows[i].id);
        if (r) return r;
    }
    return lose_attempts(d) ? say(d, "attempts") : FINE;
}

/* Everything is old enough: what is not referred to goes to the trash, and the trash goes too. */
static int collect(struct driver *d) {
    const struct gc_zone zone = {.name = "trusted", .path = d->zone};
    const struct gc_options o = {.zones = &zone, .zone_count = 1, .now = now() + 3 * US_PER_DAY};
    const struct gc_options later = {.zones = &zone, .zone_count = 1, .now = now() + 9 * US_PER_DAY};
    struct gc_report report;
    if (!fs_exists(d->zone)) return FINE;
    return gc_run(d->store, &o, &report, NULL, &d->err) || gc_run(d->store, &later, &report, NULL, &d->err)
               ? say(d, "collect")
               : FINE;
}

/* ---- looking ---- */

/* One version's adds and removes from the log, whatever the format. 1: there is none. */
static int entry_read(struct driver *d, size_t dataset, int64_t version, json_t **adds, json_t **removes) {
    const char *path = dataset_path(d, dataset);
    if (strcmp(d->format, "delta") == 0) {
        struct delta_entry e;
        int r = delta_entry_read(path, version, &e, &d->err);
        if (r) return r;
        *adds = json_incref(e.adds), *removes = json_incref(e.removes);
        delta_entry_release(&e);
        return 0;
    }
    const char *file = arena_printf(d->arena, "%s/_leat/%lld.json", path, (long long)version);
    if (!fs_exists(file)) return 1;
    json_t *e = json_load_path(file, &d->err);
    if (!e) return -1;
    *adds = json_incref(json_object_get(e, "files")), *removes = json_incref(json_object_get(e, "removes"));
    json_decref(e);
    return 0;
}

/* A live file of version `from` holds what version `from` wrote: its folder and name say which. */
static int look_at_file(struct driver *d, size_t dataset, const char *target) {
    long long from = -1;
    const char *part = strrchr(target, '-');
    char text[160];
    if (sscanf(target, "day=%lld/", &from) != 1 || !part) return broken("a file of no version", from, target);
    content(text, dataset, from, atoi(part + 1));
    char *is =
        fs_read(arena_printf(d->arena, "%s/%s", dataset_path(d, dataset), target), 4096, NULL, &d->err);
    int r = is && strcmp(is, text) == 0 ? FINE : broken("a file is missing or wrong", from, target);
    free(is);
    return r;
}

static int look_at_version(struct driver *d, size_t dataset, int64_t version, json_t *live) {
    int64_t since = version - (version + 1) % 3; /* the last replacing version, at or before */
    if (since < 0) since = 0;
    size_t expected = (size_t)(version - since + 1) * (dataset == 0 ? FILES : 1);
    const char *key;
    json_t *v;
    if (json_object_size(live) != expected)
        return broken("a version has the wrong number of files", version, "");
    json_object_foreach(live, key, v) {
        int r = look_at_file(d, dataset, key);
        if (r) return r;
    }
    return FINE;
}

/* Applies a log entry to the set of live files. */
static void apply(json_t *live, const json_t *adds, const json_t *removes) {
    size_t i;
    json_t *f;
    json_array_foreach(removes, i, f) json_object_del(live, json_text_or(f, "path", ""));
    json_array_foreach(adds, i, f) json_object_set_new(live, json_text_or(f, "target", ""), json_true());
}

static int read_dataset(struct driver *d, size_t dataset, int64_t *head, json_t *live) {
    *head = -1;
    for (int64_t v = 0;; v++) {
        json_t *adds = NULL, *removes = NULL;
        int r = entry_read(d, dataset, v, &adds, &removes);
        if (r == 1) return FINE;
        if (r < 0) return broken("a log entry cannot be read", v, d->err.msg);
        apply(live, adds, removes);
        json_decref(adds);
        json_decref(removes);
        r = look_at_version(d, dataset, v, live);
        if (r) return r;
        *head = v;
    }
}

/* The quarantine is logged after its dataset: it may be one behind, never ahead. */
static int look_as_reader(struct driver *d, int64_t heads[2]) {
    for (size_t i = 0; i < 2; i++) {
        json_t *live = json_object();
        int r = read_dataset(d, i, &heads[i], live);
        json_decref(live);
        if (r) return r;
    }
    return heads[0] - heads[1] == 0 || heads[0] - heads[1] == 1
               ? FINE
               : broken("the datasets are apart", heads[0], "");
}

static int count_folder(const char *path) {
    DIR *dir = opendir(path);
    int n = 0;
    for (struct dirent *e; dir && (e = readdir(dir));) n += e->d_name[0] != '.' || e->d_name[1] > '.';
    if (dir) closedir(dir);
    return n;
}

static int look_at_database(struct driver *d, size_t i, int64_t head) {
    struct dataset_row row;
    struct file_list files;
    int found = store_dataset_find(d->store, datasets[i], d->arena, &row, &d->err);
    if (found < 0) return say(d, "dataset");
    if ((found ? row.head : -1) != head)
        return broken("disk and database know different heads", head, datasets[i]);
    if (head < 0) return FINE;
    if (store_files_at(d->store, row.id, head, d->arena, &files, &d->err) < 0) return say(d, "files");
    for (size_t k = 0; k < files.count; k++) {
        int r = look_at_file(d, i, files.rows[k].path);
        if (r) return r;
    }
    return (int64_t)files.count == row.files ? FINE
                                             : broken("the head's file count is wrong", head, datasets[i]);
}

static int look_at_bookmark(struct driver *d, int64_t head) {
    struct bookmark_row *rows;
    size_t n;
    if (store_bookmarks_list(d->store, NULL, NULL, d->arena, &rows, &n, &d->err) < 0)
        return say(d, "bookmarks");
    const char *value = n && rows[0].value ? rows[0].value : NULL;
    const char *wanted = head < 0 ? NULL : arena_printf(d->arena, "\"%lld\"", (long long)head);
    bool same = value && wanted ? strcmp(value, wanted) == 0 : value == wanted;
    if (!same) return broken("the bookmark is not where the data is", head, value ? value : "never moved");
    return n && rows[0].version != head + 1 ? broken("the bookmark moved more often than the data", head, "")
                                            : FINE;
}

static int walk_leftover; /* nftw has no context; one walk at a time */
static int leftover_visit(const char *path, const struct stat *st, int type, struct FTW *at) {
    (void)st;
    if (type == FTW_F && strncmp(path + at->base, "day=", 4) != 0) walk_leftover++;
    return 0;
}

/* Files on disk are those of kept versions, log entries, and nothing else. */
static int look_for_leftovers(struct driver *d, size_t i, int64_t head) {
    struct dataset_row row;
    struct file_list all;
    if (head < 0 || store_dataset_find(d->store, datasets[i], d->arena, &row, &d->err) <= 0) return FINE;
    if (store_files_all(d->store, row.id, d->arena, &all, &d->err) < 0) return say(d, "files");
    walk_leftover = 0;
    nftw(dataset_path(d, i), leftover_visit, 16, FTW_PHYS);
    int expected = (int)all.count + (int)head + 1;
    return walk_leftover == expected
               ? FINE
               : broken("files are left over or missing", walk_leftover - expected, datasets[i]);
}

static int look_strictly(struct driver *d) {
    int64_t heads[2];
    struct intent_row *intents;
    size_t n;
    int r = look_as_reader(d, heads);
    if (r) return r;
    if (heads[0] != heads[1]) return broken("one dataset of an intent is missing", heads[0], "");
    for (size_t i = 0; i < 2 && !r; i++) r = look_at_database(d, i, heads[0]);
    if (r || (r = look_at_bookmark(d, heads[0]))) return r;
    if (store_intents_open(d->store, d->arena, &intents, &n, &d->err) < 0) return say(d, "intents");
    if (n) return broken("an intent is open after recovery", heads[0], intents[0].token);
    if (count_folder(arena_printf(d->arena, "%s/_leat_stage", d->zone)))
        return broken("a stage is left over", heads[0], "");
    for (size_t i = 0; i < 2 && !r; i++) r = look_for_leftovers(d, i, heads[i]);
    return r;
}

/* ---- commands ---- */

static int drive(struct driver *d, int64_t versions) {
    for (;;) {
        struct dataset_row row;
        int found = store_dataset_find(d->store, datasets[0], d->arena, &row, &d->err);
        if (found < 0) return say(d, "dataset");
        int64_t head = found ? row.head : -1;
        int r = head + 1 >= versions ? FINE : publish_version(d, head + 1);
        if (r || head + 1 >= versions) return r;
    }
}

static int prove(struct driver *d, int64_t versions) {
    int r = recover(d);
    if (!r) r = collect(d);
    if (!r) r = look_strictly(d);
    if (!r) r = drive(d, versions);
    if (!r) r = collect(d);
    return r ? r : look_strictly(d);
}

static int command(struct driver *d, const char *verb, int64_t versions) {
    int64_t heads[2];
    int r = driver_open(d);
    if (r) return r;
    if (strcmp(verb, "drive") == 0)
        r = recover(d) ? FAILED : drive(d, versions);
    else if (strcmp(verb, "recover") == 0)
        r = recover(d);
    else if (strcmp(verb, "prove") == 0)
        r = prove(d, versions);
    else if (strcmp(verb, "read") == 0)
        r = look_as_reader(d, heads);
    driver_close(d);
    return r;
}

/* Reads without the database: what an outside reader sees before anything recovers. */
static int read_only(struct driver *d) {
    int64_t heads[2];
    snprintf(d->zone, sizeof d->zone, "%s/lake/trusted", d->root);
    d->arena = arena_new();
    int r = look_as_reader(d, heads);
    arena_free(d->arena);
    return r;
}

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    struct driver d = {.root = argv[2], .format = argv[3]};
    if (strcmp(argv[1], "read") == 0) return read_only(&d);
    return command(&d, argv[1], argc > 4 ? atoll(argv[4]) : 0);
}
