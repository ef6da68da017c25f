/* fsio.h: files that are wholly on disk or not at all.
 *
 * Every function opens with O_CLOEXEC. "Durable" means: after success the bytes and the name survive a power
 * cut. */
#ifndef LEAT_BASE_FSIO_H
#define LEAT_BASE_FSIO_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Reads a whole file of at most `max` bytes; malloc'ed, NUL-terminated. len may be NULL. */
char *fs_read(const char *path, size_t max, size_t *len, struct err *err);
int fs_write_all(int fd, const void *p, size_t n); /* 0 or -1 with errno; retries short writes and EINTR */
/* Durable replace: temporary beside it, fsync, rename over, fsync of the folder. */
int fs_replace(const char *path, const void *p, size_t n, mode_t mode, struct err *err);
/* Durable create that never overwrites: temporary, fsync, link(2), fsync of the folder.
 * Returns 1 when the name was there before (its content is untouched), 0 when created. */
int fs_create(const char *path, const void *p, size_t n, mode_t mode, struct err *err);
int fs_mkdirs(const char *path, mode_t mode,
              struct err *err);                      /* like mkdir -p; each new folder's parent is fsynced */
int fs_sync_path(const char *path, struct err *err); /* fsync of a file or a folder */
int fs_rename(const char *from, const char *to, struct err *err); /* rename + fsync of both parents */
/* Removes a tree. Never follows symbolic links, never crosses into another file system, absent is fine. */
int fs_remove_tree(const char *path, struct err *err);
bool fs_exists(const char *path);
char *fs_join(const char *folder, const char *name); /* malloc'ed; an absolute name wins */
char *fs_parent(const char *path);                   /* malloc'ed; "." when there is none */

#endif
