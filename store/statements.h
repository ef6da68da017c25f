/* statements.h: every SQL statement of the program, by name (those about time in statements_time.h). Internal
 * to store/.
 *
 * The statements of one noun are one list; test_store_plans explains all of them against an empty database
 * and refuses a scan of any table that grows. Joins that start from one row are written CROSS JOIN (SQLite
 * then keeps the order), and where only one index keeps the cost off the history it is named with INDEXED BY,
 * so that losing it is an error and not a slow day. */
#ifndef LEAT_STORE_STATEMENTS_H
#define LEAT_STORE_STATEMENTS_H

#include "store/statements_time.h"

// clang-format off

/* ---- pipelines, definitions, runs, steps ---- */

#define SQL_RUN_COLUMNS \
    "SELECT r.id, r.generation, g.definition, p.name, d.sha256, r.trigger, r.state, r.reason, r.failed_step, r.note," \
    " r.stop, r.stop_reason, r.params, r.options, r.window_start, r.window_end, r.created_at, r.started_at," \
    " r.finished_at, r.explicit_window, r.scheduled_for, r.schedule, r.parent, r.backfill "
#define SQL_RUN_JOINS \
    " CROSS JOIN pipeline p ON p.id = r.pipeline" \
    " CROSS JOIN generation g ON g.run = r.id AND g.number = r.generation" \
    " CROSS JOIN definition d ON d.id = g.definition "
/* ?1 before, ?2 since, ?3 ?4 window, ?5 trigger, ?6 state, ?7 pipeline, ?8 limit, ?9 backfill */
#define SQL_RUN_FILTER \
    " r.id < ?1 AND r.id >= CASE WHEN ?2 IS NULL THEN 0 ELSE" \
    "  coalesce((SELECT id FROM run WHERE created_at >= ?2 ORDER BY created_at LIMIT 1), 9223372036854775807) END" \
    " AND (?2 IS NULL OR r.created_at >= ?2)" \
    " AND (?3 IS NULL OR r.window_start >= ?3) AND (?4 IS NULL OR r.window_end <= ?4)" \
    " AND (?5 IS NULL OR r.trigger = ?5) AND (?6 IS NULL OR r.state = ?6) AND (?7 IS NULL OR p.name = ?7)" \
    " AND (?9 IS NULL OR r.backfill = ?9)" \
    " ORDER BY r.id DESC LIMIT ?8"
#define SQL_PIPELINE_7 " r.pipeline = (SELECT id FROM pipeline WHERE name = ?7) AND "

