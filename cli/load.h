/* load.h: the project and its pipelines, as a verb wants them: complete, or the reason on stderr. */
#ifndef LEAT_CLI_LOAD_H
#define LEAT_CLI_LOAD_H

#include "cli/cli.h"
#include "dag/pipeline.h"

/* The project of the current folder. With errors in leat.yaml they are printed and
 * NULL is returned with err (exit 3). Caller frees. */
struct project *load_project(struct cli *c, struct err *err);

/* Errors to stderr, warnings too with -v. */
void load_print(struct cli *c, struct diags *d);

/* A pipeline by its name or the path of its file. Errors go to stderr, warnings too with -v. NULL with err:
 * exit 4 and a suggestion when there is none of that name, exit 3 when it has errors, exit 6 when what its
 * SQL reads cannot be found out: its steps would run in any order. Caller frees. */
struct pipeline *load_pipeline(struct cli *c, const struct project *p, const char *name, struct err *err);

/* The file that holds the pipeline `name`; malloc'ed; NULL with err (exit 4). */
char *find_pipeline_file(const struct project *p, const char *name, struct err *err);

/* Asks about steps with SQL; failed.msg is "" unless the engine could not be asked. */
struct sql_asking {
    const struct project *project;
    struct err failed;
};

/* The reader to give to pipeline_load(): every verb of operators/, and the embedded engine, in a process of
 * its own, to find what SQL reads and what in it is wrong. Borrows `a`. */
struct pipeline_reader pipeline_reader(struct sql_asking *a);

/* Files of pipelines for the catalog of `leat serve` (scheduler/catalog.h): nothing is printed, and any
 * thread may call it. */
struct loaded;
void load_quietly(void *ctx, const struct project *p, const char *const *paths, size_t n, struct loaded *out);

/* A pipeline without asking the engine what its SQL reads: enough for its schedules, what it writes and where
 * its steps are. NULL with *problem (malloc'ed, one line); nothing is printed. */
struct pipeline *load_words(const struct project *p, const char *path, char **problem);

/* Folder of this program and of leat-warden, from /proc/self/exe; malloc'ed. */
char *programs_folder(void);

#endif
