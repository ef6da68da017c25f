/* verbs.h: the commands, a file or a few to each. */
#ifndef LEAT_CLI_VERBS_H
#define LEAT_CLI_VERBS_H

#include "cli/cli.h"

extern const struct command command_backfill;
extern const struct command command_backfill_cancel;
extern const struct command command_backfill_list;
extern const struct command command_backfill_pause;
extern const struct command command_backfill_resume;
extern const struct command command_backfill_show;
extern const struct command command_bookmark_history;
extern const struct command command_bookmark_list;
extern const struct command command_bookmark_reset;
extern const struct command command_bookmark_rewind;
extern const struct command command_bookmark_set;
extern const struct command command_bookmark_show;
extern const struct command command_bookmark_undo;
extern const struct command command_cancel;
extern const struct command command_explain;
extern const struct command command_forecast;
extern const struct command command_help;
extern const struct command command_logs;
extern const struct command command_next;
extern const struct command command_pause;
extern const struct command command_restate;
extern const struct command command_resume;
extern const struct command command_retry;
extern const struct command command_run;
extern const struct command command_runs;
extern const struct command command_runs_show;
extern const struct command command_schema;
extern const struct command command_serve;
extern const struct command command_sql;
extern const struct command command_status;
extern const struct command command_validate;
extern const struct command command_version;
extern const struct command command_why;
extern const struct command command_worker;
extern const struct command command_zone_history;
extern const struct command command_zone_list;
extern const struct command command_zone_repair;
extern const struct command command_zone_rollback;
extern const struct command command_zone_show;

#endif
