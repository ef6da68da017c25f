"""publish.py: the publish protocol under kills, failing disks and power cuts.

    publish.py kill    DRIVER SHIM    SIGKILL before every call that changes a file, then recovery
    publish.py nested  DRIVER SHIM    kills in the work, then in the recovery, then in the recovery after that
    publish.py errors  DRIVER SHIM    ENOSPC and EIO at every call, once and for good
    publish.py power   DRIVER SHIM    power cuts: every prefix of the recorded calls under a weak disk
    publish.py mutants DRIVER SHIM    the same on programs with one deliberate fault each: all must be caught

DRIVER is publish_driver, SHIM the LD_PRELOAD library of shim.c. After every fault `publish_driver read` looks
at the disk as an outside reader would and `publish_driver prove` recovers, checks every invariant, goes on
and checks again. LEAT_FAULTS=full tries every call in every mode; without it the long modes take every n-th.

The weak disk: a file keeps any subset of the writes since its last fsync, each torn at 512 bytes; a folder keeps
any prefix of the names made and removed since its last fsync; a rename between two folders happens in both or
in neither. Only fsync of the file, and of the folder, promises anything.
"""
import os
import random
import shutil
import subprocess
import sys
import tempfile

FULL = os.environ.get("LEAT_FAULTS") == "full"
SEED = int(os.environ.get("LEAT_SEED", "20261119"))
VERSIONS = "3"
BROKEN = 7


class Bench:
    """A folder with a fresh project in it, as often as wanted."""

    def __init__(self, driver, shim, form):
        self.driver, self.shim, self.form = driver, shim, form
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.home = tempfile.mkdtemp(prefix="leat-faults-", dir=memory)
        self.root = self.home + "/p"
        self.base = self.home + "/base"
        self.must("drive", "0")
        os.rename(self.root, self.base)

    def close(self):
        shutil.rmtree(self.home, ignore_errors=True)

    def fresh(self):
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(self.base, self.root)

    def run(self, verb, *args, **faults):
        env = dict(os.environ)
        for name in list(env):
            if name.startswith("FAULT_"):
                del env[name]
        if faults:
            env["LD_PRELOAD"] = self.shim
            env["FAULT_ROOT"] = self.root
            env.update({"FAULT_" + k.upper(): str(v) for k, v in faults.items()})
        done = subprocess.run([self.driver, verb, self.root, self.form, *args], env=env, capture_output=True,
                              text=True)
        return done.returncode, (done.stdout + done.stderr).strip()

    def must(self, verb, *args, **faults):
        code, said = self.run(verb, *args, **faults)
        if code:
            sys.exit(f"publish_driver {verb} ended with {code}: {said}")

    def count(self, verb, *args, **faults):
        path = self.home + "/count"
        if os.path.exists(path):
            os.unlink(path)
        self.must(verb, *args, count=path, **faults)
        with open(path) as f:
            return int(f.read().split()[0])

    def verdict(self):
        """None when everything holds, else what does not."""
        for verb, args in (("read", ()), ("prove", ("4",))):
            code, said = self.run(verb, *args)
            if code:
                return f"{verb}: {code} {said}"
        return None


def every(n, calls, rng):
    start = 1 if FULL else rng.randint(1, n)
    return range(start, calls + 1, 1 if FULL else n)


def report(name, form, cases, findings):
    print(f"{name} {form}: {cases} cases, {len(findings)} violations")
    for where, what in findings[:5]:
        print(f"  at {where}: {what}")
    return len(findings)


# ---- kills and errors


def kill_at(bench, call, **more):
    bench.fresh()
    bench.run("drive", VERSIONS, at=call, kind="kill", **more)
    return bench.verdict()


def kill(bench, rng):
    bench.fresh()
    calls = bench.count("drive", VERSIONS)
    found = [(n, w) for n in range(1, calls + 1) if (w := kill_at(bench, n))]
    return report("kill", bench.form, calls, found)


def nested(bench, rng):
    bench.fresh()
    calls = bench.count("drive", VERSIONS)
    found, cases = [], 2000 if FULL else 150
    for _ in range(cases):
        bench.fresh()
        at = [rng.randint(1, calls), rng.randint(1, 60), rng.randint(1, 60)]
        bench.run("drive", VERSIONS, at=at[0], kind="kill")
        bench.run("recover", at=at[1], kind="kill")
        bench.run("recover", at=at[2], kind="kill")
        if w := bench.verdict():
            found.append((at, w))
    return report("nested", bench.form, cases, found)


