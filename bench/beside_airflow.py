"""beside_airflow.py: bench/run airflow: the same processes run by leat and by Airflow, one after the other, on this machine.

    wide     no-op processes, four at a time: how many a second
    chain    each after the one before: from one's last line to the next one's first
    minute   one at each full minute: from the due time to its first instruction

What is measured is said by the processes themselves (stamp.c). Airflow is fetched by its package manager into .cache/bench
(280 MB, once) and runs as its own `airflow standalone` does: SQLite, LocalExecutor, one API server, one scheduler, one
processor of files. It gets fewer steps, or nobody would wait for it."""
import glob
import os
import signal
import sqlite3
import statistics
import subprocess
import sys
import time

from daemon import Daemon, part, stamps_of
from next_fire import CACHE, quiet

PACKAGE = "apache-airflow==3.1.8"
PORT = 18793
PARTS = ("api-server", "scheduler", "dag-processor")
DAGS = """
from datetime import datetime, timezone
from airflow.sdk import DAG
from airflow.providers.standard.operators.bash import BashOperator

def stamp(name, i):
    return BashOperator(task_id=f"s{{i}}", bash_command=f"{stamp} {work}/air_{{name}} wall")

since = datetime(2026, 1, 1, tzinfo=timezone.utc)
with DAG("wide", schedule=None, start_date=since, max_active_tasks=4):
    for i in range({wide}):
        stamp("wide", i)
with DAG("chain", schedule=None, start_date=since):
    steps = [stamp("chain", i) for i in range({chain})]
    for before, after in zip(steps, steps[1:]):
        before >> after
with DAG("minute", schedule="* * * * *", start_date=since, catchup=False):
    stamp("minute", 0)
"""


def fetch():
    venv = os.path.join(CACHE, "airflow")
    program = os.path.join(venv, "bin", "airflow")
    os.makedirs(CACHE, exist_ok=True)
    if not os.path.exists(program):
        quiet([sys.executable, "-m", "venv", venv], CACHE)
        quiet([os.path.join(venv, "bin", "python"), "-m", "pip", "install", "-q", PACKAGE], CACHE)
    return program


def family(pids):
    """These processes and all that came from them."""
    parents = {}
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            fields = open(path).read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(path.split("/")[2]))
    found = list(pids)
    for pid in found:
        found.extend(parents.get(pid, []))
    return found


def memory(pids):
    """Megabytes; what several share is counted once."""
    total = 0
    for pid in family(pids):
        try:
            total += next(int(line.split()[1]) for line in open(f"/proc/{pid}/smaps_rollup") if line.startswith("Pss:"))
        except (OSError, StopIteration):
            pass
    return total / 1024


def wardens(folder):
    """Supervisors outlive their daemon: they are nobody's children."""
    found = []
    for path in glob.glob("/proc/[0-9]*/comm"):
        try:
            if open(path).read().startswith("leat-warden") and folder in open(os.path.dirname(path) + "/cmdline").read():
                found.append(int(path.split("/")[2]))
        except OSError:
            pass
    return found


