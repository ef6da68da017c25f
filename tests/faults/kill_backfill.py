"""kill_backfill.py: the flights example backfilled by a daemon that is killed (-9) every few seconds.

    kill_backfill.py BUILD [DAYS]         LEAT_SEED=n in the environment

Thirty days of flights, four at a time, are written down once. Then `leat serve` is started and killed, again and again,
now and then together with its warden or a worker, until the backfill has ended; steps whose process was killed fail,
and their windows run again with `leat backfill resume`. At the end the tables by day equal the straight query over all
landing files, no window was done twice at once, and all of lake.py holds.
"""
import csv
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import lake

SOURCE = os.path.abspath(os.path.dirname(__file__) + "/../..")
PATIENCE = 300


class Backfill:
    def __init__(self, build, days, rng):
        self.leat = os.path.abspath(build) + "/leat"
        self.days, self.rng = days, rng
        self.top = tempfile.mkdtemp(prefix="leat-days-")
        self.root = self.top + "/examples/flights"
        self.log = open(self.top + "/commands.log", "w+")
        self.kills = {"daemon": 0, "warden": 0, "worker": 0}
        self.lives, self.resumed, self.found = 0, 0, []

    def prepare(self):
        shutil.copytree(SOURCE + "/examples/flights", self.root, ignore=shutil.ignore_patterns("lake", ".leat", "late", "landing"))
        os.makedirs(self.top + "/.deps")
        os.symlink(SOURCE + "/.deps/flights", self.top + "/.deps/flights")
        env = dict(os.environ, LEAT=self.leat)
        subprocess.run([self.root + "/prepare", str(self.days)], env=env, check=True, stdout=self.log)
        for name in os.listdir(self.root + "/late"):
            os.rename(f"{self.root}/late/{name}", f"{self.root}/landing/flights/{name}")
        shutil.rmtree(self.root + "/.leat", ignore_errors=True)

    def leat_does(self, *words, check=True):
        done = subprocess.run([self.leat, *words], cwd=self.root, capture_output=True, text=True, timeout=PATIENCE)
        self.log.write(f"\n== leat {' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}")
        if check and done.returncode:
            raise RuntimeError(f"leat {' '.join(words)} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def read(self, sql):
        return list(csv.reader(self.leat_does("sql", "--csv", sql).splitlines()))

    # ---- one life of the daemon after the other

    def state(self):
        db = lake.open_db(self.root)
        row = db.execute("select state, running from backfill").fetchone()
        db.close()
        return row

    def victims(self):
        there = {"warden": [], "worker": []}
        for pid, argv in lake.processes(self.top):
            if argv[0].endswith("leat-warden"):
                there["warden"].append(pid)
            elif len(argv) > 1 and argv[1] == "worker":
                there["worker"].append(pid)
        return there

    def strike(self, daemon):
        also = self.rng.choice((None,) * 8 + ("warden", "worker"))
        pids = [("daemon", daemon.pid)] + [(also, pid) for pid in (self.victims()[also] if also else [])]
        for kind, pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
                self.kills[kind] += 1
            except ProcessLookupError:
                pass
        daemon.wait()

    def live(self):
        self.lives += 1
        daemon = subprocess.Popen([self.leat, "serve"], cwd=self.root, stdout=self.log, stderr=self.log)
        until = time.monotonic() + self.rng.uniform(0.05, 1.5)
        while time.monotonic() < until and self.state()[0] in ("queued", "running"):
            time.sleep(0.02)
        self.at_once()
        self.strike(daemon)

    def at_once(self):
        db = lake.open_db(self.root)
        rows = db.execute("""select window_start, count(*) from run where finished_at is null group by 1 having count(*) > 1
                             union all select 0, count(*) from run where finished_at is null having count(*) > 4""").fetchall()
        db.close()
        self.found += [f"life {self.lives}: runs at once: {tuple(row)}" for row in rows]

    def storm(self):
        begun = time.monotonic()
        while self.state()[0] in ("queued", "running"):
            if time.monotonic() - begun > PATIENCE:
                self.found.append(f"after {self.lives} lives the backfill is still {tuple(self.state())}")
                return
            self.live()

    def settle(self):
        """What a killed process failed runs again, in peace."""
        for _ in range(3):
            if self.state()[0] == "ok":
                return
            self.resumed += 1
            self.leat_does("backfill", "resume", "1", check=False)
        self.found.append(f"in peace, the backfill ended {tuple(self.state())}")

    # ---- the end

    def same_as_straight(self):
        with open(self.root + "/straight.sql") as f:
            straight = f.read()
        for table in ("daily_delay_by_day", "route_delay_by_day"):
            want = self.read(straight.replace("$TABLE", table))
            got = self.read(f"select * from refined.{table} order by all")
            if want != got or len(got) < self.days:
                self.found.append(f"refined.{table} is not what the straight query gives")

    def items(self):
        db = lake.open_db(self.root)
        bad = db.execute("""select i.n, i.state, r.state from backfill_item i left join run r on r.id = i.run
                            where i.state <> 'ok' or r.state not in ('ok', 'warn')""").fetchall()
        counts = db.execute("select total, done, failed, running, skipped, cancelled from backfill").fetchone()
        db.close()
        self.found += [f"window {n} is {state}, its run {run}" for n, state, run in bad]
        if tuple(counts) != (self.days, self.days, 0, 0, 0, 0):
            self.found.append(f"the counters say {tuple(counts)}")

    def verdict(self):
        self.settle()
        self.same_as_straight()
        self.items()
        self.found += lake.violations(self.root)
        self.found += [f"process {pid} is left: {' '.join(argv)}" for pid, argv in lake.left_over(self.top)]
        print(f"{self.days} days in {self.lives} lives of the daemon; killed {self.kills}; resumed {self.resumed} times")


def main():
    days = int(sys.argv[2]) if len(sys.argv) > 2 else 30
    seed = int(os.environ.get("LEAT_SEED") or random.SystemRandom().randrange(1 << 31))
    print(f"seed {seed}", flush=True)
    if not os.path.exists(SOURCE + "/.deps/flights/flights-3m.parquet"):
        print("the flights data is missing: scripts/fetch-flights")
        return 1
    b = Backfill(sys.argv[1], days, random.Random(seed))
    try:
        b.prepare()
        b.leat_does("backfill", "flights_by_day", "--from", "2001-01-01", "--to", f"2001-01-{days + 1:02}", "--max-parallel", "4",
                    "--detach", "--yes")
        b.storm()
        b.verdict()
    except BaseException:
        lake.kill_all(b.top)
        print(f"files are in {b.top}")
        raise
    for what in b.found[:20]:
        print("VIOLATION", what)
    if b.found:
        lake.kill_all(b.top)
        print(f"{len(b.found)} violations; files are in {b.top}")
        return 1
    shutil.rmtree(b.top)
    return 0


if __name__ == "__main__":
    sys.exit(main())
