/* sparkui.h: how far a Spark application is, from its driver's REST API (design: engines.md 12.3). */
#ifndef LEAT_OPERATORS_SPARKUI_H
#define LEAT_OPERATORS_SPARKUI_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* The setting by which an application is known to be ours: another driver may have taken the port in
 * between. */
#define SPARKUI_MARK "spark.leat.attempt"

struct sparkui {
    int port;
    char app[128];     /* "" until the driver has said it */
    const char *token; /* the value of SPARKUI_MARK in the driver's settings; borrowed */
};

struct spark_progress {
    int64_t stages_done, stages, tasks_done, tasks;
};

/* A TCP port that is free now; 0 when there is none to be had. */
int sparkui_free_port(void);
/* Asks the driver. false: it does not answer (yet, or any more). */
bool sparkui_ask(struct sparkui *ui, struct spark_progress *out);
/* Sums a /stages answer. Stages that Spark skipped do not count. */
void sparkui_sum(const json_t *stages, struct spark_progress *out);

#endif
