/* plan_fixture.h: pipelines and words of the cases about plans: tests/data/backfill, tests/data/restate.
 *
 *   | pipeline: x          the text of a pipeline, line by line; `pipeline:` begins another one
 *   word word key=value    a fact; words are split at blanks, a _ in a value is a blank */
#ifndef LEAT_TESTS_PLAN_FIXTURE_H
#define LEAT_TESTS_PLAN_FIXTURE_H

#include "dag_fixture.h"
#include "operators/op.h"
#include "script.h"

enum { FX_WORDS = 24, FX_PIPELINES = 8 };

struct fx_pipelines {
    struct project *project;
    struct diags *diags;
    struct pipeline *list[FX_PIPELINES];
    size_t count;
    struct buf text; /* of the one that is being said */
};

static inline void fx_pipelines_end(struct fx_pipelines *f) {
    for (size_t i = 0; i < f->count; i++) pipeline_free(f->list[i]);
    project_free(f->project);
    if (f->diags) diags_free(f->diags);
    buf_release(&f->text);
    *f = (struct fx_pipelines){0};
}

static inline void fx_pipelines_begin(struct fx_pipelines *f) {
    fx_pipelines_end(f);
    f->diags = diags_new();
    f->project = fx_project(f->diags);
}

/* What has been said so far is a pipeline. */
static inline void fx_pipelines_close(struct fx_pipelines *f) {
    struct err err = {0};
    struct pipeline_reader reader = {.ask = fx_ask};
    if (!f->text.len) return;
    reader.verbs = op_verbs(&reader.verb_count);
    struct pipeline *p =
        pipeline_load_text(f->project, "case.yaml", f->text.s, f->text.len, &reader, f->diags, &err);
    struct buf b = BUF_INIT;
    if (!p) diags_render(f->diags, DIAG_HUMAN, 20, false, &b);
    if (!p) fail_msg("%s%s", err.msg, buf_str(&b));
    assert_true(f->count < FX_PIPELINES);
    f->list[f->count++] = p;
    buf_clear(&f->text);
}

static inline void fx_pipelines_say(struct fx_pipelines *f, const char *line) {
    const char *text = line + 1 + (line[1] == ' ');
    if (strncmp(text, "pipeline:", 9) == 0) fx_pipelines_close(f);
    buf_addf(&f->text, "%s\n", text);
}

static inline size_t fx_split(char *line, char *words[FX_WORDS]) {
    size_t n = 0;
    for (char *w; (w = strsep(&line, " ")) && n + 1 < FX_WORDS;)
        if (*w) words[n++] = w;
    words[n] = NULL;
    return n;
}

/* The value of KEY=VALUE among the words, blanks for _; NULL: not there. */
static inline const char *fx_value(char *const *words, const char *key) {
    size_t n = strlen(key);
    for (; *words; words++) {
        if (strncmp(*words, key, n) != 0 || (*words)[n] != '=') continue;
        for (char *c = *words + n + 1; *c; c++)
            if (*c == '_') *c = ' ';
        return *words + n + 1;
    }
    return NULL;
}

static inline bool fx_flag(char *const *words, const char *word) {
    for (; *words; words++)
        if (strcmp(*words, word) == 0) return true;
    return false;
}

/* "2026-10-01..2026-10-03" */
static inline void fx_span(char *text, const struct tz *tz, instant_t *start, instant_t *end) {
    char *dots = strstr(text, "..");
    if (!dots) fail_msg("`%s` is not A..B", text);
    *dots = 0;
    *start = script_time(text, tz);
    *end = script_time(dots + 2, tz);
    *dots = '.';
}

static inline void fx_put_err(struct buf *out, const struct err *err) {
    buf_addf(out, "error %d: %s\n", (int)err->exit, err->msg);
    if (err->hint[0]) buf_addf(out, "  hint: %s\n", err->hint);
}

#endif
