/* statements_time.h: the statements about schedules, slots, waiting runs, backfills, consumers. Part of
 * statements.h.
 *
 * k counts up the sizes of windows that there are (schema.c, `span`), one index probe each; of each size only
 * what can meet the window that is asked about is looked at. */
#ifndef LEAT_STORE_STATEMENTS_TIME_H
#define LEAT_STORE_STATEMENTS_TIME_H

enum {
    SPAN_MAX = 61
}; /* the largest size: 2^61 us are 73,000 years, and 1 << 61 is still a number to SQLite */

// clang-format off

#define SQL_PIPELINE_OF(param) "(SELECT id FROM pipeline WHERE name = " param ")"

/* rows: table, index and condition that the sizes are those of. */
#define SQL_SPANS(rows) \
    "WITH RECURSIVE k(span) AS (VALUES(-1) UNION ALL" \
    " SELECT (SELECT span FROM " rows " AND span > k.span ORDER BY span LIMIT 1) FROM k WHERE k.span IS NOT NULL) "
#define SQL_MEETS(x, from, to) \
    x ".span = k.span AND " x ".window_end > " from " AND " x ".window_end < " to " + (1 << k.span)" \
    " AND " x ".window_start < " to " "

/* ---- schedules, pauses, triggers ---- */

#define SQL_SCHEDULE_COLUMNS \
    "SELECT s.id, p.name, s.name, s.cursor, s.rule, s.created_at, s.changed_at, s.gone_at FROM pipeline p" \
    " CROSS JOIN schedule s ON s.pipeline = p.id "

#define STATEMENTS_SCHEDULES(X) \
    X(schedule_add, "INSERT INTO schedule(pipeline, name, cursor, rule, created_at, changed_at)" \
        " VALUES(?1, ?2, ?3, coalesce(?4, '{}'), ?5, ?5) ON CONFLICT(pipeline, name) DO UPDATE SET gone_at = NULL" \
        " WHERE gone_at IS NOT NULL") \
    X(schedule_named, SQL_SCHEDULE_COLUMNS "WHERE p.id = ?1 AND s.name = ?2") \
    X(schedules_list, SQL_SCHEDULE_COLUMNS "WHERE ?1 IS NULL OR p.name = ?1 ORDER BY p.name, s.name") \
    X(schedule_move, "UPDATE schedule SET cursor = ?3 WHERE id = ?1 AND cursor = ?2") \
    X(schedule_rule, "UPDATE schedule SET rule = coalesce(?2, '{}'), changed_at = ?3 WHERE id = ?1") \
    X(schedule_gone, "UPDATE schedule SET gone_at = ?2 WHERE id = ?1 AND gone_at IS NULL") \
    X(pause_put, "INSERT INTO pause(pipeline, at, until, author, reason, catch_up) VALUES(?1, ?2, ?3, ?4, ?5, ?6)" \
        " ON CONFLICT(pipeline) DO UPDATE SET at = excluded.at, until = excluded.until, author = excluded.author," \
        " reason = excluded.reason, catch_up = excluded.catch_up") \
    X(pause_drop, "DELETE FROM pause WHERE pipeline = " SQL_PIPELINE_OF("?1")) \
    X(pauses_list, "SELECT p.name, x.author, x.reason, x.at, x.until, x.catch_up FROM pause x" \
        " CROSS JOIN pipeline p ON p.id = x.pipeline" \
        " WHERE ?1 IS NULL OR x.until IS NULL OR x.until > ?1 ORDER BY p.name") \
    X(trigger_seen, "SELECT version FROM trigger_seen WHERE schedule = ?1 AND dataset = ?2") \
    X(trigger_move, "INSERT INTO trigger_seen(schedule, dataset, version) VALUES(?1, ?2, ?3)" \
        " ON CONFLICT(schedule, dataset) DO UPDATE SET version = excluded.version WHERE version < excluded.version") \
    X(trigger_forget, "DELETE FROM trigger_seen WHERE schedule = ?1 AND dataset = ?2") \
    X(triggers_list, "SELECT dataset, version FROM trigger_seen WHERE schedule = ?1 ORDER BY dataset") \
    X(versions_after, SQL_VERSION_COLUMNS "WHERE d.id = ?1 AND v.version > ?2 ORDER BY v.version LIMIT ?3") \
    X(version_pending, "SELECT version FROM version WHERE dataset = ?1 AND version > ?2 AND run IS NOT NULL" \
        " AND window_start < ?4 AND window_end > ?3 ORDER BY version LIMIT 1") \
    X(run_queued_window, "SELECT id FROM run INDEXED BY run_window WHERE pipeline = " SQL_PIPELINE_OF("?1") \
        " AND window_start = ?3 AND window_end = ?4 AND state = 'queued' AND schedule = ?2 AND backfill IS NULL" \
        " ORDER BY id LIMIT 1") \
    X(run_queued_bare, "SELECT id FROM run INDEXED BY run_waiting WHERE pipeline = " SQL_PIPELINE_OF("?1") \
        " AND state = 'queued' AND queue = ?2 AND window_start IS NULL ORDER BY id LIMIT 1")

