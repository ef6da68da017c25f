/* attach.h: a dataset's pinned version as a view in the embedded engine.
 *
 * A view lists exactly the files of one version: never "whatever is in the folder now". `zone.name` is the
 * whole version, `zone.name__new` the rows of files added since a consumed version (contract.md 29, 30).
 * Files of text (CSV, JSON) up to a ceiling are read into a table instead of a view: looking at their types
 * and parsing them happens once, however often the step's SQL and its checks read them. The file list travels
 * as a list variable, so versions of many thousand files are one short statement. */
#ifndef LEAT_ZONES_ATTACH_H
#define LEAT_ZONES_ATTACH_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct duck;
struct store;

struct zone_input {
    const char *dataset; /* "raw.orders"; the view's schema and name */
    const char *view;    /* NULL: `dataset`; else another name, such as "orders@12" in the same schema */
    int64_t dataset_id;  /* -1: not published yet: an error that names the dataset */
    int64_t version;     /* pinned; -1: never published */
    int64_t since;       /* consumed version; -1: never: everything is new */
    bool want_new;       /* make the __new view too */
    bool only_new;       /* and not the whole one (its sums are told all the same) */
};

struct zone_attached {
    int64_t files, bytes, rows;             /* of the pinned version; rows -1 when not known */
    int64_t new_files, new_bytes, new_rows; /* of __new */
    int64_t removed_in; /* the first version after `since` that removed files; -1: none did */
};

/* Makes the view (and __new). out may be NULL. */
int zone_attach(struct duck *d, struct store *s, const struct zone_input *in, struct zone_attached *out,
                struct err *err);
/* Attaches every entry of request.inputs (operators/README.md); sums go to `out`. */
int zone_attach_request(struct duck *d, struct store *s, const json_t *request, struct zone_attached *out,
                        struct err *err);
/* The paths of a pinned version, absolute, one array of text; new reference. */
json_t *zone_file_paths(struct store *s, int64_t dataset_id, int64_t version, struct err *err);

/* A SELECT over loose files of one extension family (stages of shell and spark steps, landing files):
 * csv tsv json ndjson parquet, .gz and .zst allowed. paths is an array of absolute texts, hive_by the names
 * of partition columns found in folder names (may be NULL). The text goes to a view made under `schema`.
 * `view`. -1 with err (exit 3, reason "not_readable") for other extensions or a mixture. */
int zone_attach_files(struct duck *d, const char *schema, const char *view, const json_t *paths,
                      const json_t *hive_by, struct err *err);
/* The same with more to say: columns of csv and tsv files that are read as they are written (each must be in
 * some file), and a column `_leat_source` with the file's path. */
struct zone_loose {
    const char *schema, *view;
    const json_t *paths;   /* absolute */
    const json_t *hive_by; /* may be NULL */
    const json_t *as_text; /* names; may be NULL */
    bool with_source;
    int64_t bytes; /* of all files, when known: text that is not too long is parsed once, into a table */
};
int zone_attach_loose(struct duck *d, const struct zone_loose *l, struct err *err);
/* true when zone_attach_files() knows the extension. */
bool zone_file_readable(const char *path);

#endif