def errors(bench, rng):
    bench.fresh()
    calls = bench.count("drive", VERSIONS)
    found, cases = [], 0
    for kind in ("enospc", "eio"):
        for sticky in ("", "1"):
            for n in every(5, calls, rng):
                bench.fresh()
                code, said = bench.run("drive", VERSIONS, at=n, kind=kind, sticky=sticky)
                w = said if code == BROKEN else bench.verdict()
                cases += 1
                if w:
                    found.append((f"{kind}{' for good' * bool(sticky)} {n}", w))
    return report("errors", bench.form, cases, found)


# ---- power cuts


class File:
    def __init__(self, data=b""):
        self.now = self.kept = data
        self.pending = []  # (offset, bytes) or (size, None)


class Folder:
    def __init__(self):
        self.now, self.kept = {}, {}
        self.pending = []  # [name, node or None, other half or None]


def apply_write(data, offset, piece):
    if piece is None:
        return data[:offset].ljust(offset, b"\0")
    return data.ljust(offset, b"\0")[:offset] + piece + data[offset + len(piece):]


class Disk:
    """What the recorded calls made of the base, and what a power cut may leave of it."""

    def __init__(self, base, root):
        self.root = root
        self.top = self.load(base)

    def load(self, path):
        if not os.path.isdir(path):
            with open(path, "rb") as f:
                return File(f.read())
        folder = Folder()
        for name in os.listdir(path):
            if not name.endswith("-shm"):
                folder.now[name] = self.load(path + "/" + name)
        folder.kept = dict(folder.now)
        return folder

    def find(self, path):
        node = self.top
        for part in path[len(self.root):].split("/"):
            if part:
                node = node.now.get(part) if isinstance(node, Folder) else None
        return node

    def place(self, path):
        above, _, name = path.rpartition("/")
        return self.find(above), name

    def enter(self, path, node, other=None):
        folder, name = self.place(path)
        if node is None:
            folder.now.pop(name, None)
        else:
            folder.now[name] = node
        half = [name, node, other]
        folder.pending.append(half)
        return half

    def rename(self, source, target):
        node = self.find(source)
        from_folder, to_folder = self.place(source)[0], self.place(target)[0]
        if from_folder is to_folder:
            # One change of one folder: both names in one step.
            (_, old), (folder, new) = self.place(source), self.place(target)
            folder.now.pop(old, None)
            folder.now[new] = node
            folder.pending.append([new, node, [old, None, None]])
            return
        gone = self.enter(source, None)
        come = self.enter(target, node)
        gone.append((to_folder, come))
        come.append((from_folder, gone))

    def settle(self, folder, half):
        name, node, within = half[0], half[1], half[2]
        if within:
            folder.kept.pop(within[0], None)
        if node is None:
            folder.kept.pop(name, None)
        else:
            folder.kept[name] = node

    def sync(self, path):
        node = self.find(path)
        if isinstance(node, File):
            node.kept, node.pending = node.now, []
        elif node:
            pending, node.pending = node.pending, []
            for half in pending:
                self.settle(node, half)
                if len(half) > 3 and any(h is half[3][1] for h in half[3][0].pending):
                    other, twin = half[3]
                    other.pending = [h for h in other.pending if h is not twin]
                    self.settle(other, twin)

    def do(self, call):
        verb, path = call[0], call[1]
        if verb == "CREATE":
            self.enter(path, File())
        elif verb == "MKDIR":
            self.enter(path, Folder())
        elif verb == "UNLINK":
            self.enter(path, None)
        elif verb == "LINK":
            self.enter(call[2], self.find(path))
        elif verb == "RENAME":
            self.rename(path, call[2])
        elif verb == "SYNC":
            self.sync(path)
        else:
            node = self.find(path)
            if node:
                node.now = apply_write(node.now, call[2], call[3])
                node.pending.append((call[2], call[3]))

    def leave(self, target, rng, keep):
        """Writes a possible remainder to `target`. keep: None random, else the chance of everything unsynced."""
        fate = {}
        self.leave_folder(self.top, target, rng, keep, fate)

    def leave_folder(self, folder, path, rng, keep, fate):
        os.mkdir(path)
        names = dict(folder.kept)
        upto = rng.randint(0, len(folder.pending)) if keep is None else round(keep) * len(folder.pending)
        for i, half in enumerate(folder.pending):
            lives = i < upto
            if len(half) > 3:
                key = id(half) if id(half) in fate else id(half[3][1])
                lives = fate.setdefault(key, lives)
            if not lives:
                continue
            if half[2]:
                names.pop(half[2][0], None)
            if half[1] is None:
                names.pop(half[0], None)
            else:
                names[half[0]] = half[1]
        for name, node in names.items():
            if isinstance(node, Folder):
                self.leave_folder(node, path + "/" + name, rng, keep, fate)
            else:
                with open(path + "/" + name, "wb") as f:
                    f.write(self.remains(node, rng, keep))

    def remains(self, node, rng, keep):
        data = node.kept
        for offset, piece in node.pending:
            if rng.random() >= (rng.random() if keep is None else keep):
                continue
            if piece is None or len(piece) <= 512 or rng.random() < 0.7:
                data = apply_write(data, offset, piece)
                continue
            for at in range(0, len(piece), 512):
                if rng.random() < 0.5:
                    data = apply_write(data, offset + at, piece[at:at + 512])
        return data


