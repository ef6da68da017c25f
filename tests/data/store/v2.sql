-- A database of schema version 2: schedules, slots and backfills. Never edited once released; later versions have files of their own.
CREATE TABLE meta(              -- facts about this file
  name  TEXT PRIMARY KEY,       -- uuid: the project's identity
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE pipeline(          -- a name that history belongs to, and its summary, kept as runs end
  id            INTEGER PRIMARY KEY,
  name          TEXT NOT NULL UNIQUE,
  last_run      INTEGER,        -- newest run
  last_finished INTEGER,        -- the run that ended last
  failing_since INTEGER,        -- end of the first of the failed runs in a row; NULL: fine
  failing_runs  INTEGER NOT NULL DEFAULT 0,
  ended         INTEGER NOT NULL DEFAULT 0,  -- counters, so that nothing is ever counted
  ok            INTEGER NOT NULL DEFAULT 0,
  warn          INTEGER NOT NULL DEFAULT 0,
  failed        INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE definition(        -- one text of a pipeline, stored once however many runs use it
  id         INTEGER PRIMARY KEY,
  pipeline   INTEGER NOT NULL REFERENCES pipeline,
  sha256     TEXT NOT NULL,     -- of all that decides what it does, not only of `text`
  text       TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  UNIQUE(pipeline, sha256)
) STRICT;
CREATE TABLE definition_step(   -- its steps: the names of steps that have no row yet
  definition INTEGER NOT NULL REFERENCES definition,
  idx        INTEGER NOT NULL,
  name       TEXT NOT NULL,
  verb       TEXT NOT NULL,
  PRIMARY KEY(definition, idx)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX definition_step_name ON definition_step(definition, name);
CREATE TABLE run(
  id              INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice, also after pruning
  pipeline        INTEGER NOT NULL REFERENCES pipeline,
  generation      INTEGER NOT NULL DEFAULT 1,
  trigger         TEXT NOT NULL,
  state           TEXT NOT NULL DEFAULT 'queued'
                  CHECK(state IN ('queued','running','ok','warn','failed','cancelled','skipped')),
  reason          TEXT,
  failed_step     TEXT,
  note            TEXT,         -- --reason
  stop            TEXT,         -- being stopped: cancel kill timeout interrupted
  stop_reason     TEXT,
  window_start    INTEGER,
  window_end      INTEGER,
  explicit_window INTEGER NOT NULL DEFAULT 0,
  params          TEXT,
  options         TEXT,
  created_at      INTEGER NOT NULL,
  started_at      INTEGER,
  finished_at     INTEGER,
  scheduled_for   INTEGER,      -- the fire instant of its slot; a backfill's run has that of the slot it repeats
  schedule        TEXT,         -- name of the schedule in its pipeline
  parent          INTEGER,      -- attempt of the `pipeline:` step that started it
  backfill        INTEGER,      -- the backfill or restatement it belongs to
  queue           TEXT GENERATED ALWAYS AS (CASE WHEN backfill IS NULL THEN coalesce(schedule, '') ELSE 'backfill ' || backfill END) VIRTUAL, -- those of one queue of a pipeline begin in order
  CHECK((finished_at IS NULL) = (state IN ('queued','running')))
) STRICT;
CREATE INDEX run_open ON run(id) WHERE finished_at IS NULL;
CREATE INDEX run_waiting ON run(pipeline, queue) WHERE state = 'queued';
CREATE INDEX run_slot ON run(pipeline, schedule, scheduled_for) WHERE schedule IS NOT NULL;
CREATE INDEX run_parent ON run(parent) WHERE parent IS NOT NULL;
CREATE INDEX run_backfill ON run(backfill) WHERE backfill IS NOT NULL;
CREATE INDEX run_pipeline ON run(pipeline);
CREATE INDEX run_pipeline_state ON run(pipeline, state);
CREATE INDEX run_state ON run(state);
CREATE INDEX run_trigger ON run(trigger);
CREATE INDEX run_created ON run(created_at);
CREATE INDEX run_window ON run(pipeline, window_start, window_end);
CREATE TABLE generation(        -- each time a run began (again)
  run        INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  number     INTEGER NOT NULL,
  definition INTEGER NOT NULL REFERENCES definition,
  created_at INTEGER NOT NULL,
  PRIMARY KEY(run, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE step(              -- no row: `waiting`
  run          INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  idx          INTEGER NOT NULL, -- in the newest generation's definition
  generation   INTEGER NOT NULL, -- the one that last moved it
  state        TEXT NOT NULL CHECK(state IN ('waiting','ready','running','retry_wait','success','failed',
                                             'skipped','upstream_failed','cancelled')),
  nothing_new  INTEGER NOT NULL DEFAULT 0,
  warned       INTEGER NOT NULL DEFAULT 0,
  left_out     INTEGER NOT NULL DEFAULT 0,
  attempts     INTEGER NOT NULL DEFAULT 0,
  reason       TEXT,
  message      TEXT,
  due          INTEGER,         -- of the next attempt, in retry_wait
  started_at   INTEGER,
  finished_at  INTEGER,
  rows_read    INTEGER,
  bytes_read   INTEGER,
  rows_written INTEGER,
  outputs      TEXT,
  PRIMARY KEY(run, idx)
) STRICT, WITHOUT ROWID;
CREATE TABLE attempt(
  id          INTEGER PRIMARY KEY,
  run         INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  step        INTEGER NOT NULL, -- idx in its generation's definition
  generation  INTEGER NOT NULL,
  number      INTEGER NOT NULL,
  token       TEXT NOT NULL,    -- the numbers above and 64 random bits; no index: the numbers find it
  state       TEXT NOT NULL DEFAULT 'running'
              CHECK(state IN ('running','publishing','success','failed','lost','cancelled')),
  phase       TEXT NOT NULL DEFAULT 'm',  -- m main, a audit, p publish
  started_at  INTEGER NOT NULL,
  finished_at INTEGER,
  exit_code   INTEGER,
  signal      INTEGER,
  killed      TEXT,
  reason      TEXT,
  message     TEXT,
  hint        TEXT,
  log         TEXT,
  remote_id   TEXT,
  detail      TEXT,
  UNIQUE(run, step, generation, number),
  CHECK((finished_at IS NULL) = (state IN ('running','publishing')))
) STRICT;
CREATE UNIQUE INDEX attempt_live ON attempt(run, step) WHERE finished_at IS NULL;  -- at most one per step
CREATE TABLE dataset(
  id         INTEGER PRIMARY KEY,
  name       TEXT NOT NULL UNIQUE,       -- zone.name
  path       TEXT NOT NULL,
  format     TEXT NOT NULL CHECK(format IN ('files','delta')),
  head       INTEGER NOT NULL DEFAULT -1, -- current version; -1: never published
  first      INTEGER NOT NULL DEFAULT 0,  -- oldest version kept whole
  forgotten  INTEGER NOT NULL DEFAULT -1, -- the last version whose removals are no longer known
  table_id   TEXT,
  stopped    TEXT,                        -- why nothing may be published
  created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE shape(             -- columns of versions; a new row only when they change
  id           INTEGER PRIMARY KEY,
  dataset      INTEGER NOT NULL REFERENCES dataset,
  columns      TEXT,
  partition_by TEXT
) STRICT;
CREATE INDEX shape_dataset ON shape(dataset);
CREATE TABLE version(
  dataset        INTEGER NOT NULL REFERENCES dataset,
  version        INTEGER NOT NULL,
  intent         INTEGER,       -- NULL: an outside writer's
  token          TEXT,
  run            INTEGER,       -- names below stay when the run is pruned
  pipeline       TEXT,
  step           TEXT,
  operation      TEXT NOT NULL,
  author         TEXT,
  reason         TEXT,
  published_at   INTEGER NOT NULL,
  window_start   INTEGER,
  window_end     INTEGER,
  rows           INTEGER NOT NULL,  -- of the files whose rows are known,
  rows_unknown   INTEGER NOT NULL,  -- and the number of the other files
  bytes          INTEGER NOT NULL,
  files          INTEGER NOT NULL,
  rows_added     INTEGER NOT NULL,
  files_added    INTEGER NOT NULL,
  files_removed  INTEGER NOT NULL,
  checks_ok      INTEGER NOT NULL DEFAULT 0,
  checks_warn    INTEGER NOT NULL DEFAULT 0,
  checks_failed  INTEGER NOT NULL DEFAULT 0,
  shape          INTEGER REFERENCES shape,
  based_on       INTEGER NOT NULL,
  rolled_back_to INTEGER,
  PRIMARY KEY(dataset, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX version_published ON version(dataset, published_at);
CREATE INDEX version_step ON version(dataset, pipeline, step, window_start, window_end);
CREATE INDEX version_run ON version(run, dataset) WHERE run IS NOT NULL;
CREATE INDEX version_replace ON version(dataset, version) WHERE operation = 'replace';
CREATE INDEX version_rollback ON version(dataset, rolled_back_to) WHERE rolled_back_to IS NOT NULL;
CREATE TABLE data_file(         -- alive in versions [added_version, removed_version)
  id              INTEGER PRIMARY KEY,
  dataset         INTEGER NOT NULL REFERENCES dataset,
  path            TEXT NOT NULL, -- below the dataset's folder
  rows            INTEGER,
  bytes           INTEGER NOT NULL,
  sha256          TEXT,
  partition       TEXT,         -- JSON, keys sorted
  stats           TEXT,
  source_path     TEXT,         -- the landing file it is a copy of
  source_size     INTEGER,
  source_mtime_ns INTEGER,
  source_etag     TEXT,
  source_hash     TEXT,
  added_version   INTEGER NOT NULL,
  removed_version INTEGER,
  added_at        INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX data_file_live ON data_file(dataset, path) WHERE removed_version IS NULL;
CREATE INDEX data_file_live_version ON data_file(dataset, added_version) WHERE removed_version IS NULL;
CREATE INDEX data_file_live_partition ON data_file(dataset, partition)
  WHERE removed_version IS NULL AND partition IS NOT NULL;
CREATE INDEX data_file_live_source ON data_file(dataset, source_path)
  WHERE removed_version IS NULL AND source_path IS NOT NULL;
CREATE INDEX data_file_removed ON data_file(dataset, removed_version, added_version)
  WHERE removed_version IS NOT NULL;
CREATE TABLE pin(               -- what a run reads, the same for all its attempts of a generation
  run        INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  generation INTEGER NOT NULL,
  dataset    INTEGER NOT NULL REFERENCES dataset,
  version    INTEGER NOT NULL,
  PRIMARY KEY(run, generation, dataset)
) STRICT, WITHOUT ROWID;
CREATE TABLE step_input(        -- what an attempt read: lineage
  attempt INTEGER NOT NULL REFERENCES attempt ON DELETE CASCADE,
  dataset INTEGER NOT NULL REFERENCES dataset,
  version INTEGER NOT NULL,
  since   INTEGER,              -- only what was added after it
  PRIMARY KEY(attempt, dataset)
) STRICT, WITHOUT ROWID;
CREATE INDEX step_input_version ON step_input(dataset, version);
CREATE TABLE check_result(
  attempt     INTEGER NOT NULL REFERENCES attempt ON DELETE CASCADE,
  n           INTEGER NOT NULL,
  rule        TEXT NOT NULL,
  severity    TEXT NOT NULL,
  kind        TEXT,
  result      TEXT NOT NULL CHECK(result IN ('ok','fail','warn','error')),
  actual      TEXT,             -- JSON
  expected    TEXT,             -- JSON
  failed_rows INTEGER,
  sample      TEXT,             -- JSON, at most 20 rows
  line        INTEGER,
  column      INTEGER,
  metric      TEXT,             -- for rules that look at earlier versions
  value       REAL,
  PRIMARY KEY(attempt, n)
) STRICT, WITHOUT ROWID;
CREATE TABLE metric(            -- values of published versions only
  dataset INTEGER NOT NULL REFERENCES dataset,
  name    TEXT NOT NULL,
  version INTEGER NOT NULL,
  value   REAL NOT NULL,
  PRIMARY KEY(dataset, name, version)
) STRICT, WITHOUT ROWID;
CREATE TABLE bookmark(
  id       INTEGER PRIMARY KEY,
  pipeline TEXT NOT NULL,
  step     TEXT NOT NULL,
  kind     TEXT NOT NULL CHECK(kind IN ('files','version','value')),
  source   TEXT NOT NULL,       -- what it is about, for people
  version  INTEGER NOT NULL DEFAULT 0,  -- the highest of bookmark_version; 0: never moved
  UNIQUE(pipeline, step, kind)
) STRICT;
CREATE TABLE bookmark_version(  -- append-only
  bookmark   INTEGER NOT NULL REFERENCES bookmark,
  version    INTEGER NOT NULL,
  value      TEXT,              -- JSON: files {"files": n}, version {"zone.name": v}, value "text"
  change     TEXT NOT NULL CHECK(change IN ('advance','set','reset','rewind','undo')),
  same_as    INTEGER,           -- the version it restored
  run        INTEGER,
  attempt    INTEGER,
  author     TEXT,
  reason     TEXT,
  changed_at INTEGER NOT NULL,
  PRIMARY KEY(bookmark, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX bookmark_version_at ON bookmark_version(bookmark, changed_at);
CREATE INDEX bookmark_version_run ON bookmark_version(bookmark, run) WHERE run IS NOT NULL;
CREATE TABLE bookmark_folder(   -- paths of consumed files, cut at the last slash: ten million names stay small
  id       INTEGER PRIMARY KEY,
  bookmark INTEGER NOT NULL REFERENCES bookmark,
  path     TEXT NOT NULL,       -- with its slash; '' for none
  newest   INTEGER NOT NULL,    -- mtime of its newest file, ns: whole folders are forgotten by it
  UNIQUE(bookmark, path)
) STRICT;
CREATE INDEX bookmark_folder_newest ON bookmark_folder(bookmark, newest);
CREATE TABLE bookmark_file(     -- consumed as of versions [since_version, until_version)
  folder        INTEGER NOT NULL REFERENCES bookmark_folder,
  name          TEXT NOT NULL,
  since_version INTEGER NOT NULL,
  until_version INTEGER,
  bookmark      INTEGER NOT NULL,
  size          INTEGER NOT NULL,
  mtime_ns      INTEGER NOT NULL,
  etag          TEXT,
  hash          TEXT,
  PRIMARY KEY(folder, name, since_version)
) STRICT, WITHOUT ROWID;
CREATE INDEX bookmark_file_since ON bookmark_file(bookmark, since_version);
CREATE INDEX bookmark_file_until ON bookmark_file(bookmark, until_version) WHERE until_version IS NOT NULL;
CREATE TABLE intent(            -- what is being published
  id               INTEGER PRIMARY KEY AUTOINCREMENT,  -- the `txn` sequence of Delta tables: only grows
  token            TEXT NOT NULL UNIQUE,
  attempt          INTEGER,     -- NULL: a rollback by hand
  author           TEXT,
  reason           TEXT,
  state            TEXT NOT NULL DEFAULT 'prepared' CHECK(state IN ('prepared','committed','done','aborted')),
  plan             TEXT,        -- NULL once closed
  bookmark         INTEGER REFERENCES bookmark,
  bookmark_version INTEGER,     -- expected
  bookmark_value   TEXT,        -- proposed
  created_at       INTEGER NOT NULL,
  committed_at     INTEGER,
  closed_at        INTEGER,
  CHECK((closed_at IS NULL) = (state IN ('prepared','committed')))
) STRICT;
CREATE INDEX intent_open ON intent(id) WHERE closed_at IS NULL;
CREATE INDEX intent_attempt ON intent(attempt) WHERE attempt IS NOT NULL;
CREATE UNIQUE INDEX intent_open_bookmark ON intent(bookmark)
  WHERE closed_at IS NULL AND bookmark IS NOT NULL;
CREATE TABLE intent_output(
  intent  INTEGER NOT NULL REFERENCES intent,
  n       INTEGER NOT NULL,     -- index in plan.outputs
  dataset INTEGER NOT NULL REFERENCES dataset,
  base    INTEGER NOT NULL,
  version INTEGER NOT NULL,
  open    INTEGER CHECK(open = 1),  -- NULL once closed
  PRIMARY KEY(intent, n)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX intent_output_open ON intent_output(dataset) WHERE open IS NOT NULL;
CREATE TABLE outbox(            -- facts to tell the outside, written with what they are about
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  kind       TEXT NOT NULL,     -- lineage
  intent     INTEGER NOT NULL,
  attempt    INTEGER,
  created_at INTEGER NOT NULL,
  sent_at    INTEGER
) STRICT;
CREATE INDEX outbox_unsent ON outbox(id) WHERE sent_at IS NULL;
CREATE TABLE pause(             -- pipelines that start nothing by themselves; no row: not paused
  pipeline INTEGER PRIMARY KEY REFERENCES pipeline,
  at       INTEGER NOT NULL,
  until    INTEGER,             -- NULL: until somebody resumes it
  author   TEXT,
  reason   TEXT,
  catch_up TEXT NOT NULL DEFAULT 'none'  -- what becomes of the slots meanwhile: none latest all
) STRICT;
CREATE TABLE schedule(          -- what the clock has decided so far
  id         INTEGER PRIMARY KEY,
  pipeline   INTEGER NOT NULL REFERENCES pipeline,
  name       TEXT NOT NULL,     -- `main` unless the pipeline says otherwise
  cursor     INTEGER NOT NULL,  -- every slot up to here is decided
  rule       TEXT NOT NULL,     -- JSON: the words it was last decided by; an edit first decides by the old ones
  created_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,  -- of the rule
  gone_at    INTEGER,           -- the pipeline or this schedule of it is no longer there
  UNIQUE(pipeline, name)
) STRICT;
CREATE TABLE slot(              -- one planned firing, or a stretch of them skipped for one reason
  schedule     INTEGER NOT NULL REFERENCES schedule,
  fire         INTEGER NOT NULL, -- the first of a stretch
  last_fire    INTEGER NOT NULL,
  count        INTEGER NOT NULL DEFAULT 1,
  window_start INTEGER,          -- of the first
  window_end   INTEGER,          -- of the last
  span         INTEGER,          -- bits of window_end - window_start
  outcome      TEXT NOT NULL CHECK(outcome IN ('run','skipped')),
  reason       TEXT,             -- of a skip: missed too_late running paused
  detail       TEXT,             -- JSON: what decided it
  run          INTEGER,
  decided_at   INTEGER NOT NULL, -- of the last
  PRIMARY KEY(schedule, fire),
  CHECK((outcome = 'run') = (run IS NOT NULL)),
  CHECK(fire <= last_fire AND count > 0)
) STRICT, WITHOUT ROWID;
CREATE INDEX slot_window ON slot(schedule, span, window_end) WHERE span IS NOT NULL;
CREATE TABLE trigger_seen(      -- the version of a dataset up to which `after:` of a schedule has been decided
  schedule INTEGER NOT NULL REFERENCES schedule,
  dataset  TEXT NOT NULL,       -- zone.name: it may not be there yet
  version  INTEGER NOT NULL,
  PRIMARY KEY(schedule, dataset)
) STRICT, WITHOUT ROWID;
CREATE TABLE backfill(          -- a durable plan over many windows; `restate` is one over many pipelines
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  kind         TEXT NOT NULL CHECK(kind IN ('backfill','restate')),
  name         TEXT UNIQUE,     -- --name: the same twice goes on, never doubles
  subject      TEXT NOT NULL,   -- pipeline, or dataset of a restatement
  window_from  INTEGER NOT NULL,
  window_to    INTEGER NOT NULL,
  options      TEXT NOT NULL,   -- JSON
  state        TEXT NOT NULL CHECK(state IN ('queued','running','paused','ok','failed','cancelled')),
  max_parallel INTEGER NOT NULL,
  max_failures INTEGER,         -- NULL: as many as there are
  total        INTEGER NOT NULL,           -- its items;
  done         INTEGER NOT NULL DEFAULT 0, -- how many of them are in which state, so that nothing is ever
  failed       INTEGER NOT NULL DEFAULT 0, -- counted: the rest is planned
  running      INTEGER NOT NULL DEFAULT 0,
  skipped      INTEGER NOT NULL DEFAULT 0,
  cancelled    INTEGER NOT NULL DEFAULT 0,
  author       TEXT,
  reason       TEXT,
  created_at   INTEGER NOT NULL,
  started_at   INTEGER,
  finished_at  INTEGER,
  CHECK((finished_at IS NULL) = (state IN ('queued','running','paused')))
) STRICT;
CREATE INDEX backfill_open ON backfill(id) WHERE finished_at IS NULL;
CREATE TABLE backfill_item(     -- one window of one pipeline, in the order they start
  backfill     INTEGER NOT NULL REFERENCES backfill ON DELETE CASCADE,
  n            INTEGER NOT NULL,
  stage        INTEGER NOT NULL DEFAULT 0,  -- starts when every item of an earlier stage that meets its window is ok
  pipeline     TEXT NOT NULL,
  window_start INTEGER NOT NULL,
  window_end   INTEGER NOT NULL,
  span         INTEGER NOT NULL, -- bits of window_end - window_start
  action       TEXT NOT NULL CHECK(action IN ('run','keep','refuse')),
  reason       TEXT NOT NULL,
  options      TEXT,            -- JSON for the run: only, from_step
  state        TEXT NOT NULL CHECK(state IN ('planned','running','ok','failed','skipped','cancelled')),
  run          INTEGER,
  PRIMARY KEY(backfill, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX backfill_item_state ON backfill_item(backfill, state, n);
CREATE INDEX backfill_item_blocks ON backfill_item(backfill, span, window_end)
  WHERE state NOT IN ('ok','skipped');
CREATE INDEX backfill_item_run ON backfill_item(run) WHERE run IS NOT NULL;
CREATE TABLE consumed(          -- which steps last read a dataset for which window: who is stale, what to restate
  dataset      INTEGER NOT NULL REFERENCES dataset,
  pipeline     TEXT NOT NULL,
  step         TEXT NOT NULL,
  window_start INTEGER NOT NULL,
  window_end   INTEGER NOT NULL,
  span         INTEGER NOT NULL, -- bits of window_end - window_start
  version      INTEGER NOT NULL,
  run          INTEGER NOT NULL,
  stale_since  INTEGER,         -- a publish has since changed a window that this one meets
  stale_by     INTEGER,         -- that version
  PRIMARY KEY(dataset, pipeline, step, window_start, window_end)
) STRICT, WITHOUT ROWID;
CREATE INDEX consumed_window ON consumed(dataset, span, window_end);
CREATE INDEX consumed_stale ON consumed(window_start) WHERE stale_since IS NOT NULL;
CREATE INDEX consumed_stale_pipeline ON consumed(pipeline, window_start) WHERE stale_since IS NOT NULL;
-- what one finished run leaves behind
INSERT INTO meta VALUES('uuid', '00000000-0000-4000-8000-000000000001');
INSERT INTO pipeline(id, name, last_run, last_finished, ended, ok) VALUES(1, 'sales', 1, 1, 1, 1);
INSERT INTO definition VALUES(1, 1, 'aa', 'steps: {}', 1700000000000000);
INSERT INTO definition_step VALUES(1, 0, 'load', 'sql');
INSERT INTO run(id, pipeline, trigger, state, created_at, started_at, finished_at)
  VALUES(1, 1, 'manual', 'ok', 1700000000000000, 1700000000000001, 1700000000000002);
INSERT INTO generation VALUES(1, 1, 1, 1700000000000000);
INSERT INTO step(run, idx, generation, state, attempts, started_at, finished_at)
  VALUES(1, 0, 1, 'success', 1, 1700000000000001, 1700000000000002);
INSERT INTO attempt(id, run, step, generation, number, token, state, started_at, finished_at)
  VALUES(1, 1, 0, 1, 1, 'r1-s0-g1-a1-0123456789abcdef', 'success', 1700000000000001, 1700000000000002);
INSERT INTO dataset(id, name, path, format, head, table_id, created_at)
  VALUES(1, 'raw.orders', '/lake/raw/orders', 'delta', 0, 't-1', 1700000000000000);
INSERT INTO shape VALUES(1, 1, '[{"name":"id","type":"long"}]', NULL);
INSERT INTO version(dataset, version, intent, token, run, pipeline, step, operation, published_at, rows, rows_unknown,
  bytes, files, rows_added, files_added, files_removed, shape, based_on)
  VALUES(1, 0, 1, 'r1-s0-g1-a1-0123456789abcdef', 1, 'sales', 'load', 'append', 1700000000000002, 7, 0, 70, 1, 7, 1, 0,
  1, -1);
INSERT INTO data_file(dataset, path, rows, bytes, added_version, added_at)
  VALUES(1, 'part-0', 7, 70, 0, 1700000000000002);
INSERT INTO bookmark VALUES(1, 'sales', 'load', 'files', 'landing/*.csv', 1);
INSERT INTO bookmark_version(bookmark, version, value, change, run, attempt, author, changed_at)
  VALUES(1, 1, '{"files":1}', 'advance', 1, 1, 'load', 1700000000000002);
INSERT INTO bookmark_folder VALUES(1, 1, 'landing/', 2);
INSERT INTO bookmark_file(folder, name, since_version, bookmark, size, mtime_ns) VALUES(1, '0.csv', 1, 1, 1, 2);
INSERT INTO intent(id, token, attempt, state, created_at, committed_at, closed_at) VALUES(1,
  'r1-s0-g1-a1-0123456789abcdef', 1, 'done', 1700000000000001, 1700000000000002, 1700000000000002);
INSERT INTO intent_output VALUES(1, 0, 1, -1, 0, NULL);
-- a schedule that made two runs' slots, of which one was skipped, and a backfill of one window
INSERT INTO pause VALUES(1, 1700000000000000, NULL, 'ann', 'migration', 'none');
INSERT INTO schedule VALUES(1, 1, 'main', 1700000003000000, '{"every":"hour"}', 1700000000000000, 1700000000000000, NULL);
INSERT INTO slot VALUES(1, 1700000001000000, 1700000001000000, 1, 1700000000000000, 1700000001000000, 20, 'run', NULL,
  NULL, 2, 1700000001000000);
INSERT INTO slot VALUES(1, 1700000002000000, 1700000003000000, 2, 1700000001000000, 1700000003000000, 21, 'skipped',
  'paused', NULL, NULL, 1700000003000000);
INSERT INTO run(id, pipeline, trigger, state, window_start, window_end, created_at, finished_at, scheduled_for, schedule,
  backfill) VALUES(2, 1, 'schedule', 'skipped', 1700000000000000, 1700000001000000, 1700000001000000, 1700000002000000,
  1700000001000000, 'main', NULL);
INSERT INTO generation VALUES(2, 1, 1, 1700000001000000);
INSERT INTO trigger_seen VALUES(1, 'raw.orders', 0);
INSERT INTO backfill(id, kind, subject, window_from, window_to, options, state, max_parallel, total, done, created_at,
  finished_at) VALUES(1, 'backfill', 'sales', 1700000000000000, 1700000001000000, '{}', 'ok', 1, 1, 1, 1700000000000000,
  1700000000000002);
INSERT INTO backfill_item VALUES(1, 0, 0, 'sales', 1700000000000000, 1700000001000000, 20, 'run', 'never ran', NULL, 'ok',
  1);
INSERT INTO consumed VALUES(1, 'report', 'build', 1700000000000000, 1700000001000000, 20, 0, 1, NULL, NULL);
