/* keys.c: the tables of keys.h. */
#include "dag/keys.h"

#include "dag/pipeline.h"

#define WORDS(...)                                                                                           \
    (const char *const[]) { __VA_ARGS__, NULL }

const char *const trigger_rule_names[] = {
#define X(name) #name,
    TRIGGER_RULE_LIST(X)
#undef X
        NULL};

const char *const write_mode_names[] = {"append", "replace", "replace_partitions", "merge", NULL};
const char *const bookmark_kind_names[] = {"", "files", "version", "value"};
const char *const key_write_modes[] = {"append", "replace", "replace_partitions", "merge", NULL};
const char *const key_bad_rows[] = {"fail", "quarantine", "drop", NULL};
const char *const key_if_empty[] = {"fail", "ok", "skip", NULL};
const char *const key_when_unchanged[] = {"run", "skip", NULL};

const char *const key_backfill_orders[] = {"oldest_first", "newest_first", NULL};
const char *const key_backfill_redos[] = {"never", "failed", "all", NULL};

const char *const later_verbs[] = {"http",   "query", "load",       "glue_job", "glue_crawler",  "emr_step",
                                   "athena", "dbt",   "redshift",   "lambda",   "step_function", "sagemaker",
                                   "trino",  "slurm", "kubernetes", "hive",     "pig",           NULL};

const struct field key_retry_fields[] = {
    {"times", FK_COUNT, FIELD_FIXED | FIELD_SHORT | FIELD_REQUIRED, NULL, NULL, NULL,
     "How often to try again after a failure.", "2"},
    {"wait", FK_DURATION, FIELD_FIXED, NULL, NULL, "30s", "The pause before the first retry.", "1m"},
    {"backoff", FK_ENUM, FIELD_FIXED, WORDS("fixed", "exponential"), NULL, "fixed",
     "Whether the pause doubles each time.", "exponential"},
    {"max_wait", FK_DURATION, FIELD_FIXED, NULL, NULL, "1h", "The longest pause.", "10m"},
    {"if", FK_TEXT, FIELD_FIXED | FIELD_LIST, NULL, NULL, NULL,
     "Reasons of failure worth a retry; any when not said.", "[timeout, lost]"},
    {0},
};

const struct field key_pool_fields[] = {
    {"name", FK_NAME, FIELD_FIXED | FIELD_SHORT | FIELD_REQUIRED, NULL, NULL, NULL, "A pool of leat.yaml.",
     "database"},
    {"tokens", FK_COUNT, FIELD_FIXED, NULL, NULL, "1", "How many of its tokens the step holds.", "2"},
    {0},
};

const struct field key_partition_fields[] = {
    {"column", FK_TEXT, FIELD_FIXED | FIELD_LIST | FIELD_SHORT | FIELD_REQUIRED, NULL, NULL, NULL,
     "Partition columns, outermost first.", "order_date"},
    {"of", FK_ENUM, FIELD_FIXED, WORDS("window"), NULL, NULL,
     "The run's window says which partitions are replaced.", "window"},
    {0},
};

const struct field bookmark_fields[] = {
    {"kind", FK_ENUM, FIELD_FIXED | FIELD_SHORT, WORDS("files", "version", "value"), NULL, NULL,
     "What is remembered.", "files"},
    {"files", FK_ANY, FIELD_FIXED, NULL, NULL, NULL, "Remember the set of consumed files.", "true"},
    {"version", FK_ANY, FIELD_FIXED, NULL, NULL, NULL, "Remember the consumed version of each input.",
     "true"},
    {"value", FK_ANY, FIELD_FIXED, NULL, NULL, NULL, "Remember what the step writes to LEAT_BOOKMARK_FILE.",
     "true"},
    {"identity", FK_ENUM, FIELD_FIXED, WORDS("mtime", "hash", "etag"), NULL, "mtime",
     "What tells a file from an older one of the same path.", "hash"},
    {"settle", FK_DURATION, FIELD_FIXED, NULL, NULL, "0s",
     "Files changed more recently are left for the next run.", "10s"},
    {"on_change", FK_ENUM, FIELD_FIXED, WORDS("reprocess", "ignore", "fail"), NULL, "reprocess",
     "What becomes of a consumed file that changed.", "ignore"},
    {"horizon", FK_DURATION, FIELD_FIXED, NULL, NULL, NULL,
     "Files older than this are neither remembered nor read.", "400 days"},
    {0},
};

static const struct field limit_fields[] = {
    {"cpu", FK_DURATION, 0, NULL, NULL, NULL, "Processor time.", "10m"},
    {"memory", FK_SIZE, 0, NULL, NULL, NULL, "Memory.", "2GiB"},
    {"files", FK_COUNT, 0, NULL, NULL, NULL, "Open files.", "1024"},
    {"processes", FK_COUNT, 0, NULL, NULL, NULL, "Processes.", "64"},
    {0},
};