#define STATEMENTS_RUNS(X) \
    X(pipeline_add, "INSERT INTO pipeline(name) VALUES(?1) ON CONFLICT(name) DO NOTHING") \
    X(pipeline_find, "SELECT id FROM pipeline WHERE name = ?1") \
    X(pipeline_ran, "UPDATE pipeline SET last_run = ?2" \
        " WHERE id = (SELECT pipeline FROM definition WHERE id = ?1)") \
    X(pipeline_ended, "UPDATE pipeline SET last_finished = ?1, ended = ended + 1, ok = ok + (?2 = 'ok')," \
        " warn = warn + (?2 = 'warn'), failed = failed + (?2 = 'failed')," \
        " failing_since = CASE WHEN ?2 = 'failed' THEN coalesce(failing_since, ?3)" \
        "                      WHEN ?2 IN ('ok','warn') THEN NULL ELSE failing_since END," \
        " failing_runs = CASE WHEN ?2 = 'failed' THEN failing_runs + 1" \
        "                     WHEN ?2 IN ('ok','warn') THEN 0 ELSE failing_runs END" \
        " WHERE id = (SELECT pipeline FROM run WHERE id = ?1)") \
    X(pipelines_list, "SELECT p.name, p.last_run, p.last_finished, r.state, r.reason, r.failed_step," \
        " p.failing_since, p.failing_runs, p.ended, p.ok, p.warn, p.failed" \
        " FROM pipeline p LEFT JOIN run r ON r.id = p.last_finished WHERE p.last_run IS NOT NULL" \
        " ORDER BY p.name") \
    X(definition_find, "SELECT id FROM definition WHERE pipeline = ?1 AND sha256 = ?2") \
    X(definition_add, "INSERT INTO definition(pipeline, sha256, text, created_at) VALUES(?1, ?2, ?3, ?4)") \
    X(definition_step_add, "INSERT INTO definition_step(definition, idx, name, verb) VALUES(?1, ?2, ?3, ?4)") \
    X(definition_last, "SELECT d.id, p.name, d.sha256, d.text, d.created_at" \
        " FROM pipeline p CROSS JOIN definition d ON d.pipeline = p.id WHERE p.name = ?1" \
        " ORDER BY d.id = (SELECT g.definition FROM generation g WHERE g.run = p.last_run ORDER BY g.number DESC LIMIT 1)" \
        " DESC, d.id DESC LIMIT 1") \
    X(definition_get, "SELECT d.id, p.name, d.sha256, d.text, d.created_at" \
        " FROM definition d CROSS JOIN pipeline p ON p.id = d.pipeline WHERE d.id = ?1") \
    X(run_add, "INSERT INTO run(pipeline, trigger, window_start, window_end, explicit_window, params, options, note," \
        " scheduled_for, schedule, parent, backfill, created_at)" \
        " SELECT pipeline, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13 FROM definition WHERE id = ?1") \
    X(generation_add, "INSERT INTO generation(run, number, definition, created_at) VALUES(?1, ?2, ?3, ?4)") \
    X(run_move, "UPDATE run SET state = ?3, reason = ?4, failed_step = ?5," \
        " started_at = CASE WHEN ?3 = 'running' THEN coalesce(started_at, ?6) ELSE started_at END," \
        " finished_at = CASE WHEN ?3 IN ('queued','running') THEN NULL ELSE ?6 END" \
        " WHERE id = ?1 AND state = ?2") \
    X(run_stop, "UPDATE run SET stop = ?2, stop_reason = ?3 WHERE id = ?1 AND finished_at IS NULL") \
    X(run_again, "UPDATE run SET generation = generation + 1, state = 'queued', reason = NULL, failed_step = NULL," \
        " stop = NULL, stop_reason = NULL, started_at = NULL, finished_at = NULL, params = coalesce(?2, params)," \
        " options = coalesce(?3, options) WHERE id = ?1 AND finished_at IS NOT NULL RETURNING generation") \
    X(run_get, SQL_RUN_COLUMNS "FROM run r" SQL_RUN_JOINS "WHERE r.id = ?1") \
    X(runs_open, SQL_RUN_COLUMNS "FROM run r INDEXED BY run_open" SQL_RUN_JOINS \
        "WHERE r.finished_at IS NULL ORDER BY r.id") \
    X(runs_all, SQL_RUN_COLUMNS "FROM run r NOT INDEXED" SQL_RUN_JOINS "WHERE" SQL_RUN_FILTER) \
    X(runs_pipeline, SQL_RUN_COLUMNS "FROM run r INDEXED BY run_pipeline" SQL_RUN_JOINS "WHERE" \
        SQL_PIPELINE_7 SQL_RUN_FILTER) \
    X(runs_state, SQL_RUN_COLUMNS "FROM run r INDEXED BY run_state" SQL_RUN_JOINS "WHERE r.state = ?6 AND" \
        SQL_RUN_FILTER) \
    X(runs_pipeline_state, SQL_RUN_COLUMNS "FROM run r INDEXED BY run_pipeline_state" SQL_RUN_JOINS "WHERE" \
        SQL_PIPELINE_7 "r.state = ?6 AND" SQL_RUN_FILTER) \
    X(runs_trigger, SQL_RUN_COLUMNS "FROM run r INDEXED BY run_trigger" SQL_RUN_JOINS "WHERE r.trigger = ?5 AND" \
        SQL_RUN_FILTER) \
    X(runs_backfill, SQL_RUN_COLUMNS "FROM run r INDEXED BY run_backfill" SQL_RUN_JOINS "WHERE r.backfill = ?9 AND" \
        SQL_RUN_FILTER) \
    X(runs_window, SQL_RUN_COLUMNS "FROM run r INDEXED BY run_window" SQL_RUN_JOINS "WHERE" \
        SQL_PIPELINE_7 "r.window_start >= ?3 AND r.window_start < ?4 AND" SQL_RUN_FILTER) \
    X(run_of_window, SQL_RUN_COLUMNS "FROM run r INDEXED BY run_window" SQL_RUN_JOINS \
        "WHERE r.pipeline = (SELECT id FROM pipeline WHERE name = ?1) AND r.window_start IS ?2" \
        " AND r.window_end IS ?3 AND r.state IN ('ok','warn') ORDER BY r.id DESC LIMIT 1") \
    X(step_enter, "INSERT INTO step(run, idx, generation, state, nothing_new, warned, left_out, attempts, reason," \
        " message, due, rows_read, bytes_read, rows_written, outputs, started_at, finished_at)" \
        " VALUES(?1, ?2, ?3, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16," \
        "  CASE WHEN ?5 = 'running' THEN ?17 END," \
        "  CASE WHEN ?5 IN ('waiting','ready','running','retry_wait') THEN NULL ELSE ?17 END)" \
        " ON CONFLICT(run, idx) DO UPDATE SET generation = excluded.generation, state = excluded.state," \
        " nothing_new = excluded.nothing_new, warned = excluded.warned, left_out = excluded.left_out," \
        " attempts = excluded.attempts, reason = excluded.reason, message = excluded.message, due = excluded.due," \
        " rows_read = excluded.rows_read, bytes_read = excluded.bytes_read, rows_written = excluded.rows_written," \
        " outputs = excluded.outputs, started_at = excluded.started_at, finished_at = excluded.finished_at" \
        " WHERE step.state = ?4") \
    X(step_move, "UPDATE step SET generation = ?3, state = ?5, nothing_new = ?6, warned = ?7, left_out = ?8," \
        " attempts = ?9, reason = ?10, message = ?11, due = ?12, rows_read = ?13, bytes_read = ?14," \
        " rows_written = ?15, outputs = ?16," \
        " started_at = CASE WHEN ?5 = 'running' THEN coalesce(started_at, ?17) ELSE started_at END," \
        " finished_at = CASE WHEN ?5 IN ('waiting','ready','running','retry_wait') THEN NULL ELSE ?17 END" \
        " WHERE run = ?1 AND idx = ?2 AND state = ?4") \
    X(step_keep, "UPDATE step SET idx = -1 - ?3 WHERE run = ?1 AND idx = ?2") \
    X(steps_drop, "DELETE FROM step WHERE run = ?1 AND idx >= 0") \
    X(steps_settle, "UPDATE step SET idx = -1 - idx WHERE run = ?1 AND idx < 0") \
    X(steps_list, "SELECT ds.idx, coalesce(s.generation, r.generation), ds.name, ds.verb," \
        " coalesce(s.state, 'waiting'), s.reason, s.message, s.nothing_new, s.warned, s.left_out, s.attempts, s.due," \
        " s.started_at, s.finished_at, s.rows_read, s.bytes_read, s.rows_written, s.outputs" \
        " FROM run r CROSS JOIN generation g ON g.run = r.id AND g.number = r.generation" \
        " CROSS JOIN definition_step ds ON ds.definition = g.definition" \
        " LEFT JOIN step s ON s.run = r.id AND s.idx = ds.idx WHERE r.id = ?1 ORDER BY ds.idx") \
    X(step_durations, "SELECT s.finished_at - s.started_at FROM" \
        " (SELECT id, generation FROM run WHERE pipeline = (SELECT id FROM pipeline WHERE name = ?1)" \
        "  ORDER BY id DESC LIMIT 100) r" \
        " CROSS JOIN generation g ON g.run = r.id AND g.number = r.generation" \
        " CROSS JOIN definition_step ds ON ds.definition = g.definition AND ds.name = ?2" \
        " CROSS JOIN step s ON s.run = r.id AND s.idx = ds.idx" \
        " WHERE s.state = 'success' AND s.nothing_new = 0 AND s.started_at IS NOT NULL" \
        " ORDER BY r.id DESC LIMIT ?3")

