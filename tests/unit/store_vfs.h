/* store_vfs.h: SQLite's file layer with a will of its own.
 *
 * One shim, two uses: it fails the n-th call that changes something (once, or from then on), and it writes
 * down every write, truncation and sync of the database and its log, so that a power cut after any of them
 * can be acted out. One per process: SQLite hands no context to a file's methods that we could hang it on
 * more simply. */
#ifndef LEAT_TESTS_STORE_VFS_H
#define LEAT_TESTS_STORE_VFS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_OTHER = -1, FILE_DB, FILE_WAL, FILE_COUNT };
enum op_kind { OP_WRITE, OP_TRUNCATE, OP_SYNC, OP_MARK };

struct op {
    enum op_kind kind;
    int file;
    int64_t offset; /* OP_MARK: the number of commits acknowledged */
    int size;
    unsigned char *bytes;
};

struct shim {
    sqlite3_vfs vfs, *real;
    /* failing */
    int64_t calls, fail_at; /* fail_at 0: never */
    bool sticky, fired;
    int code;             /* what the failing call returns */
    bool only_syncs;      /* counts and fails syncs alone */
    void (*before)(void); /* called before each of them; NULL: nothing */
    /* recording */
    bool recording, lying; /* lying: syncs do nothing (a disk without a conscience) */
    struct op *ops;
    size_t count, cap;
};

static struct shim shim;

struct shim_file {
    sqlite3_file base;
    int which;
    sqlite3_file *real;
};
#define REAL(p) (((struct shim_file *)(p))->real)

