"""kill_flights.py: the flights example under randomly timed kill -9.

    kill_flights.py BUILD [KILLS]         LEAT_KILLS=1000, LEAT_SEED=n in the environment

Ten days of flights, cut into many small landing files, arrive a few at a time. Between arrivals `leat run
flights` (or `leat retry` of what was interrupted) is started, and after a random time some of its processes are
killed: the conductor, its warden, a worker, two of them, all. Kills while the next command recovers count too.
At the end, after one run in peace: the refined tables equal the straight query over all landing files, every
version of every dataset can be read and has the rows it was recorded with, and all of lake.py holds.
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
DAYS = 10
PATIENCE = 120  # seconds one command may take; then it hangs


class Flights:
    def __init__(self, build, kills, rng):
        self.leat = os.path.abspath(build) + "/leat"
        self.kills, self.rng = kills, rng
        self.top = tempfile.mkdtemp(prefix="leat-kill-")
        self.root = self.top + "/examples/flights"
        self.log = open(self.top + "/commands.log", "w+")
        self.done = {"conductor": 0, "warden": 0, "worker": 0}
        self.rounds = self.idle = 0
        self.codes, self.found = {}, []
        self.typical = 1.0

    # ---- the data

    def prepare(self):
        shutil.copytree(SOURCE + "/examples/flights", self.root, ignore=shutil.ignore_patterns("lake", ".leat", "late", "landing"))
        os.makedirs(self.top + "/.deps")
        os.symlink(SOURCE + "/.deps/flights", self.top + "/.deps/flights")
        env = dict(os.environ, LEAT=self.leat)
        subprocess.run([self.root + "/prepare", str(DAYS)], env=env, check=True, stdout=self.log)
        landing = self.root + "/landing/flights"
        shutil.rmtree(self.root + "/.leat", ignore_errors=True)
        self.coming = self.top + "/coming"
        os.mkdir(self.coming)
        days = [landing + "/" + n for n in sorted(os.listdir(landing))] + \
               [self.root + "/late/" + n for n in os.listdir(self.root + "/late")]
        self.pieces = []
        for day in days:
            self.cut(day, max(1, self.kills // (2 * len(days))))
        self.rng.shuffle(self.pieces)
        self.arrive(3)

    def cut(self, path, parts):
        with open(path) as f:
            head, *rows = f.read().splitlines(keepends=True)
        base = os.path.basename(path)[:-4]
        for i in range(parts):
            name = f"{base}_{i:03}.csv"
            with open(f"{self.coming}/{name}", "w") as f:
                f.write(head + "".join(rows[i::parts]))
            self.pieces.append(name)
        os.unlink(path)

    def arrive(self, n):
        for name in self.pieces[:n]:
            os.rename(f"{self.coming}/{name}", f"{self.root}/landing/flights/{name}")
        del self.pieces[:n]

    # ---- commands

    def start(self, *words):
        self.log.write(f"\n== round {self.rounds}: leat {' '.join(words)}\n")
        self.log.flush()
        return subprocess.Popen([self.leat, *words], cwd=self.root, stdout=self.log, stderr=self.log)

    def command(self):
        """Mostly run; sometimes retry of the newest run, when it did not end well."""
        if self.rng.random() < 0.25:
            try:
                db = lake.open_db(self.root)
                row = db.execute("select id, state from run order by id desc limit 1").fetchone()
                db.close()
                if row and row[1] not in ("ok", "warn"):
                    return ("retry", str(row[0]))
            except lake.sqlite3.Error:
                pass
        return ("run", "flights")

    def read(self, sql):
        done = subprocess.run([self.leat, "sql", "--csv", sql], cwd=self.root, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"leat sql ended with {done.returncode}: {done.stderr}")
        return list(csv.reader(done.stdout.splitlines()))

    # ---- kills

    def victims(self, conductor):
        there = {"conductor": [conductor.pid] if conductor.poll() is None else [], "warden": [], "worker": []}
        for pid, argv in lake.processes(self.top):
            if argv[0].endswith("leat-warden"):
                there["warden"].append(pid)
            elif len(argv) > 1 and argv[1] == "worker":
                there["worker"].append(pid)
        return there

    CHOICES = (("conductor",),) * 8 + (("warden",),) * 4 + (("worker",),) * 4 + \
              (("conductor", "warden"),) * 3 + (("warden", "worker"), ("conductor", "worker"),
                                                ("conductor", "warden", "worker"))

    def strike(self, conductor):
        there, n = self.victims(conductor), 0
        for kind in self.rng.choice(self.CHOICES):
            for pid in there[kind]:
                try:
                    os.kill(pid, signal.SIGKILL)
                    self.done[kind] += 1
                    n += 1
                except ProcessLookupError:
                    pass
        return n

    def wait(self, conductor, words):
        try:
            code = conductor.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.found.append(f"round {self.rounds}: leat {' '.join(words)} hangs")
            conductor.kill()
            conductor.wait()
            code = "hangs"
        self.codes[code] = self.codes.get(code, 0) + 1
        self.log.write(f"== ended with {code}\n")
        return code

    def delay(self):
        """Half of the kills come early, where recovery is."""
        return self.rng.uniform(0, 0.15 if self.rng.random() < 0.4 else 1.2 * self.typical)

    def round(self):
        self.rounds += 1
        words, begun = self.command(), time.monotonic()
        conductor = self.start(*words)
        time.sleep(self.delay())
        if not self.strike(conductor):
            self.idle += 1
        if self.rng.random() < 0.2:  # and once more into whatever is going on now
            time.sleep(self.rng.uniform(0, 0.1))
            self.strike(conductor)
        code = self.wait(conductor, words)
        if code == 0:
            self.typical = 0.9 * self.typical + 0.1 * (time.monotonic() - begun)
        elif code not in (-signal.SIGKILL, 1):
            self.found.append(f"round {self.rounds}: leat {' '.join(words)} ended with {code}")
        if self.rng.random() < 0.5:
            self.arrive(self.rng.randint(1, 2))

    def storm(self):
        while sum(self.done.values()) < self.kills and len(self.found) < 10 and self.rounds < 20 * self.kills:
            self.round()
            if self.rounds % 25 == 0:
                self.found += [f"round {self.rounds}: {v}" for v in self.meanwhile()]

    def meanwhile(self):
        """Readers are never disturbed, and the database is never in two minds."""
        db = lake.open_db(self.root)
        said = list(lake.database(db))
        heads = [(r[0], r[1]) for r in db.execute("select name, head from dataset where head >= 0")]
        db.close()
        for name, head in heads:
            try:
                self.read(f"select count(*) from {name}")
            except RuntimeError as e:
                said.append(f"{name}@{head}: {e}")
        return said

    # ---- the end

    def settle(self):
        self.arrive(len(self.pieces))
        for _ in range(2):
            words = ("run", "flights")
            code = self.wait(self.start(*words), words)
            if code:
                self.found.append(f"in peace, leat run flights ended with {code}")
        with open(self.log.name) as f:
            if f.read().rsplit("== round", 1)[1].count("nothing new") != 5:
                self.found.append("the last run did something again")

    def same_as_straight(self):
        with open(self.root + "/straight.sql") as f:
            straight = f.read()
        for table in ("daily_delay", "route_delay"):
            want = self.read(straight.replace("$TABLE", table))
            got = self.read(f"select * from refined.{table} order by all")
            if want != got or len(got) < 2:
                self.found.append(f"refined.{table} is not what the straight query gives")

    def every_version(self):
        """Each version is read and has the rows it was recorded with; many in one statement."""
        db = lake.open_db(self.root)
        rows = [(f"{r[0]}@{r[1]}", r[2]) for r in db.execute(
            """select d.name, v.version, case when rows_unknown then null else v.rows end from version v
               join dataset d on d.id = v.dataset where v.version >= d.first order by 1, 2""")]
        db.close()
        raw = [r for r in rows if r[1] is None]
        rows = [r for r in rows if r[1] is not None] + raw[:: max(1, len(raw) // 20)]
        for at in range(0, len(rows), 40):
            part = rows[at:at + 40]
            sql = " union all ".join(f"select '{name}', count(*) from {name}" for name, _ in part)
            try:
                got = {name: int(n) for name, n in self.read(sql)[1:]}
            except RuntimeError as e:
                self.found.append(f"versions {part[0][0]} to {part[-1][0]} cannot be read: {e}")
                continue
            self.found += [f"{name} has {got[name]} rows, not {n}" for name, n in part if n is not None and got[name] != n]
        return len(rows)

    def verdict(self):
        self.settle()
        self.same_as_straight()
        versions = self.every_version()
        self.found += lake.violations(self.root)
        self.found += [f"process {pid} is left: {' '.join(argv)}" for pid, argv in lake.left_over(self.top)]
        print(f"{sum(self.done.values())} kills ({', '.join(f'{n} {k}s' for k, n in self.done.items())}) in "
              f"{self.rounds} rounds, {self.idle} of them struck nobody; exits {self.codes}; {versions} versions read")


def main():
    build = sys.argv[1]
    kills = int(sys.argv[2] if len(sys.argv) > 2 else os.environ.get("LEAT_KILLS", "60"))
    seed = int(os.environ.get("LEAT_SEED") or random.SystemRandom().randrange(1 << 31))
    print(f"seed {seed}", flush=True)
    if not os.path.exists(SOURCE + "/.deps/flights/flights-3m.parquet"):
        print("the flights data is missing: scripts/fetch-flights")
        return 1
    flights = Flights(build, kills, random.Random(seed))
    try:
        flights.prepare()
        flights.storm()
        flights.verdict()
    except BaseException:
        lake.kill_all(flights.top)
        print(f"files are in {flights.top}")
        raise
    for what in flights.found[:20]:
        print("VIOLATION", what)
    if flights.found:
        lake.kill_all(flights.top)
        print(f"{len(flights.found)} violations; files are in {flights.top}")
        return 1
    shutil.rmtree(flights.top)
    return 0


if __name__ == "__main__":
    sys.exit(main())