const struct field process_fields[] = {
    {"cwd", FK_PATH, 0, NULL, NULL, NULL, "Working folder, relative to the project.", "jobs"},
    {"user", FK_TEXT, FIELD_FIXED, NULL, NULL, NULL, "The user to run as.", "etl"},
    {"limits", FK_OBJECT, 0, NULL, limit_fields, NULL, "Limits of the step's processes.", "{memory: 2GiB}"},
    {0},
};

const struct field step_fields[] = {
#define X(id, name, kind, flags, values, fields, otherwise, help, example)                                   \
    [STEP_##id] = {name, kind, flags, values, fields, otherwise, help, example},
    STEP_KEY_LIST(X)
#undef X
        [STEP_KEYS] = {0},
};

const struct field default_fields[] = {
    {"retry", FK_OBJECT, FIELD_FIXED, NULL, key_retry_fields, "0", "How often to try again.", "2"},
    {"timeout", FK_DURATION, FIELD_FIXED, NULL, NULL, NULL, "How long one attempt may take.", "1h"},
    {"pool", FK_OBJECT, FIELD_FIXED, NULL, key_pool_fields, NULL, "The pool of every step.", "database"},
    {"priority", FK_NUMBER, FIELD_FIXED, NULL, NULL, "0", "Higher goes first.", "10"},
    {"env", FK_MAP, 0, NULL, NULL, NULL, "Environment of every process step.", "{LANG: C.UTF-8}"},
    {"tags", FK_TEXT, FIELD_FIXED | FIELD_LIST, NULL, NULL, NULL, "Words to select steps by.", "[nightly]"},
    {"bad_rows", FK_ENUM, FIELD_FIXED, key_bad_rows, NULL, "fail",
     "What becomes of rows that break a row rule.", "quarantine"},
    {"notify", FK_ANY, 0, NULL, NULL, NULL, "Whom to tell.", "{failed: oncall}"},
    {0},
};

const struct field calendar_fields[] = {
    {"timezone", FK_TIME_ZONE, FIELD_FIXED, NULL, NULL, "the schedule's", "Whose days they are.",
     "Asia/Tokyo"},
    {"days", FK_TEXT, FIELD_FIXED | FIELD_LIST | FIELD_SHORT | FIELD_REQUIRED, NULL, NULL, NULL,
     "Days, and ranges with both their days.", "[2026-12-25, 2026-12-31..2027-01-02]"},
    {0},
};

const struct field backfill_fields[] = {
    {"max_parallel", FK_COUNT, FIELD_FIXED, NULL, NULL, "1", "How many windows may run at once.", "4"},
    {"max_failures", FK_COUNT, FIELD_FIXED, NULL, NULL, NULL,
     "So many failed windows stop it; without, none does.", "10"},
    {"order", FK_ENUM, FIELD_FIXED, key_backfill_orders, NULL, "oldest_first", "Which windows come first.",
     "newest_first"},
    {"redo", FK_ENUM, FIELD_FIXED, key_backfill_redos, NULL, "never",
     "Which windows that ran before run again.", "failed"},
    {"share_resources", FK_BOOL, FIELD_FIXED, NULL, NULL, "false", "One cluster serves all windows.", "true"},
    {0},
};

const struct field schedule_fields[] = {
    {"name", FK_NAME, FIELD_FIXED, NULL, NULL, "main",
     "What was decided is remembered by it; one of several schedules needs one.", "nightly"},
    {"cron", FK_TEXT, FIELD_FIXED | FIELD_LIST, NULL, NULL, NULL, "Cron texts.", "\"15 6 * * *\""},
    {"every", FK_TEXT, FIELD_FIXED, NULL, NULL, NULL, "The schedule in words.", "day at 06:15"},
    {"timezone", FK_TIME_ZONE, FIELD_FIXED, NULL, NULL, "UTC", "The zone of its wall times and days.",
     "Europe/Berlin"},
    {"start", FK_TEXT, FIELD_FIXED, NULL, NULL, NULL,
     "No window starts before this; windows of the past follow `if_missed`.", "2026-01-01"},
    {"end", FK_TEXT, FIELD_FIXED, NULL, NULL, NULL, "No window ends after this.", "2027-01-01"},
    {"covers", FK_TEXT, FIELD_FIXED, NULL, NULL,
     "`previous firing`; `previous day` for `day at`, `previous month` for `month on`, `days since previous "
     "firing` for weekdays",
     "The window that a firing is about: `previous firing`, `previous [N] hours|days|weeks|months`, or `days "
     "since previous firing`.",
     "previous day"},
    {"if_missed", FK_ENUM, FIELD_FIXED, if_missed_names, NULL, "run_latest",
     "What becomes of firings that were missed.", "run_all"},
    {"start_within", FK_DURATION, FIELD_FIXED, NULL, NULL, NULL, "A firing later than this is skipped.",
     "6h"},
    {"if_running", FK_ENUM, FIELD_FIXED, if_running_names, NULL, "wait",
     "What to do when the run before is still going.", "skip"},
    {"dst", FK_ENUM, FIELD_FIXED, WORDS("auto", "fixed", "interval"), NULL, "auto",
     "Whether runs are single wall times or come in a rhythm, where the clock jumps or repeats.", "fixed"},
    {"jitter", FK_DURATION, FIELD_FIXED, NULL, NULL, NULL,
     "Starts later by up to this, the same every time; windows stay as they are.", "5m"},
    {"calendar", FK_NAME, FIELD_FIXED, NULL, NULL, NULL,
     "A calendar of leat.yaml: nothing fires on its days.", "holidays"},
    {"after", FK_ANY, FIELD_FIXED, NULL, NULL, NULL,
     "Run when one of these datasets has a new version, or all of them have.",
     "{all: [raw.orders, raw.items], same: day}"},
    {0},
};

const struct field param_fields[] = {
    {"type", FK_ENUM, FIELD_FIXED, WORDS("text", "integer", "decimal", "boolean", "date", "path"), NULL,
     "text", "What values it takes.", "date"},
    {"default", FK_ANY, FIELD_FIXED, NULL, NULL, NULL,
     "The value when none is given; without it the parameter must be given.", "1000"},
    {"values", FK_ANY, FIELD_FIXED | FIELD_LIST, NULL, NULL, NULL, "The only values it takes.", "[eu, us]"},
    {"about", FK_TEXT, FIELD_FIXED, NULL, NULL, NULL, "One sentence.", "Fewer rows than this stop the run."},
    {0},
};

const struct field pipeline_fields[] = {
    {"pipeline", FK_NAME, FIELD_FIXED | FIELD_REQUIRED, NULL, NULL, NULL,
     "Unique name. History, bookmarks and metrics belong to this name, not to the file.", "orders_hourly"},
    {"about", FK_TEXT, FIELD_FIXED, NULL, NULL, NULL, "One sentence shown in lists and in the web page.",
     "Land new orders every hour."},
    {"owner", FK_TEXT, FIELD_FIXED, NULL, NULL, NULL, "Who to ask.", "data-team@example.com"},
    {"tags", FK_TEXT, FIELD_FIXED | FIELD_LIST, NULL, NULL, NULL, "Words to select pipelines by.", "[sales]"},
    {"schedule", FK_OBJECT, FIELD_FIXED | FIELD_LIST, NULL, schedule_fields, NULL,
     "When it runs by itself: one schedule, or a list of named ones.", "{every: day at 06:15}"},
    {"params", FK_ANY, FIELD_FIXED, NULL, NULL, NULL, "Parameters of a run and their defaults.",
     "{min_rows: 1000}"},
    {"defaults", FK_ANY, 0, NULL, NULL, NULL, "Keys for steps that do not say them.", "{retry: 2}"},
    {"backfill", FK_OBJECT, FIELD_FIXED, NULL, backfill_fields, NULL,
     "What `leat backfill` does unless it is told otherwise.", "{max_parallel: 4}"},
    {"resources", FK_ANY, 0, NULL, NULL, NULL, "Clusters that live as long as a run needs them.", "{}"},
    {"steps", FK_ANY, FIELD_REQUIRED, NULL, NULL, NULL, "The steps, by name.",
     "{hello: {shell: echo hello}}"},
    {"finally", FK_ANY, 0, NULL, NULL, NULL, "Steps that run once after all others, whatever the end.",
     "{tell: {shell: ./tell.sh}}"},
    {"notify", FK_ANY, 0, NULL, NULL, NULL, "Whom to tell about the end of a run.", "{failed: oncall}"},
    {"max_active_runs", FK_COUNT, FIELD_FIXED, NULL, NULL, "1", "How many runs may go at once.", "1"},
    {"timeout", FK_DURATION, FIELD_FIXED, NULL, NULL, NULL, "How long a run may take.", "6h"},
    {"depends_on_past", FK_BOOL, FIELD_FIXED, NULL, NULL, "false",
     "A run waits for the success of the window before.", "true"},
    {0},
};

const struct field zone_fields[] = {
    {"path", FK_PATH, FIELD_REQUIRED, NULL, NULL, NULL, "Its folder, relative to the project.", "lake/raw"},
    {"keep_versions", FK_DURATION, FIELD_FIXED, NULL, NULL, NULL,
     "How long old versions stay; for ever when not said.", "90 days"},
    {"requires", FK_ENUM, FIELD_FIXED, WORDS("checks"), NULL, NULL,
     "Every step that writes into it must have checks.", "checks"},
    {"format", FK_ENUM, FIELD_FIXED, WORDS("files", "delta"), NULL,
     "`files` for the first zone, `delta` for the others", "How its datasets are stored.", "delta"},
    {"schema", FK_ENUM, FIELD_FIXED, WORDS("any", "add", "strict"), NULL,
     "`any` for the first zone, `add` for the others", "What may change in its datasets' columns.", "strict"},
    {0},
};

static const struct field spark_fields[] = {
    {"master", FK_TEXT, 0, NULL, NULL, NULL, "Where applications run.", "spark://localhost:7077"},
    {"home", FK_PATH, 0, NULL, NULL, NULL, "The folder of the Spark distribution.", "/opt/spark"},
    {"conf", FK_MAP, 0, NULL, NULL, NULL, "Configuration of every application.",
     "{spark.sql.shuffle.partitions: 8}"},
    {0},
};

const struct field engine_fields[] = {
    {"spark", FK_OBJECT, 0, NULL, spark_fields, NULL, "Apache Spark.", "{master: \"local[*]\"}"},
    {"athena", FK_ANY, 0, NULL, NULL, NULL, "Amazon Athena.", "{workgroup: primary}"},
    {"aws", FK_ANY, 0, NULL, NULL, NULL, "Region, profile and endpoint for every AWS service.",
     "{region: eu-west-1}"},
    {"emr", FK_ANY, 0, NULL, NULL, NULL, "Amazon EMR.", "{}"},
    {"glue", FK_ANY, 0, NULL, NULL, NULL, "AWS Glue.", "{}"},
    {"duckdb", FK_ANY, 0, NULL, NULL, NULL, "The embedded engine.", "{memory: 4GiB}"},
    {0},
};

const struct field project_fields[] = {
    {"leat", FK_COUNT, FIELD_FIXED | FIELD_REQUIRED, NULL, NULL, NULL, "Version of this file's format.", "1"},
    {"project", FK_NAME, FIELD_FIXED, NULL, NULL, "the folder's name", "Name of the project.", "shop"},
    {"state", FK_PATH, 0, NULL, NULL, ".leat", "The folder of the database and the logs.", ".leat"},
    {"zones", FK_ANY, 0, NULL, NULL, "raw, trusted and refined under lake/",
     "The zones, in order of promotion.", "{raw: {path: lake/raw}}"},
    {"connections", FK_ANY, 0, NULL, NULL, NULL, "Databases and services, by name.",
     "{shop_db: {postgres: dbname=shop}}"},
    {"engines", FK_OBJECT, 0, NULL, engine_fields, NULL, "Settings of the engines.",
     "{spark: {home: /opt/spark}}"},
    {"secrets", FK_MAP, FIELD_FIXED, NULL, NULL, NULL, "Where secrets are found, by name.",
     "{token: \"env:SHOP_TOKEN\"}"},
    {"notify", FK_ANY, 0, NULL, NULL, NULL, "Channels to tell people by.",
     "{oncall: {email: oncall@example.com}}"},
    {"pools", FK_ANY, FIELD_FIXED, NULL, NULL, NULL, "Limits on concurrent steps, by name.", "{database: 4}"},
    {"defaults", FK_ANY, 0, NULL, NULL, NULL, "Keys for steps that do not say them.",
     "{retry: 2, timeout: 1h}"},
    {"templates", FK_ANY, 0, NULL, NULL, NULL, "Steps with parameters, used by `use:`.", "{}"},
    {"calendars", FK_ANY, FIELD_FIXED, NULL, NULL, NULL,
     "Days on which schedules do not fire, by name: a list of days, or `{timezone, days}`.",
     "{holidays: [2026-12-25, 2026-12-31..2027-01-02]}"},
    {"env_files", FK_PATH, FIELD_LIST, NULL, NULL, NULL, "Files of NAME=value lines for `${env.…}`.",
     "[.env]"},
    {"env_allowed", FK_TEXT, FIELD_FIXED | FIELD_LIST, NULL, NULL, NULL,
     "Variables that steps and `${env.…}` may see.", "[AWS_PROFILE]"},
    {"allow_paths", FK_PATH, FIELD_LIST, NULL, NULL, NULL,
     "Folders outside of the project that SQL may read.", "[/data/reference]"},
    {"server", FK_ANY, 0, NULL, NULL, NULL, "The web server.", "{}"},
    {0},
};
