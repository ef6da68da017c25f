/* codes.c: the tables of fields and codes as text, and notes. */
#include "cron/read.h"

#include <stdarg.h>
#include <stdio.h>

const char *const cron_code_names[] = {
#define X(name, title) #name,
    CRON_CODE_LIST(X)
#undef X
};

const char *const cron_field_words[] = {
#define X(name, words, salt, low, high) words,
    CRON_FIELD_LIST(X)
#undef X
        "",
};

const char *const cron_field_salts[] = {
#define X(name, words, salt, low, high) salt,
    CRON_FIELD_LIST(X)
#undef X
};

const uint16_t cron_field_low[] = {
#define X(name, words, salt, low, high) low,
    CRON_FIELD_LIST(X)
#undef X
};

const uint16_t cron_field_high[] = {
#define X(name, words, salt, low, high) high,
    CRON_FIELD_LIST(X)
#undef X
};

int cron_say(struct cron_note *n, enum cron_code code, enum cron_field field, struct part at, const char *fmt,
             ...) {
    va_list ap;
    *n = (struct cron_note){.code = code, .field = field, .offset = at.at, .length = at.length};
    va_start(ap, fmt);
    vsnprintf(n->message, sizeof n->message, fmt, ap);
    va_end(ap);
    return -1;
}

int cron_hint(struct cron_note *n, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(n->hint, sizeof n->hint, fmt, ap);
    va_end(ap);
    return -1;
}

int cron_meant(struct cron_note *n, const char *word) {
    if (!word) return -1;
    snprintf(n->meant, sizeof n->meant, "%s", word);
    return cron_hint(n, "did you mean `%s`?", word);
}
