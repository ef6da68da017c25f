/* promote.c: `promote:`, new versions of a dataset into the next zone. */
#include "operators/operators.h"

static const struct field dedupe_fields[] = {
    {.name = "key",
     .kind = FK_TEXT,
     .flags = FIELD_REQUIRED | FIELD_LIST | FIELD_SHORT,
     .help = "Columns that make a row the same row.",
     .example = "order_id"},
    {.name = "keep",
     .kind = FK_TEXT,
     .otherwise = "last",
     .help =
         "Which of the rows with one key stays: `first` or `last` as they came, or `newest COLUMN`, `oldest "
         "COLUMN`.",
     .example = "newest updated_at"},
    {0},
};

static const struct field fields[] = {
    {.name = "dataset",
     .kind = FK_DATASET,
     .flags = FIELD_REQUIRED | FIELD_SHORT,
     .help = "Where the rows come from.",
     .example = "raw.orders"},
    {.name = "select",
     .kind = FK_SQL,
     .help = "A SELECT over `source`, the rows to promote.",
     .example = "select * from source where amount is not null"},
    {.name = "types",
     .kind = FK_MAP,
     .help = "SQL types of columns; a value that does not fit makes its row a bad row.",
     .example = "{amount: decimal(18,2)}"},
    {.name = "dedupe",
     .kind = FK_OBJECT,
     .fields = dedupe_fields,
     .help = "Keeps one row of each key, of the rows promoted together.",
     .example = "{key: order_id, keep: newest updated_at}"},
    {0},
};

static const struct field siblings[] = {
    {.name = "memory",
     .kind = FK_SIZE,
     .help = "Memory the promotion may use before it spills to the disk.",
     .example = "4GiB"},
    {.name = "threads",
     .kind = FK_COUNT,
     .otherwise = "one per core",
     .help = "Threads of the promotion.",
     .example = "2"},
    {0},
};

const struct op op_promote = {
    .verb = {.name = "promote",
             .about = "Moves what is new in a dataset to the next zone.",
             .fields = fields,
             .siblings = siblings,
             .traits = VERB_WORKER | VERB_INTO | VERB_PROMOTE},
};
