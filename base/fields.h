/* fields.h: one line per key.
 *
 * Every YAML key of a pipeline, a project and a verb is a row of a table. The same row drives parsing, type
 * checks, did-you-mean, help, the JSON Schema and the reference page. dag/ reads the tables; operators/
 * writes those of its verbs. */
#ifndef LEAT_BASE_FIELDS_H
#define LEAT_BASE_FIELDS_H

#include <stddef.h>

/* X(name, what the reference page calls it, what dag_resolve() makes of it) */
#define FIELD_KIND_LIST(X)                                                                                   \
    X(TEXT, "text", "string; ${} embedded or whole")                                                         \
    X(BOOL, "true or false", "boolean")                                                                      \
    X(COUNT, "count", "integer >= 0")                                                                        \
    X(NUMBER, "number", "integer or real")                                                                   \
    X(DURATION, "duration", "integer, microseconds")                                                         \
    X(SIZE, "size", "integer, bytes")                                                                        \
    X(PERCENT, "percent", "real, 1% is 0.01")                                                                \
    X(TIME_OF_DAY, "time of day", "string HH:MM")                                                            \
    X(TIME_ZONE, "time zone", "string, an IANA name")                                                        \
    X(ENUM, "one of", "string")                                                                              \
    X(NAME, "name", "string matching ^[a-z][a-z0-9_]{0,62}$")                                                \
    X(DATASET, "dataset", "string zone.name")                                                                \
    X(STEP, "step", "string, the name of a step of this pipeline")                                           \
    X(PATH, "path", "string; ${} is a path template (pipelines.md 2.4)")                                     \
    X(URL, "URL", "string; parts of ${} are percent-encoded")                                                \
    X(SQL, "SQL", "{text, params: [{name, type, value}], line, column}; ${} is a bound parameter $name")     \
    X(SHELL, "shell text", "string, verbatim; Leat's own ${} roots are an error")                            \
    X(ARG, "argument", "string; one argv element; a secret is an error")                                     \
    X(EXPR, "condition", "the value of the expression")                                                      \
    X(CHECK, "check", "object, see dag/check.h")                                                             \
    X(TARGET, "what to wait for", "object with one member: path, time, dataset, or sql (as FK_SQL)")         \
    X(SPAN, "span of time", "object {unit: window|hours|days|weeks|months, count}")                          \
    X(MAP, "map of text", "object of strings; secrets allowed")                                              \
    X(OBJECT, "map", "object with the keys of `fields`")                                                     \
    X(ANY, "any value", "the JSON of the YAML; whole-value ${} keeps its type")

enum field_kind {
#define X(name, about, json) FK_##name,
    FIELD_KIND_LIST(X)
#undef X
};

enum field_flag {
    FIELD_REQUIRED = 1, /* the key must be there */
    FIELD_LIST = 2,     /* a list of this kind, or one value for a list of one; resolves to an array */
    FIELD_FIXED = 4,    /* no ${} here: the value is known when the file is read */
    FIELD_SHORT = 8,    /* a plain value (or list) instead of the map means this field (at most one row of a
                           table) */
    FIELD_FILE = 16, /* FK_SQL: the value is a path (from the project folder, no ${}); the file's text is read
                        with the pipeline, its ${} are parameters; line and column are the file's, and the
                        resolved object has `path` too */
};

struct field {
    const char *name; /* NULL ends a table */
    enum field_kind kind;
    unsigned flags;
    const char *const *values;  /* FK_ENUM: the words, NULL at the end */
    const struct field *fields; /* FK_OBJECT: the table of the map; NULL means any keys */
    const char *otherwise;      /* the default as text, for people; NULL: none */
    const char *help;           /* one sentence */
    const char *example;        /* a value as one would type it */
};

/* What a verb is to the rest of the program. */
enum verb_trait {
    VERB_WORKER = 1,      /* runs in `leat worker`, may load the embedded engine */
    VERB_EXTRACT = 2,     /* brings data in from outside: append is the default write mode */
    VERB_SQL = 4,         /* reads the datasets that its FK_SQL field names (found from the syntax tree) */
    VERB_INTO = 8,        /* `into:` is required */
    VERB_SECRET_ENV = 16, /* `env:` and the process siblings (cwd, user, limits) apply */
    VERB_PROMOTE = 32,    /* consumes the versions of config.dataset: has a `version` bookmark by itself */
    VERB_ATTENDED = 64,   /* the conductor looks after it: no process, publishes and consumes nothing */
    VERB_CALL = 128,      /* runs the pipeline that its field `name` says, with the parameters in `with` */
};

struct verb {
    const char *name;             /* the key in YAML */
    const char *about;            /* one sentence */
    const struct field *fields;   /* of the verb's map form; FIELD_SHORT says what a plain value means */
    const struct field *siblings; /* step keys that only this verb has; may be NULL */
    unsigned traits;
};

#endif