static bool ends_with(const char *s, const char *end) {
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

static int shim_which(const char *name) {
    if (!name) return FILE_OTHER;
    if (ends_with(name, "leat.db")) return FILE_DB;
    return ends_with(name, "leat.db-wal") ? FILE_WAL : FILE_OTHER;
}

static bool shim_fails(void) {
    if (shim.before) shim.before();
    if (!shim.fail_at) return false;
    int64_t call = ++shim.calls;
    bool fails = shim.sticky ? call >= shim.fail_at : call == shim.fail_at;
    shim.fired |= fails;
    return fails;
}

static void shim_record(enum op_kind kind, int file, int64_t offset, int size, const void *bytes) {
    if (!shim.recording || file == FILE_OTHER) return;
    if (shim.count == shim.cap) {
        shim.cap = shim.cap ? shim.cap * 2 : 1024;
        shim.ops = realloc(shim.ops, shim.cap * sizeof *shim.ops);
        if (!shim.ops) abort();
    }
    struct op *o = &shim.ops[shim.count++];
    *o = (struct op){.kind = kind, .file = file, .offset = offset, .size = size};
    if (!bytes) return;
    o->bytes = malloc((size_t)size);
    if (!o->bytes) abort();
    memcpy(o->bytes, bytes, (size_t)size);
}

static int shim_close(sqlite3_file *p) {
    int r = REAL(p)->pMethods->xClose(REAL(p));
    free(REAL(p));
    return r;
}
static int shim_read(sqlite3_file *p, void *b, int n, sqlite3_int64 at) {
    return REAL(p)->pMethods->xRead(REAL(p), b, n, at);
}
static int shim_write(sqlite3_file *p, const void *b, int n, sqlite3_int64 at) {
    if (!shim.only_syncs && shim_fails()) return shim.code;
    shim_record(OP_WRITE, ((struct shim_file *)p)->which, at, n, b);
    return REAL(p)->pMethods->xWrite(REAL(p), b, n, at);
}
static int shim_truncate(sqlite3_file *p, sqlite3_int64 size) {
    if (!shim.only_syncs && shim_fails()) return shim.code;
    shim_record(OP_TRUNCATE, ((struct shim_file *)p)->which, size, 0, NULL);
    return REAL(p)->pMethods->xTruncate(REAL(p), size);
}
static int shim_sync(sqlite3_file *p, int flags) {
    (void)flags; /* the real sync is left out: nobody pulls a plug here */
    if (shim_fails()) return shim.code;
    if (!shim.lying) shim_record(OP_SYNC, ((struct shim_file *)p)->which, 0, 0, NULL);
    return SQLITE_OK;
}
static int shim_size(sqlite3_file *p, sqlite3_int64 *n) { return REAL(p)->pMethods->xFileSize(REAL(p), n); }
static int shim_lock(sqlite3_file *p, int l) { return REAL(p)->pMethods->xLock(REAL(p), l); }
static int shim_unlock(sqlite3_file *p, int l) { return REAL(p)->pMethods->xUnlock(REAL(p), l); }
static int shim_reserved(sqlite3_file *p, int *out) {
    return REAL(p)->pMethods->xCheckReservedLock(REAL(p), out);
}
static int shim_control(sqlite3_file *p, int op, void *arg) {
    return REAL(p)->pMethods->xFileControl(REAL(p), op, arg);
}
static int shim_sector(sqlite3_file *p) { return (void)p, 512; }
static int shim_device(sqlite3_file *p) { return (void)p, SQLITE_IOCAP_POWERSAFE_OVERWRITE; }
static int shim_shm_map(sqlite3_file *p, int a, int b, int c, void volatile **d) {
    return REAL(p)->pMethods->xShmMap(REAL(p), a, b, c, d);
}
static int shim_shm_lock(sqlite3_file *p, int a, int b, int c) {
    return REAL(p)->pMethods->xShmLock(REAL(p), a, b, c);
}
static void shim_shm_barrier(sqlite3_file *p) { REAL(p)->pMethods->xShmBarrier(REAL(p)); }
static int shim_shm_unmap(sqlite3_file *p, int d) { return REAL(p)->pMethods->xShmUnmap(REAL(p), d); }

static const sqlite3_io_methods shim_methods = {
    .iVersion = 2,
    .xClose = shim_close,
    .xRead = shim_read,
    .xWrite = shim_write,
    .xTruncate = shim_truncate,
    .xSync = shim_sync,
    .xFileSize = shim_size,
    .xLock = shim_lock,
    .xUnlock = shim_unlock,
    .xCheckReservedLock = shim_reserved,
    .xFileControl = shim_control,
    .xSectorSize = shim_sector,
    .xDeviceCharacteristics = shim_device,
    .xShmMap = shim_shm_map,
    .xShmLock = shim_shm_lock,
    .xShmBarrier = shim_shm_barrier,
    .xShmUnmap = shim_shm_unmap,
};

static int shim_open(sqlite3_vfs *v, const char *name, sqlite3_file *p, int flags, int *out) {
    (void)v;
    struct shim_file *f = (struct shim_file *)p;
    f->base.pMethods = NULL;
    f->real = calloc(1, (size_t)shim.real->szOsFile);
    f->which = shim_which(name);
    if (!f->real) return SQLITE_NOMEM;
    int r = shim.real->xOpen(shim.real, name, f->real, flags, out);
    if (r == SQLITE_OK)
        f->base.pMethods = &shim_methods;
    else
        free(f->real);
    return r;
}

/* Registers the VFS "shim"; call once. */
static inline void shim_register(void) {
    shim.real = sqlite3_vfs_find(NULL);
    shim.vfs = *shim.real;
    shim.vfs.zName = "shim";
    shim.vfs.szOsFile = (int)sizeof(struct shim_file);
    shim.vfs.xOpen = shim_open;
    sqlite3_vfs_register(&shim.vfs, 0);
}

static inline void shim_arm(int64_t at, bool sticky, int code) {
    shim.calls = 0, shim.fail_at = at, shim.sticky = sticky, shim.code = code, shim.fired = false;
}

static inline void shim_forget(void) {
    for (size_t i = 0; i < shim.count; i++) free(shim.ops[i].bytes);
    free(shim.ops);
    shim.ops = NULL;
    shim.count = shim.cap = 0;
}

#endif