/* ---- slots ---- */

#define SQL_SLOT_COLUMNS \
    "SELECT t.schedule, p.name, s.name, t.fire, t.last_fire, t.count, t.window_start, t.window_end, t.outcome," \
    " t.reason, t.detail, t.run, r.state, t.decided_at "
#define SQL_SLOT_JOINS \
    " CROSS JOIN schedule s ON s.id = t.schedule CROSS JOIN pipeline p ON p.id = s.pipeline" \
    " LEFT JOIN run r ON r.id = t.run "

#define STATEMENTS_SLOTS(X) \
    /* The slot or stretch before or at ?2, and whether one skipped like this would be the same stretch. */ \
    X(slot_before, "SELECT fire, last_fire, window_start, outcome = 'skipped' AND reason IS ?3 AND detail IS ?4" \
        " AND (window_start IS NULL) = (?5 IS NULL) FROM slot WHERE schedule = ?1 AND fire <= ?2" \
        " ORDER BY fire DESC LIMIT 1") \
    X(slot_add, "INSERT INTO slot(schedule, fire, last_fire, count, window_start, window_end, span, outcome, reason," \
        " detail, run, decided_at) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)") \
    X(slots_forget, "DELETE FROM slot WHERE schedule = ?1 AND fire > ?2 AND outcome = 'skipped'") \
    X(slots_ahead, "SELECT max(last_fire) FROM slot WHERE schedule = ?1 AND outcome = 'skipped' AND last_fire > ?2" \
        " AND fire >= coalesce((SELECT max(fire) FROM slot WHERE schedule = ?1 AND fire <= ?2), ?2)") \
    X(slot_cut, "UPDATE slot SET last_fire = ?3, count = ?4, window_end = ?5, span = ?6 WHERE schedule = ?1 AND fire = ?2" \
        " AND last_fire > ?3 AND outcome = 'skipped'") \
    X(slot_grow, "UPDATE slot SET last_fire = ?3, count = count + ?4, window_end = ?5, span = ?6, decided_at = ?7" \
        " WHERE schedule = ?1 AND fire = ?2") \
    X(slot_at, SQL_SLOT_COLUMNS "FROM (SELECT * FROM slot WHERE schedule = ?1 AND fire <= ?2 ORDER BY fire DESC" \
        " LIMIT 1) t" SQL_SLOT_JOINS "WHERE t.last_fire >= ?2") \
    X(slot_of_run, SQL_SLOT_COLUMNS "FROM run r CROSS JOIN pipeline p ON p.id = r.pipeline" \
        " CROSS JOIN schedule s ON s.pipeline = r.pipeline AND s.name = r.schedule" \
        " CROSS JOIN slot t ON t.schedule = s.id AND t.fire = r.scheduled_for AND t.run = r.id WHERE r.id = ?1") \
    X(slots_last, SQL_SLOT_COLUMNS "FROM slot t" SQL_SLOT_JOINS "WHERE t.schedule = ?1 AND t.fire < ?2" \
        " ORDER BY t.fire DESC LIMIT ?3") \
    X(slots_meeting, \
        "WITH RECURSIVE k(schedule, span) AS (SELECT id, -1 FROM schedule WHERE pipeline = " SQL_PIPELINE_OF("?1") \
        " UNION ALL SELECT schedule, (SELECT span FROM slot INDEXED BY slot_window WHERE schedule = k.schedule" \
        "  AND span > k.span ORDER BY span LIMIT 1) FROM k WHERE k.span IS NOT NULL) " \
        SQL_SLOT_COLUMNS "FROM k CROSS JOIN slot t INDEXED BY slot_window ON t.schedule = k.schedule AND " \
        SQL_MEETS("t", "?2", "?3") SQL_SLOT_JOINS "ORDER BY t.window_start, t.fire, t.schedule")

