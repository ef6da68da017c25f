"""chain.py: a run that waits and that starts another one, with its conductor killed before every call that changes a
file.

    chain.py BUILD SHIM        LEAT_FAULTS=full tries every call, else about LEAT_CASES (24) of them

After the kill `leat retry` goes on with the run, or, when nothing had been written down yet, `leat run` begins it.
Then there is one run of each pipeline, the one started by the one attempt that waits for the other, every step ran
once, the wait kept its attempt and its deadline, and all of lake.py holds.
"""
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

import lake
from run import Tally, spread

PATIENCE = 60
TOP = """\
pipeline: top
steps:
  come: {wait: {for: landing/go.csv, poll: 1s, timeout: 50s}}
  call: {pipeline: {name: kid, with: {word: kid}}}
  end: {shell: echo end >>said.txt, after: [come, call]}
"""
KID = """\
pipeline: kid
params: {word: none}
steps:
  say:
    shell: 'sleep 0.1; echo "$WORD" >>said.txt; touch landing/go.csv'
    env: {WORD: "${params.word}"}
"""


class Bench:
    def __init__(self, build, shim):
        self.leat, self.shim = os.path.abspath(build) + "/leat", os.path.abspath(shim)
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.home = tempfile.mkdtemp(prefix="leat-chain-", dir=memory)
        self.root = self.home + "/p"

    def fresh(self):
        lake.kill_all(self.home)
        shutil.rmtree(self.root, ignore_errors=True)
        for name in ("once", "count"):
            if os.path.exists(f"{self.home}/{name}"):
                os.unlink(f"{self.home}/{name}")
        os.makedirs(self.root + "/landing")
        os.makedirs(self.root + "/pipelines")
        for name, text in (("top", TOP), ("kid", KID)):
            with open(f"{self.root}/pipelines/{name}.yaml", "w") as f:
                f.write(text)

    def run(self, *words, **faults):
        env = {k: v for k, v in os.environ.items() if not k.startswith("FAULT_")}
        if faults:
            env.update({"FAULT_" + k.upper(): str(v) for k, v in faults.items()}, LD_PRELOAD=self.shim, FAULT_ROOT=self.root)
        try:
            done = subprocess.run([self.leat, *words], cwd=self.root, env=env, text=True, timeout=PATIENCE,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            return done.returncode, done.stdout
        except subprocess.TimeoutExpired:
            return "hangs", ""

    def calls(self):
        self.fresh()
        code, said = self.run("run", "top", count=self.home + "/count")
        if code:
            raise SystemExit(f"leat run with the shim ended with {code}: {said}")
        with open(self.home + "/count") as f:
            return max(int(n) for n, words in (line.split(" ", 1) for line in f) if words.strip().endswith("run top"))

    def rows(self, sql):
        db = lake.open_db(self.root)
        try:
            return [tuple(row) for row in db.execute(sql)]
        finally:
            db.close()

    def live_waits(self):
        if not os.path.exists(self.root + "/.leat/leat.db"):
            return []
        return self.rows("select id, json_extract(detail, '$.waits.until') from attempt where phase = 'w' and "
                         "json_extract(detail, '$.waits.until') is not null")

    def finish(self):
        there = os.path.exists(self.root + "/.leat/leat.db") and self.rows("select id from run where id = 1")
        return self.run("retry", "1") if there else self.run("run", "top")

    def verdict(self, waits):
        code, said = self.finish()
        if code:
            return f"it ended with {code}: {said[-1500:]}"
        runs = self.rows("select p.name, r.state, a.run from run r join pipeline p on p.id = r.pipeline "
                         "left join attempt a on a.id = r.parent order by r.id")
        if runs != [("top", "ok", None), ("kid", "ok", 1)]:
            return f"the runs are {runs}"
        if (attempts := self.rows("select count(*), count(distinct run || '-' || step) from attempt")) != [(4, 4)]:
            return f"the attempts are {attempts}"
        if any(w not in self.live_waits() for w in waits):
            return f"the wait was {waits}, and is {self.live_waits()}"
        with open(self.root + "/said.txt") as f:
            if (said := f.read().split()) != ["kid", "end"]:
                return f"the steps said {said}"
        if left := lake.left_over(self.root):
            return f"processes are left: {left}"
        found = lake.violations(self.root)
        return "; ".join(found[:5]) if found else None


def main():
    bench = Bench(sys.argv[1], sys.argv[2])
    rng = random.Random(int(os.environ.get("LEAT_SEED", random.randrange(10**6))))
    tally = Tally("chain")
    try:
        for n in spread(list(range(1, bench.calls() + 1)), rng):
            bench.fresh()
            code, _ = bench.run("run", "top", kind="kill", at=n, only="*leat run top*", once=bench.home + "/once")
            waits = [] if code == "hangs" else bench.live_waits()
            tally.add(n, code, "hangs" if code == "hangs" else bench.verdict(waits))
        sys.exit(1 if tally.report() else 0)
    finally:
        lake.kill_all(bench.home)
        shutil.rmtree(bench.home, ignore_errors=True)


if __name__ == "__main__":
    main()
