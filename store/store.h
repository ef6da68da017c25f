/* store.h: the one SQLite file of a project: opening, transactions, upkeep, disk full.
 *
 *   <state>/leat.db      the database (WAL, synchronous=FULL, STRICT tables, mode 0600)
 *   <state>/lock         flock'ed by the one writer for as long as it lives; says who that is
 *   <state>/ballast      64 MiB given back to the file system when the disk is full
 *   <state>/backup/      pre-v<N>.db: copies made before a migration
 *
 * One writer for ever: one connection in one process writes and checkpoints (the conductor); everybody else
 * opens a reader. Readers never write, never checkpoint, never hold a transaction longer than read_limit.
 *
 * The writer's use: one turn of the loop is one transaction.
 *
 *   store_begin(s)  …any number of changes…  store_commit(s)   then carry out the effects, then store_tend(s)
 *
 * Every function in store/ answers the same way:
 *
 *    1   hit: the row was there in the expected state / was found
 *    0   missed: nothing was changed / there is no such row (err untouched). Functions without the notion
 *        return 0 for success
 *   -1   failed with err. Inside a transaction: roll back, the whole turn is off
 *
 * err->reason of failures: "disk_full" (roll back, store_disk_full(), try again), "io_error" (the disk
 * failed: abort the process and recover from disk, never retry: fsync may have dropped the pages), "corrupt",
 * "foreign", "moved" (it was removed or replaced while it was open), "newer", "older", "locked",
 * "read_timeout", "read_only", "network_disk", "out_of_memory".
 *
 * Changes need a transaction; asking works with and without one, on writer and reader alike. Rows come back
 * in the caller's arena: no statement stays open between two calls. Times are wall clock microseconds
 * (INSTANT_NONE is NULL); texts may be NULL where the column may be. Numbers that may be unknown are -1. */
#ifndef LEAT_STORE_STORE_H
#define LEAT_STORE_STORE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/instant.h"
#include "base/world.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;
struct migrations;

enum { STORE_UUID = 40 }; /* room for the text of one */

/* ---- opening ---- */

struct store_options {
    const struct world *world;           /* NULL: world_real() */
    duration_t read_limit;               /* of a reader's transaction; 0: 2 s */
    const char *vfs;                     /* NULL: SQLite's own; tests hand down a faulty one */
    int64_t ballast_bytes;               /* 0: LIMIT_BALLAST_BYTES; -1: no ballast */
    const char *uuid;                    /* it must be there and have this one; NULL: any, or a new one */
    int lock_fd;                         /* of store_keep_lock() in this process before exec; 0: none */
    const struct migrations *migrations; /* NULL: this program's own; tests hand down others */
};

/* Opens the database for writing: creates state folder (0700) and database when absent, takes the instance
 * lock, migrates an older file (after a backup), checks integrity when the last writer did not close it.
 * Exit 8 names the process that holds the lock; exit 6 for everything wrong with file or disk, and then no
 * file was changed. options may be NULL. */
struct store *store_open_writer(const char *state, const struct store_options *options, struct err *err);
/* Opens for reading, beside a living writer or without one. 1: *out is open; 0: there is no database yet (no
 * run was ever made); -1: failed. */
int store_open_reader(const char *state, const struct store_options *options, struct store **out,
                      struct err *err);
void store_close(struct store *s); /* NULL is fine; rolls back what was not committed; frees the lock */

/* The lock outlives store_close() and exec(): a descriptor for store_options.lock_fd of the program that
 * comes next, or 0 when it cannot be had. In between nobody else gets in. */
int store_keep_lock(struct store *s);

bool store_is_writer(const struct store *s);
bool store_was_unclean(const struct store *s);  /* the last writer ended without store_close() */
bool store_was_replaced(const struct store *s); /* its file is not the one the last writer closed: a backup */
int64_t store_migrated_from(const struct store *s); /* the older version this open brought up; 0: none */
const char *store_warning(const struct store *s);   /* "" or one line: opened, but … (ballast not made) */
const char *store_path(const struct store *s);      /* of leat.db */

/* Who holds the instance lock, for messages and `status`. 1: a living process, 0: nobody. */
struct store_holder {
    int64_t pid;
    char host[128];
    instant_t since;
};
int store_holder(const char *state, struct store_holder *out);

/* ---- transactions ---- */

int store_begin(struct store *s, struct err *err);  /* BEGIN IMMEDIATE; also needed by no reader */
int store_commit(struct store *s, struct err *err); /* durable when it returns 0; on -1 it is rolled back */
void store_rollback(struct store *s);               /* fine without a transaction */
bool store_in_transaction(const struct store *s);
/* Several questions about one moment: a reader's (or writer's) snapshot between the two. */
int store_snapshot_begin(struct store *s, struct err *err);
void store_snapshot_end(struct store *s);

/* ---- upkeep ---- */

/* Call between turns, after the effects: copies the WAL back when it is long (PASSIVE at 1,000 pages); when
 * idle, empties it (TRUNCATE) and makes the ballast again. Never fails a turn: -1 only for "io_error". */
int store_tend(struct store *s, bool idle, struct err *err);
/* Writes down that its owner was at work at this instant: proves the database writable. In a transaction. */
int store_alive(struct store *s, instant_t at, struct err *err);
/* When that was done last. 0: never. */
int store_alive_at(struct store *s, instant_t *at, struct err *err);
int64_t store_wal_pages(const struct store *s);

/* After "disk_full" and store_rollback(): gives the ballast's space back, so that failures can be recorded.
 * 1: space was freed; 0: the ballast was gone already; -1: it cannot be removed. Start nothing new until
 * store_ballast_whole() again (store_tend(idle) tries). */
int store_disk_full(struct store *s, struct err *err);
bool store_ballast_whole(const struct store *s);

/* ---- the project ---- */

/* The project's identity, made with the database: part of remote job keys and Delta table ids. */
const char *store_uuid(const struct store *s);

struct store_info {
    int64_t schema, pages, page_bytes, free_pages, wal_bytes;
    const char *sqlite; /* library version */
    bool wal_reset_bug; /* this library is in the range of the WAL-reset bug (reliability.md 3.2) */
};
int store_info(struct store *s, struct store_info *out, struct err *err);
const char *store_sqlite_version(void); /* of the library this program runs with */
/* PRAGMA integrity_check and foreign_key_check; the first finding is the message. */
int store_check(struct store *s, struct err *err);

#endif
