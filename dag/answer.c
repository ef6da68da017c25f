/* answer.c: what came back about the steps: datasets they read become reads and edges, problems become
 * diagnostics at the text they are about. */
#include "base/json.h"
#include "dag/build.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- names */

static bool ends_in_new(const char *s, size_t len) { return len > 5 && strcmp(s + len - 5, "__new") == 0; }

static void take_name(struct build *b, uint32_t step, const char *name) {
    struct step *s = &b->full->pub.steps[step];
    const char *dot = strchr(name, '.');
    size_t len = strlen(name);
    if (!dot || strstr(name, SQL_IDENT) || !project_zone(b->l.project, name, (size_t)(dot - name))) return;
    bool only_new = ends_in_new(name, len);
    const char *dataset = arena_strndup(b->l.arena, name, only_new ? len - 5 : len);
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

static void take_names(struct build *b, uint32_t step, const json_t *answer) {
    const struct verb *v = b->notes[step].verb;
    bool watches = b->full->pub.steps[step].attended;
    size_t i;
    json_t *name;
    if (watches || (v && v->traits & VERB_SQL))
        json_array_foreach(json_object_get(answer, "reads"), i,
                           name)(watches ? take_watched : take_name)(b, step, json_string_value(name));
    json_array_foreach(json_object_get(answer, "checked"), i, name)
        take_checked(b, step, json_string_value(name));
}

/* ---- places */

/* Where a problem is: a value of the file, and the text of it that the problem's words are about. */
struct spot {
    struct span at;
    const struct node *text;    /* NULL: the place is all there is */
    const struct sql_text *sql; /* the text is its */
};

static const struct member *member_of(const struct value *v, const char *key) {
    for (uint32_t i = 0; key && v->shape == VALUE_OBJECT && i < v->count; i++)
        if (strcmp(v->members[i].key, key) == 0) return &v->members[i];
    return NULL;
}

/* Down into a value by keys and numbers; NULL when the path leaves it. *last: the key it ended with. */
static const struct value *value_at(const struct value *v, const json_t *path, size_t depth,
                                    const struct member **last) {
    size_t n = json_array_size(path) < depth ? json_array_size(path) : depth;
    *last = NULL;
    for (size_t i = 1; v && i < n; i++) {
        const json_t *part = json_array_get(path, i);
        *last = member_of(v, json_string_value(part));
        json_int_t at = json_is_integer(part) ? json_integer_value(part) : -1;
        if (*last)
            v = &(*last)->value;
        else if (v->shape == VALUE_LIST && at >= 0 && at < v->count)
            v = &v->items[at];
        else
            v = at == 0 ? v : NULL; /* one value stands for a list of it */
    }
    return v;
}

static struct spot spot_of(const struct value *v) {
    struct spot spot = {.at = v->at};
    if (v->shape == VALUE_SQL) spot.sql = v->sql;
    if (v->shape == VALUE_CHECK) spot.sql = v->check->sql;
    if (v->shape == VALUE_CHECK) spot.text = v->check->node;
    if (spot.sql) spot.text = spot.sql->node;
    return spot;
}

static struct spot find_spot(const struct build *b, uint32_t step, const json_t *problem) {
    const struct note *note = &b->notes[step];
    const struct {
        const char *name;
        const struct value *value;
        size_t depth; /* parts of a path that lead into the value */
    } roots[] = {{"config", b->full->pub.steps[step].config, SIZE_MAX},
                 {"checks", b->full->checks[step], 2},
                 {"key", note->key, 2},
                 {"partition_by", note->partition_columns, 2},
                 {"merge_by", note->merge_by, 2}};
    const json_t *path = json_object_get(problem, "at");
    const char *root = json_string_value(json_array_get(path, 0));
    struct spot spot = {.at = note->at_into.source ? note->at_into : note->at_verb};
    if (b->full->pub.steps[step].attended && note->sql)
        return (struct spot){.at = node_span(note->sql->node), .sql = note->sql, .text = note->sql->node};
    for (size_t i = 0; root && i < sizeof roots / sizeof *roots; i++) {
        const struct member *last = NULL;
        if (strcmp(roots[i].name, root) != 0) continue;
        const struct value *v = value_at(roots[i].value, path, roots[i].depth, &last);
        if (v) spot = spot_of(v);
        if (v && last && json_flag(problem, "key")) spot.at = last->key_at;
    }
    return spot;
}

/* ---- words in a text */

static bool word_char(char c) { return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80; }

/* The first place from `from` on where the word stands by itself; the text's length when there is none. */
static size_t find_word(const struct node *n, size_t from, const char *word) {
    size_t len = strlen(word);
    for (size_t i = from; len && i + len <= n->count; i++) {
        bool starts = i == 0 || !word_char(n->text[i - 1]) || !word_char(word[0]);
        bool ends = !word_char(n->text[i + len]) || !word_char(word[len - 1]);
        if (starts && ends && strncasecmp(n->text + i, word, len) == 0) return i;
    }
    return n->count;
}

static struct span word_span(const struct node *n, size_t at) {
    size_t end = at;
    while (end < n->count && word_char(n->text[end])) end++;
    if (end == at) end = at < n->count ? at + 1 : at;
    return node_part(n, at, end);
}

/* The name inside a place without a text of its own: `sinc` of `newest sinc`. */
static struct span word_within(struct span at, const char *name) {
    size_t len = strlen(name);
    if (!len || !at.source) return at;
    const char *found = memmem(at.source->text + at.start, at.end - at.start, name, len);
    if (!found) return at;
    at.start = (uint32_t)(found - at.source->text);
    at.end = at.start + (uint32_t)len;
    return at;
}

/* What the problem is about: its name, from its position on, else the word at that position. */
static struct span span_of(const struct spot *spot, const json_t *problem) {
    const char *name = json_text_or(problem, "name", "");
    int64_t position = json_int(problem, "position", -1);
    if (!spot->text) return word_within(spot->at, name);
    size_t at = position < 0 ? 0 : (size_t)position;
    if (spot->sql) at = sql_written_offset(spot->sql, at);
    if (at > spot->text->count) at = spot->text->count;
    size_t found = find_word(spot->text, at, name);
    if (found < spot->text->count) return node_part(spot->text, found, found + strlen(name));
    return spot->sql ? word_span(spot->text, at) : spot->at;
}

static bool hash_comment(const struct spot *spot, const json_t *problem) {
    int64_t position = json_int(problem, "position", -1);
    if (!spot->sql || position < 0) return false;
    size_t at = sql_written_offset(spot->sql, (size_t)position);
    const char *text = spot->text->text;
    if (at >= spot->text->count) return false;
    while (at && text[at - 1] != '\n' && text[at] != '#') at--;
    return text[at] == '#';
}

/* ---- problems */

static const struct {
    const char *kind, *sure, *doubtful;
} problem_codes[] = {
    {"sql", "E0601", "W0601"},  {"column", "E0412", "W0601"},  {"type", "E0211", "W0601"},
    {"word", "E0207", "W0601"}, {"columns", "E0413", "W0601"}, {"policy", "W0602", "W0602"},
};

static void show_problem(struct build *b, uint32_t step, const json_t *problem) {
    const char *kind = json_text_or(problem, "kind", ""), *note = json_text(problem, "note");
    const char *meant = json_text(problem, "meant");
    bool doubtful = json_flag(problem, "doubtful");
    size_t i = 0, n = sizeof problem_codes / sizeof *problem_codes;
    while (i + 1 < n && strcmp(problem_codes[i].kind, kind) != 0) i++;
    const char *code = doubtful ? problem_codes[i].doubtful : problem_codes[i].sure;
    struct spot spot = find_spot(b, step, problem);
    b->l.call = b->notes[step].call;
    struct diag *g =
        load_diag(&b->l, code, span_of(&spot, problem), "%s", json_text_or(problem, "message", ""));
    b->l.call = (struct span){0};
    if (meant) diag_label(b->l.d, g, "did you mean `%s`?", meant);
    if (!meant && hash_comment(&spot, problem)) diag_label(b->l.d, g, "comments start with `--` in SQL");
    if (note) diag_note(b->l.d, g, "%s", note);
    if (strcmp(code, "W0601") == 0)
        diag_help(b->l.d, g, "this is what was published last; a step that comes first may change it");
}

static void take_answer(struct build *b, uint32_t step, const json_t *answer) {
    size_t i;
    json_t *problem;
    take_names(b, step, answer);
    json_array_foreach(json_object_get(answer, "problems"), i, problem) show_problem(b, step, problem);
}

/* ---- rules that may be misspelled */

static bool is_column(const json_t *names, const char *name) {
    size_t i;
    json_t *v;
    json_array_foreach(names, i, v) if (strcasecmp(json_string_value(v), name) == 0) return true;
    return false;
}

static void settle_doubts(struct build *b, uint32_t step, const json_t *answer) {
    const struct value *checks = b->full->checks[step];
    for (uint32_t k = 0; checks && k < checks->count; k++) {
        const struct check_text *c = checks->items[k].shape == VALUE_CHECK ? checks->items[k].check : NULL;
        if (!c || !c->doubt || is_column(json_object_get(answer, "columns"), c->doubtful)) continue;
        b->l.call = b->notes[step].call;
        check_misspelled(&b->l, c);
        b->l.call = (struct span){0};
    }
}

/* ---- nobody could be asked */

static void no_engine(struct build *b, const char *why) {
    const struct pipeline *p = &b->full->pub;
    uint32_t i = 0;
    while (i < p->step_count && !step_has_sql(b, i)) i++;
    b->full->pub.reads_known = i == p->step_count;
    if (b->full->pub.reads_known) return;
    struct diag *g = load_diag(&b->l, "W0107", b->notes[i].at_verb, "what this SQL reads is not known");
    diag_label(b->l.d, g, "the order of the steps may be wrong"); /* once says it */
    if (why) diag_note(b->l.d, g, "%s", why);
}

void build_answers(struct build *b, const json_t *answers, size_t first, const char *why) {
    const struct pipeline *p = &b->full->pub;
    const json_t **of = xcalloc(p->step_count + 1, sizeof *of);
    b->full->pub.reads_known = true;
    if (b->questions && !answers) no_engine(b, why);
    for (size_t i = 0; answers && i < json_array_size(b->questions); i++) {
        of[b->asked[i]] = json_array_get(answers, first + i);
        take_answer(b, b->asked[i], of[b->asked[i]]);
    }
    /* Who asks nobody does not want to know: a name is taken for a column. */
    for (uint32_t i = 0; b->reader->ask && i < p->step_count; i++) settle_doubts(b, i, of[i]);
    free(of);
}
