/* clone_other.c: processors for which nobody has written the few instructions yet. */
#include "warden/clone.h"

#include <errno.h>

pid_t clone_into_cgroup(int (*fn)(void *arg), void *stack, size_t bytes, int cgroup, void *arg) {
    (void)fn, (void)stack, (void)bytes, (void)cgroup, (void)arg;
    return errno = ENOSYS, -1;
}
