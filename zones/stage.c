/* stage.c: see stage.h. */
#include "zones/stage.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/fsio.h"
#include "base/json.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const stage_write_names[] = {"append", "replace", "replace_partitions", "merge", NULL};
static const char *const bad_names[] = {"fail", "quarantine", "drop", NULL};
static const char *const empty_names[] = {"fail", "ok", "skip", NULL};
static const char *const policy_names[] = {"any", "add", "strict", NULL};
static const char *const format_names[] = {"files", "delta", NULL};

/* ---- request.into -------------------------------------------------------------------------------------- */

static int word_of(const json_t *o, const char *key, const char *const *names, const char *otherwise,
                   struct err *err) {
    const char *word = json_text_or(o, key, otherwise);
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], word) == 0) return i;
    return err_set(err, EX_INVALID, "into.%s: `%s` is none of the words that go there", key, word);
}

static int read_words(const json_t *o, struct stage_into *out, struct err *err) {
    int write = word_of(o, "write", stage_write_names, "append", err);
    int bad = write < 0 ? -1 : word_of(o, "bad_rows", bad_names, "fail", err);
    int empty = bad < 0 ? -1 : word_of(o, "if_empty", empty_names, "ok", err);
    int policy = empty < 0 ? -1 : word_of(o, "schema", policy_names, "any", err);
    int format = policy < 0 ? -1 : word_of(o, "format", format_names, "delta", err);
    if (format < 0) return -1;
    out->write = (enum stage_write)write;
    out->bad_rows = (enum stage_bad)bad;
    out->if_empty = (enum stage_empty)empty;
    out->policy = (enum stage_policy)policy;
    out->delta = format == 1;
    return 0;
}

int stage_into_read(const json_t *o, struct stage_into *out, struct err *err) {
    const json_t *quarantine = json_object_get(o, "quarantine");
    const json_t *columns = json_object_get(o, "columns");
    *out = (struct stage_into){
        .dataset = json_text(o, "dataset"),
        .dataset_id = json_int(o, "dataset_id", -1),
        .base = json_int(o, "base_version", -1),
        .stage = json_text(o, "stage"),
        .path = json_text(o, "path"),
        .columns = json_array_size(columns) ? columns : NULL,
        .key = json_object_get(o, "key"),
        .partition_by = json_object_get(o, "partition_by"),
        .of_window = json_flag(o, "partition_of_window"),
        .merge_by = json_text(o, "merge_by"),
        .checks = json_object_get(o, "checks"),
        .max_bad_rows = json_int(o, "max_bad_rows", -1),
        .max_bad_part = json_num(o, "max_bad_part", -1),
        .requires_checks = json_flag(o, "requires_checks"),
        .quarantine = {.dataset = json_text(quarantine, "dataset"),
                       .dataset_id = json_int(quarantine, "dataset_id", -1)},
    };
    if (!out->dataset || !strchr(out->dataset, '.'))
        return err_set(err, EX_INVALID, "into.dataset is not zone.name");
    if (!out->stage || out->stage[0] != '/')
        return err_set(err, EX_INVALID, "into.stage is no absolute path");
    return read_words(o, out, err);
}

/* ---- folders ------------------------------------------------------------------------------------------- */

static int zone_error(const struct stage_into *into, struct err *err) {
    err_prefix(err, "cannot stage %s", into->dataset);
    if (err && strcmp(err->reason, "disk_full") != 0)
        err_hint(err, "zone `%.*s` must be writable: check the owner, mode and mount of %s",
                 (int)strcspn(into->dataset, "."), into->dataset, into->stage);
    return -1;
}

int stage_make(const struct stage_into *into, struct err *err) {
    return fs_mkdirs(into->stage, 0755, err) < 0 ? zone_error(into, err) : 0;
}

char *stage_folder(const struct stage_into *into, const char *name, struct err *err) {
    struct buf b = BUF_INIT;
    buf_addf(&b, "%s/_leat/%s", into->stage, name);
    if (fs_mkdirs(buf_str(&b), 0755, err) == 0) return buf_take(&b);
    buf_release(&b);
    zone_error(into, err);
    return NULL;
}

/* ---- listing ------------------------------------------------------------------------------------------- */

/* Folders still to read, relative to the stage; a list instead of recursion, for depth is the user's. */
struct walk {
    const char *stage;
    char **folders;
    size_t count, cap;
    json_t *files;
};

