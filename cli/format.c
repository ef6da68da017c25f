/* format.c: numbers for people; see format.h. */
#include "cli/format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *grouped(int64_t n, char text[FORMAT_TEXT]) {
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRId64, n), at = 0;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0) text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = '\0';
    return text;
}

const char *format_count(const struct out *o, int64_t n, char text[FORMAT_TEXT]) {
    if (n < 0) return strcpy(text, "");
    if (o->tty) return grouped(n, text);
    snprintf(text, FORMAT_TEXT, "%" PRId64, n);
    return text;
}

const char *format_bytes(int64_t n, char text[FORMAT_TEXT]) {
    static const char *const units[] = {"B", "KB", "MB", "GB", "TB", "PB", "EB"};
    if (n < 0) return strcpy(text, "");
    double value = (double)n;
    size_t unit = 0;
    while (value >= 1024 && unit + 1 < sizeof units / sizeof *units) {
        value /= 1024;
        unit++;
    }
    if (unit == 0)
        snprintf(text, FORMAT_TEXT, "%" PRId64 " B", n);
    else
        snprintf(text, FORMAT_TEXT, "%.1f %s", value, units[unit]);
    return text;
}

const char *format_plural(int64_t n, const char *noun, char text[FORMAT_TEXT]) {
    size_t len = strlen(noun);
    const char *ending = n == 1 ? "" : len > 0 && noun[len - 1] == 'x' ? "es" : "s";
    snprintf(text, FORMAT_TEXT, "%" PRId64 " %s%s", n, noun, ending);
    return text;
}
