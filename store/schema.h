/* schema.h: the text of the database, and the steps that bring an older file up. Internal to store/. */
#ifndef LEAT_STORE_SCHEMA_H
#define LEAT_STORE_SCHEMA_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum {
    SCHEMA_APPLICATION = 0x4C656174, /* "Leat": PRAGMA application_id */
    SCHEMA_VERSION = 2,              /* PRAGMA user_version of a new file */
};

extern const char *const schema_text[]; /* one text per table, NULL at the end */

/* Brings a file from version `from` to `from + 1`. Each step runs in a transaction that also sets
 * user_version. */
struct migration {
    int64_t from;
    const char *about;      /* for people: what changes */
    const char *const *sql; /* texts, NULL at the end */
};
#define MIGRATION_TEXTS(...) ((const char *const[]){__VA_ARGS__, NULL})
struct migrations {
    const struct migration *steps; /* ascending, without gaps */
    size_t count;
    int64_t target; /* version after the last */
};
extern const struct migrations schema_migrations;

#endif