/* ---- attempts, lineage, checks ---- */

#define SQL_ATTEMPT_COLUMNS \
    "SELECT a.id, a.run, a.generation, a.step, a.number, p.name, ds.name, ds.verb, a.token, a.state, a.killed," \
    " a.reason, a.message, a.hint, a.log, a.remote_id, a.detail, a.phase, a.exit_code, a.signal, a.started_at," \
    " a.finished_at "
#define SQL_ATTEMPT_JOINS \
    " CROSS JOIN run r ON r.id = a.run CROSS JOIN pipeline p ON p.id = r.pipeline" \
    " CROSS JOIN generation g ON g.run = a.run AND g.number = a.generation" \
    " LEFT JOIN definition_step ds ON ds.definition = g.definition AND ds.idx = a.step "

#define STATEMENTS_ATTEMPTS(X) \
    X(attempt_add, "INSERT INTO attempt(run, generation, step, number, token, log, started_at)" \
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)") \
    X(attempt_phase, "UPDATE attempt SET phase = ?2 WHERE id = ?1 AND finished_at IS NULL") \
    X(attempt_attend, "UPDATE attempt SET phase = ?2, detail = ?3 WHERE id = ?1 AND finished_at IS NULL") \
    X(attempt_remote, "UPDATE attempt SET remote_id = ?2 WHERE id = ?1 AND finished_at IS NULL") \
    X(attempt_fence, "UPDATE attempt SET state = 'publishing', phase = 'p' WHERE id = ?1 AND state = 'running'") \
    X(attempt_end, "UPDATE attempt SET state = ?3, exit_code = ?4, signal = ?5, killed = ?6, reason = ?7," \
        " message = ?8, hint = ?9, detail = ?10, finished_at = ?11 WHERE id = ?1 AND state = ?2") \
    X(attempt_get, SQL_ATTEMPT_COLUMNS "FROM attempt a" SQL_ATTEMPT_JOINS "WHERE a.id = ?1") \
    X(attempt_numbers, SQL_ATTEMPT_COLUMNS "FROM attempt a" SQL_ATTEMPT_JOINS \
        "WHERE a.run = ?1 AND a.generation = ?2 AND a.step = ?3 AND a.number = ?4") \
    X(attempts_live, SQL_ATTEMPT_COLUMNS "FROM attempt a INDEXED BY attempt_live" SQL_ATTEMPT_JOINS \
        "WHERE a.finished_at IS NULL ORDER BY a.id") \
    X(attempts_of_run, SQL_ATTEMPT_COLUMNS "FROM attempt a" SQL_ATTEMPT_JOINS "WHERE a.run = ?1 ORDER BY a.id") \
    X(pin_get, "SELECT version FROM pin WHERE run = ?1 AND generation = ?2 AND dataset = ?3") \
    X(pin_take, "INSERT INTO pin(run, generation, dataset, version)" \
        " SELECT ?1, ?2, id, head FROM dataset WHERE id = ?3 AND head >= 0" \
        " ON CONFLICT(run, generation, dataset) DO NOTHING") \
    X(pin_move, "INSERT INTO pin(run, generation, dataset, version)" \
        " SELECT run, generation, ?2, ?3 FROM attempt WHERE id = ?1" \
        " ON CONFLICT(run, generation, dataset) DO UPDATE SET version = excluded.version") \
    X(input_add, "INSERT INTO step_input(attempt, dataset, version, since) VALUES(?1, ?2, ?3, ?4)" \
        " ON CONFLICT(attempt, dataset) DO UPDATE SET version = excluded.version, since = excluded.since") \
    X(inputs_list, "SELECT d.name, i.dataset, i.version, i.since FROM step_input i" \
        " CROSS JOIN dataset d ON d.id = i.dataset WHERE i.attempt = ?1 ORDER BY d.name") \
    X(built_from, "SELECT DISTINCT d.name, v.pipeline, v.step, v.version, v.run FROM step_input i" \
        " INDEXED BY step_input_version CROSS JOIN intent t INDEXED BY intent_attempt ON t.attempt = i.attempt" \
        " CROSS JOIN intent_output o ON o.intent = t.id CROSS JOIN dataset d ON d.id = o.dataset" \
        " CROSS JOIN version v ON v.dataset = o.dataset AND v.version = o.version" \
        " WHERE i.dataset = ?1 AND i.version = ?2 AND t.state IN ('committed','done')") \
    X(check_add, "INSERT INTO check_result(attempt, n, rule, severity, kind, result, actual, expected, failed_rows," \
        " sample, line, column, metric, value) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)") \
    X(checks_drop, "DELETE FROM check_result WHERE attempt = ?1") \
    X(checks_count, "SELECT sum(result = 'ok'), sum(result = 'warn'), sum(result IN ('fail','error'))" \
        " FROM check_result WHERE attempt = ?1") \
    X(checks_of_run, "SELECT a.id, a.step, ds.name, c.rule, c.severity, c.kind, c.result, c.actual, c.expected," \
        " c.sample, c.failed_rows, c.line, c.column FROM attempt a" \
        " CROSS JOIN generation g ON g.run = a.run AND g.number = a.generation" \
        " CROSS JOIN definition_step ds ON ds.definition = g.definition AND ds.idx = a.step" \
        " CROSS JOIN check_result c ON c.attempt = a.id WHERE a.run = ?1 AND (?2 IS NULL OR ds.name = ?2)" \
        " ORDER BY ds.name, a.id DESC, c.n") \
    X(metrics_keep, "INSERT INTO metric(dataset, name, version, value)" \
        " SELECT ?2, metric, ?3, value FROM check_result" \
        " WHERE attempt = ?1 AND metric IS NOT NULL AND value IS NOT NULL" \
        " ON CONFLICT(dataset, name, version) DO UPDATE SET value = excluded.value") \
    X(metric_history, "SELECT value FROM metric WHERE dataset = ?1 AND name = ?2 ORDER BY version DESC LIMIT ?3")

