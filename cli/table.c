/* table.c: rows in columns; see table.h. */
#include "cli/table.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GAP = 2, CUT_MIN = 8 };

struct table {
    struct arena *arena;
    const struct column *columns;
    size_t width; /* number of columns */
    const char **cells;
    size_t count, cap;
};

struct table *table_new(const struct column *columns) {
    struct table *t = xcalloc(1, sizeof *t);
    t->arena = arena_new();
    t->columns = columns;
    while (columns[t->width].title) t->width++;
    return t;
}

void table_free(struct table *t) {
    if (!t) return;
    arena_free(t->arena);
    free(t->cells);
    free(t);
}

/* A cell is one line of printable text: control characters would move the terminal's cursor. */
static const char *clean(struct arena *a, const char *text) {
    char *copy = arena_strdup(a, text ? text : "");
    for (char *p = copy; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f) *p = ' ';
    return copy;
}

void table_add(struct table *t, const char *text) {
    GROW(t->cells, t->count, t->cap);
    t->cells[t->count++] = clean(t->arena, text);
}

void table_addf(struct table *t, const char *fmt, ...) {
    struct buf b = BUF_INIT;
    va_list ap;
    va_start(ap, fmt);
    buf_vaddf(&b, fmt, ap);
    va_end(ap);
    table_add(t, buf_str(&b));
    buf_release(&b);
}

static int columns_of(const char *s) { return (int)utf8_columns(s, strlen(s)); }

static void measure(const struct table *t, int *widths) {
    for (size_t i = 0; i < t->width; i++) widths[i] = columns_of(t->columns[i].title);
    for (size_t i = 0; i < t->count; i++) {
        int n = columns_of(t->cells[i]);
        if (n > widths[i % t->width]) widths[i % t->width] = n;
    }
}

enum { HIDDEN = -1 };

static int total(const struct table *t, const int *widths) {
    int sum = 0;
    for (size_t i = 0; i < t->width; i++)
        if (widths[i] != HIDDEN) sum += widths[i] + (sum ? GAP : 0);
    return sum;
}

/* The least useful column that is still wider than `least`; -1 when there is none. */
static int next_cut(const struct table *t, const int *widths, int least) {
    int best = -1;
    for (size_t i = 0; i < t->width; i++) {
        if (t->columns[i].keep == 0 || widths[i] <= least) continue;
        if (best < 0 || t->columns[i].keep < t->columns[best].keep) best = (int)i;
    }
    return best;
}

/* First the least useful columns are cut, then, when that is not enough, left out. */
static void fit(const struct table *t, int *widths, int columns) {
    int cut;
    while (columns > 0 && total(t, widths) > columns && (cut = next_cut(t, widths, CUT_MIN)) >= 0) {
        int over = total(t, widths) - columns;
        widths[cut] = widths[cut] - over < CUT_MIN ? CUT_MIN : widths[cut] - over;
    }
    while (columns > 0 && total(t, widths) > columns && (cut = next_cut(t, widths, HIDDEN)) >= 0)
        widths[cut] = HIDDEN;
}

/* The longest beginning of s that leaves room for the ellipsis. */
static void cut_text(struct buf *b, const char *s, int width, const char *ellipsis) {
    int room = width - columns_of(ellipsis);
    size_t len = strlen(s), at = 0;
    while (at < len) {
        uint32_t c = 0;
        size_t n = utf8_decode(s + at, len - at, &c);
        room -= utf8_width(c);
        if (room < 0) break;
        at += n;
    }
    buf_add(b, s, at);
    buf_adds(b, ellipsis);
}

static void print_cell(const struct column *column, const struct out *o, const char *text, int width,
                       bool header, bool last) {
    struct buf b = BUF_INIT;
    if (columns_of(text) > width)
        cut_text(&b, text, width, out_ellipsis(o));
    else
        buf_adds(&b, text);
    enum paint paint = header ? PAINT_DIM : column->status ? out_status_paint(text) : PAINT_NONE;
    out_paint(o, paint, buf_str(&b), column->right ? -width : last ? 0 : width);
    buf_release(&b);
}

/* A row ends with its last cell that has text: no trailing blanks. */
static size_t last_cell(const struct table *t, const char *const *row, const int *widths) {
    size_t n = t->width;
    while (n > 1 && (!*row[n - 1] || widths[n - 1] == HIDDEN)) n--;
    return n - 1;
}

static void print_row(const struct table *t, const struct out *o, const char *const *row, const int *widths,
                      bool header) {
    size_t last = last_cell(t, row, widths);
    bool first = true;
    for (size_t i = 0; i <= last; i++) {
        if (widths[i] == HIDDEN) continue;
        if (!first) out_printf(o, "%*s", GAP, "");
        print_cell(&t->columns[i], o, row[i], widths[i], header, i == last);
        first = false;
    }
    out_printf(o, "\n");
}

static void print_plain(const struct table *t, const struct out *o) {
    for (size_t i = 0; i < t->count; i++)
        out_printf(o, "%s%s", t->cells[i], (i + 1) % t->width ? "\t" : "\n");
}

void table_print(const struct table *t, const struct cli *c) {
    const struct out *o = &c->out;
    if (c->plain) {
        print_plain(t, o);
        return;
    }
    int *widths = xcalloc(t->width, sizeof *widths);
    measure(t, widths);
    fit(t, widths, o->columns);
    const char **titles = xcalloc(t->width, sizeof *titles);
    for (size_t i = 0; i < t->width; i++) titles[i] = t->columns[i].title;
    print_row(t, o, titles, widths, true);
    for (size_t i = 0; i + t->width <= t->count; i += t->width) print_row(t, o, t->cells + i, widths, false);
    free(titles);
    free(widths);
}