/* ---- runs that wait for their turn ---- */

#define SQL_QUEUED "run INDEXED BY run_waiting WHERE pipeline = " SQL_PIPELINE_OF("?1") " AND state = 'queued'"

#define STATEMENTS_WAITING(X) \
    X(run_waiting, "SELECT id FROM run INDEXED BY run_pipeline_state WHERE pipeline = " SQL_PIPELINE_OF("?1") \
        " AND state = 'queued' AND id > ?2 ORDER BY id LIMIT 1") \
    X(runs_waiting, "WITH RECURSIVE k(queue) AS (SELECT (SELECT queue FROM " SQL_QUEUED " ORDER BY queue LIMIT 1)" \
        " UNION ALL SELECT (SELECT queue FROM " SQL_QUEUED " AND queue > k.queue ORDER BY queue LIMIT 1)" \
        " FROM k WHERE k.queue IS NOT NULL) " \
        SQL_RUN_COLUMNS "FROM k CROSS JOIN run r ON r.id = (SELECT id FROM " SQL_QUEUED " AND queue = k.queue" \
        " ORDER BY id LIMIT 1)" SQL_RUN_JOINS "ORDER BY r.id") \
    X(pipelines_waiting, "SELECT p.name FROM pipeline p WHERE EXISTS (SELECT 1 FROM run INDEXED BY run_waiting" \
        " WHERE pipeline = p.id AND state = 'queued') ORDER BY p.name") \
    X(run_defined, "UPDATE generation SET definition = ?2 WHERE run = ?1 AND number = (SELECT r.generation FROM run r" \
        " CROSS JOIN definition d ON d.id = ?2 AND d.pipeline = r.pipeline WHERE r.id = ?1 AND r.state = 'queued')") \
    X(run_before, SQL_RUN_COLUMNS "FROM run r INDEXED BY run_slot" SQL_RUN_JOINS \
        "WHERE r.pipeline = " SQL_PIPELINE_OF("?1") " AND r.schedule = ?2 AND r.scheduled_for < ?3" \
        " AND r.reason IS NOT 'withdrawn' ORDER BY r.scheduled_for DESC, r.id DESC LIMIT 1") \
    X(runs_of_parent, SQL_RUN_COLUMNS "FROM run r INDEXED BY run_parent" SQL_RUN_JOINS \
        "WHERE r.parent = ?1 ORDER BY r.id DESC")

/* ---- backfills ---- */

#define SQL_BACKFILL_COLUMNS \
    "SELECT b.id, b.kind, b.name, b.subject, b.options, b.state, b.author, b.reason, b.window_from, b.window_to," \
    " b.max_parallel, b.max_failures, b.total, b.done, b.failed, b.running, b.skipped, b.cancelled, b.created_at," \
    " b.started_at, b.finished_at FROM backfill b "