/* ---- datasets, versions, files ---- */

#define SQL_DATASET_COLUMNS \
    "SELECT d.id, d.name, d.path, d.format, d.head, s.columns, s.partition_by, d.table_id, d.stopped, v.rows," \
    " v.rows_unknown, v.bytes, v.files, v.run, d.created_at, v.published_at FROM dataset d" \
    " LEFT JOIN version v ON v.dataset = d.id AND v.version = d.head LEFT JOIN shape s ON s.id = v.shape "
#define SQL_VERSION_COLUMNS \
    "SELECT v.version, v.run, v.intent, v.token, v.pipeline, v.step, v.operation, v.author, v.reason," \
    " v.published_at, v.window_start, v.window_end, v.rows, v.rows_unknown, v.bytes, v.files, v.rows_added," \
    " v.files_added, v.files_removed, v.checks_ok, v.checks_warn, v.checks_failed, s.columns, s.partition_by," \
    " v.based_on, v.rolled_back_to FROM dataset d CROSS JOIN version v ON v.dataset = d.id AND v.version >= d.first" \
    " LEFT JOIN shape s ON s.id = v.shape "
#define SQL_FILE_COLUMNS \
    "SELECT f.id, f.path, f.rows, f.bytes, f.sha256, f.partition, f.stats, f.source_path, f.source_etag," \
    " f.source_hash, f.source_size, f.source_mtime_ns, f.added_version, f.removed_version, f.added_at "
/* The files of version ?3 added after version ?2: what is alive still, and what went later. */
#define SQL_FILES_ALIVE \
    "FROM data_file f INDEXED BY data_file_live_version WHERE f.dataset = ?1 AND f.removed_version IS NULL" \
    " AND f.added_version > ?2 AND f.added_version <= ?3 "
#define SQL_FILES_GONE \
    "FROM data_file f INDEXED BY data_file_removed WHERE f.dataset = ?1 AND f.removed_version > ?3" \
    " AND f.added_version > ?2 AND f.added_version <= ?3 "

