"""daemon.py: benchmarks of `leat serve`, for bench/run.

    due        one pipeline, every second: from the due time to its step's first instruction
    burst      1,000 pipelines due in the same second: slots decided, first steps, all steps
    idle       1,000 pipelines with nothing due: memory, wake-ups, processor time
    sustained  100 one-step runs a second over a database with 3,000,000 past attempts: does the lag grow?
"""
import os
import sqlite3
import statistics
import subprocess
import time


def pipelines(folder, names, schedule, step):
    os.makedirs(os.path.join(folder, "pipelines"), exist_ok=True)
    for name in names:
        with open(os.path.join(folder, "pipelines", f"{name}.yaml"), "w") as f:
            f.write(f"pipeline: {name}\nabout: A benchmark.\nschedule:\n  cron: \"{schedule}\"\n  timezone: Europe/Berlin\n"
                    f"steps:\n  one:\n    {step}\n")
    return folder


class Daemon:
    """A `leat serve` of a project, until the block ends."""

    def __init__(self, o, folder, *words):
        self.folder, self.log = folder, open(os.path.join(folder, "serve.log"), "w")
        self.process = subprocess.Popen([o.leat, "serve", *words], cwd=folder, stdout=self.log, stderr=self.log)

    def __enter__(self):
        while "serving" not in open(self.log.name).read():
            if self.process.poll() is not None:
                raise SystemExit(open(self.log.name).read())
            time.sleep(0.02)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.log.close()

    def status(self, key):
        for line in open(f"/proc/{self.process.pid}/status"):
            if line.startswith(key + ":"):
                return int(line.split()[1])

    def cpu_seconds(self):
        fields = open(f"/proc/{self.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rows(self, sql):
        database = sqlite3.connect(f"file:{self.folder}/.leat/leat.db?mode=ro", uri=True)
        try:
            return database.execute(sql).fetchall()
        finally:
            database.close()


def part(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


def bench_due(o, show):
    seconds = o.seconds or 120
    print(f"\ndue: one pipeline, due every second, {seconds} times")
    folder = os.path.join(o.work, "due")
    stamps = os.path.join(folder, "stamps")
    pipelines(folder, ["due"], "* * * * * *", f"exec: [{o.build}/bench-stamp, {stamps}, wall]")
    with Daemon(o, folder):
        time.sleep(seconds + 1)
    lags = [int(line.split()[0]) % 10**9 / 1e6 for line in open(stamps)]
    show("due time to the step's first instruction", f"{statistics.median(lags):.2f} ms", "median")
    show("99 of 100", f"{part(lags, 0.99):.2f} ms", "", "goal: under 10 ms")


def bench_burst(o, show):
    n = 1000
    print(f"\nburst: {n:,} pipelines due in the same second")
    folder = pipelines(os.path.join(o.work, "burst"), [f"p{i}" for i in range(n)], "*/30 * * * * *", "exec: [/bin/true]")
    with Daemon(o, folder) as d:
        while d.rows("select count(*) >= 2000 and sum(finished_at is null) = 0 from run") != [(1,)]:
            time.sleep(1)
        fires = d.rows("select fire, min(decided_at) - fire, max(decided_at) - fire from slot group by fire having count(*) = 1000")
        runs = d.rows("select min(started_at) - scheduled_for, max(finished_at) - scheduled_for from run group by scheduled_for")
        peak = d.status("VmHWM")
    show("all slots decided and durable after", f"{statistics.median(f[2] for f in fires) / 1000:.0f} ms", "median", "goal: within 100 ms")
    show("the first step starts after", f"{statistics.median(r[0] for r in runs) / 1000:.0f} ms", "median")
    show("all have ended after", f"{statistics.median(r[1] for r in runs) / 1e6:.1f} s", f"{n / (statistics.median(r[1] for r in runs) / 1e6):,.0f} runs/s")
    show("peak memory", f"{peak / 1024:.0f} MB")


def bench_idle(o, show):
    n, seconds = 1000, o.seconds or 60
    print(f"\nidle: {n:,} pipelines, nothing due for {seconds} s")
    folder = pipelines(os.path.join(o.work, "idle"), [f"p{i}" for i in range(n)], "0 4 1 1 *", "exec: [/bin/true]")
    with Daemon(o, folder) as d:
        time.sleep(2)
        switches, cpu = d.status("voluntary_ctxt_switches"), d.cpu_seconds()
        time.sleep(seconds)
        show("memory", f"{d.status('VmRSS') / 1024:.0f} MB", "", "goal: under 40 MB")
        show("wake-ups", f"{d.status('voluntary_ctxt_switches') - switches}", f"in {seconds} s", "goal: firings and the minute's look alone")
        show("processor", f"{(d.cpu_seconds() - cpu) * 1000:.0f} ms", f"in {seconds} s")


HISTORY = """
INSERT INTO pipeline(id, name) VALUES(1000000, 'past');
INSERT INTO definition VALUES(1000000, 1000000, 'past', '', 0);
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 19)
INSERT INTO definition_step SELECT 1000000, i, 'step' || i, 'exec' FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {runs})
INSERT INTO run(id, pipeline, trigger, state, created_at, started_at, finished_at, scheduled_for, schedule, window_start, window_end)
  SELECT i, 1000000, 'schedule', 'ok', i * 1000000, i * 1000000, i * 1000000 + 1, i * 1000000, 'main', i * 1000000, (i + 1) * 1000000 FROM n;
INSERT INTO generation SELECT id, 1, 1000000, created_at FROM run;
INSERT INTO step(run, idx, generation, state, attempts, started_at, finished_at)
  SELECT r.id, s.idx, 1, 'success', 1, r.started_at, r.finished_at FROM run r, definition_step s WHERE s.definition = 1000000;
INSERT INTO attempt(run, step, generation, number, token, state, started_at, finished_at)
  SELECT r.id, s.idx, 1, 1, 'r' || r.id || 's' || s.idx, 'success', r.started_at, r.finished_at FROM run r, definition_step s
  WHERE s.definition = 1000000;
"""


def fill_history(o, folder, attempts):
    subprocess.run([o.leat, "serve", "--once"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    database = sqlite3.connect(os.path.join(folder, ".leat", "leat.db"))
    database.executescript("PRAGMA synchronous=OFF; BEGIN;" + HISTORY.format(runs=attempts // 20) + "COMMIT; PRAGMA wal_checkpoint(TRUNCATE);")
    count = database.execute("SELECT count(*) FROM attempt").fetchone()[0]
    database.close()
    return count


def bench_sustained(o, show):
    rate, seconds, attempts = 100, o.seconds or 300, 3_000_000
    print(f"\nsustained: {rate} one-step runs a second for {seconds} s")
    folder = pipelines(os.path.join(o.work, "sustained"), [f"p{i}" for i in range(rate)], "* * * * * *", "exec: [/bin/true]")
    history = fill_history(o, folder, attempts)
    size = os.path.getsize(os.path.join(folder, ".leat", "leat.db")) / 1e6
    with Daemon(o, folder) as d:
        begin = int((time.time() + 1) * 1e6)  # what was due while the history was made is late, and another matter
        time.sleep(seconds)
        lags = d.rows(f"select (scheduled_for - {begin}) / 30000000, avg(finished_at - scheduled_for) / 1000.0,"
                      f" max(finished_at - scheduled_for) / 1000.0, count(*) from run where scheduled_for >= {begin}"
                      " and finished_at is not null group by 1")
        waiting = d.rows("select count(*) from run where finished_at is null")[0][0]
    show(f"past attempts: {history:,}", f"{size:,.0f} MB")
    for piece, mean, worst, count in lags[:1] + lags[1:][-2:]:
        show(f"due to the run's end, from {piece * 30} s on", f"{mean:.0f} ms", "mean", f"worst {worst:.0f} ms, {count:,} runs")
    show("runs that wait at the end", f"{waiting}", "", "goal: the lag does not grow")


BENCHES = {"due": bench_due, "burst": bench_burst, "idle": bench_idle, "sustained": bench_sustained}
