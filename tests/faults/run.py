"""run.py: a whole `leat run` under kills and failing disks.

    run.py kill    BUILD SHIM     SIGKILL before every call that changes a file, of the conductor and of each worker
    run.py nested  BUILD SHIM     kills in the run, in the recovery, and in the recovery after that
    run.py errors  BUILD SHIM     ENOSPC and EIO at every call, once and for good
    run.py warden  BUILD SHIM     the warden dies while a worker is at each of its calls

The pipeline has a step of every way to publish: files appended by `copy`, rows appended by `sql` with bad rows set
aside, a table replaced, the folder a shell wrote (checked by a worker of its own) with a value bookmark. It has run
once before; a landing file is new. After the fault `leat run` must come to its end in peace, a second time find
nothing new, every row must be there exactly once, every run that began have had its finally step, and all of lake.py
hold.

LEAT_FAULTS=full tries every call; without it about LEAT_CASES (24) of them, spread evenly from a random start.
"""
import fnmatch
import glob
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

import lake

FULL = os.environ.get("LEAT_FAULTS") == "full"
CASES = int(os.environ.get("LEAT_CASES", "24"))
PATIENCE = 180  # seconds one command may take; then it hangs

PIPELINE = """\
pipeline: shop
steps:
  land:
    copy: landing/*.csv
    into: raw.orders
    bookmark: files
  clean:
    sql: |
      select try_cast(id as integer) as id, try_cast(amount as integer) as amount from raw.orders__new
    into: trusted.orders
    write: append
    checks: [row_count > 0, missing(id) = 0, amount > 0]
    bad_rows: quarantine
  total:
    sql: select count(*) as n, sum(amount) as amount from trusted.orders
    into: refined.total
    checks: [row_count = 1]
  note:
    after: total
    shell: |
      n=$((${LEAT_BOOKMARK_FROM:-0} + 1))
      printf 'id,text\\n%s,note %s\\n' $n $n >"$LEAT_OUTPUT_PATH/note.csv"
      echo $n >"$LEAT_BOOKMARK_FILE"
    into: trusted.notes
    write: append
    bookmark: value
    checks: [row_count = 1]
finally:
  tell: {shell: echo "$RESULT", env: {RESULT: "${run.result}"}}
"""
PROJECT = "leat: 1\nproject: shop\n"
# Every row of every landing file once, whatever happened; notes number themselves.
ROWS = """select
    (select count(*) from trusted.orders), (select count(distinct id) from trusted.orders),
    (select count(*) from trusted.orders__quarantine), (select count(distinct id) from trusted.orders__quarantine),
    (select n from refined.total),
    (select count(*) = max(id) and count(*) = count(distinct id) from trusted.notes)"""

# The command lines of the processes that change files: the conductor, and a worker for each step's stage (work, or
# for the shell its audit) and publish.
ROLES = {"conductor": {"only": "*leat run shop*"}}
for i, step in enumerate(("land", "clean", "total", "note")):
    ROLES[step] = {"only": f"* worker *-s{i}-*", "not": "*.publish.*"}
    ROLES[step + ".publish"] = {"only": f"* worker *-s{i}-*.publish.*"}
WORKERS = [role for role in ROLES if role != "conductor"]


def role_of(words):
    for role, is_of in ROLES.items():
        if fnmatch.fnmatchcase(words, is_of["only"]) and not fnmatch.fnmatchcase(words, is_of.get("not", "")):
            return role
    return None