#define STATEMENTS_DATASETS(X) \
    X(dataset_add, "INSERT INTO dataset(name, path, format, created_at) VALUES(?1, ?2, ?3, ?4)" \
        " ON CONFLICT(name) DO UPDATE SET path = excluded.path," \
        " format = CASE WHEN head < 0 THEN excluded.format ELSE format END" \
        " WHERE path <> excluded.path OR (head < 0 AND format <> excluded.format)") \
    X(dataset_id, "SELECT id FROM dataset WHERE name = ?1") \
    X(dataset_find, SQL_DATASET_COLUMNS "WHERE d.name = ?1") \
    X(dataset_get, SQL_DATASET_COLUMNS "WHERE d.id = ?1") \
    X(datasets_list, SQL_DATASET_COLUMNS "ORDER BY d.name") \
    X(dataset_stop, "UPDATE dataset SET stopped = ?2 WHERE id = ?1") \
    X(dataset_move, "UPDATE dataset SET head = ?3, table_id = coalesce(table_id, ?4) WHERE id = ?1 AND head = ?2") \
    X(shape_of, "SELECT s.id, s.columns, s.partition_by FROM version v CROSS JOIN shape s ON s.id = v.shape" \
        " WHERE v.dataset = ?1 AND v.version = ?2") \
    X(shape_add, "INSERT INTO shape(dataset, columns, partition_by) VALUES(?1, ?2, ?3)") \
    X(version_add, "INSERT INTO version(dataset, version, intent, token, run, pipeline, step, operation, author," \
        " reason, published_at, window_start, window_end, rows, rows_unknown, bytes, files, rows_added, files_added," \
        " files_removed, checks_ok, checks_warn, checks_failed, shape, based_on, rolled_back_to)" \
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21," \
        " ?22, ?23, ?24, ?25, ?26)") \
    X(version_sums, "SELECT rows, rows_unknown, bytes, files FROM version WHERE dataset = ?1 AND version = ?2") \
    X(version_get, SQL_VERSION_COLUMNS "WHERE d.id = ?1 AND v.version = ?2") \
    X(versions_list, SQL_VERSION_COLUMNS "WHERE d.id = ?1 AND v.version < ?2 ORDER BY v.version DESC LIMIT ?3") \
    X(version_since, "SELECT version FROM version INDEXED BY version_published WHERE dataset = ?1" \
        " AND published_at >= ?2 AND version >= (SELECT first FROM dataset WHERE id = ?1)" \
        " ORDER BY published_at, version LIMIT 1") \
    X(version_head, "SELECT head FROM dataset WHERE id = ?1") \
    X(version_pinned, "SELECT min(p.version) FROM run r INDEXED BY run_open" \
        " CROSS JOIN pin p ON p.run = r.id AND p.generation = r.generation AND p.dataset = ?1" \
        " WHERE r.finished_at IS NULL HAVING min(p.version) IS NOT NULL") \
    X(dataset_forget, "UPDATE dataset SET first = max(first, ?2) WHERE id = ?1") \
    X(dataset_forgotten, "UPDATE dataset SET forgotten = max(forgotten, ?2) WHERE id = ?1") \
    X(files_forget, "DELETE FROM data_file WHERE id IN (SELECT id FROM data_file INDEXED BY data_file_removed" \
        " WHERE dataset = ?1 AND removed_version <= ?2 ORDER BY removed_version LIMIT ?3)") \
    X(files_forget_last, "SELECT max(removed_version) FROM (SELECT removed_version FROM data_file" \
        " INDEXED BY data_file_removed WHERE dataset = ?1 AND removed_version <= ?2" \
        " ORDER BY removed_version LIMIT ?3)") \
    X(versions_forget, "DELETE FROM version WHERE dataset = ?1 AND version IN (SELECT v.version FROM version v" \
        " WHERE v.dataset = ?1 AND v.version < ?2 AND NOT EXISTS (SELECT 1 FROM data_file f" \
        " INDEXED BY data_file_live_version WHERE f.dataset = ?1 AND f.removed_version IS NULL" \
        " AND f.added_version = v.version) ORDER BY v.version LIMIT ?3)") \
    X(appended_window, "SELECT v.version FROM version v INDEXED BY version_step WHERE v.dataset = ?1" \
        " AND v.pipeline = ?2 AND v.step = ?3 AND v.window_start = ?4 AND v.window_end = ?5" \
        " AND v.operation = 'append' AND NOT EXISTS (SELECT 1 FROM version b INDEXED BY version_rollback" \
        " WHERE b.dataset = ?1 AND b.rolled_back_to < v.version AND b.version > v.version)" \
        " ORDER BY v.version DESC LIMIT 1") \
    X(appended_run, "SELECT v.version FROM version v INDEXED BY version_run WHERE v.run = ?4 AND v.dataset = ?1" \
        " AND v.pipeline = ?2 AND v.step = ?3 AND v.operation = 'append' AND NOT EXISTS (SELECT 1 FROM version b" \
        " INDEXED BY version_rollback WHERE b.dataset = ?1 AND b.rolled_back_to < v.version" \
        " AND b.version > v.version) ORDER BY v.version DESC LIMIT 1") \
    X(replaced_last, "SELECT version, run FROM version INDEXED BY version_replace WHERE dataset = ?1" \
        " AND operation = 'replace' ORDER BY version DESC LIMIT 1") \
    X(file_add, "INSERT INTO data_file(dataset, path, rows, bytes, sha256, partition, stats, source_path," \
        " source_size, source_mtime_ns, source_etag, source_hash, added_version, added_at)" \
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)") \
    X(file_remove, "UPDATE data_file SET removed_version = ?3 WHERE dataset = ?1 AND path = ?2" \
        " AND removed_version IS NULL RETURNING rows, bytes") \
    X(files_new, "SELECT * FROM (" SQL_FILE_COLUMNS SQL_FILES_ALIVE "UNION ALL " SQL_FILE_COLUMNS SQL_FILES_GONE \
        ") ORDER BY 1") \
    X(files_totals, "SELECT count(*), sum(f.rows), count(*) - count(f.rows), sum(f.bytes) FROM" \
        " (SELECT f.rows, f.bytes " SQL_FILES_ALIVE "UNION ALL SELECT f.rows, f.bytes " SQL_FILES_GONE ") f") \
    X(files_removed_in, "SELECT removed_version FROM data_file INDEXED BY data_file_removed WHERE dataset = ?1" \
        " AND removed_version > ?2 AND removed_version <= ?3 AND added_version <= ?2" \
        " ORDER BY removed_version LIMIT 1") \
    X(dataset_forgotten_get, "SELECT forgotten FROM dataset WHERE id = ?1") \
    X(files_in_partition, SQL_FILE_COLUMNS "FROM data_file f INDEXED BY data_file_live_partition" \
        " WHERE f.dataset = ?1 AND f.partition = ?2 AND f.removed_version IS NULL ORDER BY f.id") \
    X(file_live, SQL_FILE_COLUMNS "FROM data_file f INDEXED BY data_file_live WHERE f.dataset = ?1" \
        " AND f.path = ?2 AND f.removed_version IS NULL") \
    X(file_of_source, SQL_FILE_COLUMNS "FROM data_file f INDEXED BY data_file_live_source WHERE f.dataset = ?1" \
        " AND f.source_path = ?2 AND f.removed_version IS NULL ORDER BY f.id DESC LIMIT 1") \
    X(files_of_step, SQL_FILE_COLUMNS "FROM version v INDEXED BY version_step CROSS JOIN data_file f" \
        " INDEXED BY data_file_live_version ON f.dataset = v.dataset AND f.added_version = v.version" \
        " AND f.removed_version IS NULL WHERE v.dataset = ?1 AND v.pipeline = ?2 AND v.step = ?3 ORDER BY f.id") \
    X(files_of_window, SQL_FILE_COLUMNS "FROM version v INDEXED BY version_step CROSS JOIN data_file f" \
        " INDEXED BY data_file_live_version ON f.dataset = v.dataset AND f.added_version = v.version" \
        " AND f.removed_version IS NULL WHERE v.dataset = ?1 AND v.pipeline = ?2 AND v.step = ?3" \
        " AND v.window_start IS ?4 AND v.window_end IS ?5 ORDER BY f.id") \
    X(files_all, SQL_FILE_COLUMNS "FROM data_file f INDEXED BY data_file_live_version WHERE f.dataset = ?1" \
        " AND f.removed_version IS NULL UNION ALL " SQL_FILE_COLUMNS "FROM data_file f INDEXED BY data_file_removed" \
        " WHERE f.dataset = ?1 AND f.removed_version IS NOT NULL") \
    X(tokens_live, "SELECT token FROM attempt INDEXED BY attempt_live WHERE finished_at IS NULL" \
        " UNION SELECT token FROM intent INDEXED BY intent_open WHERE closed_at IS NULL")

