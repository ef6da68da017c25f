/* place.c: whether what is open is still what has the name.
 *
 * A state folder that is deleted, or a database that is put in the place of this one, while a writer has it
 * open: SQLite goes on with files that nobody will ever see again. So every transaction begins with a look at
 * the names: two calls to stat(). */
#include "base/fsio.h"
#include "store/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct file_id id_of(const char *path) {
    struct stat st;
    if (stat(path, &st)) return (struct file_id){0};
    return (struct file_id){.device = (uint64_t)st.st_dev, .number = (uint64_t)st.st_ino};
}

static bool is_same(struct file_id a, struct file_id b) {
    return a.device == b.device && a.number == b.number;
}

static char *log_path(const struct store *s) {
    char *path = xmalloc(strlen(s->path) + 32);
    sprintf(path, "%s-wal", s->path);
    return path;
}

void place_note(struct store *s) {
    char *log = log_path(s), *lock = fs_join(s->state, "lock");
    s->at_path = id_of(s->path);
    s->at_log = id_of(log);
    s->at_lock = id_of(lock);
    free(lock);
    free(log);
}

static int moved(struct store *s, const char *path, struct file_id now, struct err *err) {
    s->moved = s->damaged = true;
    err_set(err, EX_ENVIRONMENT, "%s was %s while it was open", path, now.number ? "replaced" : "removed");
    err_reason(err, "moved");
    return err_hint(err, "put the state folder back as it was; until then nothing is written down");
}

int place_check(struct store *s, struct err *err) {
    struct file_id now = id_of(s->path);
    if (!is_same(now, s->at_path)) return moved(s, s->path, now, err);
    char *lock = fs_join(s->state, "lock");
    now = id_of(lock);
    int r = is_same(now, s->at_lock) ? 0 : moved(s, lock, now, err);
    free(lock);
    return r;
}

/* Another database lies under the name, and our log still beside it: SQLite would read the one into the
 * other. */
void place_leave(const struct store *s) {
    struct file_id now = id_of(s->path);
    if (!s->moved || !now.number || is_same(now, s->at_path)) return;
    char *log = log_path(s), *aside = xmalloc(strlen(log) + 16), *index = xmalloc(strlen(log) + 16);
    sprintf(aside, "%s.replaced", log);
    sprintf(index, "%s-shm", s->path);
    if (is_same(id_of(log), s->at_log) && rename(log, aside) == 0) unlink(index);
    free(index);
    free(aside);
    free(log);
}

/* ---- which database */

int place_expected(const struct store *s, const char *uuid, struct err *err) {
    if (!uuid || fs_exists(s->path)) return 0;
    err_set(err, EX_ENVIRONMENT, "the database %s is gone", s->path);
    err_reason(err, "moved");
    return err_hint(err,
                    "put the state folder back; or, to begin with an empty one, stop this leat and start it");
}

int place_is(const struct store *s, const char *uuid, struct err *err) {
    if (!uuid || strcmp(uuid, s->uuid) == 0) return 0;
    err_set(err, EX_ENVIRONMENT, "%s is the database of another project than the one that was open", s->path);
    err_reason(err, "moved");
    return err_hint(err, "put the right one back; or, to go on with this one, stop this leat and start it");
}
