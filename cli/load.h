/* load.h: project and pipelines for the verbs: found, read, checked; their diagnostics shown. */
#ifndef LEAT_CLI_LOAD_H
#define LEAT_CLI_LOAD_H

#include "cli/cli.h"
#include "dag/pipeline.h"
#include "scheduler/sql_reads.h"

struct loaded {
    struct project *project;
    struct diags *diags;
    char *programs; /* folder of this program, from /proc/self/exe */
    char *worker;   /* path of `leat` */
    struct sql_reader sql;
    struct pipeline_reader reader;
};

/* The project of the current folder. Errors in leat.yaml are shown on stderr: -1 with err (exit 3). */
int load_project(struct cli *c, struct loaded *l, struct err *err);
void load_release(struct loaded *l);
/* A pipeline by name or by file; exit 4 with did-you-mean when there is none, 3 when it has errors (shown). */
struct pipeline *load_pipeline(struct cli *c, struct loaded *l, const char *which, struct err *err);
/* The folder this program is in; malloc'ed. */
char *load_programs(void);
/* Shows what has been collected, on stderr, as --format or for people; returns the number of errors. */
size_t load_show(struct cli *c, struct diags *d);

#endif
