"""after.py: pipelines that start after datasets, with the daemon killed before every call that changes a file.

    after.py BUILD SHIM        LEAT_FAULTS=full tries every call, else about LEAT_CASES (24) of them

`leat serve --once` runs a slot of `load`; its dataset starts `sum`, whose dataset starts `tell`; `day` starts when both
are complete for the day. After the kill another `leat serve --once` ends it. Then there is one run of each, all ended
well with the same window, one slot for each, every version has been decided, and all of lake.py holds.
"""
import os
import random
import shutil
import subprocess
import sys
import tempfile

import lake
from run import Tally, spread

PATIENCE = 120
FILES = {
    "load": """\
pipeline: load
schedule: {every: day at 06:00, timezone: UTC, start: 2025-01-01, end: 2025-01-02, if_missed: run_all}
steps:
  a: {sql: "select 1 as n", into: raw.a}
""",
    "sum": """\
pipeline: sum
schedule: {after: raw.a}
steps:
  b: {sql: "select sum(n) as n from raw.a", into: trusted.b}
""",
    "tell": """\
pipeline: tell
schedule: {after: trusted.b}
steps:
  say: {shell: 'echo "$LEAT_WINDOW_START" >>said.txt'}
""",
    "day": """\
pipeline: day
schedule: {after: {all: [raw.a, trusted.b], same: day}, timezone: UTC}
steps:
  say: {shell: 'echo "day $LEAT_WINDOW_START" >>said.txt'}
""",
}


class Bench:
    def __init__(self, build, shim):
        self.leat, self.shim = os.path.abspath(build) + "/leat", os.path.abspath(shim)
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.home = tempfile.mkdtemp(prefix="leat-after-", dir=memory)
        self.root = self.home + "/p"

    def fresh(self):
        lake.kill_all(self.home)
        shutil.rmtree(self.root, ignore_errors=True)
        for name in ("once", "count"):
            if os.path.exists(f"{self.home}/{name}"):
                os.unlink(f"{self.home}/{name}")
        os.makedirs(self.root + "/pipelines")
        for name, text in FILES.items():
            with open(f"{self.root}/pipelines/{name}.yaml", "w") as f:
                f.write(text)

    def serve(self, **faults):
        env = {k: v for k, v in os.environ.items() if not k.startswith("FAULT_")}
        if faults:
            env.update({"FAULT_" + k.upper(): str(v) for k, v in faults.items()}, LD_PRELOAD=self.shim, FAULT_ROOT=self.root)
        try:
            done = subprocess.run([self.leat, "serve", "--once"], cwd=self.root, env=env, text=True, timeout=PATIENCE,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            return done.returncode, done.stdout
        except subprocess.TimeoutExpired:
            return "hangs", ""

    def calls(self):
        self.fresh()
        code, said = self.serve(count=self.home + "/count")
        if code:
            raise SystemExit(f"leat serve with the shim ended with {code}: {said}")
        with open(self.home + "/count") as f:
            return max(int(n) for n, words in (line.split(" ", 1) for line in f) if words.strip().endswith("serve --once"))

    def rows(self, sql):
        db = lake.open_db(self.root)
        try:
            return [tuple(row) for row in db.execute(sql)]
        finally:
            db.close()

    def verdict(self):
        code, said = self.serve()
        if code:
            return f"it ended with {code}: {said[-1500:]}"
        runs = self.rows("select p.name, r.state, r.trigger, date(r.window_start / 1000000, 'unixepoch') from run r "
                         "join pipeline p on p.id = r.pipeline order by p.name, r.id")
        want = [("day", "ok", "dataset", "2025-01-01"), ("load", "ok", "schedule", "2025-01-01"),
                ("sum", "ok", "dataset", "2025-01-01"), ("tell", "ok", "dataset", "2025-01-01")]
        if runs != want:
            return f"the runs are {runs}"
        if (slots := self.rows("select count(*), count(distinct run), sum(outcome = 'run') from slot")) != [(4, 4, 4)]:
            return f"the slots are {slots}"
        if behind := self.rows("select s.dataset, s.version, d.head from trigger_seen s join dataset d on d.name = s.dataset "
                               "where d.head > s.version"):
            return f"versions that nobody decided about: {behind}"
        if (read := self.rows("select pipeline, step, version, stale_since from consumed")) != [("sum", "b", 0, None)]:
            return f"what was read is {read}"
        if left := lake.left_over(self.root):
            return f"processes are left: {left}"
        found = lake.violations(self.root)
        return "; ".join(found[:5]) if found else None


def main():
    bench = Bench(sys.argv[1], sys.argv[2])
    rng = random.Random(int(os.environ.get("LEAT_SEED", random.randrange(10**6))))
    tally = Tally("after")
    try:
        for n in spread(list(range(1, bench.calls() + 1)), rng):
            bench.fresh()
            code, _ = bench.serve(kind="kill", at=n, only="*leat serve --once*", once=bench.home + "/once")
            tally.add(n, code, "hangs" if code == "hangs" else bench.verdict())
        sys.exit(1 if tally.report() else 0)
    finally:
        lake.kill_all(bench.home)
        shutil.rmtree(bench.home, ignore_errors=True)


if __name__ == "__main__":
    main()
