/* out.c: streams, colour, width; see out.h. */
#include "cli/out.h"

#include "base/instant.h"
#include "base/json.h"
#include "base/utf8.h"
#include "base/world.h"

#include <langinfo.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool env_set(const char *name) {
    const char *v = getenv(name);
    return v && *v;
}

static bool wants_color(bool tty, enum color_when when) {
    if (when != COLOR_AUTO) return when == COLOR_ALWAYS;
    if (env_set("NO_COLOR") || env_set("LEAT_NO_COLOR")) return false;
    if (env_set("FORCE_COLOR")) return true;
    const char *term = getenv("TERM");
    return tty && term && strcmp(term, "dumb") != 0;
}

static int terminal_columns(int fd) {
    struct winsize size = {0};
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    const char *columns = getenv("COLUMNS");
    int n = columns ? atoi(columns) : 0;
    return n > 0 ? n : 80;
}

struct out out_open(FILE *file, enum color_when when) {
    struct out o = {.file = file, .tty = isatty(fileno(file)) == 1};
    o.color = wants_color(o.tty, when);
    o.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    o.columns = o.tty ? terminal_columns(fileno(file)) : 0;
    return o;
}

void out_printf(const struct out *o, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    vfprintf(o->file, fmt, ap);
    va_end(ap);
}

static const char *const paint_codes[] = {
    [PAINT_NONE] = "",    [PAINT_BOLD] = "1",    [PAINT_DIM] = "2",   [PAINT_RED] = "31",
    [PAINT_GREEN] = "32", [PAINT_YELLOW] = "33", [PAINT_CYAN] = "36",
};

void out_paint(const struct out *o, enum paint paint, const char *text, int width) {
    int used = (int)utf8_columns(text, strlen(text));
    int pad = (width < 0 ? -width : width) - used;
    if (width < 0 && pad > 0) fprintf(o->file, "%*s", pad, "");
    if (o->color && paint != PAINT_NONE)
        fprintf(o->file, "\033[%sm%s\033[0m", paint_codes[paint], text);
    else
        fputs(text, o->file);
    if (width > 0 && pad > 0) fprintf(o->file, "%*s", pad, "");
}

enum paint out_status_paint(const char *word) {
    static const struct {
        const char *word;
        enum paint paint;
    } words[] = {
        {"ok", PAINT_GREEN},       {"success", PAINT_GREEN}, {"live", PAINT_GREEN},
        {"warn", PAINT_YELLOW},    {"failed", PAINT_RED},    {"FAILED", PAINT_RED},
        {"FAIL", PAINT_RED},       {"fail", PAINT_RED},      {"error", PAINT_RED},
        {"running", PAINT_CYAN},   {"skipped", PAINT_DIM},   {"cancelled", PAINT_YELLOW},
        {"none", PAINT_DIM},       {"FAILING", PAINT_RED},   {"RUNNING", PAINT_CYAN},
        {"LATE", PAINT_YELLOW},    {"CLOCK", PAINT_RED},     {"STALE", PAINT_YELLOW},
        {"BROKEN", PAINT_RED},     {"GONE", PAINT_DIM},      {"PAUSED", PAINT_YELLOW},
        {"STOPPED", PAINT_YELLOW}, {"OK", PAINT_GREEN},      {"upstream_failed", PAINT_RED},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].word, word) == 0) return words[i].paint;
    return PAINT_NONE;
}

const char *out_arrow(const struct out *o) { return o->utf8 ? "→" : "->"; }
const char *out_ellipsis(const struct out *o) { return o->utf8 ? "…" : "..."; }

void out_document(const struct out *o, const char *noun, json_t *items) {
    out_document_beside(o, noun, items, NULL, NULL);
}

void out_document_beside(const struct out *o, const char *noun, json_t *items, const char *key,
                         json_t *value) {
    char schema[64], now[INSTANT_TEXT];
    snprintf(schema, sizeof schema, "leat.%s/1", noun);
    json_t *doc = json_object();
    json_put_text(doc, "schema", schema);
    json_put_text(doc, "generated_at", instant_text(world_wall(world_real()), now));
    if (key) json_put(doc, key, value);
    json_put(doc, "items", items);
    json_dumpf(doc, o->file, JSON_INDENT(2) | OUT_JSON_REALS);
    fputc('\n', o->file);
    json_decref(doc);
}
