/* cgroup.c: slots below the cgroup this process runs in.
 *
 * A folder counts as delegated when systemd says so (user.delegate), when it belongs to this user and not to
 * root, or when it is the root of what we can see (a container, a machine without systemd). In others root
 * could make groups too, but they belong to somebody else's bookkeeping.
 *
 * Controllers can be enabled below a group only while no process is directly in it, so the memory limit may
 * have to be done by RLIMIT_AS instead: cgroups_take() says what the slot really limits. */
#include "warden/cgroup.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "warden/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define JOB_ATTRIBUTE "user.leat.job"
#define PLACE_FILE    "warden.cgroup" /* in the state folder: where the slots are */

struct slot {
    int folder;    /* -1: to be made anew */
    unsigned name; /* <pid of the warden>-<name> */
    bool busy, limited;
    bool killed; /* Linux kills everything that is later born from outside into a group cgroup.kill was used
                    on (the child is held against the kill count of its parent's group): not used again */
    int64_t oom_before;
};

struct cgroups {
    int folder;
    struct buf path, full; /* of our group: within the hierarchy; in the file system */
    bool memory, processes;
    struct slot *slots;
    size_t count, cap;
    unsigned names; /* given out so far */
};

/* ---- small files ---- */

static bool write_file(int folder, const char *name, const char *text) {
    int fd = openat(folder, name, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return false;
    bool ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close(fd);
    return ok;
}

static bool write_number(int folder, const char *name, int64_t v) {
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, v);
    return write_file(folder, name, text);
}

/* The number behind "key " in a file of such lines; 0 when there is none. */
static int64_t read_key(int folder, const char *name, const char *key) {
    char b[1024] = "\n";
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t n = read(fd, b + 1, sizeof b - 2);
    close(fd);
    b[n > 0 ? n + 1 : 1] = '\0';
    char wanted[64];
    snprintf(wanted, sizeof wanted, "\n%s ", key);
    const char *at = strstr(b, wanted);
    return at ? strtoll(at + strlen(wanted), NULL, 10) : 0;
}

static bool file_has_word(int folder, const char *name, const char *word) {
    char b[1024];
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    ssize_t n = read(fd, b, sizeof b - 1);
    close(fd);
    b[n > 0 ? n : 0] = '\0';
    size_t length = strlen(word);
    for (const char *p = b; (p = strstr(p, word)); p += length)
        if ((p == b || p[-1] == ' ') && (p[length] == ' ' || p[length] == '\n' || !p[length])) return true;
    return false;
}

/* ---- finding a place ---- */

/* "36 35 98:0 / /sys/fs/cgroup rw,… - cgroup2 …": the fifth word of the line of that type. */
static bool find_mount(struct buf *mount) {
    struct buf b = BUF_INIT;
    bool found = false;
    if (proc_read(getpid(), "mountinfo", &b)) {
        char *rest = b.s;
        for (char *line; !found && (line = strsep(&rest, "\n"));) {
            char place[PATH_MAX];
            const char *type = strstr(line, " - cgroup2 ");
            found = type && sscanf(line, "%*s %*s %*s %*s %4095s", place) == 1;
            if (found) buf_adds(mount, place);
        }
    }
    buf_release(&b);
    return found;
}

static bool marked_delegated(const char *folder) {
    char mark[2] = "";
    return getxattr(folder, "user.delegate", mark, sizeof mark) == 1 && mark[0] == '1';
}

static bool delegated(const char *folder, bool top) {
    struct stat st;
    if (stat(folder, &st) < 0) return false;
    return top || (st.st_uid == geteuid() && st.st_uid != 0) || marked_delegated(folder);
}

static void name_group(struct buf *b, const char *state) {
    buf_addf(b, "%sleat-%016" PRIx64, b->s[b->len - 1] == '/' ? "" : "/", hash_bytes(state, strlen(state)));
}

/* A group that systemd delegated may be the parent of the leaf we are in (DelegateSubgroup=): there
 * controllers can be enabled. */
static void choose_group(const char *mount, struct buf *own) {
    const char *slash = strrchr(own->s, '/');
    if (slash == own->s) return;
    struct buf parent = BUF_INIT;
    size_t length = (size_t)(slash - own->s);
    buf_addf(&parent, "%s%.*s", mount, (int)length, own->s);
    if (marked_delegated(parent.s)) own->s[own->len = length] = '\0';
    buf_release(&parent);
}