class Airflow:
    """All of its parts, until the block ends."""

    def __init__(self, program, home, dags):
        self.program, self.home = program, home
        os.makedirs(os.path.join(home, "dags"))
        with open(os.path.join(home, "dags", "bench.py"), "w") as f:
            f.write(dags)
        url = f"http://127.0.0.1:{PORT}"
        said = {
            "CORE__DAGS_FOLDER": os.path.join(home, "dags"), "CORE__LOAD_EXAMPLES": "False", "CORE__PARALLELISM": "4",
            "CORE__EXECUTOR": "LocalExecutor", "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False", "API__PORT": str(PORT),
            "API__HOST": "127.0.0.1", "API__BASE_URL": url, "CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
            "API_AUTH__JWT_SECRET": os.urandom(32).hex(), "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True", "API__WORKERS": "1",
        }
        self.environment = dict(os.environ, AIRFLOW_HOME=home, **{f"AIRFLOW__{k}": v for k, v in said.items()})

    def do(self, *words):
        subprocess.run([self.program, *words], env=self.environment, cwd=self.home, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def rows(self, sql):
        database = sqlite3.connect(f"file:{self.home}/airflow.db?mode=ro", uri=True, timeout=30)
        try:
            return database.execute(sql).fetchall()
        finally:
            database.close()

    def __enter__(self):
        self.do("db", "migrate")
        self.processes = [
            subprocess.Popen([self.program, part], env=self.environment, cwd=self.home, stdout=open(os.path.join(self.home, part + ".log"), "w"),
                             stderr=subprocess.STDOUT, start_new_session=True)
            for part in PARTS
        ]
        while self.rows("select count(*) from dag") != [(3,)]:
            time.sleep(0.2)
        return self

    def __exit__(self, *_):
        pids = family([p.pid for p in self.processes])
        for kind, seconds in ((signal.SIGTERM, 5), (signal.SIGKILL, 0)):
            for pid in pids:
                try:
                    os.kill(pid, kind)
                except OSError:
                    pass
            time.sleep(seconds)
        for p in self.processes:
            p.wait()


def wait_for(path, count, seconds):
    end = time.time() + seconds
    while len(stamps_of(path)) < count:
        if time.time() > end:
            raise SystemExit(f"{path}: {len(stamps_of(path))} of {count} after {seconds} s")
        time.sleep(0.05)
    return sorted(stamps_of(path))


def results(show, name, work, prefix, started, megabytes, wide, chain, minutes):
    spans = {kind: wait_for(os.path.join(work, f"{prefix}_{kind}"), n, 900) for kind, n in (("wide", wide), ("chain", chain), ("minute", minutes))}
    rate = wide / ((spans["wide"][-1][1] - spans["wide"][0][0]) / 1e9)
    gaps = [(b[0] - a[1]) / 1e6 for a, b in zip(spans["chain"], spans["chain"][1:])]
    lags = [begin % (60 * 10**9) / 1e6 for begin, _ in spans["minute"]]
    show(name, f"{rate:,.1f}/s", f"{statistics.median(gaps):,.1f} ms", f"{statistics.median(lags):,.1f} ms   {started:.1f} s to start   {megabytes:,.0f} MB idle")


def leat_side(o, show, work, wide, chain, minutes):
    folder = os.path.join(work, "leat")
    os.makedirs(os.path.join(folder, "pipelines"))

    def pipeline(name, head, n, link):
        stamp = f"    exec: [{o.build}/bench-stamp, {work}/leat_{name}, wall]\n"
        with open(os.path.join(folder, "pipelines", f"{name}.yaml"), "w") as f:
            f.write(f"pipeline: {name}\n{head}steps:\n" + "".join(f"  s{i}:\n{stamp}" + (f"    after: s{i - 1}\n" if link and i else "") for i in range(n)))

    pipeline("wide", "", wide, False)
    pipeline("chain", "", chain, True)
    pipeline("minute", 'schedule: {cron: "* * * * *"}\n', 1, False)
    begin = time.time()
    with Daemon(o, folder, "--jobs", "4") as d:
        started = time.time() - begin
        megabytes = memory([d.process.pid, *wardens(folder)])
        for name, n in (("wide", wide), ("chain", chain)):
            subprocess.run([o.leat, "run", name, "--queue", "-q"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
            wait_for(os.path.join(work, f"leat_{name}"), n, 300)
        results(show, "leat", work, "leat", started, megabytes, wide, chain, minutes)


def airflow_side(show, work, program, dags, wide, chain, minutes):
    begin = time.time()
    with Airflow(program, os.path.join(work, "airflow"), dags) as a:
        started = time.time() - begin
        megabytes = memory([p.pid for p in a.processes])
        for name, n in (("wide", wide), ("chain", chain)):
            a.do("dags", "trigger", name)
            wait_for(os.path.join(work, f"air_{name}"), n, 900)
        results(show, PACKAGE.replace("==", " "), work, "air", started, megabytes, wide, chain, minutes)


def bench_airflow(o, show):
    minutes = max(1, (o.seconds or 180) // 60)
    print("\nairflow: no-op processes: many, four at a time; in a chain; at each full minute")
    try:
        program = fetch()
    except OSError as e:
        print(f"  Airflow cannot be had here: {e}")
        return
    work = os.path.join(o.work, "airflow")
    os.makedirs(work)
    show("", "wide", "chain: a gap", "minute: due to the first instruction")
    leat_side(o, show, work, 2000, 200, minutes)
    dags = DAGS.format(stamp=os.path.join(o.build, "bench-stamp"), work=work, wide=40, chain=15)
    airflow_side(show, work, program, dags, 40, 15, minutes)


BENCHES = {"airflow": bench_airflow}
