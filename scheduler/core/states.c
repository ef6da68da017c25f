/* states.c: the tables of states.h as data. */
#include "scheduler/core/states.h"

#include <stddef.h>
#include <string.h>

#define X(name, final) [STEP_##name] = #name,
const char *const step_state_names[STEP_STATE_COUNT] = {STEP_STATE_LIST(X)};
#undef X
#define X(name, final) [RUN_##name] = #name,
const char *const run_state_names[RUN_STATE_COUNT] = {RUN_STATE_LIST(X)};
#undef X

#define X(name, final) [STEP_##name] = final,
static const bool step_final[STEP_STATE_COUNT] = {STEP_STATE_LIST(X)};
#undef X
#define X(name, final) [RUN_##name] = final,
static const bool run_final[RUN_STATE_COUNT] = {RUN_STATE_LIST(X)};
#undef X

#define X(from, to) [STEP_##from][STEP_##to] = true,
static const bool step_moves[STEP_STATE_COUNT][STEP_STATE_COUNT] = {STEP_MOVE_LIST(X)};
#undef X
#define X(from, to) [RUN_##from][RUN_##to] = true,
static const bool run_moves[RUN_STATE_COUNT][RUN_STATE_COUNT] = {RUN_MOVE_LIST(X)};
#undef X

static int name_find(const char *const *names, int count, const char *name) {
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0) return i;
    return -1;
}

bool step_state_parse(const char *name, enum step_state *out) {
    int found = name_find(step_state_names, STEP_STATE_COUNT, name);
    if (found < 0) return false;
    *out = (enum step_state)found;
    return true;
}

bool run_state_parse(const char *name, enum run_state *out) {
    int found = name_find(run_state_names, RUN_STATE_COUNT, name);
    if (found < 0) return false;
    *out = (enum run_state)found;
    return true;
}

bool run_ended_well(const char *name) {
    return strcmp(name, run_state_names[RUN_ok]) == 0 || strcmp(name, run_state_names[RUN_warn]) == 0;
}

bool step_state_final(enum step_state s) { return step_final[s]; }
bool run_state_final(enum run_state s) { return run_final[s]; }
bool step_may_move(enum step_state from, enum step_state to) { return step_moves[from][to]; }
bool run_may_move(enum run_state from, enum run_state to) { return run_moves[from][to]; }
