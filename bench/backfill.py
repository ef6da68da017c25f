"""backfill.py: benchmarks of `leat backfill`, for bench/run.

    backfill   ten years of hours (87,600 windows): planned, planned over as many past runs, planned from the data,
               written down, listed; and 2,000 windows of one no-op step done
"""
import datetime
import json
import os
import sqlite3
import statistics
import subprocess
import time

HOURS = 87600
FROM, TO = "2016-01-01T01", "2025-12-29T01"  # 87,600 hours of UTC
HOUR = 3600 * 10**6


def project(folder):
    os.makedirs(os.path.join(folder, "pipelines"), exist_ok=True)
    with open(os.path.join(folder, "pipelines", "hours.yaml"), "w") as f:
        f.write("pipeline: hours\nabout: A benchmark.\nschedule:\n  cron: \"0 * * * *\"\n  timezone: UTC\nsteps:\n"
                "  one:\n    exec: [/bin/true]\n")
    with open(os.path.join(folder, "pipelines", "stored.yaml"), "w") as f:
        f.write("pipeline: stored\nabout: A benchmark.\nschedule:\n  cron: \"0 * * * *\"\n  timezone: UTC\nsteps:\n"
                "  one:\n    shell: echo x >$LEAT_OUTPUT_DIR/x\n    into: raw.stored\n    write: append\n")
    return folder


def leat(o, folder, *words):
    start = time.perf_counter()
    done = subprocess.run([o.leat, *words], cwd=folder, capture_output=True, text=True)
    took = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"leat {' '.join(words)}: {done.stderr}")
    return took, done.stdout


def history(folder):
    """A run of `hours` for every window, two of three ok; and a version of raw.stored for most of them."""
    db = sqlite3.connect(os.path.join(folder, ".leat", "leat.db"))
    pipeline, = db.execute("select id from pipeline where name = 'hours'").fetchone()
    definition, = db.execute("select id from definition where pipeline = ?", (pipeline,)).fetchone()
    first = int(datetime.datetime(2016, 1, 1, 1, tzinfo=datetime.timezone.utc).timestamp()) * 10**6
    with db:
        db.executemany("insert into run(pipeline, trigger, state, window_start, window_end, options, created_at, started_at,"
                       " finished_at) values(?, 'schedule', ?, ?, ?, '{}', ?, ?, ?)",
                       ((pipeline, "ok" if i % 3 else "failed", first + i * HOUR, first + (i + 1) * HOUR, first, first, first + 10**6)
                        for i in range(HOURS)))
        db.execute("insert into generation select id, 1, ?, created_at from run where id not in (select run from generation)",
                   (definition,))
        db.execute("insert into dataset(name, path, format, head, created_at) values('raw.stored', '/nowhere', 'files', ?, 0)",
                   (HOURS - 1,))
        dataset, = db.execute("select id from dataset where name = 'raw.stored'").fetchone()
        db.executemany("insert into version(dataset, version, pipeline, step, operation, published_at, window_start, window_end,"
                       " rows, rows_unknown, bytes, files, rows_added, files_added, files_removed, based_on)"
                       " values(?, ?, 'stored', 'one', 'append', 1, ?, ?, 0, 0, 0, 0, 0, 0, 0, ?)",
                       ((dataset, i, first + (i - i % 7 // 6) * HOUR, first + (i - i % 7 // 6 + 1) * HOUR, i - 1) for i in range(HOURS)))
    db.close()


def to_run(text):
    return json.loads(text)["items"][0]["to_run"]


def bench_backfill(o, show):
    folder = project(os.path.join(o.work, "backfill"))
    span = ("--from", FROM, "--to", TO)
    print(f"\nbackfill: {HOURS:,} windows, ten years of hours", flush=True)

    def plan(name, *words, goal=""):
        took = statistics.median(leat(o, folder, "backfill", *words, *span, "--dry-run")[0] for _ in range(5))
        runs = to_run(leat(o, folder, "backfill", *words, *span, "--dry-run", "--json")[1])
        show(name, f"{took:.2f} s", f"{runs:,} to run", goal)

    plan("--dry-run, nothing ever ran", "hours", goal="goal: under 1 s")
    leat(o, folder, "run", "hours", "--window", "2026-01-01T05", "-q")
    history(folder)
    plan("--dry-run over as many past runs", "hours", goal="goal: under 1 s")
    plan("--dry-run --redo failed", "hours", "--redo", "failed")
    plan("--dry-run --missing, from the data", "stored", "--missing")
    took, _ = leat(o, folder, "backfill", "hours", *span, "--redo", "all", "--detach", "--yes")
    show("planned, written down, durable", f"{took:.2f} s", f"{HOURS / took:,.0f}/s")
    show("backfill list", f"{leat(o, folder, 'backfill', 'list')[0] * 1000:.0f} ms")
    show("backfill show --json, all windows", f"{leat(o, folder, 'backfill', 'show', '1', '--json')[0]:.2f} s")
    show("backfill cancel", f"{leat(o, folder, 'backfill', 'cancel', '1')[0]:.2f} s", "", "before it returns")
    n = 2000
    words = ("backfill", "hours", "--from", "2015-01-01T01", "--to", "2015-03-25T09", "--max-parallel", "4", "--yes", "-q")
    took, _ = leat(o, folder, *words)
    show(f"{n:,} windows of one no-op step, four at once", f"{took:.2f} s", f"{n / took:,.0f} windows/s", "each a run, durable")


BENCHES = {"backfill": bench_backfill}