/* ---- intents ---- */

#define SQL_INTENT_COLUMNS \
    "SELECT t.id, t.attempt, a.run, a.step, t.token, t.state, t.author, t.plan, t.bookmark, t.bookmark_version," \
    " t.bookmark_value, t.created_at, t.reason "

#define STATEMENTS_INTENTS(X) \
    X(intent_add, "INSERT INTO intent(token, attempt, author, reason, plan, bookmark, bookmark_version," \
        " bookmark_value, created_at) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)") \
    X(intent_output_add, "INSERT INTO intent_output(intent, n, dataset, base, version, open)" \
        " VALUES(?1, ?2, ?3, ?4, ?5, 1)") \
    X(intent_output_get, "SELECT dataset, base, version FROM intent_output WHERE intent = ?1 AND n = ?2") \
    X(intent_output_rebase, "UPDATE intent_output SET base = ?3, version = ?4 WHERE intent = ?1 AND n = ?2") \
    X(intent_outputs_close, "UPDATE intent_output SET open = NULL WHERE intent = ?1") \
    X(intent_commit, "UPDATE intent SET state = 'committed', committed_at = ?2 WHERE id = ?1 AND state = 'prepared'") \
    X(intent_done, "UPDATE intent SET state = 'done', closed_at = ?2, plan = NULL, bookmark_value = NULL" \
        " WHERE id = ?1 AND state = 'committed'") \
    X(intent_abort, "UPDATE intent SET state = 'aborted', closed_at = ?2, reason = ?3, plan = NULL," \
        " bookmark_value = NULL WHERE id = ?1 AND state = 'prepared'") \
    X(intent_replan, "UPDATE intent SET plan = ?2 WHERE id = ?1 AND state = 'prepared'") \
    X(intent_get, SQL_INTENT_COLUMNS "FROM intent t LEFT JOIN attempt a ON a.id = t.attempt WHERE t.id = ?1") \
    X(intents_open, SQL_INTENT_COLUMNS "FROM intent t INDEXED BY intent_open" \
        " LEFT JOIN attempt a ON a.id = t.attempt WHERE t.closed_at IS NULL ORDER BY t.id") \
    X(intent_of_dataset, SQL_INTENT_COLUMNS "FROM intent_output o INDEXED BY intent_output_open" \
        " CROSS JOIN intent t ON t.id = o.intent LEFT JOIN attempt a ON a.id = t.attempt" \
        " WHERE o.dataset = ?1 AND o.open IS NOT NULL") \
    X(intent_of_bookmark, "SELECT id FROM intent INDEXED BY intent_open_bookmark" \
        " WHERE bookmark = ?1 AND closed_at IS NULL") \
    X(outbox_add, "INSERT INTO outbox(kind, intent, attempt, created_at) VALUES('lineage', ?1, ?2, ?3)")

