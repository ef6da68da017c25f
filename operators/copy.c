/* copy.c: `copy:`, files into a zone byte for byte. */
#include "operators/operators.h"

static const char *const compressions[] = {"gzip", "zstd", NULL};
static const char *const empties[] = {"fail", "ok", "skip", NULL};

static const struct field fields[] = {
    {.name = "from",
     .kind = FK_PATH,
     .flags = FIELD_REQUIRED | FIELD_SHORT,
     .help = "A glob, a file, a folder (with what is below it) or an http(s):// URL.",
     .example = "landing/orders/*.csv"},
    {.name = "match",
     .kind = FK_TEXT,
     .flags = FIELD_LIST,
     .help = "Take only files whose name matches one of these patterns.",
     .example = "orders_*.csv"},
    {.name = "compressed",
     .kind = FK_ENUM,
     .values = compressions,
     .help = "How the files are compressed when their names do not say; the copies get the matching ending.",
     .example = "gzip"},
    {.name = "if_empty",
     .kind = FK_ENUM,
     .values = empties,
     .otherwise = "fail, or ok with a bookmark",
     .help = "What it means that no file is there.",
     .example = "ok"},
    {0},
};

const struct op op_copy = {
    .verb = {.name = "copy",
             .about = "Copies files into a zone as they came.",
             .fields = fields,
             .traits = VERB_WORKER | VERB_EXTRACT | VERB_INTO},
};
