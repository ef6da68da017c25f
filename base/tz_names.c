/* tz_names.c: the folder of zone data: which zones there are, which one was meant, of what version it is. */
#include "base/arena.h"
#include "base/fsio.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/suggest.h"
#include "base/tz_inner.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Not what is ours to name: the host's choice would make a pipeline mean another thing on another host. */
static bool is_hosts(const char *s) { return strcmp(s, "localtime") == 0 || strcmp(s, "posixrules") == 0; }

bool tz_name_is_safe(const char *s) {
    size_t n = strlen(s);
    if (is_hosts(s)) return false;
    if (!n || n >= TZ_NAME || *s == '/' || *s == '.' || strstr(s, "..") || strstr(s, "//") || s[n - 1] == '/')
        return false;
    for (; *s; s++)
        if (!isalnum((unsigned char)*s) && !strchr("/_+-.", *s)) return false;
    return true;
}

const char *tz_folder(void) {
    const char *folder = getenv("TZDIR");
    return folder && *folder == '/' ? folder : "/usr/share/zoneinfo";
}

struct names {
    char **list;
    size_t count, cap;
};

static bool is_zone_file(const char *path) {
    size_t len = 0;
    char magic[4] = {0};
    FILE *f = fopen(path, "rbe");
    if (!f) return false;
    len = fread(magic, 1, sizeof magic, f);
    fclose(f);
    return len == sizeof magic && memcmp(magic, "TZif", 4) == 0;
}

static int name_order(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void scan_folder(struct names *out, const char *folder, const char *prefix, int depth) {
    DIR *dir = opendir(folder);
    if (!dir) return;
    for (struct dirent *e; (e = readdir(dir)) && out->count < LIMIT_TZ_NAMES;) {
        if (!isupper((unsigned char)e->d_name[0])) continue; /* skips posix/, right/, tables */
        char *path = fs_join(folder, e->d_name), *name = fs_join(prefix, e->d_name);
        if (is_zone_file(path) && tz_name_is_safe(name)) {
            GROW(out->list, out->count, out->cap);
            out->list[out->count++] = xstrdup(name);
        } else if (depth < 3) {
            scan_folder(out, path, name, depth + 1);
        }
        free(path);
        free(name);
    }
    closedir(dir);
}

char **tz_names(size_t *count) {
    struct names names = {0};
    scan_folder(&names, tz_folder(), "", 0);
    if (names.count) qsort(names.list, names.count, sizeof *names.list, name_order);
    *count = names.count;
    return names.list;
}

void tz_names_free(char **names, size_t count) {
    for (size_t i = 0; i < count; i++) free(names[i]);
    free(names);
}

void tz_suggest(const char *name, char *out, size_t size) {
    size_t count;
    char **names = tz_names(&count);
    const char *best = suggest(name, (const char *const *)names, count);
    snprintf(out, size, "%s", best ? best : "");
    if (!best) { /* `Berlin` means the one zone whose last part it is */
        for (size_t i = 0; i < count; i++) {
            const char *slash = strrchr(names[i], '/');
            if (slash && strcasecmp(slash + 1, name) == 0) snprintf(out, size, "%s", names[i]);
        }
    }
    tz_names_free(names, count);
}

/* ---- the database as a whole */

/* What in the folder a new version always touches. */
static const char *const marks[] = {"", "tzdata.zi", "+VERSION", "tzdata"};

static uint64_t stamp_of(const char *path) {
    struct stat s;
    if (stat(path, &s) != 0) return 0;
    const int64_t of[] = {(int64_t)s.st_dev, (int64_t)s.st_ino, (int64_t)s.st_size, s.st_mtim.tv_sec,
                          s.st_mtim.tv_nsec};
    return hash_bytes(of, sizeof of);
}

uint64_t tz_database_stamp(void) {
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        char *path = fs_join(tz_folder(), marks[i]);
        sum = sum * 31 + stamp_of(path);
        free(path);
    }
    return sum;
}

/* The first line of a file that is the version alone, or a comment with it. */
static bool version_in(const char *file, const char *format, char out[TZ_VERSION]) {
    char line[80] = "", word[TZ_VERSION];
    char *path = fs_join(tz_folder(), file);
    FILE *f = fopen(path, "rbe");
    free(path);
    if (!f) return false;
    bool found = fgets(line, sizeof line, f) && sscanf(line, format, word) == 1;
    fclose(f);
    if (found) snprintf(out, TZ_VERSION, "%s", word);
    return found;
}

void tz_database_version(char out[TZ_VERSION]) {
    *out = 0;
    if (!version_in("tzdata.zi", "# version %31s", out)) version_in("+VERSION", "%31s", out);
}
