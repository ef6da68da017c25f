/* schema.c: every table, and why it is as it is. The comments are part of the file on disk: `sqlite3 leat.db
 * .schema` explains itself.
 *
 * Rules. Every table is STRICT. Times are microseconds since 1970 (UTC). States are words, not numbers: a
 * person with the sqlite3 shell can read them. What is not over has an end column that IS NULL, and every
 * "what is going on now" question asks exactly that: partial indexes on `… IS NULL` are used whatever the
 * state is compared with, while `WHERE state = ?` would not match `WHERE state < 4`. References that may
 * outlive what they name (a version's run) are plain numbers; all others are foreign keys. Secrets are never
 * written here.
 *
 * To change the schema: edit the text for new files, raise SCHEMA_VERSION, add a step to `steps` for old
 * ones, and add the old text to tests/data/store. */
#include "store/schema.h"

// clang-format off
/* Since version 2: schedules, slots, backfills. One text a table.
 *
 * Windows that meet a window [from, to) are found by size: `span` is the number of bits of the window's length, so
 * that of each size only those with from < window_end < to + 2^span are looked at, however long the history. */
#define TABLES_OF_TIME \
    "CREATE TABLE pause(             -- pipelines that start nothing by themselves; no row: not paused\n" \
    "  pipeline INTEGER PRIMARY KEY REFERENCES pipeline,\n" \
    "  at       INTEGER NOT NULL,\n" \
    "  until    INTEGER,             -- NULL: until somebody resumes it\n" \
    "  author   TEXT,\n" \
    "  reason   TEXT,\n" \
    "  catch_up TEXT NOT NULL DEFAULT 'none'  -- what becomes of the slots meanwhile: none latest all\n" \
    ") STRICT;\n", \
    "CREATE TABLE schedule(          -- what the clock has decided so far\n" \
    "  id         INTEGER PRIMARY KEY,\n" \
    "  pipeline   INTEGER NOT NULL REFERENCES pipeline,\n" \
    "  name       TEXT NOT NULL,     -- `main` unless the pipeline says otherwise\n" \
    "  cursor     INTEGER NOT NULL,  -- every slot up to here is decided\n" \
    "  rule       TEXT NOT NULL,     -- JSON: the words it was last decided by; an edit first decides by the old ones\n" \
    "  created_at INTEGER NOT NULL,\n" \
    "  changed_at INTEGER NOT NULL,  -- of the rule\n" \
    "  gone_at    INTEGER,           -- the pipeline or this schedule of it is no longer there\n" \
    "  UNIQUE(pipeline, name)\n" \
    ") STRICT;\n", \
    "CREATE TABLE slot(              -- one planned firing, or a stretch of them skipped for one reason\n" \
    "  schedule     INTEGER NOT NULL REFERENCES schedule,\n" \
    "  fire         INTEGER NOT NULL, -- the first of a stretch\n" \
    "  last_fire    INTEGER NOT NULL,\n" \
    "  count        INTEGER NOT NULL DEFAULT 1,\n" \
    "  window_start INTEGER,          -- of the first\n" \
    "  window_end   INTEGER,          -- of the last\n" \
    "  span         INTEGER,          -- bits of window_end - window_start\n" \
    "  outcome      TEXT NOT NULL CHECK(outcome IN ('run','skipped')),\n" \
    "  reason       TEXT,             -- of a skip: missed too_late running paused\n" \
    "  detail       TEXT,             -- JSON: what decided it\n" \
    "  run          INTEGER,\n" \
    "  decided_at   INTEGER NOT NULL, -- of the last\n" \
    "  PRIMARY KEY(schedule, fire),\n" \
    "  CHECK((outcome = 'run') = (run IS NOT NULL)),\n" \
    "  CHECK(fire <= last_fire AND count > 0)\n" \
    ") STRICT, WITHOUT ROWID;\n" \
    "CREATE INDEX slot_window ON slot(schedule, span, window_end) WHERE span IS NOT NULL;\n", \
    "CREATE TABLE trigger_seen(      -- the version of a dataset up to which `after:` of a schedule has been decided\n" \
    "  schedule INTEGER NOT NULL REFERENCES schedule,\n" \
    "  dataset  TEXT NOT NULL,       -- zone.name: it may not be there yet\n" \
    "  version  INTEGER NOT NULL,\n" \
    "  PRIMARY KEY(schedule, dataset)\n" \
    ") STRICT, WITHOUT ROWID;\n", \
    "CREATE TABLE backfill(          -- a durable plan over many windows; `restate` is one over many pipelines\n" \
    "  id           INTEGER PRIMARY KEY AUTOINCREMENT,\n" \
    "  kind         TEXT NOT NULL CHECK(kind IN ('backfill','restate')),\n" \
    "  name         TEXT UNIQUE,     -- --name: the same twice goes on, never doubles\n" \
    "  subject      TEXT NOT NULL,   -- pipeline, or dataset of a restatement\n" \
    "  window_from  INTEGER NOT NULL,\n" \
    "  window_to    INTEGER NOT NULL,\n" \
    "  options      TEXT NOT NULL,   -- JSON\n" \
    "  state        TEXT NOT NULL CHECK(state IN ('queued','running','paused','ok','failed','cancelled')),\n" \
    "  max_parallel INTEGER NOT NULL,\n" \
    "  max_failures INTEGER,         -- NULL: as many as there are\n" \
    "  total        INTEGER NOT NULL,           -- its items;\n" \
    "  done         INTEGER NOT NULL DEFAULT 0, -- how many of them are in which state, so that nothing is ever\n" \
    "  failed       INTEGER NOT NULL DEFAULT 0, -- counted: the rest is planned\n" \
    "  running      INTEGER NOT NULL DEFAULT 0,\n" \
    "  skipped      INTEGER NOT NULL DEFAULT 0,\n" \
    "  cancelled    INTEGER NOT NULL DEFAULT 0,\n" \
    "  author       TEXT,\n" \
    "  reason       TEXT,\n" \
    "  created_at   INTEGER NOT NULL,\n" \
    "  started_at   INTEGER,\n" \
    "  finished_at  INTEGER,\n" \
    "  CHECK((finished_at IS NULL) = (state IN ('queued','running','paused')))\n" \
    ") STRICT;\n" \
    "CREATE INDEX backfill_open ON backfill(id) WHERE finished_at IS NULL;\n", \
    "CREATE TABLE backfill_item(     -- one window of one pipeline, in the order they start\n" \
    "  backfill     INTEGER NOT NULL REFERENCES backfill ON DELETE CASCADE,\n" \
    "  n            INTEGER NOT NULL,\n" \
    "  stage        INTEGER NOT NULL DEFAULT 0,  -- starts when every item of an earlier stage that meets its window is ok\n" \
    "  pipeline     TEXT NOT NULL,\n" \
    "  window_start INTEGER NOT NULL,\n" \
    "  window_end   INTEGER NOT NULL,\n" \
    "  span         INTEGER NOT NULL, -- bits of window_end - window_start\n" \
    "  action       TEXT NOT NULL CHECK(action IN ('run','keep','refuse')),\n" \
    "  reason       TEXT NOT NULL,\n" \
    "  options      TEXT,            -- JSON for the run: only, from_step\n" \
    "  state        TEXT NOT NULL CHECK(state IN ('planned','running','ok','failed','skipped','cancelled')),\n" \
    "  run          INTEGER,\n" \
    "  PRIMARY KEY(backfill, n)\n" \
    ") STRICT, WITHOUT ROWID;\n" \
    "CREATE INDEX backfill_item_state ON backfill_item(backfill, state, n);\n" \
    "CREATE INDEX backfill_item_blocks ON backfill_item(backfill, span, window_end)\n" \
    "  WHERE state NOT IN ('ok','skipped');\n" \
    "CREATE INDEX backfill_item_run ON backfill_item(run) WHERE run IS NOT NULL;\n", \
    "CREATE TABLE consumed(          -- which steps last read a dataset for which window: who is stale, what to restate\n" \
    "  dataset      INTEGER NOT NULL REFERENCES dataset,\n" \
    "  pipeline     TEXT NOT NULL,\n" \
    "  step         TEXT NOT NULL,\n" \
    "  window_start INTEGER NOT NULL,\n" \
    "  window_end   INTEGER NOT NULL,\n" \
    "  span         INTEGER NOT NULL, -- bits of window_end - window_start\n" \
    "  version      INTEGER NOT NULL,\n" \
    "  run          INTEGER NOT NULL,\n" \
    "  stale_since  INTEGER,         -- a publish has since changed a window that this one meets\n" \
    "  stale_by     INTEGER,         -- that version\n" \
    "  PRIMARY KEY(dataset, pipeline, step, window_start, window_end)\n" \
    ") STRICT, WITHOUT ROWID;\n" \
    "CREATE INDEX consumed_window ON consumed(dataset, span, window_end);\n" \
    "CREATE INDEX consumed_stale ON consumed(window_start) WHERE stale_since IS NOT NULL;\n" \
    "CREATE INDEX consumed_stale_pipeline ON consumed(pipeline, window_start) WHERE stale_since IS NOT NULL;\n"