#define SQL_ITEM_COLUMNS \
    "SELECT i.backfill, i.n, i.stage, i.pipeline, i.window_start, i.window_end, i.action, i.reason, i.options," \
    " i.state, i.run FROM "
#define SQL_BLOCKS "backfill_item INDEXED BY backfill_item_blocks WHERE backfill = ?1 AND state NOT IN ('ok','skipped')"
#define SQL_BLOCKERS(from, to) \
    " FROM k CROSS JOIN backfill_item b INDEXED BY backfill_item_blocks ON b.backfill = ?1 AND " \
    SQL_MEETS("b", from, to) "AND b.state NOT IN ('ok','skipped') "

#define STATEMENTS_BACKFILLS(X) \
    X(backfill_id, "SELECT id FROM backfill WHERE name = ?1") \
    X(backfill_add, "INSERT INTO backfill(kind, name, subject, window_from, window_to, options, state, max_parallel," \
        " max_failures, total, skipped, author, reason, created_at)" \
        " VALUES(?1, ?2, ?3, ?4, ?5, coalesce(?6, '{}'), 'queued', ?7, ?8, ?9, ?10, ?11, ?12, ?13)") \
    X(backfill_get, SQL_BACKFILL_COLUMNS "WHERE b.id = ?1") \
    X(backfill_named, SQL_BACKFILL_COLUMNS "WHERE b.name = ?1") \
    X(backfills_list, SQL_BACKFILL_COLUMNS "ORDER BY b.id DESC") \
    X(backfills_open, SQL_BACKFILL_COLUMNS "INDEXED BY backfill_open WHERE b.finished_at IS NULL ORDER BY b.id") \
    X(backfill_move, "UPDATE backfill SET state = ?3," \
        " started_at = CASE WHEN ?3 = 'running' THEN coalesce(started_at, ?4) ELSE started_at END," \
        " finished_at = CASE WHEN ?3 IN ('queued','running','paused') THEN NULL ELSE ?4 END" \
        " WHERE id = ?1 AND state = ?2") \
    X(backfill_count, "UPDATE backfill SET done = done + (?3 = 'ok') * ?4 - (?2 = 'ok') * ?4," \
        " failed = failed + (?3 = 'failed') * ?4 - (?2 = 'failed') * ?4," \
        " running = running + (?3 = 'running') * ?4 - (?2 = 'running') * ?4," \
        " skipped = skipped + (?3 = 'skipped') * ?4 - (?2 = 'skipped') * ?4," \
        " cancelled = cancelled + (?3 = 'cancelled') * ?4 - (?2 = 'cancelled') * ?4 WHERE id = ?1") \
    X(item_add, "INSERT INTO backfill_item(backfill, n, stage, pipeline, window_start, window_end, span, action," \
        " reason, options, state, run) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, coalesce(?9, ''), ?10, ?11, ?12)") \
    X(item_move, "UPDATE backfill_item SET state = ?4, run = coalesce(?5, run)" \
        " WHERE backfill = ?1 AND n = ?2 AND state = ?3") \
    X(items_cancel, "UPDATE backfill_item SET state = 'cancelled' WHERE (backfill, n) IN (SELECT backfill, n" \
        " FROM backfill_item INDEXED BY backfill_item_state WHERE backfill = ?1 AND state = 'planned')") \
    X(items_again, "UPDATE backfill_item SET state = 'planned' WHERE (backfill, n) IN (SELECT backfill, n" \
        " FROM backfill_item INDEXED BY backfill_item_state WHERE backfill = ?1 AND state = ?2)") \
    X(backfill_grow, "UPDATE backfill SET total = total + ?2, skipped = skipped + ?3 WHERE id = ?1") \
    X(items_list, SQL_ITEM_COLUMNS "backfill_item i WHERE i.backfill = ?1 AND i.n >= ?2 ORDER BY i.n LIMIT ?3") \
    X(items_state, SQL_ITEM_COLUMNS "backfill_item i INDEXED BY backfill_item_state WHERE i.backfill = ?1" \
        " AND i.state = ?4 AND i.n >= ?2 ORDER BY i.n LIMIT ?3") \
    X(items_next, SQL_SPANS(SQL_BLOCKS) SQL_ITEM_COLUMNS "backfill_item i INDEXED BY backfill_item_state" \
        " WHERE i.backfill = ?1 AND i.state = 'planned' AND i.n >= ?2 AND (i.stage = 0 OR NOT EXISTS (SELECT 1" \
        SQL_BLOCKERS("i.window_start", "i.window_end") "AND b.stage < i.stage)) ORDER BY i.n LIMIT ?3") \
    X(item_of_run, SQL_ITEM_COLUMNS "backfill_item i INDEXED BY backfill_item_run WHERE i.run = ?1") \
    X(item_blockers, SQL_SPANS(SQL_BLOCKS) "SELECT count(*)" SQL_BLOCKERS("?3", "?4") "AND b.stage < ?2")

