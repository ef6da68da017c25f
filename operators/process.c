/* process.c: the step keys shared by the verbs that start a process. The warden applies them. */
#include "operators/operators.h"

static const struct field limit_fields[] = {
    {.name = "cpu",
     .kind = FK_DURATION,
     .help = "Processor time the step may use before it is killed.",
     .example = "10 minutes"},
    {.name = "memory", .kind = FK_SIZE, .help = "Memory the whole process tree may use.", .example = "2GiB"},
    {.name = "files", .kind = FK_COUNT, .help = "Files a process may have open.", .example = "1024"},
    {.name = "processes", .kind = FK_COUNT, .help = "Processes the step may start.", .example = "200"},
    {0},
};

const struct field process_siblings[] = {
    {.name = "cwd",
     .kind = FK_PATH,
     .otherwise = "the project folder",
     .help = "Folder the process starts in, from the project folder.",
     .example = "scripts"},
    {.name = "user",
     .kind = FK_TEXT,
     .help = "System user to run as; only root may change it.",
     .example = "etl"},
    {.name = "limits",
     .kind = FK_OBJECT,
     .fields = limit_fields,
     .help = "Resources the process may use.",
     .example = "{memory: 2GiB}"},
    {0},
};
