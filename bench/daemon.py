"""daemon.py: benchmarks of `leat serve`, for bench/run.

    due        one pipeline, every second: from the due time to its step's first instruction
    burst      1,000 pipelines due in the same second: slots decided, first steps, all steps
    idle       1,000 pipelines with nothing due: memory, wake-ups, processor time
    history    the same slots with 0 and with 10,000,000 past attempts of the same pipelines
    sustained  100 one-step runs a second over a database with 3,000,000 past attempts: does the lag grow?

Beside the first three stands supercronic, a cron for containers, with the same commands at the same times: it starts them
and forgets them, and writes nothing down."""
import os
import sqlite3
import statistics
import subprocess
import time

from next_fire import CACHE, quiet

BURSTS = 4
PEER = "github.com/aptible/supercronic@v0.2.34"


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

    def switches(self):
        """Voluntary ones, of all threads: how often it woke."""
        count = 0
        for task in os.listdir(f"/proc/{self.process.pid}/task"):
            for line in open(f"/proc/{self.process.pid}/task/{task}/status"):
                if line.startswith("voluntary_ctxt_switches"):
                    count += int(line.split()[1])
        return count

    def cpu_seconds(self):
        fields = open(f"/proc/{self.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rows(self, sql):
        database = sqlite3.connect(f"file:{self.folder}/.leat/leat.db?mode=ro", uri=True)
        try:
            return database.execute(sql).fetchall()
        finally:
            database.close()


def peer_program():
    """Where it is, fetched once; None, and a line about it, where it cannot be had."""
    folder = os.path.join(CACHE, "bin")
    program = os.path.join(folder, "supercronic")
    os.makedirs(folder, exist_ok=True)
    try:
        if not os.path.exists(program):
            quiet(["env", f"GOBIN={folder}", "go", "install", PEER], CACHE)
    except OSError as e:
        print(f"  supercronic: cannot be had here: {e}")
        return None
    return program


class Peer:
    """A supercronic with these lines, until the block ends."""

    def __init__(self, program, folder, lines):
        os.makedirs(folder, exist_ok=True)
        tab = os.path.join(folder, "tab")
        with open(tab, "w") as f:
            f.write("".join(line + "\n" for line in lines))
        self.process = subprocess.Popen([program, "-quiet", tab], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    status, cpu_seconds, switches = Daemon.status, Daemon.cpu_seconds, Daemon.switches


def stamps_of(path):
    """When each began and ended, ns."""
    return [tuple(map(int, line.split())) for line in open(path)] if os.path.exists(path) else []


def part(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


def bench_due(o, show):
    seconds = o.seconds or 120
    print(f"\ndue: one pipeline, due every second, {seconds} times")
    folder = os.path.join(o.work, "due")
    stamps = os.path.join(folder, "stamps")
    pipelines(folder, ["due"], "* * * * * *", f"exec: [{o.build}/bench-stamp, {stamps}, wall]")
    with Daemon(o, folder) as d:
        time.sleep(seconds + 1)
        due = [at * 1000 for at, in d.rows("select scheduled_for from run order by id")]
    show("due to the first instruction", "median", "99 of 100", "how many; goal: 99 of 100 under 10 ms")
    show_due(show, "leat", stamps, due)
    program = peer_program()
    if not program:
        return
    stamps = os.path.join(folder, "peer_stamps")
    with Peer(program, os.path.join(folder, "peer"), [f"* * * * * * * {o.build}/bench-stamp {stamps} wall"]):
        time.sleep(seconds + 1)
    begun = sorted(begin for begin, _ in stamps_of(stamps))
    first = begun[0] // 10**9
    show_due(show, "supercronic", stamps, [(first + i) * 10**9 for i in range(len(begun))])


def show_due(show, name, stamps, due):
    """One a second, one after the other: the n-th stamp is of the n-th that was due."""
    begun = sorted(begin for begin, _ in stamps_of(stamps))
    lags = [(begin - at) / 1e6 for begin, at in zip(begun, due)]
    show(name, f"{statistics.median(lags):.2f} ms", f"{part(lags, 0.99):.2f} ms", f"{len(lags)} of {(due[-1] - due[0]) // 10**9 + 1}")


def seen_whole(d, n):
    """Milliseconds from the next full half minute until a reader sees all its n slots: they are committed then, on disk."""
    fire = (time.time() // 30 + 1) * 30
    time.sleep(max(0, fire - time.time() - 0.05))
    while d.rows(f"select count(*) from slot where fire = {int(fire) * 10**6}") != [(n,)]:
        if time.time() > fire + 25:
            raise SystemExit("a burst was not decided within 25 s")
        time.sleep(0.001)
    return (time.time() - fire) * 1000


def bench_burst(o, show):
    n = 1000
    print(f"\nburst: {n:,} pipelines due in the same second")
    folder = pipelines(os.path.join(o.work, "burst"), [f"p{i}" for i in range(n)], "*/30 * * * * *", "exec: [/bin/true]")
    with Daemon(o, folder) as d:
        durable = [seen_whole(d, n) for _ in range(BURSTS)]
        while d.rows(f"select count(*) >= {BURSTS * n} and sum(finished_at is null) = 0 from run") != [(1,)]:
            time.sleep(1)
        runs = d.rows("select min(started_at) - scheduled_for, max(finished_at) - scheduled_for from run group by scheduled_for")
        peak = d.status("VmHWM")
    show("all slots are in the database after", f"{statistics.median(durable):.0f} ms", f"worst: {max(durable):.0f} ms", f"as a reader sees them, of {BURSTS} bursts; goal: within 100 ms")
    show("the first step starts after", f"{statistics.median(r[0] for r in runs) / 1000:.0f} ms", "median")
    show("all have ended after", f"{statistics.median(r[1] for r in runs) / 1e6:.1f} s", f"{n / (statistics.median(r[1] for r in runs) / 1e6):,.0f} runs/s")
    show("peak memory", f"{peak / 1024:.0f} MB")
    program = peer_program()
    if program:
        burst_of_peer(o, show, program, os.path.join(o.work, "burst", "peer"), n)


def burst_of_peer(o, show, program, folder, n):
    stamps = os.path.join(folder, "stamps")
    with Peer(program, folder, [f"*/30 * * * * * * {o.build}/bench-stamp {stamps} wall"] * n) as p:
        while len(stamps_of(stamps)) < 2 * n:
            time.sleep(1)
        peak = p.status("VmHWM")
    fires = {}
    for begin, end in stamps_of(stamps):
        fires.setdefault(begin // (30 * 10**9) * 30 * 10**9, []).append((begin, end))
    first = statistics.median(min(b for b, _ in of) - fire for fire, of in fires.items())
    last = statistics.median(max(e for _, e in of) - fire for fire, of in fires.items())
    show("supercronic: the first starts after", f"{first / 1e6:.0f} ms")
    show("supercronic: all have ended after", f"{last / 1e9:.1f} s", f"{n / (last / 1e9):,.0f} jobs/s", f"{peak / 1024:.0f} MB")


def bench_idle(o, show):
    n, seconds = 1000, o.seconds or 60
    print(f"\nidle: {n:,} pipelines, nothing due for {seconds} s")
    folder = pipelines(os.path.join(o.work, "idle"), [f"p{i}" for i in range(n)], "0 4 1 1 *", "exec: [/bin/true]")
    with Daemon(o, folder) as d:
        show("", "memory", "wake-ups", "goals: under 40 MB; firings and the minute's look alone")
        show_idle(show, "leat", d, seconds)
    program = peer_program()
    if not program:
        return
    with Peer(program, os.path.join(folder, "peer"), ["0 4 1 1 * /bin/true"] * n) as p:
        show_idle(show, "supercronic", p, seconds)


def show_idle(show, name, d, seconds):
    time.sleep(2)
    switches, cpu = d.switches(), d.cpu_seconds()
    time.sleep(seconds)
    woken, worked = d.switches() - switches, (d.cpu_seconds() - cpu) * 1000
    show(name, f"{d.status('VmRSS') / 1024:.0f} MB", woken, f"{worked:.0f} ms of processor")


# Runs of 20 steps in the years before, with their slots: of the very pipelines that go on.
HISTORY = """
INSERT INTO definition SELECT 1000000 + id, id, 'past', '', 0 FROM pipeline;
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 19)
INSERT INTO definition_step SELECT 1000000 + p.id, i, 'step' || i, 'exec' FROM pipeline p, n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {runs})
INSERT INTO run(id, pipeline, trigger, state, created_at, started_at, finished_at, scheduled_for, schedule, window_start, window_end)
  SELECT i, s.pipeline, 'schedule', 'ok', {since} + i * 1000000, {since} + i * 1000000, {since} + i * 1000000 + 1, {since} + i * 1000000, 'main',
         {since} + (i - 1) * 1000000, {since} + i * 1000000 FROM n JOIN schedule s ON s.id = 1 + i % {pipelines};
INSERT INTO slot(schedule, fire, last_fire, window_start, window_end, span, outcome, run, decided_at)
  SELECT s.id, r.scheduled_for, r.scheduled_for, r.window_start, r.window_end, 20, 'run', r.id, r.created_at
  FROM run r JOIN schedule s ON s.pipeline = r.pipeline ORDER BY s.id, r.scheduled_for;
INSERT INTO generation SELECT id, 1, 1000000 + pipeline, created_at FROM run;
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 19)
INSERT INTO step(run, idx, generation, state, attempts, started_at, finished_at)
  SELECT r.id, n.i, 1, 'success', 1, r.started_at, r.finished_at FROM run r, n;
INSERT INTO attempt(run, step, generation, number, token, state, started_at, finished_at)
  SELECT run, idx, 1, 1, 'r' || run || 's' || idx, 'success', started_at, finished_at FROM step;
"""
PAST = 1_600_000_000_000_000


def fill_history(o, folder, attempts, count):
    """The database as it is after so many attempts of these `count` pipelines; how many there are."""
    subprocess.run([o.leat, "serve", "--once"], cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    database = sqlite3.connect(os.path.join(folder, ".leat", "leat.db"))
    sql = HISTORY.format(runs=attempts // 20, pipelines=count, since=PAST) if attempts else ""
    database.executescript(f"PRAGMA synchronous=OFF; PRAGMA cache_size=-1000000; BEGIN; {sql} COMMIT; PRAGMA wal_checkpoint(TRUNCATE);")
    found = database.execute("SELECT count(*) FROM attempt").fetchone()[0]
    database.close()
    return found


def bench_history(o, show):
    n, seconds = 50, o.seconds or 30
    print(f"\nhistory: {n} one-step runs a second, for {seconds} s, after none and after 10,000,000 attempts of the same pipelines")
    show("past attempts", "ms a run", "due to its end", "processor of the daemon; mean")
    costs = []
    for attempts in (0, 10_000_000):
        folder = pipelines(os.path.join(o.work, f"history{attempts}"), [f"p{i}" for i in range(n)], "* * * * * *", "exec: [/bin/true]")
        found = fill_history(o, folder, attempts, n)
        with Daemon(o, folder) as d:
            time.sleep(3)  # what was due while the history was made is another matter
            begin, cpu = int(time.time()), d.cpu_seconds()
            time.sleep(seconds)
            cpu = d.cpu_seconds() - cpu
            runs, lag = d.rows(f"select count(*), avg(finished_at - scheduled_for) / 1000.0 from run where scheduled_for >= {begin}000000 and finished_at is not null")[0]
        costs.append(cpu * 1000 / runs)
        size = os.path.getsize(os.path.join(folder, ".leat", "leat.db")) / 1e6
        show(f"{found:,} ({size:,.0f} MB)", f"{costs[-1]:.3f}", f"{lag:.0f} ms", f"{runs:,} runs")
    show("ratio", f"{costs[1] / costs[0]:.2f}", "", "goal: under 1.1")


def bench_sustained(o, show):
    rate, seconds, attempts = 100, o.seconds or 300, 3_000_000
    print(f"\nsustained: {rate} one-step runs a second for {seconds} s")
    folder = pipelines(os.path.join(o.work, "sustained"), [f"p{i}" for i in range(rate)], "* * * * * *", "exec: [/bin/true]")
    history = fill_history(o, folder, attempts, rate)
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


BENCHES = {"due": bench_due, "burst": bench_burst, "idle": bench_idle, "history": bench_history, "sustained": bench_sustained}
