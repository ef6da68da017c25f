/* load.h: what the loader of one file carries through its stages, and the table-driven parse of fields. */
#ifndef LEAT_DAG_LOAD_H
#define LEAT_DAG_LOAD_H

#include "base/diag.h"
#include "base/fields.h"
#include "dag/node.h"
#include "dag/pipeline.h"
#include "dag/value.h"

/* "step `clean_orders`", "`retry` of step `clean_orders`": built only when an error needs it. */
struct where {
    const char *noun; /* "step", "zone", "the pipeline" … */
    const char *name; /* NULL: the noun alone; noun NULL: a key of what follows */
    const struct where *of;
    struct span at; /* where a missing key is reported */
};

/* Tables whose keys may have ended up in the wrong place: for "`timeout` belongs to the step". */
struct neighbour {
    const struct field *fields;
    const char *owner; /* "the step" */
};

struct kept_json {
    json_t **list;
    size_t count, cap;
};

struct load {
    struct arena *arena; /* of the result */
    struct arena *nodes; /* of the tree, gone after loading */
    struct diags *d;
    const struct project *project;
    struct expr_scope scope;
    const struct tz *tz;
    bool early;       /* some ${} are known now: each.* and template parameters */
    bool damaged;     /* a syntax error hid some of the file: what is missing may be there */
    bool folded_sql;  /* … */
    struct span call; /* inside of a template: where it was called, for the second place of a diagnostic */
    struct kept_json *kept;
    struct buf *definition; /* text of further files that decide what the result does … */
    const char **files;     /* … and their paths, malloc'ed list */
    size_t file_count, file_cap;
    struct line_index *lines;           /* of the sources seen so far */
    const struct neighbour *neighbours; /* owner NULL ends */
    int suggestions;                    /* still to make: they cost a walk over all names */
};

const char *where_text(struct load *l, const struct where *w); /* in the diagnostics' arena */
/* diag_add, and the call site as second place when inside of a template. */
struct diag *load_diag(struct load *l, const char *code, struct span at, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
struct place load_place(struct load *l, struct span at); /* place_of with an index of lines */
void load_release(struct load *l);                       /* what malloc gave: indexes, references */
/* A complaint about bytes of a scalar's text. */
void load_complain(struct load *l, const struct node *scalar, const struct complaint *c);

/* One value; false after a diagnostic. */
bool field_parse(struct load *l, const struct node *n, const struct field *f, const struct where *w,
                 struct value *out);
/* A whole map as VALUE_OBJECT; unknown and missing keys are diagnostics. */
bool fields_parse(struct load *l, const struct node *map, const struct field *table, const struct where *w,
                  struct value *out);
/* The same, leaving the values of some keys to others (their members are VALUE_NULL). skip ends with NULL. */
bool fields_parse_except(struct load *l, const struct node *map, const struct field *table,
                         const char *const *skip, const struct where *w, struct value *out);
void unknown_key(struct load *l, const struct node *map, const struct entry *e, const char *const *known,
                 size_t n, const struct where *w);
/* The entry's key is a name; false after a diagnostic. */
bool name_check(struct load *l, const struct node *map, const struct entry *e,
                const char *noun); /* project.c */
void missing_keys(struct load *l, const struct value *object, const struct field *table,
                  const struct where *w);
const struct field *field_find(const struct field *table, const char *key);
bool wrong_shape(struct load *l, const struct node *n, const struct field *f, const char *wanted); /* false */

/* Text whose ${} are all known now; NULL after a diagnostic. */
const char *early_text(struct load *l, const struct node *scalar, const struct field *f);
/* A checked template; NULL after a diagnostic. */
struct template *field_template(struct load *l, const struct node *scalar, const struct field *f,
                                const char *text);

struct sql_text *sql_parse(struct load *l, const struct node *scalar);                           /* sql.c */
struct sql_text *sql_file_parse(struct load *l, const struct node *path, const struct field *f); /* reads.c */
bool check_field(struct load *l, const struct node *n, struct value *out); /* checks.c */
void check_misspelled(struct load *l, const struct check_text *k);         /* says its doubt */
bool shell_check(struct load *l, const struct node *scalar);               /* shell.c */
json_t *keep_json(struct load *l, json_t *j); /* the result owns it from now on */
bool target_field(struct load *l, const struct node *n, const struct field *f, const struct where *w,
                  struct value *out); /* target.c */
bool span_field(struct load *l, const struct node *n, const struct field *f, struct value *out);

#endif