static int make_folder(const char *path) {
    if (mkdir(path, 0700) < 0 && errno != EEXIST) return -1;
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void enable(const char *parent, int group) {
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    static const char *const controllers[] = {"+memory", "+pids"};
    for (size_t i = 0; i < 2; i++)
        if (write_file(fd, "cgroup.subtree_control", controllers[i]))
            write_file(group, "cgroup.subtree_control", controllers[i]);
    close(fd);
}

/* Makes our group below `own`. NULL when that may not be. */
static struct cgroups *open_at(const char *mount, const char *own, const char *state) {
    struct buf parent = BUF_INIT, path = BUF_INIT, full = BUF_INIT;
    struct cgroups *c = NULL;
    buf_addf(&parent, "%s%s", mount, own);
    buf_adds(&path, own);
    name_group(&path, state);
    buf_addf(&full, "%s%s", mount, path.s);
    int folder = delegated(parent.s, strcmp(own, "/") == 0) ? make_folder(full.s) : -1;
    if (folder >= 0) {
        enable(parent.s, folder);
        c = xcalloc(1, sizeof *c);
        *c = (struct cgroups){.folder = folder, .path = path, .full = full};
        c->memory = file_has_word(folder, "cgroup.subtree_control", "memory");
        c->processes = file_has_word(folder, "cgroup.subtree_control", "pids");
        path = full = (struct buf)BUF_INIT;
    }
    buf_release(&parent);
    buf_release(&path);
    buf_release(&full);
    return c;
}

/* Groups of an earlier warden; those with processes left stay, under their names, and are not used. */
static void remove_slots(const struct cgroups *c) {
    DIR *d = opendir(c->full.s);
    if (!d) return;
    for (struct dirent *e; (e = readdir(d));)
        if (e->d_type == DT_DIR && e->d_name[0] != '.') unlinkat(c->folder, e->d_name, AT_REMOVEDIR);
    closedir(d);
}

static void forget(struct cgroups *c) {
    close(c->folder);
    buf_release(&c->path);
    buf_release(&c->full);
    free(c->slots);
    free(c);
}

static void slot_name(char out[48], unsigned name) {
    /* The pid keeps clear of slots that an earlier warden left occupied. */
    snprintf(out, 48, "%d-%u", (int)getpid(), name);
}

static bool make_slot(struct cgroups *c, struct slot *s) {
    char name[48];
    *s = (struct slot){.folder = -1, .name = c->names++};
    slot_name(name, s->name);
    if (mkdirat(c->folder, name, 0700) < 0) return false;
    s->folder = openat(c->folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return s->folder >= 0;
}

static bool add_slot(struct cgroups *c) {
    GROW(c->slots, c->count, c->cap);
    return make_slot(c, &c->slots[c->count++]);
}

static void note_place(int state_dir, const struct cgroups *c) {
    int fd = openat(state_dir, PLACE_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return;
    ssize_t n = write(fd, c->full.s, c->full.len);
    (void)n; /* without it a lost job's tree is found by its locks and environment alone */
    close(fd);
}

struct cgroups *cgroups_open(int state_dir, const char *state) {
    struct buf mount = BUF_INIT, own = BUF_INIT;
    struct cgroups *c = NULL;
    if (find_mount(&mount) && proc_cgroup(getpid(), &own)) {
        choose_group(mount.s, &own);
        c = open_at(mount.s, own.s, state);
    }
    buf_release(&mount);
    buf_release(&own);
    if (!c) return NULL;
    remove_slots(c);
    /* Only kernels with cgroup.kill (5.14) make this worth while. */
    if (!add_slot(c) || faccessat(c->slots[0].folder, "cgroup.kill", W_OK, 0) < 0)
        return cgroups_close(c), NULL;
    note_place(state_dir, c);
    return c;
}

void cgroups_close(struct cgroups *c) {
    if (!c) return;
    for (size_t i = 0; i < c->count; i++)
        if (c->slots[i].folder >= 0) close(c->slots[i].folder);
    remove_slots(c);
    rmdir(c->full.s);
    forget(c);
}

/* ---- slots ---- */

static int free_slot(struct cgroups *c) {
    for (size_t i = 0; i < c->count; i++)
        if (!c->slots[i].busy && (c->slots[i].folder >= 0 || make_slot(c, &c->slots[i]))) return (int)i;
    return add_slot(c) ? (int)c->count - 1 : -1;
}

static void set_limits(const struct cgroups *c, struct slot *s, const struct job_limits *l) {
    if (c->memory && l->memory_bytes > 0) {
        s->limited = true;
        write_number(s->folder, "memory.max", l->memory_bytes);
        write_file(s->folder, "memory.swap.max", "0");
        write_file(s->folder, "memory.oom.group", "1");
    }
    if (c->processes && l->processes > 0) {
        s->limited = true;
        write_number(s->folder, "pids.max", l->processes);
    }
}

struct cgroup_take cgroups_take(struct cgroups *c, const char *id, const struct job_limits *limits) {
    const struct cgroup_take none = {.slot = -1, .folder = -1};
    int i = c ? free_slot(c) : -1;
    if (i < 0) return none;
    struct slot *s = &c->slots[i];
    s->busy = true;
    set_limits(c, s, limits);
    if (c->memory) s->oom_before = read_key(s->folder, "memory.events", "oom_kill");
    fsetxattr(s->folder, JOB_ATTRIBUTE, id, strlen(id), 0);
    return (struct cgroup_take){
        .slot = i, .folder = s->folder, .limits_memory = c->memory, .limits_processes = c->processes};
}

void cgroups_kill(struct cgroups *c, int slot) {
    if (!c || slot < 0) return;
    c->slots[slot].killed = true;
    write_file(c->slots[slot].folder, "cgroup.kill", "1");
}

bool cgroups_out_of_memory(struct cgroups *c, int slot) {
    if (!c || slot < 0 || !c->memory) return false;
    const struct slot *s = &c->slots[slot];
    return read_key(s->folder, "memory.events", "oom_kill") > s->oom_before;
}

static int slot_named(const struct cgroups *c, unsigned name) {
    for (size_t i = 0; i < c->count; i++)
        if (c->slots[i].name == name) return (int)i;
    return -1;
}

int cgroups_slot_of(const struct cgroups *c, pid_t pid) {
    struct buf path = BUF_INIT;
    int owner, slot = -1;
    unsigned name;
    /* A step may have made groups below its own: anything under the slot counts. */
    if (c && proc_cgroup(pid, &path) && path.len > c->path.len &&
        strncmp(path.s, c->path.s, c->path.len) == 0 &&
        sscanf(path.s + c->path.len, "/%d-%u", &owner, &name) == 2 && owner == (int)getpid())
        slot = slot_named(c, name);
    buf_release(&path);
    return slot;
}

static void lift_limits(const struct cgroups *c, struct slot *s) {
    if (!s->limited) return;
    if (c->memory) write_file(s->folder, "memory.max", "max");
    if (c->memory) write_file(s->folder, "memory.oom.group", "0");
    if (c->processes) write_file(s->folder, "pids.max", "max");
    s->limited = false;
}

/* A folder that still has processes in it cannot be removed; it stays behind under its name. */
static void retire(const struct cgroups *c, struct slot *s) {
    char name[48];
    slot_name(name, s->name);
    close(s->folder);
    s->folder = -1;
    unlinkat(c->folder, name, AT_REMOVEDIR);
}

static void enable_above(const struct cgroups *c, int folder) {
    struct buf parent = BUF_INIT;
    buf_addf(&parent, "%.*s", (int)(strrchr(c->full.s, '/') - c->full.s), c->full.s);
    enable(parent.s, folder);
    buf_release(&parent);
}

void cgroups_renew(struct cgroups *c, int slot) {
    c->slots[slot].busy = false;
    for (size_t i = 0; i < c->count; i++)
        if (!c->slots[i].busy && c->slots[i].folder >= 0) retire(c, &c->slots[i]);
    int folder = make_folder(c->full.s);
    if (folder < 0) return;
    close(c->folder);
    c->folder = folder;
    enable_above(c, folder);
}

void cgroups_give_back(struct cgroups *c, int slot) {
    if (!c || slot < 0) return;
    struct slot *s = &c->slots[slot];
    if (s->killed || read_key(s->folder, "cgroup.events", "populated") != 0)
        retire(c, s);
    else
        lift_limits(c, s);
    /* It is nobody's now: whoever looks for what is left of the job must not poison the next one's group. */
    if (s->folder >= 0) fremovexattr(s->folder, JOB_ATTRIBUTE);
    s->busy = false;
}

/* ---- after a warden's death ---- */

static void kill_if_of(int parent, const char *name, const char *id) {
    int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char of[128] = "";
    if (folder < 0) return;
    ssize_t n = fgetxattr(folder, JOB_ATTRIBUTE, of, sizeof of - 1);
    if (n > 0 && (size_t)n == strlen(id) && memcmp(of, id, (size_t)n) == 0)
        write_file(folder, "cgroup.kill", "1");
    close(folder);
}

void cgroups_kill_left(int state_dir, const char *id) {
    char path[PATH_MAX];
    int fd = openat(state_dir, PLACE_FILE, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, path, sizeof path - 1) : -1;
    if (fd >= 0) close(fd);
    path[n > 0 ? n : 0] = '\0';
    DIR *d = n > 0 ? opendir(path) : NULL;
    for (struct dirent *e; d && (e = readdir(d));)
        if (e->d_type == DT_DIR && e->d_name[0] != '.') kill_if_of(dirfd(d), e->d_name, id);
    if (d) closedir(d);
}
