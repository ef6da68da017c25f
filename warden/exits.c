/* exits.c: "leat-exits 1 <16 hex digits>\n", then frames. */
#include "warden/exits.h"

#include "base/fsio.h"
#include "base/map.h"
#include "warden/protocol.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HEAD_BYTES = 30, FILE_MAX = 1 << 30 };

static void add_records(struct buf *b, const struct jobs *jobs) {
    for (size_t i = 0; i < jobs->table_size; i++)
        for (const struct job *j = jobs->table[i]; j; j = j->next_by_id)
            if (j->phase == JOB_ENDED) msg_add(b, &(struct msg){.type = MSG_EXIT, .exit = j->exit});
}

int exits_save(const char *state, const struct jobs *jobs, struct err *err) {
    struct buf frames = BUF_INIT, file = BUF_INIT;
    char *path = fs_join(state, EXITS_FILE);
    int r = 0;
    add_records(&frames, jobs);
    if (frames.len) {
        buf_addf(&file, "leat-exits 1 %016" PRIx64 "\n", hash_bytes(frames.s, frames.len));
        buf_add(&file, frames.s, frames.len);
        r = fs_replace(path, file.s, file.len, 0600, err);
    } else if (unlink(path) < 0 && errno != ENOENT) {
        r = err_errno(err, "%s", path);
    }
    buf_release(&frames);
    buf_release(&file);
    free(path);
    return r;
}

static void add_ended(struct jobs *jobs, const struct job_exit *e) {
    if (jobs_find(jobs, e->id)) return;
    struct job *j = jobs_add(jobs, e->id);
    j->exit = *e;
    jobs_end(jobs, j);
}

static bool read_records(const char *file, size_t n, struct jobs *jobs) {
    uint64_t sum;
    if (n < HEAD_BYTES || sscanf(file, "leat-exits 1 %16" SCNx64 "\n", &sum) != 1 ||
        sum != hash_bytes(file + HEAD_BYTES, n - HEAD_BYTES))
        return false;
    struct msg_reader r = {.at = (const unsigned char *)file + HEAD_BYTES,
                           .end = (const unsigned char *)file + n};
    struct msg m;
    enum msg_result got;
    while ((got = msg_read(&r, &m)) == MSG_READ) {
        if (m.type == MSG_EXIT) add_ended(jobs, &m.exit);
        msg_release(&m);
    }
    return got == MSG_END;
}

static int set_aside(const char *path, struct err *err) {
    char *bad = NULL;
    struct buf b = BUF_INIT;
    buf_addf(&b, "%s.bad", path);
    bad = buf_take(&b);
    rename(path, bad);
    err_set(err, EX_ENVIRONMENT, "%s does not check out; set aside as %s", path, bad);
    free(bad);
    return -1;
}

int exits_load(const char *state, struct jobs *jobs, struct err *err) {
    char *path = fs_join(state, EXITS_FILE);
    size_t n = 0;
    int r = 0;
    char *file = fs_exists(path) ? fs_read(path, FILE_MAX, &n, err) : NULL;
    if (file && !read_records(file, n, jobs))
        r = set_aside(path, err);
    else if (!file && fs_exists(path))
        r = -1;
    free(file);
    free(path);
    return r;
}
