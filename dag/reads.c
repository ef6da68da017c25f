/* reads.c: the datasets that a step reads, and the files that its SQL is in. */
#include "dag/build.h"

#include "base/fsio.h"
#include "base/limits.h"
#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void add_read(struct build *b, struct step *s, const char *dataset, bool only_new, struct span at) {
    for (size_t i = 0; i < s->read_count; i++) {
        if (strcmp(s->reads[i].dataset, dataset) != 0) continue;
        s->reads[i].only_new = s->reads[i].only_new && only_new; /* all of it was named too */
        return;
    }
    size_t cap = s->read_count ? s->read_count & (s->read_count - 1) ? 0 : s->read_count * 2 : 1;
    if (cap) { /* room for a power of two */
        struct read *more = arena_array(b->l.arena, cap, sizeof *more);
        if (s->read_count) memcpy(more, s->reads, s->read_count * sizeof *more);
        s->reads = more;
    }
    s->reads[s->read_count++] = (struct read){.dataset = dataset, .only_new = only_new, .at = at};
}

void add_watched(struct build *b, uint32_t step, const char *dataset) {
    struct step *s = &b->full->pub.steps[step];
    for (size_t i = 0; i < s->watched_count; i++)
        if (strcmp(s->watched[i], dataset) == 0) return;
    const char **more = arena_array(b->l.arena, s->watched_count + 1, sizeof *more);
    if (s->watched_count) memcpy(more, s->watched, s->watched_count * sizeof *more);
    s->watched = more;
    s->watched[s->watched_count++] = dataset;
    add_checked(b, step, dataset);
}

void add_checked(struct build *b, uint32_t step, const char *dataset) {
    struct note *note = &b->notes[step];
    size_t cap = note->checked_count
                     ? note->checked_count & (note->checked_count - 1) ? 0 : note->checked_count * 2
                     : 1;
    if (cap) {
        const char **more = arena_array(b->l.arena, cap, sizeof *more);
        if (note->checked_count) memcpy(more, note->checked, note->checked_count * sizeof *more);
        note->checked = more;
    }
    note->checked[note->checked_count++] = dataset;
}

/* ---- files of SQL */

/* The file as a scalar of a source of its own, so that places in it are its own lines. */
static const struct node *read_file(struct load *l, const struct node *path, const char *name) {
    struct err err = {0};
    size_t len = 0;
    char *full = fs_join(l->project->root, name), *text = fs_read(full, LIMIT_YAML_BYTES, &len, &err);
    GROW(l->files, l->file_count, l->file_cap);
    l->files[l->file_count++] = arena_strdup(l->arena, full);
    free(full);
    bool good = text && utf8_check(text, len) == len && !memchr(text, 0, len);
    if (!good) {
        struct diag *g = load_diag(l, "E0602", node_span(path), "the file `%.200s` cannot be read", name);
        const char *why = strrchr(err.msg, ':'); /* the system's words; the path is in the message */
        diag_label(l->d, g, "%s", text ? "it is not UTF-8 text" : why ? why + 2 : err.msg);
        free(text);
        return NULL;
    }
    struct source *source = arena_alloc(l->arena, sizeof *source);
    struct node *n = arena_alloc(l->nodes, sizeof *n);
    *source = (struct source){.path = name, .text = arena_strndup(l->arena, text, len), .len = len};
    *n = (struct node){.kind = NODE_SCALAR,
                       .style = STYLE_PLAIN,
                       .end = (uint32_t)len,
                       .size = 1,
                       .count = (uint32_t)len,
                       .source = source};
    n->text = source->text;
    free(text);
    return n;
}

struct sql_text *sql_file_parse(struct load *l, const struct node *path, const struct field *f) {
    const char *name = early_text(l, path, f);
    const struct node *n = name ? read_file(l, path, name) : NULL;
    if (!n) return NULL;
    if (l->definition) buf_add(l->definition, n->text, n->count + 1);
    struct sql_text *sql = sql_parse(l, n);
    if (sql) sql->path = name;
    return sql;
}
