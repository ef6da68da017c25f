/* limits.h: every ceiling has a name, a number and a reason. */
#ifndef LEAT_BASE_LIMITS_H
#define LEAT_BASE_LIMITS_H

/* name, value, reason */
#define LIMIT_LIST(X)                                                                                        \
    X(YAML_BYTES, 64u << 20, "a pipeline of 100,000 steps fits many times over")                             \
    X(YAML_DEPTH, 64, "deeper is a mistake or an attack")                                                    \
    X(YAML_NODES, 10000000, "bounds memory for one file")                                                    \
    X(YAML_ALIAS_NODES, 10000, "alias bombs stop here")                                                      \
    X(DIAG_SHOWN, 20, "a screenful; the rest is counted")                                                    \
    X(DIAG_KEPT, 2000, "of one load; the rest is only counted")                                              \
    X(EXPR_DEPTH, 64, "parentheses and calls in one expression: bounds the stack it needs")                  \
    X(EXPR_TREE, 250, "operators in a row: a + b + c is a tree as deep as it is long")                       \
    X(CRON_BYTES, 1024, "of one cron text: the longest useful one is a tenth of that")                       \
    X(TZ_FILE_BYTES, 1u << 20, "of one zone file: the largest have a few thousand")                          \
    X(TZ_NAMES, 4096, "time zones that a suggestion looks through: there are 600")                           \
    X(NEXT_SHOWN, 100000, "fire times that one `leat next` lists")                                           \
    X(COMPLETE_SLOTS, 50000, "looked at one by one to say whether data is complete: a month of minutes")     \
    X(WHY_SLOTS, 10000, "of one schedule that `leat why` looks at for one window")                           \
    X(CALL_DEPTH, 32, "pipelines that run pipelines that run pipelines")                                     \
    X(NAME_BYTES, 63, "pipeline and step names become file and column names")                                \
    X(STEPS, 1000000, "steps in one pipeline")                                                               \
    X(BACKFILL_WINDOWS, 1000000, "of one backfill, which is written down in one turn")                       \
    X(REQUEST_BYTES, 256u << 10, "that one command asks of a conductor: parameters, names of steps")         \
    X(CLIENTS, 200, "that ask a conductor at once: the oldest one goes when more come")                      \
    X(CLIENT_SECONDS, 30, "from connecting to a conductor to having read its answer")                        \
    X(OUTPUT_FILE_BYTES, 1u << 20, "name=value lines a step may write")                                      \
    X(BOOKMARK_VALUE_BYTES, 64u << 10, "a value bookmark is a value, not a file")                            \
    X(LOG_HEAD_BYTES, 8u << 20, "of a step's log kept from its beginning")                                   \
    X(LOG_TAIL_BYTES, 8u << 20, "of a step's log kept from its end")                                         \
    X(SAMPLE_ROWS, 20, "failing rows kept per check")                                                        \
    X(PREPARE_BYTES, 512u << 20, "of the engine while it only looks at SQL: constants may be large")         \
    X(BALLAST_BYTES, 64u << 20, "space to record failures in when the disk is full")

enum leat_limit {
#define X(name, value, reason) LIMIT_##name = (int)(value),
    LIMIT_LIST(X)
#undef X
};

#endif
