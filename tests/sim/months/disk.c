/* disk.c: SQLite's file layer with a will of its own: every write and sync is a place to die at, and some
 * fail. */
#include "stage.h"
#include "tests/unit/store_vfs.h"

void disk_open(void) {
    int64_t at = chance_of(300) ? 1 + chance_below(3000) : 0;
    shim_register();
    sqlite3_vfs_register(&shim.vfs, 1);
    shim_arm(at, false, chance_below(2) ? SQLITE_FULL : SQLITE_IOERR_WRITE);
    shim.before = point;
    (void)shim_forget;
}

bool disk_failed(void) { return shim.fired; }
