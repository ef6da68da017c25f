/* codes.h: every diagnostic code of definitions: its title, and a wrong and a right example.
 *
 * X(code, title, wrong, right). The examples are whole files: pipelines, or leat.yaml where they start with
 * `leat:`. A test loads each: the wrong one must show the code, the right one no error at all. Examples that
 * start with `#` show what needs more than one file, or a file's mode. */
#ifndef LEAT_DAG_CODES_H
#define LEAT_DAG_CODES_H

#include <stddef.h>

#define STEP(text)  "pipeline: demo\nsteps:\n  hello:\n" text
#define SHELL       "    shell: echo hello\n"
#define OUT(keys)   STEP("    sql: select 1 as n\n    into: trusted.orders\n" keys)
#define EVERY(text) "pipeline: demo\nschedule:\n" text "steps:\n  hello:\n" SHELL
#define RAW(text)   STEP("    copy: landing/*.csv\n    into: raw.orders\n" text)

#define CODE_LIST(X)                                                                                         \
    X(E0101, "a key is defined twice", STEP(SHELL "    timeout: 1m\n    timeout: 2m\n"),                     \
      STEP(SHELL "    timeout: 2m\n"))                                                                       \
    X(E0102, "the file is not YAML", "pipeline: demo\nsteps\n", STEP(SHELL))                                 \
    X(E0103, "a value has the wrong shape", STEP("    shell: [a, b]\n"), STEP("    exec: [a, b]\n"))         \
    X(E0104, "an unknown key", STEP(SHELL "    retires: 3\n"), STEP(SHELL "    retry: 3\n"))                 \
    X(E0105, "a key is missing", STEP("    copy: landing/*.csv\n"), RAW(""))                                 \
    X(E0106, "none, or several, where there must be one", STEP("    about: does nothing\n"), STEP(SHELL))    \
    X(E0107, "a verb that this version does not have", STEP("    http: {url: https://example.com}\n"),       \
      STEP("    exec: [curl, https://example.com]\n"))                                                       \
    X(E0108, "a key that means something with another only", STEP(SHELL "    checks: [row_count > 0]\n"),    \
      STEP(SHELL "    into: trusted.orders\n    checks: [row_count > 0]\n"))                                 \
    X(E0110, "YAML tags", STEP("    shell: !!str echo\n"), STEP("    shell: echo\n"))                        \
    X(E0111, "YAML merge keys", STEP("    <<: {retry: 2}\n" SHELL),                                          \
      "pipeline: demo\ndefaults: {retry: 2}\nsteps:\n  hello:\n" SHELL)                                      \
    X(E0112, "more than one document", STEP(SHELL) "---\npipeline: second\n", STEP(SHELL))                   \
    X(E0113, "a limit is passed", "pipeline: &name [*name]\n", STEP(SHELL))                                  \
    X(E0114, "the file is not UTF-8 text", "pipeline: caf\xe9\n", STEP(SHELL))                               \
    X(E0115, "a tab is used for indentation", "pipeline: demo\nsteps:\n\thello: {shell: echo}\n",            \
      STEP(SHELL))                                                                                           \
    X(E0116, "a value that YAML reads as something else must be quoted", EVERY("  cron: */5 * * * *\n"),     \
      EVERY("  cron: \"*/5 * * * *\"\n"))                                                                    \
    X(E0117, "a second `: ` on one line", STEP("    shell: echo hi: there\n"),                               \
      STEP("    shell: |\n      echo hi: there\n"))                                                          \
    X(E0118, "a list, map or quote is never closed", STEP("    exec: [echo, hello\n"),                       \
      STEP("    exec: [echo, hello]\n"))                                                                     \
    X(E0119, "`${…}` without quotes inside of `[ ]`", STEP("    exec: [echo, ${run.id}]\n"),                 \
      STEP("    exec: [echo, \"${run.id}\"]\n"))                                                             \
    X(E0120, "the file is empty", "", STEP(SHELL))                                                           \
    X(E0121, "`{{` is not our way to write an expression", STEP("    exec:\n      - {{ run.id }}\n"),        \
      STEP("    exec:\n      - ${run.id}\n"))                                                                \
    X(E0122, "an env file holds something else than NAME=value", "# .env\nTOKEN is abc\n",                   \
      "# .env\nTOKEN=abc\n")                                                                                 \
    X(E0123, "leat.yaml is of another format", "leat: 2\n", "leat: 1\n")                                     \
    X(E0124, "a pipeline's file cannot be read", "# chmod 000 pipelines/demo.yaml\n",                        \
      "# chmod 644 pipelines/demo.yaml\n")                                                                   \
    X(E0201, "not true or false", STEP(SHELL "    allow_failure: yes\n"),                                    \
      STEP(SHELL "    allow_failure: true\n"))                                                               \
    X(E0202, "not a count or number", "pipeline: demo\nmax_active_runs: 1e3\nsteps:\n  hello:\n" SHELL,      \
      "pipeline: demo\nmax_active_runs: 1000\nsteps:\n  hello:\n" SHELL)                                     \
    X(E0203, "not a duration", STEP(SHELL "    timeout: 10\n"), STEP(SHELL "    timeout: 10m\n"))            \
    X(E0204, "not a size", STEP(SHELL "    limits: {memory: 2048}\n"),                                       \
      STEP(SHELL "    limits: {memory: 2048MiB}\n"))                                                         \
    X(E0205, "not a percentage or count", OUT("    checks: [n >= 0]\n    max_bad: some\n"),                  \
      OUT("    checks: [n >= 0]\n    max_bad: 1%\n"))                                                        \
    X(E0206, "not a name", "pipeline: My-Orders\nsteps:\n  hello:\n" SHELL, STEP(SHELL))                     \
    X(E0207, "not one of the words", STEP(SHELL "    trigger_rule: all_sucess\n"),                           \
      STEP(SHELL "    trigger_rule: all_success\n"))                                                         \
    X(E0208, "not a dataset", STEP("    copy: landing/*.csv\n    into: orders\n"), RAW(""))                  \
    X(E0209, "a number with a leading zero", STEP(SHELL "    priority: 08\n"),                               \
      STEP(SHELL "    priority: 8\n"))                                                                       \
    X(E0210, "a value that its parameter does not take",                                                     \
      "pipeline: demo\nparams:\n  day: {type: date, default: today}\nsteps:\n  hello:\n" SHELL,              \
      "pipeline: demo\nparams:\n  day: {type: date, default: 2026-11-19}\nsteps:\n  hello:\n" SHELL)         \
    X(E0211, "not a SQL type",                                                                               \
      STEP("    promote:\n      dataset: raw.orders\n      types: {amount: decmal}\n"                        \
           "    into: trusted.orders\n"),                                                                    \
      STEP("    promote:\n      dataset: raw.orders\n      types: {amount: \"decimal(12,2)\"}\n"             \
           "    into: trusted.orders\n"))                                                                    \
    X(E0212, "something that cannot be waited for", STEP("    wait: s3://landing/orders.csv\n"),             \
      STEP("    wait: https://example.com/orders.csv\n"))                                                    \
    X(E0301, "not a time of day", EVERY("  every: day at 25:15\n"), EVERY("  every: day at 23:15\n"))        \
    X(E0302, "not a schedule in words", EVERY("  every: 3 days\n"), EVERY("  every: day at 06:15\n"))        \
    X(E0303, "an unknown time zone", EVERY("  every: day at 06:15\n  timezone: Europe/Berln\n"),             \
      EVERY("  every: day at 06:15\n  timezone: Europe/Berlin\n"))                                           \
    X(E0304, "a cron text with the wrong number of fields", EVERY("  cron: \"5 * * *\"\n"),                  \
      EVERY("  cron: \"5 * * * *\"\n"))                                                                      \
    X(E0305, "not a date", EVERY("  every: day at 06:15\n  start: 31.12.2026\n"),                            \
      EVERY("  every: day at 06:15\n  start: 2026-12-31\n"))                                                 \
    X(E0306, "not a span of time", EVERY("  every: day at 06:15\n  covers: yesterday\n"),                    \
      EVERY("  every: day at 06:15\n  covers: previous day\n"))                                              \
    X(E0307, "a cron field that cannot be read", EVERY("  cron: \"15 6 * * MONDAY\"\n"),                     \
      EVERY("  cron: \"15 6 * * MON\"\n"))                                                                   \
    X(E0308, "a cron value that its field does not take", EVERY("  cron: \"15 24 * * *\"\n"),                \
      EVERY("  cron: \"15 0 * * *\"\n"))                                                                     \
    X(E0309, "a cron step that its field cannot take", EVERY("  cron: \"*/60 * * * *\"\n"),                  \
      EVERY("  cron: \"0 * * * *\"\n"))                                                                      \
    X(E0310, "a cron text that no date matches", EVERY("  cron: \"15 6 31 4 *\"\n"),                         \
      EVERY("  cron: \"15 6 L 4 *\"\n"))                                                                     \
    X(E0311, "an unknown cron nickname", EVERY("  cron: \"@dayly\"\n"), EVERY("  cron: \"@daily\"\n"))       \
    X(E0312, "not a duration of `@every`", EVERY("  cron: \"@every 90\"\n"),                                 \
      EVERY("  cron: \"@every 90s\"\n"))                                                                     \
    X(E0313, "two time zones in one schedule",                                                               \
      EVERY("  cron: \"TZ=Asia/Tokyo 15 6 * * *\"\n  timezone: Europe/Berlin\n"),                            \
      EVERY("  cron: \"15 6 * * *\"\n  timezone: Asia/Tokyo\n"))                                             \
    X(E0314, "no window lies between `start` and `end`",                                                     \
      EVERY("  every: day at 06:15\n  start: 2026-12-31\n  end: 2026-01-01\n"),                              \
      EVERY("  every: day at 06:15\n  start: 2026-01-01\n  end: 2026-12-31\n"))                              \
    X(E0315, "an unknown calendar", EVERY("  every: day at 06:15\n  calendar: holidais\n"),                  \
      EVERY("  every: day at 06:15\n  calendar: holidays\n"))                                                \
    X(E0316, "several schedules, and one has no name of its own",                                            \
      "pipeline: demo\nschedule:\n  - every: day at 06:15\n  - every: day at 18:15\nsteps:\n  "              \
      "hello:\n" SHELL,                                                                                      \
      "pipeline: demo\nschedule:\n  - {name: morning, every: day at 06:15}\n  - {name: evening, every: day " \
      "at "                                                                                                  \
      "18:15}\nsteps:\n  hello:\n" SHELL)                                                                    \
    X(E0317, "a calendar leaves no firing", EVERY("  every: day at 06:15\n  calendar: always\n"),            \
      EVERY("  every: day at 06:15\n  calendar: holidays\n"))                                                \
    X(E0318, "a firing that would be about no time at all",                                                  \
      EVERY("  cron: \"15 6,18 * * *\"\n  covers: days since previous firing\n"),                            \
      EVERY("  cron: \"15 6,18 * * *\"\n  covers: previous firing\n"))                                       \
    X(E0319, "not a day of a calendar", "leat: 1\ncalendars:\n  holidays: [25.12.2026]\n",                   \
      "leat: 1\ncalendars:\n  holidays: [2026-12-25, 2026-12-31..2027-01-02]\n")                             \
    X(E0401, "`after` names no step", STEP(SHELL "    after: helo\n"),                                       \
      STEP(SHELL "  then:\n    after: hello\n" SHELL))                                                       \
    X(E0402, "steps wait for each other",                                                                    \
      STEP(SHELL "    after: other\n  other:\n    after: hello\n" SHELL),                                    \
      STEP(SHELL "  other:\n    after: hello\n" SHELL))                                                      \
    X(E0403, "two steps write one dataset in no order",                                                      \
      OUT("  again:\n    sql: select 2 as n\n    into: trusted.orders\n"),                                   \
      OUT("  again:\n    after: hello\n    sql: select 2 as n\n    into: trusted.orders\n"))                 \
    X(E0404, "an unknown zone", STEP("    copy: landing/*.csv\n    into: rwa.orders\n"), RAW(""))            \
    X(E0405, "a zone requires checks", STEP("    sql: select 1 as n\n    into: gold.orders\n"),              \
      STEP("    sql: select 1 as n\n    into: gold.orders\n    checks: [row_count > 0]\n"))                  \
    X(E0406, "a pool that is not there, or too small", STEP(SHELL "    pool: databse\n"),                    \
      STEP(SHELL "    pool: database\n"))                                                                    \
    X(E0407, "an unknown template", STEP("    use: load_tabel\n    with: {table: orders}\n"),                \
      STEP("    use: load_table\n    with: {table: orders}\n"))                                              \
    X(E0408, "a way to write that makes no sense", OUT("    write: merge\n"),                                \
      OUT("    write: merge\n    key: n\n"))                                                                 \
    X(E0409, "a bookmark that its step cannot have",                                                         \
      STEP("    sql: select 1 as n\n    into: trusted.orders\n    bookmark: files\n"),                       \
      RAW("    bookmark: files\n"))                                                                          \
    X(E0410, "a zone's folder cannot be used", "leat: 1\nzones:\n  raw: s3://lake/raw\n",                    \
      "leat: 1\nzones:\n  raw: lake/raw\n")                                                                  \
    X(E0411, "two pipelines of one name", "# a.yaml and b.yaml\npipeline: demo\n",                           \
      "# b.yaml\npipeline: second\n")                                                                        \
    X(E0412, "a column that is not there", OUT("    checks: [m > 0]\n"), OUT("    checks: [n > 0]\n"))       \
    X(E0413, "columns that cannot be published",                                                             \
      STEP("    sql: select 1 as n, 2 as N\n    into: trusted.orders\n"),                                    \
      STEP("    sql: select 1 as n, 2 as m\n    into: trusted.orders\n"))                                    \
    X(E0414, "pipelines run each other", "# a.yaml\n    pipeline: b\n# b.yaml\n    pipeline: a\n",           \
      "# a.yaml\n    pipeline: b\n")                                                                         \
    X(E0415, "a pipeline that is not there, or cannot be run so",                                            \
      "# orders.yaml is there\n    pipeline: ordres\n", "# orders.yaml is there\n    pipeline: orders\n")    \
    X(E0416, "pipelines start each other",                                                                   \
      "# a.yaml\nschedule: {after: refined.b}\n    into: raw.a\n# b.yaml\nschedule: {after: raw.a}\n    "    \
      "into: refined.b\n",                                                                                   \
      "# a.yaml\nschedule: {every: day at 06:15}\n    into: raw.a\n")                                        \
    X(E0417, "a step holds what the pipeline it runs needs",                                                 \
      "# pools: {database: 1}\n    pipeline: uses_the_database\n    pool: database\n",                       \
      "# pools: {database: 1}\n    pipeline: uses_the_database\n")                                           \
    X(E0501, "an expression that cannot be read", STEP("    exec:\n      - ${run.id +}\n"),                  \
      STEP("    exec:\n      - ${run.id + \"x\"}\n"))                                                        \
    X(E0502, "an unknown name in an expression", STEP("    exec:\n      - ${window.begin}\n"),               \
      STEP("    exec:\n      - ${window.start}\n"))                                                          \
    X(E0503, "`${…}` in shell text", STEP("    shell: echo ${window.start}\n"),                              \
      STEP("    shell: echo \"$WINDOW_START\"\n    env:\n      WINDOW_START: ${window.start}\n"))            \
    X(E0504, "`${…}` inside of quotes in SQL",                                                               \
      STEP("    sql: select '${run.id}' as run\n    into: trusted.runs\n"),                                  \
      STEP("    sql: select ${run.id} as run\n    into: trusted.runs\n"))                                    \
    X(E0505, "types that do not fit", STEP("    exec:\n      - ${run.id + 1}\n"),                            \
      STEP("    exec:\n      - ${run.attempt + 1}\n"))                                                       \
    X(E0506, "a function that is not there, or used wrongly", STEP("    exec:\n      - ${uper(run.id)}\n"),  \
      STEP("    exec:\n      - ${upper(run.id)}\n"))                                                         \
    X(E0507, "a value must be known when the file is read",                                                  \
      STEP("    copy: landing/*.csv\n    into: raw.${run.trigger}\n"), RAW(""))                              \
    X(E0508, "a check that cannot be read", RAW("    checks: [row_cuont > 0]\n"),                            \
      RAW("    checks: [row_count > 0]\n"))                                                                  \
    X(E0601, "an error in SQL", STEP("    sql: selec * from raw.orders\n    into: trusted.orders\n"),        \
      STEP("    sql: select * from raw.orders\n    into: trusted.orders\n"))                                 \
    X(E0602, "a file of SQL cannot be read",                                                                 \
      STEP("    sql_file: sql/nothing.sql\n    into: trusted.orders\n"),                                     \
      STEP("    sql_file: sql/daily.sql\n    into: trusted.orders\n"))                                       \
    X(E0701, "an unknown secret", STEP(SHELL "    env: {TOKEN: \"${secrets.tokn}\"}\n"),                     \
      STEP(SHELL "    env: {TOKEN: \"${secrets.token}\"}\n"))                                                \
    X(E0702, "a secret where others can see it", STEP("    exec: [login, \"${secrets.token}\"]\n"),          \
      STEP("    exec: [login]\n    env: {TOKEN: \"${secrets.token}\"}\n"))                                   \
    X(E0703, "a variable that is not allowed", STEP("    exec: [echo, \"${env.HOMEE}\"]\n"),                 \
      STEP("    exec: [echo, \"${env.HOME}\"]\n"))                                                           \
    X(W0101, "neither `about` nor `owner`", STEP(SHELL),                                                     \
      "pipeline: demo\nabout: Says hello.\nowner: etl@example.com\nsteps:\n  hello:\n" SHELL)                \
    X(W0102, "a dataset without checks", OUT(""), OUT("    checks: [row_count > 0]\n"))                      \
    X(W0103, "a schedule without `timezone`", EVERY("  every: day at 06:15\n"),                              \
      EVERY("  every: day at 06:15\n  timezone: UTC\n"))                                                     \
    X(W0104, "folded SQL", STEP("    sql: >\n      select 1 as n\n    into: trusted.orders\n"),              \
      STEP("    sql: |\n      select 1 as n\n    into: trusted.orders\n"))                                   \
    X(W0105, "a parameter that nothing uses",                                                                \
      "pipeline: demo\nparams: {day: 1}\nsteps:\n  hello:\n    copy: landing/*.csv\n    into: raw.orders\n", \
      "pipeline: demo\nparams: {day: 1}\nsteps:\n  hello:\n    copy: landing/${params.day}/*.csv\n    "      \
      "into: raw.orders\n")                                                                                  \
    X(W0106, "replaced rows are appended again",                                                             \
      OUT("  more:\n    sql: select * from trusted.orders__new\n    into: refined.more\n"),                  \
      OUT("  more:\n    sql: select * from trusted.orders__new\n    into: refined.more\n    write: merge\n " \
          "   key: n\n"))                                                                                    \
    X(W0107, "what a SQL text reads is not known", "# without the embedded engine\n",                        \
      "# with the embedded engine\n")                                                                        \
    X(W0108, "`select *` into the last zone",                                                                \
      STEP("    sql: select * from raw.orders\n    into: refined.orders\n"),                                 \
      STEP("    sql: select n from raw.orders\n    into: refined.orders\n"))                                 \
    X(W0109, "`{{` stands for itself", RAW("    about: the {{ big }} one\n"),                                \
      RAW("    about: the big one\n"))                                                                       \
    X(W0110, "a step without connections",                                                                   \
      STEP(SHELL "    after: other\n  other:\n" SHELL "  alone:\n" SHELL),                                   \
      STEP(SHELL "    after: [other, alone]\n  other:\n" SHELL "  alone:\n" SHELL))                          \
    X(W0111, "two pipelines write one dataset", "# a.yaml and b.yaml\n    into: raw.orders\n",               \
      "# in both\n    into: raw.orders\n    shared: true\n")                                                 \
    X(W0112, "no pipeline writes what starts this one",                                                      \
      "# nobody writes raw.ordres\nschedule: {after: raw.ordres}\n",                                         \
      "# another pipeline writes raw.orders\nschedule: {after: raw.orders}\n")                               \
    X(W0301, "`*/n` in a day field: both must match", EVERY("  cron: \"15 6 */2 * MON\"\n"),                 \
      EVERY("  cron: \"15 6 */2 * +MON\"\n"))                                                                \
    X(W0302, "two day fields: either is enough", EVERY("  cron: \"15 6 13 * FRI\"\n"),                       \
      EVERY("  cron: \"15 6 13 * +FRI\"\n"))                                                                 \
    X(W0303, "a cron step wider than its range", EVERY("  cron: \"41-59/24 * * * *\"\n"),                    \
      EVERY("  cron: \"41 * * * *\"\n"))                                                                     \
    X(W0304, "a cron step that leaves a shorter stretch", EVERY("  cron: \"*/7 * * * *\"\n"),                \
      EVERY("  cron: \"@every 7m\"\n"))                                                                      \
    X(W0305, "a day that some months do not have", EVERY("  every: month on 31 at 06:15\n"),                 \
      EVERY("  every: month on last at 06:15\n"))                                                            \
    X(W0306, "a cron text that hardly any date matches", EVERY("  cron: \"15 6 29 2 +MON\"\n"),              \
      EVERY("  cron: \"15 6 29 2 *\"\n"))                                                                    \
    X(W0601, "SQL or a column that does not fit what was published last",                                    \
      "# trusted.orders has no column `amuont`, and the step that writes it runs first\n"                    \
      "    sql: select sum(amuont) as revenue from trusted.orders\n    into: refined.revenue\n",             \
      "    sql: select sum(amount) as revenue from trusted.orders\n    into: refined.revenue\n")             \
    X(W0602, "the schema policy will stop this",                                                             \
      "# `n` was published as a number\n    sql: select 'one' as n\n    into: refined.orders\n",             \
      "    sql: select 1 as n\n    into: refined.orders\n")                                                  \
    X(W0701, "an env file that others can read", "# chmod 644 .env\n", "# chmod 600 .env\n")

struct code {
    const char *code, *title, *wrong, *right;
};
extern const struct code codes[];
extern const size_t code_count;
const struct code *code_find(const char *code); /* NULL when there is none */

#endif