/* ---- consumers ---- */

#define SQL_CONSUMED_COLUMNS \
    "SELECT c.dataset, d.name, c.pipeline, c.step, c.window_start, c.window_end, c.version, c.run, c.stale_since," \
    " c.stale_by "
#define SQL_CONSUMERS \
    "FROM k CROSS JOIN consumed c INDEXED BY consumed_window ON c.dataset = ?1 AND " SQL_MEETS("c", "?2", "?3")

#define STATEMENTS_CONSUMED(X) \
    /* Stale from the start when somebody else has published for its window since it was pinned. */ \
    X(consumed_put, "INSERT INTO consumed(dataset, pipeline, step, window_start, window_end, span, version, run," \
        " stale_since, stale_by) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, v.published_at, v.version FROM (SELECT 1)" \
        " LEFT JOIN (SELECT version, published_at FROM version WHERE dataset = ?1 AND version > ?7" \
        "  AND window_start < ?5 AND window_end > ?4 AND run IS NOT ?8 ORDER BY version LIMIT 1) v ON true WHERE true" \
        " ON CONFLICT(dataset, pipeline, step, window_start, window_end) DO UPDATE SET version = excluded.version," \
        " run = excluded.run, stale_since = excluded.stale_since, stale_by = excluded.stale_by") \
    X(consumed_stale, SQL_SPANS("consumed INDEXED BY consumed_window WHERE dataset = ?1") \
        "UPDATE consumed INDEXED BY consumed_window SET stale_since = ?5, stale_by = ?4 FROM k" \
        " WHERE consumed.dataset = ?1 AND " SQL_MEETS("consumed", "?2", "?3") \
        "AND consumed.version < ?4 AND consumed.run IS NOT ?6 AND consumed.stale_since IS NULL") \
    X(consumers, SQL_SPANS("consumed INDEXED BY consumed_window WHERE dataset = ?1") SQL_CONSUMED_COLUMNS \
        SQL_CONSUMERS "CROSS JOIN dataset d ON d.id = c.dataset" \
        " ORDER BY c.window_start, c.window_end, c.pipeline, c.step") \
    X(stale_list, SQL_CONSUMED_COLUMNS "FROM consumed c INDEXED BY consumed_stale" \
        " CROSS JOIN dataset d ON d.id = c.dataset WHERE c.stale_since IS NOT NULL ORDER BY c.window_start LIMIT ?1") \
    /* A window that several steps read is one. */ \
    X(stale_counts, "SELECT c.pipeline, d.name, count(*), min(c.start), max(c.end), min(c.since) FROM (" \
        "SELECT pipeline, dataset, window_start AS start, window_end AS end, min(stale_since) AS since" \
        " FROM consumed INDEXED BY consumed_stale WHERE stale_since IS NOT NULL GROUP BY 1, 2, 3, 4) c" \
        " CROSS JOIN dataset d ON d.id = c.dataset GROUP BY c.pipeline, d.name ORDER BY c.pipeline, d.name") \
    X(stale_pipeline, SQL_CONSUMED_COLUMNS "FROM consumed c INDEXED BY consumed_stale_pipeline" \
        " CROSS JOIN dataset d ON d.id = c.dataset WHERE c.pipeline = ?2 AND c.stale_since IS NOT NULL" \
        " ORDER BY c.window_start LIMIT ?1")

