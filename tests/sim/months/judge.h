/* judge.h: what the files of the judge share. */
#ifndef LEAT_TESTS_SIM_MONTHS_JUDGE_H
#define LEAT_TESTS_SIM_MONTHS_JUDGE_H

#include "stage.h"

#include <sqlite3.h>

struct judgement {
    sqlite3 *db;
    char *why;
    size_t size;
    instant_t first_run[PIPES]; /* when it was made; INT64_MAX: there is none */
};

/* Always 1: the reason is kept. */
int wrong(struct judgement *j, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int64_t number(struct judgement *j, const char *sql);

bool was_gone(int pipe, instant_t from, instant_t to); /* there was no file at some time in [from, to] */
bool unsure(int pipe, instant_t t); /* whether anybody decided about this instant depends on who died when */

/* Nobody who starts afresh knows a broken file that never ran. */
bool was_unknown(const struct judgement *j, int pipe, instant_t t);
bool zone_fires(const struct words *w, const struct zone_data *z, instant_t t);
instant_t zone_at(const struct zone_data *z, instant_t day_of, duration_t time); /* a wall time of that day */

int judge_data(struct judgement *j);
int judge_waits(struct judgement *j);

#endif
