/* shell.c: shell text is not ours: nothing in it is replaced. ${…} that only we could mean is an error, with
 * the fix;
 * ${HOME} and the like are the shell's. */
#include "dag/load.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const char *const roots[] = {"params",  "window", "run",    "bookmark", "steps",   "inputs",
                                    "secrets", "each",   "output", "zones",    "project", "env"};

/* A root of ours followed by a dot or a bracket: a shell variable cannot be written so. */
static bool ours(const char *s) {
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++) {
        size_t n = strlen(roots[i]);
        if (strncmp(s, roots[i], n) == 0 && (s[n] == '.' || s[n] == '[')) return true;
    }
    return false;
}

/* WINDOW_START for window.start. */
static void variable_name(const char *expr, size_t n, char out[80]) {
    size_t len = 0;
    for (size_t i = 0; i < n && len < 60; i++) {
        bool word = isalnum((unsigned char)expr[i]);
        if (!word && (!len || out[len - 1] == '_')) continue;
        out[len++] = word ? (char)toupper((unsigned char)expr[i]) : '_';
    }
    while (len && out[len - 1] == '_') len--;
    out[len] = 0;
}

/* The line of shell text at `at`, with the expression replaced by "$NAME". */
static void rewritten_line(const struct node *n, size_t at, size_t end, const char *name, struct buf *out) {
    size_t start = at, stop = end;
    while (start && n->text[start - 1] != '\n') start--;
    while (stop < n->count && n->text[stop] != '\n') stop++;
    while (start < at && n->text[start] == ' ') start++;
    bool quoted = false; /* inside of double quotes on this line */
    for (size_t i = start; i < at; i++) quoted ^= n->text[i] == '"' && (i == start || n->text[i - 1] != '\\');
    buf_add(out, n->text + start, at - start);
    buf_addf(out, quoted ? "$%s" : "\"$%s\"", name);
    buf_add(out, n->text + end, stop - end);
}

static void refuse(struct load *l, const struct node *n, size_t at, size_t end) {
    char name[80];
    int len = (int)(end - at);
    const char *text = n->text + at;
    struct diag *g =
        load_diag(l, "E0503", node_part(n, at, end), "`%.*s` is not replaced inside shell text", len, text);
    diag_label(l->d, g, "the shell would see this and fail");
    variable_name(text + 2, (size_t)len - 3, name);
    struct buf line = BUF_INIT;
    rewritten_line(n, at, end, name, &line);
    diag_help(l->d, g, "pass it as an environment variable:\nshell: %s\nenv:\n  %s: %.*s", buf_str(&line),
              name, len, text);
    buf_release(&line);
}

bool shell_check(struct load *l, const struct node *n) {
    bool good = true;
    for (const char *p = n->text; (p = strstr(p, "${")); p += 2) {
        const char *close = strchr(p, '}');
        bool escaped = p > n->text && (p[-1] == '\\' || p[-1] == '$');
        if (!close || escaped || !ours(p + 2)) continue;
        refuse(l, n, (size_t)(p - n->text), (size_t)(close - n->text) + 1);
        good = false;
    }
    return good;
}