class Bench:
    def __init__(self, build, shim):
        self.leat, self.shim = os.path.abspath(build) + "/leat", os.path.abspath(shim)
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.home = tempfile.mkdtemp(prefix="leat-run-", dir=memory)
        self.root, self.base = self.home + "/p", self.home + "/base"
        self.files = 0
        self.make()

    def make(self):
        os.makedirs(self.root + "/landing")
        os.makedirs(self.root + "/pipelines")
        for path, text in (("leat.yaml", PROJECT), ("pipelines/shop.yaml", PIPELINE)):
            with open(f"{self.root}/{path}", "w") as f:
                f.write(text)
        self.land()
        self.must()
        self.land()
        self.at_rest()
        os.rename(self.root, self.base)

    def land(self):
        """Three good rows and a bad one."""
        self.files += 1
        n = 10 * self.files
        with open(f"{self.root}/landing/{self.files}.csv", "w") as f:
            f.write("id,amount\n" + "".join(f"{n + i},{n + i}\n" for i in range(3)) + f"{n + 9},-1\n")

    def fresh(self):
        """The base again. The ballast is linked: nobody writes to it, it is only removed."""
        shutil.rmtree(self.root, ignore_errors=True)
        for path in glob.glob(self.home + "/once*"):
            os.unlink(path)

        def copy(a, b):
            os.link(a, b) if a.endswith("/ballast") else shutil.copy2(a, b)
        shutil.copytree(self.base, self.root, copy_function=copy)
        # The paths of the landing files are relative, their times are kept by copy2.

    def start(self, **faults):
        env = {k: v for k, v in os.environ.items() if not k.startswith("FAULT_")}
        if faults:
            env.update({"FAULT_" + k.upper(): str(v) for k, v in faults.items()}, LD_PRELOAD=self.shim, FAULT_ROOT=self.root)
        return subprocess.Popen([self.leat, "run", "shop"], cwd=self.root, env=env, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def end(self, process):
        try:
            said = process.communicate(timeout=PATIENCE)[0]
            return process.returncode, said
        except subprocess.TimeoutExpired:
            process.kill()
            return "hangs", process.communicate()[0]

    def run(self, **faults):
        return self.end(self.start(**faults))

    def must(self):
        code, said = self.run()
        if code:
            raise SystemExit(f"leat run ended with {code}: {said}")

    def at_rest(self):
        return lake.left_over(self.root)

    def counts(self):
        """How many calls each role makes in all, and the most that one process of it makes."""
        path = self.home + "/count"
        self.fresh()
        code, said = self.run(count=path)
        if code:
            raise SystemExit(f"leat run with the shim ended with {code}: {said}")
        self.at_rest()
        most = {role: 0 for role in ROLES}
        with open(path) as f:
            for line in f:
                n, words = line.split(" ", 1)
                if role := role_of(words.strip()):
                    most[role] = max(most[role], int(n))
        return most

    def ask(self, sql):
        done = subprocess.run([self.leat, "sql", "--csv", sql], cwd=self.root, capture_output=True, text=True)
        return done.stdout.split("\n", 1)[1].strip() if done.returncode == 0 else done.stderr

    def reads(self):
        """What a reader sees at any time: whole versions."""
        said = self.ask("select (select count(*) from trusted.orders), (select n from refined.total)")
        return None if said.replace(",", "").isdigit() else f"a reader was disturbed: {said}"

    def without_finally(self):
        """Runs that began and have ended without their finally step."""
        db = lake.open_db(self.root)
        try:
            return [r[0] for r in db.execute("""select r.id from run r
                join generation g on g.run = r.id and g.number = r.generation
                join definition_step ds on ds.definition = g.definition and ds.name = 'tell'
                left join step s on s.run = r.id and s.idx = ds.idx
                where r.started_at is not null and coalesce(s.state, 'waiting') not in ('success', 'failed')""")]
        finally:
            db.close()

    def verdict(self):
        """None when everything holds, else what does not."""
        if w := self.reads():
            return w
        for what in ("recovering", "again"):
            code, said = self.run()
            if code:
                return f"{what}: leat run ended with {code}: {said[-1500:]}"
        if said.count("nothing new") != 2:
            return f"the last run did something again: {said}"
        n = self.files
        want = f"{3 * n},{3 * n},{n},{n},{3 * n},true"
        if (got := self.ask(ROWS)) != want:
            return f"the rows are {got}, not {want}"
        if left := self.at_rest():
            return f"processes are left: {left}"
        if runs := self.without_finally():
            return f"runs without their finally step: {runs}"
        found = lake.violations(self.root)
        return "; ".join(found[:5]) if found else None

    def close(self):
        lake.kill_all(self.home)
        shutil.rmtree(self.home, ignore_errors=True)


class Tally:
    def __init__(self, name):
        self.name, self.cases, self.found, self.codes = name, 0, [], {}

    def add(self, where, code, what):
        self.cases += 1
        self.codes[code] = self.codes.get(code, 0) + 1
        if what:
            self.found.append((where, what))
            print(f"VIOLATION {self.name} at {where}: {what}", flush=True)

    def report(self):
        print(f"{self.name}: {self.cases} cases, exits {self.codes}, {len(self.found)} violations", flush=True)
        return len(self.found)


def spread(points, rng, cases=CASES):
    if FULL or len(points) <= cases:
        return points
    by = len(points) / cases
    start = rng.random() * by
    return [points[int(start + i * by)] for i in range(cases) if int(start + i * by) < len(points)]


def points_of(bench, roles=ROLES):
    most = bench.counts()
    return [(role, n) for role in roles for n in range(1, most[role] + 1)]


def fault(bench, role, n, **more):
    """With `once`, the first process of the role that comes so far is struck; else every one of them."""
    bench.fresh()
    return bench.run(at=n, **ROLES[role], **more)


def kill(bench, rng):
    tally = Tally("kill")
    for role, n in spread(points_of(bench), rng):
        code, _ = fault(bench, role, n, kind="kill", once=bench.home + "/once")
        tally.add((role, n), code, "hangs" if code == "hangs" else bench.verdict())
    return tally.report()


def nested(bench, rng):
    tally = Tally("nested")
    points = points_of(bench)
    for _ in range(400 if FULL else CASES // 2):
        at = [rng.choice(points) for _ in range(3)]
        bench.fresh()
        for i, (role, n) in enumerate(at):
            code, _ = bench.run(at=1 + rng.randrange(n) if i else n, kind="kill", once=f"{bench.home}/once{i}", **ROLES[role])
            if code == "hangs":
                break
        tally.add(at, code, "hangs" if code == "hangs" else bench.verdict())
    return tally.report()


def explains(code, said):
    """A failure names itself and what to do."""
    if code == 0 or code == -9:
        return None
    if code not in (1, 6):
        return f"ended with {code}: {said[-800:]}"
    return None if "error: " in said or "  cause  " in said else f"ended with {code} and gave no reason: {said[-800:]}"


def errors(bench, rng):
    tally = Tally("errors")
    points = [(kind, sticky, role, n) for role, n in points_of(bench) for kind in ("enospc", "eio") for sticky in ("", "1")]
    for kind, sticky, role, n in spread(points, rng):
        faults = {"sticky": sticky} if sticky else {"once": bench.home + "/once"}
        code, said = fault(bench, role, n, kind=kind, **faults)
        what = "hangs" if code == "hangs" else explains(code, said) or bench.verdict()
        tally.add((kind + " for good" * bool(sticky), role, n), code, what)
    return tally.report()


def wait_stopped(bench, process):
    """Waits until a worker has stopped itself, or the run is over. True: stopped."""
    until = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < until:
        for pid, argv in lake.processes(bench.root):
            try:
                with open(f"/proc/{pid}/stat") as f:
                    if "worker" in argv and f.read().rsplit(")", 1)[1].split()[0] == "T":
                        return True
            except OSError:
                pass
        time.sleep(0.01)
    return False


def kill_warden(bench, process, also_conductor):
    for pid, argv in lake.processes(bench.root):
        if argv[0].endswith("leat-warden"):
            os.kill(pid, 9)
    if also_conductor:
        process.kill()


def warden(bench, rng):
    tally = Tally("warden")
    for role, n in spread(points_of(bench, WORKERS), rng, CASES // 2):
        both = rng.random() < 0.4
        bench.fresh()
        process = bench.start(at=n, kind="stop", once=bench.home + "/once", **ROLES[role])
        if wait_stopped(bench, process):
            kill_warden(bench, process, both)
        code, said = bench.end(process)
        tally.add((role, n, "both" if both else "warden"), code, said if code == "hangs" else bench.verdict())
    return tally.report()


MODES = {"kill": kill, "nested": nested, "errors": errors, "warden": warden}


def main():
    mode, build, shim = sys.argv[1:4]
    seed = int(os.environ.get("LEAT_SEED") or random.SystemRandom().randrange(1 << 31))
    print(f"seed {seed}", flush=True)
    bench = Bench(build, shim)
    try:
        return 1 if MODES[mode](bench, random.Random(seed)) else 0
    finally:
        bench.close()


if __name__ == "__main__":
    sys.exit(main())
