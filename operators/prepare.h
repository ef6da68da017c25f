/* prepare.h: looks at steps before they run (the worker's action `parse`): what their SQL reads, which
 * columns they give, and what does not fit what is known. Nothing is executed and no file is read.
 *
 * Steps come in an order in which each follows those that write what it reads, so a chain is known on its
 * first day. An operator whose config has SQL, or names columns, has a `prepare` (op.h) that says what rows
 * its step gives and complains about its own keys; keys that every step has are looked at here. What nobody
 * knows (a dataset of files, what a process writes) ends the chain in silence.
 *
 * A problem is sure when a run would meet it: it is an error then. Where a step whose output cannot be known
 * writes a dataset, what the dataset had last may be old: problems that follow from it are warnings. */
#ifndef LEAT_OPERATORS_PREPARE_H
#define LEAT_OPERATORS_PREPARE_H

#include "base/err.h"
#include "zones/known.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct arena;
struct duck;
struct store;

/* ---- the worker's side ---- */

struct prepare_request {
    struct duck *duck;   /* may reach no file */
    struct store *store; /* NULL: nothing was ever run */
    const json_t *zones; /* object, by name */
    const json_t *steps; /* questions, operators/README.md */
};
json_t *prepare_steps(const struct prepare_request *r); /* the answers, one for each step; new reference */

/* ---- an operator's side ---- */

struct prepare;

struct prepare_step {
    struct prepare *all;
    const json_t *question, *config;
    struct known_rows rows; /* out: what the step gives */
    json_t *answer;
};

struct duck *prepare_duck(const struct prepare_step *s);
struct known *prepare_known(const struct prepare_step *s);
struct arena *prepare_arena(const struct prepare_step *s);

/* A relation of this step alone that its text reads. */
struct prepare_local {
    const char *name, *dataset;     /* whose columns they are */
    const struct known_columns *of; /* list NULL: not known */
};
/* Prepares {"text", "params"}, complaining at `at` (stolen, as all of them). local may be NULL. The rows are
 * the caller's. */
struct known_rows prepare_query(struct prepare_step *s, const json_t *sql, const struct prepare_local *local,
                                json_t *at);

#define PROBLEM_SQL     "sql"     /* a statement that cannot be prepared */
#define PROBLEM_COLUMN  "column"  /* a column that is not there */
#define PROBLEM_TYPE    "type"    /* no SQL type */
#define PROBLEM_WORD    "word"    /* none of the words that are allowed */
#define PROBLEM_COLUMNS "columns" /* columns that cannot be published */
#define PROBLEM_POLICY  "policy"  /* columns that the schema policy blocks: always a warning */

struct problem {
    const char *kind, *message;
    json_t *at;        /* place in the question: ["config", "types", "amount"] */
    bool key;          /* the place is the key, not its value */
    bool doubtful;     /* it may be no problem when the step runs */
    int64_t position;  /* in a SQL text, bytes; -1: not known */
    const char *name;  /* what was not found, as it is written at the place; may be NULL */
    const char *meant; /* may be NULL */
    const char *note;  /* may be NULL */
};
void prepare_complain(struct prepare_step *s, const struct problem *p); /* steals p->at */

/* Complains unless `name` is one of `columns`, of `what` ("raw.orders"); `doubtful` as above. */
struct column_question {
    const char *name, *key; /* key: "`types`", for the message; NULL: none */
    const char *what;
    const json_t *columns; /* [{"name"}] */
    json_t *at;
    bool at_key, doubtful;
};
void prepare_column(struct prepare_step *s, const struct column_question *q); /* steals q->at */

#endif