static int visit(struct walk *w, const char *folder, const char *name, struct err *err) {
    if (name[0] == '_' || name[0] == '.') return 0;
    struct buf rel = BUF_INIT, full = BUF_INIT;
    if (folder[0]) buf_addf(&rel, "%s/", folder);
    buf_adds(&rel, name);
    buf_addf(&full, "%s/%s", w->stage, buf_str(&rel));
    struct stat st;
    int rc = lstat(buf_str(&full), &st);
    if (rc < 0) {
        err_errno(err, "cannot look at %s", buf_str(&full));
    } else if (S_ISDIR(st.st_mode)) {
        GROW(w->folders, w->count, w->cap);
        w->folders[w->count++] = xstrdup(buf_str(&rel));
    } else if (S_ISREG(st.st_mode)) {
        json_t *file = json_pack("{ss sI}", "staged", buf_str(&rel), "bytes", (json_int_t)st.st_size);
        rc = file ? 0 : err_set(err, EX_FAILED, "a file in %s has a name that is not UTF-8 text", w->stage);
        if (file) json_array_append_new(w->files, file);
    } else {
        rc = err_set(err, EX_FAILED, "%s is neither a file nor a folder", buf_str(&full));
        err_hint(err,
                 "write real files to LEAT_OUTPUT_PATH: links would point into the stage, which goes away");
    }
    buf_release(&rel);
    buf_release(&full);
    return rc;
}

static int read_folder(struct walk *w, const char *folder, struct err *err) {
    char *path = folder[0] ? fs_join(w->stage, folder) : xstrdup(w->stage);
    DIR *d = opendir(path);
    if (!d) err_errno(err, "cannot read folder %s", path);
    free(path);
    int rc = d ? 0 : -1;
    for (struct dirent *e; rc == 0 && (e = readdir(d));) rc = visit(w, folder, e->d_name, err);
    if (d) closedir(d);
    return rc;
}

static int by_name(const void *a, const void *b) {
    return strcmp(json_text(*(json_t *const *)a, "staged"), json_text(*(json_t *const *)b, "staged"));
}

static json_t *sorted(json_t *files) {
    size_t n = json_array_size(files);
    json_t **list = xcalloc(n + 1, sizeof *list);
    for (size_t i = 0; i < n; i++) list[i] = json_incref(json_array_get(files, i));
    qsort(list, n, sizeof *list, by_name);
    json_t *out = json_array();
    for (size_t i = 0; i < n; i++) json_array_append_new(out, list[i]);
    free(list);
    json_decref(files);
    return out;
}

json_t *stage_list(const char *stage, struct err *err) {
    struct walk w = {.stage = stage, .files = json_array()};
    int rc = read_folder(&w, "", err);
    while (rc == 0 && w.count) {
        char *folder = w.folders[--w.count];
        rc = read_folder(&w, folder, err);
        free(folder);
    }
    while (w.count) free(w.folders[--w.count]);
    free(w.folders);
    if (rc == 0) return sorted(w.files);
    json_decref(w.files);
    return NULL;
}

json_t *stage_paths(const char *stage, const json_t *files) {
    json_t *paths = json_array();
    size_t i;
    json_t *file;
    json_array_foreach(files, i, file) {
        char *path = fs_join(stage, json_text(file, "staged"));
        json_array_append_new(paths, json_string(path));
        free(path);
    }
    return paths;
}

/* ---- durability ---------------------------------------------------------------------------------------- */

/* Starts write-back of everything first: the fsyncs after it then wait for work under way
 * (reliability.md 4.3). */
static void start_write_back(const char *stage, const json_t *files) {
    size_t i;
    json_t *file;
    json_array_foreach(files, i, file) {
        char *path = fs_join(stage, json_text(file, "staged"));
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0) {
            sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
            close(fd);
        }
        free(path);
    }
}

/* fsync of the folders between a file and the stage; `last` is the folder done before: files come sorted. */
static int sync_parents(const char *stage, char *path, char **last, struct err *err) {
    size_t floor = strlen(stage);
    for (;;) {
        char *slash = strrchr(path, '/');
        if (!slash || (size_t)(slash - path) < floor) return 0;
        *slash = 0;
        if (*last && strcmp(*last, path) == 0) return 0;
        if (fs_sync_path(path, err) < 0) return -1;
        if (!*last || strlen(*last) <= strlen(path)) {
            free(*last);
            *last = xstrdup(path);
        }
    }
}

int stage_sync(const char *stage, const json_t *files, struct err *err) {
    start_write_back(stage, files);
    size_t i;
    json_t *file;
    char *last = NULL;
    int rc = 0;
    json_array_foreach(files, i, file) {
        if (rc < 0) break;
        char *path = fs_join(stage, json_text(file, "staged"));
        rc = fs_sync_path(path, err);
        if (rc == 0) rc = sync_parents(stage, path, &last, err);
        free(path);
    }
    free(last);
    return rc < 0 ? rc : fs_sync_path(stage, err);
}
