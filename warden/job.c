/* job.c: the table of a job's life, and the container of jobs.
 *
 * Live jobs are few (what one machine runs at once) and are looked through in a row; ended ones can be many
 * and are found by the hash of their id. */
#include "warden/job.h"

#include "base/arena.h"
#include "warden/treelock.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
static const struct job_move moves[][5] = {
    /*                  DEADLINE                      CANCEL                       KILL                          MAIN_EXIT                    CLEAR */
    [JOB_RUNNING]   = {{JOB_STOPPING, ACT_TIMEOUT},  {JOB_STOPPING, ACT_CANCEL},  {JOB_KILLING, ACT_KILL_NOW},  {JOB_LINGERING, ACT_LINGER}, {JOB_RUNNING, ACT_BUG}},
    [JOB_STOPPING]  = {{JOB_KILLING, ACT_KILL},      {JOB_STOPPING, ACT_NONE},    {JOB_KILLING, ACT_KILL_NOW},  {JOB_LINGERING, ACT_NONE},   {JOB_STOPPING, ACT_BUG}},
    [JOB_KILLING]   = {{JOB_KILLING, ACT_KILL},      {JOB_KILLING, ACT_NONE},     {JOB_KILLING, ACT_KILL_NOW},  {JOB_SWEEPING, ACT_SWEEP},   {JOB_KILLING, ACT_BUG}},
    [JOB_LINGERING] = {{JOB_SWEEPING, ACT_SWEEP},    {JOB_SWEEPING, ACT_SWEEP},   {JOB_SWEEPING, ACT_SWEEP},    {JOB_LINGERING, ACT_BUG},    {JOB_ENDED, ACT_FINISH}},
    [JOB_SWEEPING]  = {{JOB_SWEEPING, ACT_SWEEP},    {JOB_SWEEPING, ACT_NONE},    {JOB_SWEEPING, ACT_NONE},     {JOB_SWEEPING, ACT_BUG},     {JOB_ENDED, ACT_FINISH}},
    [JOB_ENDED]     = {{JOB_ENDED, ACT_BUG},         {JOB_ENDED, ACT_NONE},       {JOB_ENDED, ACT_NONE},        {JOB_ENDED, ACT_BUG},        {JOB_ENDED, ACT_BUG}},
};
/* clang-format on */

struct job_move job_move(enum job_phase phase, enum job_event event) {
    return moves[phase][event];
}

static struct job **chain_of(const struct jobs *js, int64_t key) {
    return &js->table[(size_t)key & (js->table_size - 1)];
}

static void grow_table(struct jobs *js) {
    if (js->count < js->table_size) return;
    struct jobs bigger = {.table_size = js->table_size ? js->table_size * 2 : 64};
    bigger.table = xcalloc(bigger.table_size, sizeof *bigger.table);
    for (size_t i = 0; i < js->table_size; i++)
        for (struct job *j = js->table[i], *next; j; j = next) {
            next = j->next_by_id;
            struct job **chain = chain_of(&bigger, j->key);
            j->next_by_id = *chain;
            *chain = j;
        }
    free(js->table);
    js->table = bigger.table;
    js->table_size = bigger.table_size;
}

struct job *jobs_find(const struct jobs *js, const char *id) {
    if (!js->table_size) return NULL;
    struct job *j = *chain_of(js, treelock_key(id));
    while (j && strcmp(j->exit.id, id) != 0) j = j->next_by_id;
    return j;
}

struct job *jobs_find_key(const struct jobs *js, int64_t key) {
    for (size_t i = 0; i < js->live_count; i++)
        if (js->live[i]->key == key) return js->live[i];
    return NULL;
}

/* A pid can be that of a reaped main process and of a new one: the one that still runs is meant. */
struct job *jobs_find_pid(const struct jobs *js, pid_t pid) {
    struct job *reaped = NULL;
    for (size_t i = 0; i < js->live_count; i++) {
        if (js->live[i]->pid != pid) continue;
        if (!js->live[i]->main_reaped) return js->live[i];
        reaped = js->live[i];
    }
    return reaped;
}

struct job *jobs_add(struct jobs *js, const char *id) {
    grow_table(js);
    struct job *j = xcalloc(1, sizeof *j);
    *j = (struct job){.key = treelock_key(id),
                      .pipe = -1,
                      .cgroup = -1,
                      .deadline = DEADLINE_NONE,
                      .live_index = js->live_count};
    assert(strlen(id) < sizeof j->exit.id);
    memcpy(j->exit.id, id, strlen(id) + 1);
    struct job **chain = chain_of(js, j->key);
    j->next_by_id = *chain;
    *chain = j;
    js->count++;
    GROW(js->live, js->live_count, js->live_cap);
    js->live[js->live_count++] = j;
    return j;
}

void jobs_end(struct jobs *js, struct job *j) {
    struct job *last = js->live[--js->live_count];
    js->live[j->live_index] = last;
    last->live_index = j->live_index;
    j->phase = JOB_ENDED;
    j->deadline = DEADLINE_NONE;
}

void jobs_forget(struct jobs *js, struct job *j) {
    assert(j->phase == JOB_ENDED);
    struct job **at = chain_of(js, j->key);
    while (*at != j) at = &(*at)->next_by_id;
    *at = j->next_by_id;
    js->count--;
    free(j);
}

void jobs_release(struct jobs *js) {
    for (size_t i = 0; i < js->table_size; i++)
        for (struct job *j = js->table[i], *next; j; j = next) {
            next = j->next_by_id;
            free(j);
        }
    free(js->table);
    free(js->live);
    *js = (struct jobs){0};
}

duration_t jobs_deadline(const struct jobs *js) {
    duration_t nearest = DEADLINE_NONE;
    for (size_t i = 0; i < js->live_count; i++)
        if (js->live[i]->deadline < nearest) nearest = js->live[i]->deadline;
    return nearest;
}
