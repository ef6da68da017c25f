/* script.h: cases as text: what is said, and what is answered.
 *
 *   == title                 a new case: everything is forgotten
 *   words                    a line that says something; `{` may begin one right after an answer
 *   > words                  a question or an event; the lines up to the next empty line, `>` or `==` are
 *                            what it must print
 *   # words                  a remark
 *
 * LEAT_UPDATE=1 writes the answers anew; read the difference before committing it. */
#ifndef LEAT_TESTS_SCRIPT_H
#define LEAT_TESTS_SCRIPT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/fsio.h"
#include "base/instant.h"
#include "base/tz.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct script {
    void (*reset)(void *ctx);
    void (*say)(void *ctx, char *line);
    void (*ask)(void *ctx, char *line, struct buf *answer); /* whole lines */
    void *ctx;
    const char *file;
    int line;
};

static inline bool script_special(const char *line) {
    return !*line || *line == '\n' || *line == '>' || *line == '#' || strncmp(line, "==", 2) == 0;
}

static inline void script_ask(struct script *s, char *line, char **rest, struct buf *out) {
    struct buf want = BUF_INIT, got = BUF_INIT;
    int at = s->line;
    while (*rest && **rest && **rest != '{' && !script_special(*rest)) {
        char *answer = strsep(rest, "\n");
        buf_addf(&want, "%s\n", answer);
        s->line++;
    }
    s->ask(s->ctx, line, &got);
    buf_adds(out, buf_str(&got));
    if (!getenv("LEAT_UPDATE") && strcmp(buf_str(&want), buf_str(&got)) != 0)
        fail_msg("%s:%d: %s\n--- expected\n%s--- got\n%s", s->file, at, line, buf_str(&want), buf_str(&got));
    buf_release(&want);
    buf_release(&got);
}

static inline void script_play(struct script *s, const char *path) {
    struct err err = {0};
    char *text = fs_read(path, 16 << 20, NULL, &err), *rest = text;
    struct buf out = BUF_INIT;
    if (!text) fail_msg("%s", err.msg);
    s->file = path;
    s->line = 0;
    s->reset(s->ctx);
    while (rest && *rest) {
        char *line = strsep(&rest, "\n");
        s->line++;
        buf_addf(&out, "%s\n", line);
        if (strncmp(line, "==", 2) == 0)
            s->reset(s->ctx);
        else if (*line == '>')
            script_ask(s, line + 1 + strspn(line + 1, " "), &rest, &out);
        else if (!script_special(line))
            s->say(s->ctx, line);
    }
    if (getenv("LEAT_UPDATE") && fs_replace(path, buf_str(&out), out.len, 0644, &err))
        fail_msg("%s", err.msg);
    buf_release(&out);
    free(text);
}

static inline int script_order(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Every .txt file of tests/data/FOLDER. */
static inline void script_folder(struct script *s, const char *folder) {
    char *path = fs_join(LEAT_SOURCE_DIR "/tests/data", folder), *files[64];
    size_t n = 0;
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir));)
        if (strlen(e->d_name) > 4 && strcmp(e->d_name + strlen(e->d_name) - 4, ".txt") == 0 && n < 64)
            files[n++] = fs_join(path, e->d_name);
    if (dir) closedir(dir);
    qsort(files, n, sizeof *files, script_order);
    assert_true(n > 0);
    for (size_t i = 0; i < n; i++) {
        script_play(s, files[i]);
        free(files[i]);
    }
    free(path);
}

/* ---- time as these files say it: 2026-03-29, 2026-03-29T06:15[:30] of the zone, or RFC 3339 */

static inline instant_t script_time(const char *text, const struct tz *tz) {
    char full[48];
    instant_t t;
    size_t n = strlen(text);
    if (instant_parse(text, &t)) return t;
    snprintf(full, sizeof full, "%s%sZ", text, n == 10 ? "T00:00:00" : n == 16 ? ":00" : "");
    if (!instant_parse(full, &t)) fail_msg("`%s` is not a time", text);
    if (!tz) return t;
    struct civil wall = civil_of(t);
    return tz_instant(tz, &wall);
}

/* 2026-03-29 06:15:30 +02:00; midnight and full minutes are shorter. */
static inline void script_put_time(struct buf *b, const struct tz *tz, instant_t t) {
    struct tz_local l = {0};
    if (t == INSTANT_NONE) {
        buf_adds(b, "-");
        return;
    }
    if (tz) tz_at(tz, t, &l);
    struct civil c = civil_of(t + l.offset * US_PER_SECOND);
    buf_addf(b, "%04d-%02d-%02d", (int)c.year, c.month, c.day);
    if (c.hour || c.minute || c.second) buf_addf(b, " %02d:%02d", c.hour, c.minute);
    if (c.second) buf_addf(b, ":%02d", c.second);
    if (l.offset) buf_addf(b, "%+03d", l.offset / 3600);
    if (l.offset % 3600) buf_addf(b, ":%02d", abs(l.offset) / 60 % 60);
}

#endif
