/* treelock.h: a lock that every process of a job inherits, and that is free exactly when none of them is
 * left.
 *
 * All jobs share one file, <state>/warden.tree, empty for ever. A job's processes hold an open file
 * description lock on one byte of it, at the offset that the job's id hashes to. Starting a job makes no
 * file; a lock that is free proves that no process holds the inherited descriptor any more; and
 * /proc/<pid>/fdinfo shows for any process which byte its descriptor locks, thus which job it belongs to. */
#ifndef LEAT_WARDEN_TREELOCK_H
#define LEAT_WARDEN_TREELOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define TREELOCK_FILE "warden.tree"

int64_t treelock_key(const char *id);
/* A descriptor (close-on-exec) that holds the lock of `key`; -1 with errno (EAGAIN: held by others). */
int treelock_take(int state_dir, int64_t key);
bool treelock_held(int state_dir, int64_t key);

struct treelock {
    int64_t key; /* -1: none */
    dev_t device;
    ino_t file;
};

/* The tree lock that a process holds a descriptor of. */
struct treelock treelock_of(pid_t pid);
/* Is it in this state folder's file? Ids are unique, but a folder may be copied, rows of running attempts and
 * all. */
bool treelock_is_in(const struct treelock *l, int state_dir);

#endif
