/* glob.c: see glob.h. The pattern is cut into names; a list of (folder, next name) takes the place of
 * recursion. */
#include "operators/glob.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/instant.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct place {
    char *folder; /* "" is where we are */
    size_t next;  /* index of the name to match in it */
};

struct search {
    char **names; /* of the pattern, after the fixed beginning */
    size_t name_count;
    size_t fixed; /* length of the fixed beginning in paths, with its slash */
    struct place *places;
    size_t count, cap;
    struct found *out;
    bool any; /* one match is enough, a folder will do: nothing is kept */
    bool hit; /* there was one */
};

static bool is_pattern(const char *s, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (strchr("*?[", s[i])) return true;
    return false;
}

static void push(struct search *s, const char *folder, size_t next) {
    GROW(s->places, s->count, s->cap);
    s->places[s->count++] = (struct place){xstrdup(folder), next};
}

static char *below(const char *folder, const char *name) {
    struct buf b = BUF_INIT;
    size_t n = strlen(folder);
    buf_adds(&b, folder);
    if (n && folder[n - 1] != '/') buf_addc(&b, '/');
    buf_adds(&b, name);
    return buf_take(&b);
}

static int64_t mtime_of(const struct stat *st) {
    return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

static void add_file(struct search *s, const char *path, const struct stat *st) {
    struct found *f = s->out;
    GROW(f->files, f->count, f->cap);
    struct found_file *file = &f->files[f->count++];
    *file = (struct found_file){.path = xstrdup(path), .size = st->st_size, .mtime_ns = mtime_of(st)};
    file->name = file->path + s->fixed;
}

/* One name of a folder that fits names[next]. */
static void enter(struct search *s, const char *path, size_t next) {
    struct stat st;
    if (stat(path, &st) < 0) return; /* gone in between, or a link to nowhere */
    if (next + 1 == s->name_count && s->any) s->hit = true;
    if (next + 1 == s->name_count && S_ISREG(st.st_mode) && !s->any) add_file(s, path, &st);
    if (next + 1 < s->name_count && S_ISDIR(st.st_mode)) push(s, path, next + 1);
}

static bool is_real_folder(const char *path) {
    struct stat st;
    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void visit(struct search *s, const struct place *p, const char *name) {
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) return;
    const char *want = s->names[p->next];
    bool any_depth = strcmp(want, "**") == 0;
    if (any_depth && name[0] == '.') return;
    if (!any_depth && fnmatch(want, name, FNM_PERIOD) != 0) return;
    char *path = below(p->folder, name);
    if (!any_depth)
        enter(s, path, p->next);
    else if (is_real_folder(path))
        push(s, path, p->next);
    free(path);
}

static int read_place(struct search *s, const struct place *p, struct err *err) {
    if (strcmp(s->names[p->next], "**") == 0 && p->next + 1 < s->name_count) push(s, p->folder, p->next + 1);
    DIR *d = opendir(p->folder[0] ? p->folder : ".");
    if (!d && (errno == ENOENT || errno == ENOTDIR)) return 0;
    if (!d) return err_errno(err, "cannot read folder %s", p->folder);
    for (struct dirent *e; !s->hit && (e = readdir(d));) visit(s, p, e->d_name);
    closedir(d);
    return 0;
}

/* The longest beginning without pattern characters, up to and with its last slash. */
static size_t fixed_part(const char *from) {
    size_t fixed = 0;
    for (const char *p = from, *slash; (slash = strchr(p, '/')) && !is_pattern(p, (size_t)(slash - p));
         p = slash + 1)
        fixed = (size_t)(slash - from) + 1;
    return fixed;
}

static void cut_names(struct search *s, const char *rest) {
    size_t cap = 0;
    while (*rest) {
        size_t n = strcspn(rest, "/");
        if (n) {
            GROW(s->names, s->name_count, cap);
            s->names[s->name_count] = xcalloc(n + 1, 1);
            memcpy(s->names[s->name_count++], rest, n);
        }
        rest += n + (rest[n] == '/');
    }
}

static int by_path(const void *a, const void *b) {
    return strcmp(((const struct found_file *)a)->path, ((const struct found_file *)b)->path);
}

/* Two `**` may reach one file twice. */
static void sort_unique(struct found *f) {
    if (f->count) qsort(f->files, f->count, sizeof *f->files, by_path);
    for (size_t i = 1; i < f->count;) {
        if (strcmp(f->files[i - 1].path, f->files[i].path) == 0)
            found_drop(f, i);
        else
            i++;
    }
}

static int search(struct search *s, const char *start, struct err *err) {
    push(s, start, 0);
    int rc = 0;
    while (s->count) {
        struct place p = s->places[--s->count];
        if (rc == 0 && !s->hit) rc = read_place(s, &p, err);
        free(p.folder);
    }
    free(s->places);
    for (size_t i = 0; i < s->name_count; i++) free(s->names[i]);
    free(s->names);
    return rc;
}

static int search_pattern(struct search *s, const char *from, struct err *err) {
    s->fixed = fixed_part(from);
    cut_names(s, from + s->fixed);
    char *start = xstrdup(from);
    start[s->fixed] = 0;
    int rc = search(s, start, err);
    free(start);
    return rc;
}

static int find_pattern(const char *from, struct found *out, struct err *err) {
    struct search s = {.out = out};
    return search_pattern(&s, from, err);
}

/* A folder means everything below it. */
static int find_below(const char *folder, struct found *out, struct err *err) {
    char *pattern = below(folder, "**/[!_]*");
    struct search s = {.out = out, .fixed = strlen(pattern) - strlen("**/[!_]*")};
    cut_names(&s, "**/[!_]*");
    char *start = xstrdup(pattern);
    start[s.fixed] = 0;
    int rc = search(&s, start, err);
    free(start);
    free(pattern);
    return rc;
}

int glob_find(const char *from, struct found *out, struct err *err) {
    struct stat st;
    *out = (struct found){0};
    int rc = 0;
    if (stat(from, &st) == 0 && S_ISREG(st.st_mode)) {
        const char *slash = strrchr(from, '/');
        struct search s = {.out = out, .fixed = slash ? (size_t)(slash - from) + 1 : 0};
        add_file(&s, from, &st);
    } else if (stat(from, &st) == 0 && S_ISDIR(st.st_mode)) {
        rc = find_below(from, out, err);
    } else {
        rc = find_pattern(from, out, err);
    }
    if (rc < 0) found_release(out);
    sort_unique(out);
    return rc;
}

int glob_any(const char *from, struct err *err) {
    struct stat st;
    if (stat(from, &st) == 0) return 1;
    if (errno != ENOENT && errno != ENOTDIR) return err_errno(err, "cannot look at %s", from);
    if (!is_pattern(from, strlen(from))) return 0;
    struct search s = {.any = true};
    int rc = search_pattern(&s, from, err);
    return rc < 0 ? -1 : s.hit;
}

void found_release(struct found *f) {
    for (size_t i = 0; i < f->count; i++) free(f->files[i].path);
    free(f->files);
    *f = (struct found){0};
}

void found_drop(struct found *f, size_t index) {
    free(f->files[index].path);
    memmove(f->files + index, f->files + index + 1, (f->count - index - 1) * sizeof *f->files);
    f->count--;
}