#define INDEXES_OF_TIME \
    "CREATE INDEX run_waiting ON run(pipeline, queue) WHERE state = 'queued';\n" \
    "CREATE INDEX run_slot ON run(pipeline, schedule, scheduled_for) WHERE schedule IS NOT NULL;\n" \
    "CREATE INDEX run_parent ON run(parent) WHERE parent IS NOT NULL;\n" \
    "CREATE INDEX run_backfill ON run(backfill) WHERE backfill IS NOT NULL;\n"
#define QUEUE_OF_RUN \
    "TEXT GENERATED ALWAYS AS (CASE WHEN backfill IS NULL THEN coalesce(schedule, '')" \
    " ELSE 'backfill ' || backfill END) VIRTUAL"

const char *const schema_text[] = {
"CREATE TABLE meta(              -- facts about this file\n"
"  name  TEXT PRIMARY KEY,       -- uuid: the project's identity\n"
"  value TEXT NOT NULL\n"
") STRICT, WITHOUT ROWID;\n",
"CREATE TABLE pipeline(          -- a name that history belongs to, and its summary, kept as runs end\n"
"  id            INTEGER PRIMARY KEY,\n"
"  name          TEXT NOT NULL UNIQUE,\n"
"  last_run      INTEGER,        -- newest run\n"
"  last_finished INTEGER,        -- the run that ended last\n"
"  failing_since INTEGER,        -- end of the first of the failed runs in a row; NULL: fine\n"
"  failing_runs  INTEGER NOT NULL DEFAULT 0,\n"
"  ended         INTEGER NOT NULL DEFAULT 0,  -- counters, so that nothing is ever counted\n"
"  ok            INTEGER NOT NULL DEFAULT 0,\n"
"  warn          INTEGER NOT NULL DEFAULT 0,\n"
"  failed        INTEGER NOT NULL DEFAULT 0\n"
") STRICT;\n",
"CREATE TABLE definition(        -- one text of a pipeline, stored once however many runs use it\n"
"  id         INTEGER PRIMARY KEY,\n"
"  pipeline   INTEGER NOT NULL REFERENCES pipeline,\n"
"  sha256     TEXT NOT NULL,     -- of all that decides what it does, not only of `text`\n"
"  text       TEXT NOT NULL,\n"
"  created_at INTEGER NOT NULL,\n"
"  UNIQUE(pipeline, sha256)\n"
") STRICT;\n",
"CREATE TABLE definition_step(   -- its steps: the names of steps that have no row yet\n"
"  definition INTEGER NOT NULL REFERENCES definition,\n"
"  idx        INTEGER NOT NULL,\n"
"  name       TEXT NOT NULL,\n"
"  verb       TEXT NOT NULL,\n"
"  PRIMARY KEY(definition, idx)\n"
") STRICT, WITHOUT ROWID;\n"
"CREATE UNIQUE INDEX definition_step_name ON definition_step(definition, name);\n",
"CREATE TABLE run(\n"
"  id              INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice, also after pruning\n"
"  pipeline        INTEGER NOT NULL REFERENCES pipeline,\n"
"  generation      INTEGER NOT NULL DEFAULT 1,\n"
"  trigger         TEXT NOT NULL,\n"
"  state           TEXT NOT NULL DEFAULT 'queued'\n"
"                  CHECK(state IN ('queued','running','ok','warn','failed','cancelled','skipped')),\n"
"  reason          TEXT,\n"
"  failed_step     TEXT,\n"
"  note            TEXT,         -- --reason\n"
"  stop            TEXT,         -- being stopped: cancel kill timeout interrupted\n"
"  stop_reason     TEXT,\n"
"  window_start    INTEGER,\n"
"  window_end      INTEGER,\n"
"  explicit_window INTEGER NOT NULL DEFAULT 0,\n"
"  params          TEXT,\n"
"  options         TEXT,\n"
"  created_at      INTEGER NOT NULL,\n"
"  started_at      INTEGER,\n"
"  finished_at     INTEGER,\n"
"  scheduled_for   INTEGER,      -- the fire instant of its slot; a backfill's run has that of the slot it repeats\n"
"  schedule        TEXT,         -- name of the schedule in its pipeline\n"
"  parent          INTEGER,      -- attempt of the `pipeline:` step that started it\n"
"  backfill        INTEGER,      -- the backfill or restatement it belongs to\n"
"  queue           " QUEUE_OF_RUN ", -- those of one queue of a pipeline begin in order\n"
"  CHECK((finished_at IS NULL) = (state IN ('queued','running')))\n"
") STRICT;\n"
"CREATE INDEX run_open ON run(id) WHERE finished_at IS NULL;\n"
INDEXES_OF_TIME
"CREATE INDEX run_pipeline ON run(pipeline);\n"
"CREATE INDEX run_pipeline_state ON run(pipeline, state);\n"
"CREATE INDEX run_state ON run(state);\n"
"CREATE INDEX run_trigger ON run(trigger);\n"
"CREATE INDEX run_created ON run(created_at);\n"
"CREATE INDEX run_window ON run(pipeline, window_start, window_end);\n",
"CREATE TABLE generation(        -- each time a run began (again)\n"
"  run        INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,\n"
"  number     INTEGER NOT NULL,\n"
"  definition INTEGER NOT NULL REFERENCES definition,\n"
"  created_at INTEGER NOT NULL,\n"
"  PRIMARY KEY(run, number)\n"
") STRICT, WITHOUT ROWID;\n",
"CREATE TABLE step(              -- no row: `waiting`\n"
"  run          INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,\n"
"  idx          INTEGER NOT NULL, -- in the newest generation's definition\n"
"  generation   INTEGER NOT NULL, -- the one that last moved it\n"
"  state        TEXT NOT NULL CHECK(state IN ('waiting','ready','running','retry_wait','success','failed',\n"
"                                             'skipped','upstream_failed','cancelled')),\n"
"  nothing_new  INTEGER NOT NULL DEFAULT 0,\n"
"  warned       INTEGER NOT NULL DEFAULT 0,\n"
"  left_out     INTEGER NOT NULL DEFAULT 0,\n"
"  attempts     INTEGER NOT NULL DEFAULT 0,\n"
"  reason       TEXT,\n"
"  message      TEXT,\n"
"  due          INTEGER,         -- of the next attempt, in retry_wait\n"
"  started_at   INTEGER,\n"
"  finished_at  INTEGER,\n"
"  rows_read    INTEGER,\n"
"  bytes_read   INTEGER,\n"
"  rows_written INTEGER,\n"
"  outputs      TEXT,\n"
"  PRIMARY KEY(run, idx)\n"
") STRICT, WITHOUT ROWID;\n",
"CREATE TABLE attempt(\n"
"  id          INTEGER PRIMARY KEY,\n"
"  run         INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,\n"
"  step        INTEGER NOT NULL, -- idx in its generation's definition\n"
"  generation  INTEGER NOT NULL,\n"
"  number      INTEGER NOT NULL,\n"
"  token       TEXT NOT NULL,    -- the numbers above and 64 random bits; no index: the numbers find it\n"
"  state       TEXT NOT NULL DEFAULT 'running'\n"
"              CHECK(state IN ('running','publishing','success','failed','lost','cancelled')),\n"
"  phase       TEXT NOT NULL DEFAULT 'm',  -- m main, a audit, p publish\n"
"  started_at  INTEGER NOT NULL,\n"
"  finished_at INTEGER,\n"
"  exit_code   INTEGER,\n"
"  signal      INTEGER,\n"
"  killed      TEXT,\n"
"  reason      TEXT,\n"
"  message     TEXT,\n"
"  hint        TEXT,\n"
"  log         TEXT,\n"
"  remote_id   TEXT,\n"
"  detail      TEXT,\n"
"  UNIQUE(run, step, generation, number),\n"
"  CHECK((finished_at IS NULL) = (state IN ('running','publishing')))\n"
") STRICT;\n"
"CREATE UNIQUE INDEX attempt_live ON attempt(run, step) WHERE finished_at IS NULL;  -- at most one per step\n",
"CREATE TABLE dataset(\n"
"  id         INTEGER PRIMARY KEY,\n"
"  name       TEXT NOT NULL UNIQUE,       -- zone.name\n"
"  path       TEXT NOT NULL,\n"
"  format     TEXT NOT NULL CHECK(format IN ('files','delta')),\n"
"  head       INTEGER NOT NULL DEFAULT -1, -- current version; -1: never published\n"
"  first      INTEGER NOT NULL DEFAULT 0,  -- oldest version kept whole\n"
"  forgotten  INTEGER NOT NULL DEFAULT -1, -- the last version whose removals are no longer known\n"
"  table_id   TEXT,\n"
"  stopped    TEXT,                        -- why nothing may be published\n"
"  created_at INTEGER NOT NULL\n"
") STRICT;\n",
"CREATE TABLE shape(             -- columns of versions; a new row only when they change\n"
"  id           INTEGER PRIMARY KEY,\n"
"  dataset      INTEGER NOT NULL REFERENCES dataset,\n"
"  columns      TEXT,\n"
"  partition_by TEXT\n"
") STRICT;\n"
"CREATE INDEX shape_dataset ON shape(dataset);\n",
"CREATE TABLE version(\n"
"  dataset        INTEGER NOT NULL REFERENCES dataset,\n"
"  version        INTEGER NOT NULL,\n"
"  intent         INTEGER,       -- NULL: an outside writer's\n"
"  token          TEXT,\n"
"  run            INTEGER,       -- names below stay when the run is pruned\n"
"  pipeline       TEXT,\n"
"  step           TEXT,\n"
"  operation      TEXT NOT NULL,\n"
"  author         TEXT,\n"
"  reason         TEXT,\n"
"  published_at   INTEGER NOT NULL,\n"
"  window_start   INTEGER,\n"
"  window_end     INTEGER,\n"
"  rows           INTEGER NOT NULL,  -- of the files whose rows are known,\n"
"  rows_unknown   INTEGER NOT NULL,  -- and the number of the other files\n"
"  bytes          INTEGER NOT NULL,\n"
"  files          INTEGER NOT NULL,\n"
"  rows_added     INTEGER NOT NULL,\n"
"  files_added    INTEGER NOT NULL,\n"
"  files_removed  INTEGER NOT NULL,\n"
"  checks_ok      INTEGER NOT NULL DEFAULT 0,\n"
"  checks_warn    INTEGER NOT NULL DEFAULT 0,\n"
"  checks_failed  INTEGER NOT NULL DEFAULT 0,\n"
"  shape          INTEGER REFERENCES shape,\n"
"  based_on       INTEGER NOT NULL,\n"
"  rolled_back_to INTEGER,\n"
"  PRIMARY KEY(dataset, version)\n"
") STRICT, WITHOUT ROWID;\n"
"CREATE INDEX version_published ON version(dataset, published_at);\n"
"CREATE INDEX version_step ON version(dataset, pipeline, step, window_start, window_end);\n"
"CREATE INDEX version_run ON version(run, dataset) WHERE run IS NOT NULL;\n"
"CREATE INDEX version_replace ON version(dataset, version) WHERE operation = 'replace';\n"
"CREATE INDEX version_rollback ON version(dataset, rolled_back_to) WHERE rolled_back_to IS NOT NULL;\n",
"CREATE TABLE data_file(         -- alive in versions [added_version, removed_version)\n"
"  id              INTEGER PRIMARY KEY,\n"
"  dataset         INTEGER NOT NULL REFERENCES dataset,\n"
"  path            TEXT NOT NULL, -- below the dataset's folder\n"
"  rows            INTEGER,\n"
"  bytes           INTEGER NOT NULL,\n"
"  sha256          TEXT,\n"
"  partition       TEXT,         -- JSON, keys sorted\n"
"  stats           TEXT,\n"
"  source_path     TEXT,         -- the landing file it is a copy of\n"
"  source_size     INTEGER,\n"
"  source_mtime_ns INTEGER,\n"
"  source_etag     TEXT,\n"
"  source_hash     TEXT,\n"
"  added_version   INTEGER NOT NULL,\n"
"  removed_version INTEGER,\n"
"  added_at        INTEGER NOT NULL\n"
") STRICT;\n"
"CREATE UNIQUE INDEX data_file_live ON data_file(dataset, path) WHERE removed_version IS NULL;\n"
"CREATE INDEX data_file_live_version ON data_file(dataset, added_version) WHERE removed_version IS NULL;\n"
"CREATE INDEX data_file_live_partition ON data_file(dataset, partition)\n"
"  WHERE removed_version IS NULL AND partition IS NOT NULL;\n"
"CREATE INDEX data_file_live_source ON data_file(dataset, source_path)\n"
"  WHERE removed_version IS NULL AND source_path IS NOT NULL;\n"
"CREATE INDEX data_file_removed ON data_file(dataset, removed_version, added_version)\n"
"  WHERE removed_version IS NOT NULL;\n",
"CREATE TABLE pin(               -- what a run reads, the same for all its attempts of a generation\n"
"  run        INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,\n"
"  generation INTEGER NOT NULL,\n"
"  dataset    INTEGER NOT NULL REFERENCES dataset,\n"
"  version    INTEGER NOT NULL,\n"
"  PRIMARY KEY(run, generation, dataset)\n"
") STRICT, WITHOUT ROWID;\n",
"CREATE TABLE step_input(        -- what an attempt read: lineage\n"
"  attempt INTEGER NOT NULL REFERENCES attempt ON DELETE CASCADE,\n"
"  dataset INTEGER NOT NULL REFERENCES dataset,\n"
"  version INTEGER NOT NULL,\n"
"  since   INTEGER,              -- only what was added after it\n"
"  PRIMARY KEY(attempt, dataset)\n"
") STRICT, WITHOUT ROWID;\n"
"CREATE INDEX step_input_version ON step_input(dataset, version);\n",
"CREATE TABLE check_result(\n"
"  attempt     INTEGER NOT NULL REFERENCES attempt ON DELETE CASCADE,\n"
"  n           INTEGER NOT NULL,\n"
"  rule        TEXT NOT NULL,\n"
"  severity    TEXT NOT NULL,\n"
"  kind        TEXT,\n"
"  result      TEXT NOT NULL CHECK(result IN ('ok','fail','warn','error')),\n"
"  actual      TEXT,             -- JSON\n"
"  expected    TEXT,             -- JSON\n"
"  failed_rows INTEGER,\n"
"  sample      TEXT,             -- JSON, at most 20 rows\n"
"  line        INTEGER,\n"
"  column      INTEGER,\n"
"  metric      TEXT,             -- for rules that look at earlier versions\n"
"  value       REAL,\n"
"  PRIMARY KEY(attempt, n)\n"
") STRICT, WITHOUT ROWID;\n",
"CREATE TABLE metric(            -- values of published versions only\n"
"  dataset INTEGER NOT NULL REFERENCES dataset,\n"
"  name    TEXT NOT NULL,\n"
"  version INTEGER NOT NULL,\n"
"  value   REAL NOT NULL,\n"
"  PRIMARY KEY(dataset, name, version)\n"
") STRICT, WITHOUT ROWID;\n",
"CREATE TABLE bookmark(\n"
"  id       INTEGER PRIMARY KEY,\n"
"  pipeline TEXT NOT NULL,\n"
"  step     TEXT NOT NULL,\n"
"  kind     TEXT NOT NULL CHECK(kind IN ('files','version','value')),\n"
"  source   TEXT NOT NULL,       -- what it is about, for people\n"
"  version  INTEGER NOT NULL DEFAULT 0,  -- the highest of bookmark_version; 0: never moved\n"
"  UNIQUE(pipeline, step, kind)\n"
") STRICT;\n",
"CREATE TABLE bookmark_version(  -- append-only\n"
"  bookmark   INTEGER NOT NULL REFERENCES bookmark,\n"
"  version    INTEGER NOT NULL,\n"
"  value      TEXT,              -- JSON: files {\"files\": n}, version {\"zone.name\": v}, value \"text\"\n"
"  change     TEXT NOT NULL CHECK(change IN ('advance','set','reset','rewind','undo')),\n"
"  same_as    INTEGER,           -- the version it restored\n"
"  run        INTEGER,\n"
"  attempt    INTEGER,\n"
"  author     TEXT,\n"
"  reason     TEXT,\n"
"  changed_at INTEGER NOT NULL,\n"
"  PRIMARY KEY(bookmark, version)\n"
") STRICT, WITHOUT ROWID;\n"
"CREATE INDEX bookmark_version_at ON bookmark_version(bookmark, changed_at);\n"
"CREATE INDEX bookmark_version_run ON bookmark_version(bookmark, run) WHERE run IS NOT NULL;\n",
"CREATE TABLE bookmark_folder(   -- paths of consumed files, cut at the last slash: ten million names stay small\n"
"  id       INTEGER PRIMARY KEY,\n"
"  bookmark INTEGER NOT NULL REFERENCES bookmark,\n"
"  path     TEXT NOT NULL,       -- with its slash; '' for none\n"
"  newest   INTEGER NOT NULL,    -- mtime of its newest file, ns: whole folders are forgotten by it\n"
"  UNIQUE(bookmark, path)\n"
") STRICT;\n"
"CREATE INDEX bookmark_folder_newest ON bookmark_folder(bookmark, newest);\n",
"CREATE TABLE bookmark_file(     -- consumed as of versions [since_version, until_version)\n"
"  folder        INTEGER NOT NULL REFERENCES bookmark_folder,\n"
"  name          TEXT NOT NULL,\n"
"  since_version INTEGER NOT NULL,\n"
"  until_version INTEGER,\n"
"  bookmark      INTEGER NOT NULL,\n"
"  size          INTEGER NOT NULL,\n"
"  mtime_ns      INTEGER NOT NULL,\n"
"  etag          TEXT,\n"
"  hash          TEXT,\n"
"  PRIMARY KEY(folder, name, since_version)\n"
") STRICT, WITHOUT ROWID;\n"
"CREATE INDEX bookmark_file_since ON bookmark_file(bookmark, since_version);\n"
"CREATE INDEX bookmark_file_until ON bookmark_file(bookmark, until_version) WHERE until_version IS NOT NULL;\n",
"CREATE TABLE intent(            -- what is being published\n"
"  id               INTEGER PRIMARY KEY AUTOINCREMENT,  -- the `txn` sequence of Delta tables: only grows\n"
"  token            TEXT NOT NULL UNIQUE,\n"
"  attempt          INTEGER,     -- NULL: a rollback by hand\n"
"  author           TEXT,\n"
"  reason           TEXT,\n"
"  state            TEXT NOT NULL DEFAULT 'prepared' CHECK(state IN ('prepared','committed','done','aborted')),\n"
"  plan             TEXT,        -- NULL once closed\n"
"  bookmark         INTEGER REFERENCES bookmark,\n"
"  bookmark_version INTEGER,     -- expected\n"
"  bookmark_value   TEXT,        -- proposed\n"
"  created_at       INTEGER NOT NULL,\n"
"  committed_at     INTEGER,\n"
"  closed_at        INTEGER,\n"
"  CHECK((closed_at IS NULL) = (state IN ('prepared','committed')))\n"
") STRICT;\n"
"CREATE INDEX intent_open ON intent(id) WHERE closed_at IS NULL;\n"
"CREATE INDEX intent_attempt ON intent(attempt) WHERE attempt IS NOT NULL;\n"
"CREATE UNIQUE INDEX intent_open_bookmark ON intent(bookmark)\n"
"  WHERE closed_at IS NULL AND bookmark IS NOT NULL;\n",
"CREATE TABLE intent_output(\n"
"  intent  INTEGER NOT NULL REFERENCES intent,\n"
"  n       INTEGER NOT NULL,     -- index in plan.outputs\n"
"  dataset INTEGER NOT NULL REFERENCES dataset,\n"
"  base    INTEGER NOT NULL,\n"
"  version INTEGER NOT NULL,\n"
"  open    INTEGER CHECK(open = 1),  -- NULL once closed\n"
"  PRIMARY KEY(intent, n)\n"
") STRICT, WITHOUT ROWID;\n"
"CREATE UNIQUE INDEX intent_output_open ON intent_output(dataset) WHERE open IS NOT NULL;\n",
"CREATE TABLE outbox(            -- facts to tell the outside, written with what they are about\n"
"  id         INTEGER PRIMARY KEY AUTOINCREMENT,\n"
"  kind       TEXT NOT NULL,     -- lineage\n"
"  intent     INTEGER NOT NULL,\n"
"  attempt    INTEGER,\n"
"  created_at INTEGER NOT NULL,\n"
"  sent_at    INTEGER\n"
") STRICT;\n"
"CREATE INDEX outbox_unsent ON outbox(id) WHERE sent_at IS NULL;\n",
TABLES_OF_TIME,
NULL};
// clang-format on

// clang-format off
static const struct migration steps[] = {
    {1, "schedules, slots and backfills", MIGRATION_TEXTS(
     "ALTER TABLE run ADD COLUMN scheduled_for INTEGER;\n"
     "ALTER TABLE run ADD COLUMN schedule TEXT;\n"
     "ALTER TABLE run ADD COLUMN parent INTEGER;\n"
     "ALTER TABLE run ADD COLUMN backfill INTEGER;\n"
     "ALTER TABLE run ADD COLUMN queue " QUEUE_OF_RUN ";\n"
     INDEXES_OF_TIME, TABLES_OF_TIME)},
};
// clang-format on

const struct migrations schema_migrations = {
    .steps = steps, .count = sizeof steps / sizeof *steps, .target = SCHEMA_VERSION};
