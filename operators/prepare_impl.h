/* prepare_impl.h: what the files of prepare.h share; private to them. */
#ifndef LEAT_OPERATORS_PREPARE_IMPL_H
#define LEAT_OPERATORS_PREPARE_IMPL_H

#include "base/map.h"
#include "engine/duck.h"
#include "operators/op.h"
#include "operators/prepare.h"

/* A text and the types of its parameters, read once however many steps have it. */
struct statement {
    char *sql;               /* without what follows it; NULL: it is not one SELECT, `error` says why */
    json_t *params;          /* with a value of its type for each */
    bool open;               /* parts of the text are known only when it runs */
    bool typed;              /* the type of each parameter is known */
    struct duck_reads reads; /* in the arena */
    const char *error;       /* NULL: it was read */
    const char *hint;        /* what to do about the error; NULL: it says itself */
    int64_t error_at;
    bool looked;            /* the two below are known */
    struct known_rows rows; /* owned */
    json_t *problem;        /* as prepare_complain() writes it, without a place; NULL: none */
};

struct prepare {
    struct prepare_request r;
    struct known *known;
    struct arena *arena;
    struct prepare_step *steps;
    size_t count;
    struct statement **statements;
    size_t statement_count, statement_cap;
    struct map texts; /* key of a statement -> place in the list */
};

enum { TABLES_NOTED = 3 };

/* What a statement reads, as far as it is known. */
struct reading {
    bool known; /* the columns of every dataset are */
    bool typed, names_sure, types_sure;
    struct {
        const char *dataset;
        const json_t *columns;
    } tables[TABLES_NOTED];
    size_t count;
    json_t *columns; /* of all of them, for did-you-mean */
};

/* prepare_words.c: the engine's last error about it as prepare_complain() writes it, without a place; NULL
 * when it says nothing about the step. New reference. */
json_t *statement_problem(struct prepare *p, const struct statement *st, const struct reading *r);

/* prepare_query.c */
struct statement *statement_of(struct prepare *p, const json_t *sql);
void statements_release(struct prepare *p);
bool is_statement(const json_t *value); /* {"text", "params"} */

/* prepare_columns.c: keys and checks, once the columns of the step's dataset are known. */
void prepare_keys(struct prepare_step *s, const struct known_columns *after);
/* "columns of raw.orders: a, b and 3 more", in the arena. */
const char *columns_note(struct arena *a, const char *what, const json_t *columns);
const char *column_meant(const char *name, const json_t *columns); /* borrowed from them; may be NULL */

/* prepare_order.c: the order to look at steps in; those that wait for each other are left out. Returns how
 * many there are in `order`, which has room for all. */
size_t prepare_order(const struct prepare *p, size_t *order);

const char *step_dataset(const struct prepare_step *s); /* what it writes; NULL: nothing */
const struct op *step_op(const struct prepare_step *s); /* NULL: no operator of ours */
/* Adds what a reference reads: "zone.name__new" is zone.name. */
const char *dataset_name(struct arena *a, const char *name);

#endif
