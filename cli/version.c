/* version.c: `leat version`: this program, and with -v or --json the libraries it works with. */
#include "base/fsio.h"
#include "base/json.h"
#include "cli/sql.h"
#include "cli/verbs.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

/* "2026b", from the first line of the zone data's source file; NULL where it is not installed. */
static char *zone_data(void) {
    char *text = fs_read("/usr/share/zoneinfo/tzdata.zi", 1 << 20, NULL, NULL);
    static const char mark[] = "# version ";
    char *version = NULL;
    if (text && strncmp(text, mark, sizeof mark - 1) == 0)
        version = strndup(text + sizeof mark - 1, strcspn(text + sizeof mark - 1, "\n"));
    free(text);
    return version;
}

static void add_engine(json_t *item) {
    struct err ignored = {0};
    struct duck_options o = {.allowed_count = 0};
    struct duck *d = duck_open(&o, &ignored);
    const char *version = d ? duck_version(d) : NULL;
    json_put_text(item, "duckdb", version && *version == 'v' ? version + 1 : version);
    json_put_text(item, "duckdb_library", d ? duck_library(d) : NULL);
    duck_close(d);
}

static json_t *versions(void) {
    json_t *item = json_object();
    char *zones = zone_data();
    json_put_text(item, "version", LEAT_VERSION);
    add_engine(item);
    json_put_text(item, "sqlite", store_sqlite_version());
    json_put_text(item, "libuv", uv_version_string());
    json_put_text(item, "zone_data", zones);
    free(zones);
    return item;
}

static int print_json(struct cli *c, struct err *err) {
    (void)err;
    json_t *items = json_array();
    json_array_append_new(items, versions());
    out_document(&c->out, "version", items);
    return EX_OK;
}

static int print_all(struct cli *c, struct err *err) {
    (void)err;
    json_t *all = versions(), *value;
    const char *name;
    out_printf(&c->out, "leat %s\n", LEAT_VERSION);
    json_object_foreach(all, name, value) {
        if (strcmp(name, "version") == 0) continue;
        out_printf(&c->out, "  %-14s  %s\n", name,
                   json_is_string(value) ? json_string_value(value) : "not found");
    }
    json_decref(all);
    return EX_OK;
}

/* Only a child loads the engine to ask for its version. */
static int run(struct cli *c, struct err *err) {
    if (c->json) return sql_in_child(c, print_json, err);
    if (c->verbose > 0) return sql_in_child(c, print_all, err);
    out_printf(&c->out, "leat %s\n", LEAT_VERSION);
    return EX_OK;
}

static const char *const examples[] = {
    "leat version\t",
    "leat version -v\tand the libraries it works with",
    "leat version --json\tfor scripts",
    NULL,
};

const struct command command_version = {
    .name = "version",
    .group = GROUP_LEARN,
    .usage = "[-v]",
    .about = "Prints the version; with -v those of the libraries.",
    .examples = examples,
    .run = run,
};
