/* reads.c: what the SQL of a pipeline reads, asked once for all of its texts.
 *
 * The engine that knows is not here: pipeline_reader.sql_reads is. Equal texts (instances of each:) are asked
 * once. */
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

/* ---- errors of the engine's parser */

static bool hash_comment(const char *text, size_t at) {
    while (at && text[at - 1] != '\n') {
        if (text[at] == '#') return true;
        at--;
    }
    return text[at] == '#';
}

static void sql_failed(struct build *b, const struct sql_text *sql, const struct sql_reads *r) {
    size_t written = sql_written_offset(sql, r->error_at), len = sql->node->count;
    size_t end = written;
    while (end < len && (sql->node->text[end] == '_' || (sql->node->text[end] | 0x20) >= 'a')) end++;
    if (end == written) end = written < len ? written + 1 : written;
    if (written > len) written = end = len;
    struct diag *g = load_diag(&b->l, "E0601", node_part(sql->node, written, end), "%s", r->error);
    if (written < len && hash_comment(sql->node->text, written))
        diag_label(b->l.d, g, "comments start with `--` in SQL");
}

/* ---- names */

static bool ends_in_new(const char *s, size_t len) { return len > 5 && strcmp(s + len - 5, "__new") == 0; }

static void take_name(struct build *b, uint32_t step, const char *name) {
    struct step *s = &b->full->pub.steps[step];
    const char *dot = strchr(name, '.');
    size_t len = strlen(name);
    if (!dot || strstr(name, SQL_IDENT) || !project_zone(b->l.project, name, (size_t)(dot - name))) return;
    bool only_new = ends_in_new(name, len);
    const char *dataset =
        only_new ? arena_strndup(b->l.arena, name, len - 5) : arena_strdup(b->l.arena, name);
    add_read(b, s, dataset, only_new, b->notes[step].at_verb);
    if (only_new && !s->bookmark) s->bookmark = BOOKMARK_VERSION;
}

/* What a check names is read when its step has written. */
static void take_checked(struct build *b, uint32_t step, const char *name) {
    size_t len = strlen(name);
    if (!strchr(name, '.') || strstr(name, SQL_IDENT)) return;
    add_checked(b, step, arena_strndup(b->l.arena, name, ends_in_new(name, len) ? len - 5 : len));
}

/* What the SQL of a `wait` names is looked at again and again. */
static void take_watched(struct build *b, uint32_t step, const char *name) {
    const char *dot = strchr(name, '.');
    if (!dot || strstr(name, SQL_IDENT) || !project_zone(b->l.project, name, (size_t)(dot - name))) return;
    if (!ends_in_new(name, strlen(name))) {
        add_watched(b, step, arena_strdup(b->l.arena, name));
        return;
    }
    struct diag *g =
        load_diag(&b->l, "E0409", b->notes[step].at_verb, "a `wait` has no bookmark for `%s`", name);
    diag_label(b->l.d, g, "nothing is new to a step that consumes nothing: name the dataset itself");
}

/* A text of the pipeline and which of the asked ones it is. */
struct question {
    const struct sql_text *sql;
    uint32_t step;
    void (*take)(struct build *b, uint32_t step, const char *name);
    size_t at;
};

struct asked {
    struct sql_reads *list; /* each text once */
    size_t count, cap;
    struct question *questions;
    size_t question_count, question_cap;
    struct map texts;
};

static void ask(struct asked *a, struct question q) {
    if (!q.sql) return;
    q.at = a->count;
    if (map_add(&a->texts, q.sql->text, a->count, &q.at)) {
        GROW(a->list, a->count, a->cap);
        a->list[a->count++] = (struct sql_reads){.text = q.sql->text};
    }
    GROW(a->questions, a->question_count, a->question_cap);
    a->questions[a->question_count++] = q;
}

static struct asked collect(struct build *b) {
    struct asked a = {.texts = MAP_INIT};
    for (uint32_t i = 0; i < b->full->pub.step_count; i++) {
        const struct value *checks = b->full->checks[i];
        bool attended = b->full->pub.steps[i].attended;
        ask(&a, (struct question){
                    .sql = b->notes[i].sql, .step = i, .take = attended ? take_watched : take_name});
        for (uint32_t k = 0; checks && k < checks->count; k++) {
            const struct value *v = &checks->items[k];
            if (v->shape == VALUE_CHECK)
                ask(&a, (struct question){.sql = v->check->sql, .step = i, .take = take_checked});
        }
    }
    return a;
}

static void no_engine(struct build *b, const struct asked *a, const char *why) {
    const struct note *first = &b->notes[a->questions[0].step]; /* once says it */
    struct diag *g = load_diag(&b->l, "W0107", first->at_verb, "what this SQL reads is not known");
    diag_label(b->l.d, g, "the order of the steps may be wrong");
    if (why) diag_note(b->l.d, g, "%s", why);
}

static void take_answers(struct build *b, const struct asked *a) {
    for (size_t i = 0; i < a->question_count; i++) {
        const struct question *q = &a->questions[i];
        const struct sql_reads *r = &a->list[q->at];
        if (r->error) sql_failed(b, q->sql, r);
        for (size_t k = 0; !r->error && k < r->count; k++) q->take(b, q->step, r->names[k]);
    }
}

void build_reads(struct build *b) {
    struct asked a = collect(b);
    struct err err = {0};
    if (a.count && !b->reader->sql_reads)
        no_engine(b, &a, NULL);
    else if (a.count && b->reader->sql_reads(b->reader->ctx, a.list, a.count, b->l.nodes, &err) != 0)
        no_engine(b, &a, err.msg);
    else
        take_answers(b, &a);
    map_release(&a.texts);
    free(a.list);
    free(a.questions);
}