def read_calls(path):
    with open(path, "rb") as f:
        raw = f.read()
    calls, at = [], 0
    while at < len(raw):
        end = raw.index(b"\n", at)
        words = raw[at:end].decode().split(" ")
        at = end + 1
        if words[0] == "WRITE":
            n = int(words[3])
            calls.append(("WRITE", words[1], int(words[2]), raw[at:at + n]))
            at += n
        elif words[0] == "TRUNC":
            calls.append(("TRUNC", words[1], int(words[2]), None))
        else:
            calls.append(tuple(words))
    return calls


def recorded(bench, **more):
    path = bench.home + "/calls"
    if os.path.exists(path):
        os.unlink(path)
    bench.fresh()
    bench.must("drive", VERSIONS, log=path, **more)
    return read_calls(path)


def cut(bench, calls, upto, rng, keep):
    disk = Disk(bench.base, bench.root)
    for call in calls[:upto]:
        disk.do(call)
    shutil.rmtree(bench.root, ignore_errors=True)
    disk.leave(bench.root, rng, keep)
    return bench.verdict()


def power(bench, rng):
    calls = recorded(bench)
    found, cases = [], 0
    for upto in every(2, len(calls), rng):
        for keep in ((None, None, 0, 1) if FULL else (rng.choice((None, None, 0)),)):
            cases += 1
            if w := cut(bench, calls, upto, rng, keep):
                found.append((f"{upto} {calls[upto - 1][:2]}", w))
    return report("power", bench.form, cases, found)


# ---- mutants: reliability.md 1.1

KILLED = ("move-by-copy", "log-in-place")
CUT = ("database-not-full", "stage-folder", "stage-content", "moved-names", "log-content", "log-name")


def killed(bench, mutant, rng):
    bench.fresh()
    calls = bench.count("drive", VERSIONS, mutant=mutant)
    return next((n for n in range(1, calls + 1) if kill_at(bench, n, mutant=mutant)), None)


def cut_off(bench, mutant, rng):
    calls = recorded(bench, mutant=mutant)
    for keep in (0, None, None, None):
        order = list(range(1, len(calls) + 1))
        rng.shuffle(order)
        for upto in order:
            if cut(bench, calls, upto, rng, keep):
                return upto
    return None


def mutants(bench, rng):
    missed = 0
    for names, way, what in ((KILLED, killed, "a kill"), (CUT, cut_off, "a power cut")):
        for name in names:
            at = way(bench, name, rng)
            missed += at is None
            print(f"mutant {name}: " + (f"caught by {what} at call {at}" if at else "NOT CAUGHT"))
    return missed


MODES = {"kill": kill, "nested": nested, "errors": errors, "power": power, "mutants": mutants}


def main():
    mode, driver, shim = sys.argv[1:4]
    bad = 0
    for form in ("delta",) if mode == "mutants" else ("delta", "files"):
        bench = Bench(os.path.abspath(driver), os.path.abspath(shim), form)
        try:
            bad += MODES[mode](bench, random.Random(SEED))
        finally:
            bench.close()
    print(f"seed {SEED}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