/* ---- bookmarks ---- */

#define SQL_BOOKMARK_COLUMNS \
    "SELECT b.id, b.pipeline, b.step, b.source, b.kind, coalesce(v.version, 0), v.value, v.run, v.attempt, v.change," \
    " v.author, v.reason, v.same_as, v.changed_at "

#define STATEMENTS_BOOKMARKS(X) \
    X(bookmark_add, "INSERT INTO bookmark(pipeline, step, kind, source) VALUES(?1, ?2, ?3, ?4)" \
        " ON CONFLICT(pipeline, step, kind) DO UPDATE SET source = excluded.source" \
        " WHERE source <> excluded.source") \
    X(bookmark_find, "SELECT id FROM bookmark WHERE pipeline = ?1 AND step = ?2 AND kind = ?3") \
    X(bookmark_get, SQL_BOOKMARK_COLUMNS "FROM bookmark b" \
        " LEFT JOIN bookmark_version v ON v.bookmark = b.id AND v.version = b.version WHERE b.id = ?1") \
    X(bookmark_at, SQL_BOOKMARK_COLUMNS "FROM bookmark b" \
        " LEFT JOIN bookmark_version v ON v.bookmark = b.id AND v.version = ?2" \
        " WHERE b.id = ?1 AND (?2 = 0 OR v.version IS NOT NULL)") \
    X(bookmarks_list, SQL_BOOKMARK_COLUMNS "FROM bookmark b" \
        " LEFT JOIN bookmark_version v ON v.bookmark = b.id AND v.version = b.version" \
        " WHERE (?1 IS NULL OR b.pipeline = ?1) AND (?2 IS NULL OR b.step = ?2)" \
        " ORDER BY b.pipeline, b.step, b.kind") \
    X(bookmark_history, SQL_BOOKMARK_COLUMNS "FROM bookmark b CROSS JOIN bookmark_version v ON v.bookmark = b.id" \
        " WHERE b.id = ?1 ORDER BY v.version DESC LIMIT ?2") \
    X(bookmark_version_at, "SELECT version FROM bookmark_version INDEXED BY bookmark_version_at" \
        " WHERE bookmark = ?1 AND changed_at <= ?2 ORDER BY changed_at DESC, version DESC LIMIT 1") \
    X(bookmark_version_run, "SELECT version FROM bookmark_version INDEXED BY bookmark_version_run" \
        " WHERE bookmark = ?1 AND run = ?2 ORDER BY version DESC LIMIT 1") \
    X(bookmarks_moved, "SELECT b.id, min(m.version) FROM version v CROSS JOIN intent t ON t.id = v.intent" \
        " CROSS JOIN bookmark b ON b.pipeline = v.pipeline AND b.step = v.step" \
        " CROSS JOIN bookmark_version m INDEXED BY bookmark_version_run ON m.bookmark = b.id AND m.run = v.run" \
        " AND m.attempt = t.attempt WHERE v.dataset = ?1 AND v.version > ?2 AND v.version <= ?3" \
        " GROUP BY b.id ORDER BY b.pipeline, b.step") \
    X(bookmark_live, "SELECT a.token FROM attempt a INDEXED BY attempt_live CROSS JOIN run r ON r.id = a.run" \
        " CROSS JOIN pipeline p ON p.id = r.pipeline" \
        " CROSS JOIN generation g ON g.run = a.run AND g.number = a.generation" \
        " CROSS JOIN definition_step ds ON ds.definition = g.definition AND ds.idx = a.step" \
        " CROSS JOIN bookmark b ON b.id = ?1 AND b.pipeline = p.name AND b.step = ds.name" \
        " WHERE a.finished_at IS NULL LIMIT 1") \
    X(bookmark_intent, "SELECT token FROM intent INDEXED BY intent_open_bookmark" \
        " WHERE bookmark = ?1 AND closed_at IS NULL") \
    X(bookmark_move, "UPDATE bookmark SET version = version + 1 WHERE id = ?1 AND version = ?2") \
    X(bookmark_version_add, "INSERT INTO bookmark_version(bookmark, version, value, change, same_as, run, attempt," \
        " author, reason, changed_at) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)") \
    X(folder_add, "INSERT INTO bookmark_folder(bookmark, path, newest) VALUES(?1, ?2, ?3)" \
        " ON CONFLICT(bookmark, path) DO UPDATE SET newest = excluded.newest WHERE newest < excluded.newest") \
    X(folder_find, "SELECT id FROM bookmark_folder WHERE bookmark = ?1 AND path = ?2") \
    X(seen_close, "UPDATE bookmark_file SET until_version = ?3 WHERE folder = ?1 AND name = ?2" \
        " AND until_version IS NULL AND since_version < ?3") \
    X(seen_add, "INSERT INTO bookmark_file(folder, name, since_version, bookmark, size, mtime_ns, etag, hash)" \
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT(folder, name, since_version) DO NOTHING") \
    X(seen_get, "SELECT size, mtime_ns, etag, hash FROM bookmark_file WHERE folder = ?1 AND name = ?2" \
        " AND since_version <= ?3 AND (until_version IS NULL OR until_version > ?3)") \
    X(seen_undo_new, "UPDATE bookmark_file SET until_version = ?3 WHERE (folder, name, since_version) IN" \
        " (SELECT folder, name, since_version FROM bookmark_file INDEXED BY bookmark_file_since" \
        "  WHERE bookmark = ?1 AND since_version > ?2 AND until_version IS NULL)") \
    X(seen_undo_gone, "INSERT INTO bookmark_file(folder, name, since_version, bookmark, size, mtime_ns, etag, hash)" \
        " SELECT folder, name, ?3, bookmark, size, mtime_ns, etag, hash FROM bookmark_file" \
        " INDEXED BY bookmark_file_until WHERE bookmark = ?1 AND until_version > ?2 AND until_version < ?3" \
        " AND since_version <= ?2") \
    X(seen_count_new, "SELECT count(*) FROM bookmark_file INDEXED BY bookmark_file_since WHERE bookmark = ?1" \
        " AND since_version > ?2 AND since_version <= ?3 AND (until_version IS NULL OR until_version > ?3)") \
    X(seen_count_gone, "SELECT count(*) FROM bookmark_file INDEXED BY bookmark_file_until WHERE bookmark = ?1" \
        " AND until_version > ?2 AND until_version <= ?3 AND since_version <= ?2") \
    /* The same, without paths that the other side knows in a form at least as new. */ \
    X(seen_only_new, "SELECT count(*) FROM bookmark_file f INDEXED BY bookmark_file_since WHERE f.bookmark = ?1" \
        " AND f.since_version > ?2 AND f.since_version <= ?3 AND (f.until_version IS NULL OR f.until_version > ?3)" \
        " AND NOT EXISTS (SELECT 1 FROM bookmark_file o WHERE o.folder = f.folder AND o.name = f.name" \
        " AND o.since_version <= ?2 AND o.until_version > ?2 AND o.mtime_ns >= f.mtime_ns)") \
    X(seen_only_gone, "SELECT count(*) FROM bookmark_file f INDEXED BY bookmark_file_until WHERE f.bookmark = ?1" \
        " AND f.until_version > ?2 AND f.until_version <= ?3 AND f.since_version <= ?2" \
        " AND NOT EXISTS (SELECT 1 FROM bookmark_file o WHERE o.folder = f.folder AND o.name = f.name" \
        " AND o.since_version > ?2 AND o.since_version <= ?3 AND (o.until_version IS NULL OR o.until_version > ?3)" \
        " AND o.mtime_ns >= f.mtime_ns)") \
    X(seen_list, "SELECT o.path || f.name, f.etag, f.hash, f.size, f.mtime_ns, f.since_version" \
        " FROM bookmark_folder o CROSS JOIN bookmark_file f ON f.folder = o.id WHERE o.bookmark = ?1" \
        " AND f.since_version <= ?2 AND (f.until_version IS NULL OR f.until_version > ?2)" \
        " ORDER BY o.path, f.name LIMIT ?3") \
    X(folder_old, "SELECT id FROM bookmark_folder INDEXED BY bookmark_folder_newest WHERE bookmark = ?1" \
        " AND newest < ?2 ORDER BY newest LIMIT 1") \
    X(folder_files_live, "SELECT count(*) FROM bookmark_file WHERE folder = ?1 AND until_version IS NULL") \
    X(folder_files_drop, "DELETE FROM bookmark_file WHERE folder = ?1") \
    X(folder_drop, "DELETE FROM bookmark_folder WHERE id = ?1") \
    X(bookmark_recount, "UPDATE bookmark_version SET value = json_set(value, '$.files'," \
        " json_extract(value, '$.files') - ?2) WHERE bookmark = ?1" \
        " AND version = (SELECT version FROM bookmark WHERE id = ?1) AND value IS NOT NULL")

/* ---- the file itself ---- */

#define STATEMENTS_META(X) \
    X(meta_get, "SELECT value FROM meta WHERE name = ?1") \
    X(meta_put, "INSERT INTO meta(name, value) VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET value = excluded.value") \
    X(meta_add, "INSERT INTO meta(name, value) VALUES(?1, ?2)")

// clang-format on

#define STATEMENT_LIST(X)                                                                                    \
    STATEMENTS_META(X)                                                                                       \
    STATEMENTS_RUNS(X)                                                                                       \
    STATEMENTS_TIME(X)                                                                                       \
    STATEMENTS_ATTEMPTS(X)                                                                                   \
    STATEMENTS_DATASETS(X)                                                                                   \
    STATEMENTS_INTENTS(X)                                                                                    \
    STATEMENTS_BOOKMARKS(X)

enum sql {
#define X(name, text) SQL_##name,
    STATEMENT_LIST(X)
#undef X
        SQL_COUNT
};

#endif
