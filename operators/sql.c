/* sql.c: `sql:` and `sql_file:`, one SELECT over the zones' datasets, run by the embedded engine. */
#include "operators/operators.h"

static const char *const engines[] = {"duckdb", NULL};

static const struct field siblings[] = {
    {.name = "engine",
     .kind = FK_ENUM,
     .values = engines,
     .flags = FIELD_FIXED,
     .otherwise = "duckdb",
     .help = "Where the query runs.",
     .example = "duckdb"},
    {.name = "memory",
     .kind = FK_SIZE,
     .help = "Memory the query may use before it spills to the disk.",
     .example = "4GiB"},
    {.name = "threads",
     .kind = FK_COUNT,
     .otherwise = "one per core",
     .help = "Threads of the query.",
     .example = "2"},
    {0},
};

static const struct field text_fields[] = {
    {.name = "text",
     .kind = FK_SQL,
     .flags = FIELD_REQUIRED | FIELD_SHORT,
     .help = "One SELECT; ${} are bound parameters.",
     .example = "select * from raw.orders"},
    {0},
};

static const struct field file_fields[] = {
    {.name = "text",
     .kind = FK_SQL,
     .flags = FIELD_REQUIRED | FIELD_SHORT | FIELD_FILE,
     .help = "A file with one SELECT, from the project folder.",
     .example = "sql/daily_revenue.sql"},
    {0},
};

const struct op op_sql = {
    .verb = {.name = "sql",
             .about = "Transforms datasets with one SELECT.",
             .fields = text_fields,
             .siblings = siblings,
             .traits = VERB_WORKER | VERB_SQL | VERB_INTO},
};

const struct op op_sql_file = {
    .verb = {.name = "sql_file",
             .about = "Transforms datasets with the SELECT in a file.",
             .fields = file_fields,
             .siblings = siblings,
             .traits = VERB_WORKER | VERB_SQL | VERB_INTO},
};
