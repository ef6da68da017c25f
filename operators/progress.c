/* progress.c: see progress.h. */
#include "operators/progress.h"

#include "base/json.h"
#include "base/world.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PROGRESS_BYTES = 1024 }; /* fixed length: a shorter line must not leave the end of a longer one */
#define PROGRESS_EVERY (250 * US_PER_MS)

void progress_open(struct progress *p, const char *path) {
    *p = (struct progress){.fd = -1, .percent = -1, .rows = -1, .rows_total = -1};
    if (path) p->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

void progress_close(struct progress *p) {
    if (p->fd >= 0) close(p->fd);
    p->fd = -1;
}

static json_t *known(double v) { return v < 0 ? json_null() : json_real(v); }
static json_t *known_count(int64_t n) { return n < 0 ? json_null() : json_integer(n); }

void progress_write(struct progress *p) {
    duration_t now = world_steady(world_real());
    if (p->fd < 0 || (p->written_at && now - p->written_at < PROGRESS_EVERY)) return;
    p->written_at = now;
    json_t *o = json_object();
    json_put(o, "percent", known(p->percent));
    json_put(o, "rows", known_count(p->rows));
    json_put(o, "rows_total", known_count(p->rows_total));
    json_put_text(o, "text", p->text);
    char *line = json_line(o), block[PROGRESS_BYTES];
    size_t n = strlen(line);
    memset(block, ' ', sizeof block);
    block[sizeof block - 1] = '\n';
    if (n < sizeof block) {
        memcpy(block, line, n);
        ssize_t ignored = pwrite(p->fd, block, sizeof block, 0);
        (void)ignored;
    }
    free(line);
    json_decref(o);
}