/* ---- many windows at once ---- */

/* Of the whole pipeline, or of the same part: ?only and ?from as the options have them. */
#define SQL_PART_IS(only, from) \
    "(options IS NULL OR (json_extract(options, '$.only') IS NULL AND json_extract(options, '$.from_step') IS NULL)" \
    " OR (json_extract(options, '$.only') IS " only " AND json_extract(options, '$.from_step') IS " from "))"
#define SQL_DURATIONS(state) \
    "SELECT * FROM (SELECT id, finished_at - started_at AS took FROM run INDEXED BY run_pipeline_state" \
    " WHERE pipeline = " SQL_PIPELINE_OF("?1") " AND state = '" state "' AND " SQL_PART_IS("NULL", "NULL") \
    " ORDER BY id DESC LIMIT ?2)"

#define STATEMENTS_WINDOWS(X) \
    X(window_runs, "SELECT window_start, window_end, max(id), state, created_at, finished_at" \
        " FROM run INDEXED BY run_window WHERE pipeline = " SQL_PIPELINE_OF("?1") " AND window_start >= ?2" \
        " AND window_start < ?3 AND state <> 'skipped' AND reason IS NOT 'withdrawn' AND " SQL_PART_IS("?4", "?5") \
        " GROUP BY window_start, window_end ORDER BY window_start, window_end") \
    X(run_durations, "SELECT took FROM (" SQL_DURATIONS("ok") " UNION ALL " SQL_DURATIONS("warn") ") d" \
        " ORDER BY id DESC LIMIT ?2") \
    X(version_windows, "SELECT w.start, w.end, w.pipeline, w.step, w.version, w.files_added, EXISTS (SELECT 1 FROM data_file" \
        "  INDEXED BY data_file_live_version WHERE dataset = ?1 AND added_version = w.version AND removed_version IS NULL)" \
        " FROM (SELECT v.window_start AS start, v.window_end AS end, v.pipeline, v.step, max(v.version) AS version, v.files_added" \
        "  FROM version v WHERE v.dataset = ?1 AND v.window_start < ?3 AND v.window_end > ?2 AND (?4 OR NOT EXISTS (SELECT 1" \
        "   FROM version r INDEXED BY version_rollback WHERE r.dataset = v.dataset AND r.rolled_back_to < v.version" \
        "   AND r.version > v.version)) GROUP BY v.window_start, v.window_end, v.pipeline, v.step) w" \
        " ORDER BY w.start, w.end, w.pipeline, w.step") \
    X(version_oldest, "SELECT CASE WHEN version > 0 THEN published_at ELSE 0 END FROM version" \
        " WHERE dataset = ?1 ORDER BY version LIMIT 1") \
    X(partitions_live, "SELECT DISTINCT partition FROM data_file INDEXED BY data_file_live_partition" \
        " WHERE dataset = ?1 AND removed_version IS NULL AND partition IS NOT NULL")

#define STATEMENTS_TIME(X) \
    STATEMENTS_SCHEDULES(X) \
    STATEMENTS_SLOTS(X) \
    STATEMENTS_WAITING(X) \
    STATEMENTS_BACKFILLS(X) \
    STATEMENTS_CONSUMED(X) \
    STATEMENTS_WINDOWS(X)

// clang-format on

#endif
