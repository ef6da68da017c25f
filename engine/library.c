/* library.c: finds, loads and checks libduckdb.so. See api.h and duck_open().
 *
 * A library that is there but unfit (no ELF file, functions missing, another version) is an error and ends
 * the search: going on to the next place would hide a broken installation. The library is never unloaded: it
 * owns threads. */
#include "base/buf.h"
#include "base/fsio.h"
#include "engine/api.h"
#include "engine/duck.h"

#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name;
    size_t offset;
} functions[] = {
#define X(ret, name, args) {"duckdb_" #name, offsetof(struct duckdb_api, name)},
    DUCKDB_API_LIST(X)
#undef X
};

static int unfit(struct err *err, const char *reason, const char *path, const char *why) {
    err_set(err, EX_ENVIRONMENT, "%s cannot be used as the embedded engine: %s", path, why);
    err_hint(err, "run scripts/setup to install DuckDB %s, or point LEAT_DUCKDB at its libduckdb.so",
             DUCK_VERSION);
    return err_reason(err, reason);
}

static int resolve_functions(void *handle, struct duckdb_api *api, struct err *err) {
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        void *f = dlsym(handle, functions[i].name);
        if (!f) {
            char why[128];
            snprintf(why, sizeof why, "it has no function %s", functions[i].name);
            return unfit(err, "wrong_duckdb", api->path, why);
        }
        memcpy((char *)api + functions[i].offset, &f, sizeof f);
    }
    return 0;
}

static int check_version(const struct duckdb_api *api, struct err *err) {
    int major = 0, minor = 0, patch = 0, want_minor = 0, want_patch = 0;
    const char *version = api->library_version();
    sscanf(DUCK_VERSION, "1.%d.%d", &want_minor, &want_patch);
    if (sscanf(version, "v%d.%d.%d", &major, &minor, &patch) == 3 && major == 1 &&
        (minor > want_minor || (minor == want_minor && patch >= want_patch)))
        return 0;
    char why[128];
    snprintf(why, sizeof why, "it is version %.40s; 1.x from %s on is needed", version, DUCK_VERSION);
    return unfit(err, "wrong_duckdb", api->path, why);
}

static int load_from(const char *path, struct duckdb_api *api, struct err *err) {
    snprintf(api->path, sizeof api->path, "%s", path);
    /* Its own allocator and C++ runtime must not mix with ours: local scope, deep binding is not needed. */
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle) return unfit(err, "wrong_duckdb", path, dlerror());
    return resolve_functions(handle, api, err) || check_version(api, err) ? -1 : 0;
}

/* The folder of the running program, so that `leat` started through a link finds its own .deps. */
static void program_folder(char *out, size_t n) {
    ssize_t len = readlink("/proc/self/exe", out, n - 1);
    out[len > 0 ? len : 0] = 0;
    char *slash = strrchr(out, '/');
    if (slash) *slash = 0;
}

/* The last place is the dynamic linker's own search. */
static int load_first(struct duckdb_api *api, struct err *err) {
    static const char *const beside[] = {"/.deps/libduckdb.so", "/../.deps/libduckdb.so",
                                         "/../../.deps/libduckdb.so", "/../../../.deps/libduckdb.so"};
    const char *asked = getenv("LEAT_DUCKDB");
    if (asked && *asked) return load_from(asked, api, err);
    char folder[3072], path[4096];
    program_folder(folder, sizeof folder);
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
        snprintf(path, sizeof path, "%s%s", folder, beside[i]);
        if (fs_exists(path)) return load_from(path, api, err);
    }
    if (fs_exists("/usr/local/lib/leat/libduckdb.so"))
        return load_from("/usr/local/lib/leat/libduckdb.so", api, err);
    void *handle = dlopen("libduckdb.so", RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        err_set(err, EX_ENVIRONMENT,
                "DuckDB is not installed: no libduckdb.so in .deps beside the build, in "
                "/usr/local/lib/leat or in the system");
        err_hint(err, "run scripts/setup, or point LEAT_DUCKDB at a libduckdb.so");
        return err_reason(err, "no_duckdb");
    }
    snprintf(api->path, sizeof api->path, "libduckdb.so");
    return resolve_functions(handle, api, err) || check_version(api, err) ? -1 : 0;
}

const struct duckdb_api *duckdb_api_load(struct err *err) {
    /* Written once and the same for the life of the process, as the library itself is. */
    static struct duckdb_api loaded;
    static bool done;
    if (done) return &loaded;
    if (load_first(&loaded, err)) return NULL;
    done = true;
    return &loaded;
}
