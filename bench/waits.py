"""waits.py: benchmarks of steps that wait, for bench/run.

    waits      10,000 waits on paths in one run: memory each, processor time and wake-ups between two looks and for one,
               and how long it takes until all that came at once are noticed
"""
import os
import subprocess
import time

COUNT = 10000
POLL = 10


class Waiting:
    """A `leat run` that waits, until the block ends."""

    def __init__(self, o, folder, name):
        self.process = subprocess.Popen([o.leat, "run", name, "--progress", "none", "-q"], cwd=folder,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.leat, self.folder = o.leat, folder

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def status(self, key):
        for line in open(f"/proc/{self.process.pid}/status"):
            if line.startswith(key + ":"):
                return int(line.split()[1])

    def cpu_seconds(self):
        """Of all its threads, to the nanosecond."""
        tasks = f"/proc/{self.process.pid}/task"
        return sum(int(open(f"{tasks}/{t}/schedstat").read().split()[0]) for t in os.listdir(tasks)) / 1e9

    def until(self, running):
        while True:
            said = subprocess.run([self.leat, "runs", "show", "--json"], cwd=self.folder, capture_output=True, text=True)
            if said.stdout.count('"state": "running"') >= running:
                return
            time.sleep(0.2)


def project(folder, name, first):
    steps = f"  first:\n    wait: {{for: nothing.csv, poll: {POLL}s}}\n" if first else ""
    after = "    after: first\n" if first else ""
    each = ", ".join(map(str, range(COUNT)))
    os.makedirs(os.path.join(folder, "pipelines"), exist_ok=True)
    os.makedirs(os.path.join(folder, "landing"), exist_ok=True)
    with open(os.path.join(folder, "pipelines", f"{name}.yaml"), "w") as f:
        f.write(f"pipeline: {name}\nsteps:\n{steps}  w:\n{after}    each: {{n: [{each}]}}\n"
                f"    wait: {{for: \"landing/${{each.n}}.csv\", poll: {POLL}s}}\n")


def bench_waits(o, show):
    print(f"\nwaits: {COUNT:,} steps that wait for a path each, looked for every {POLL} s")
    folder = os.path.join(o.work, "waits")
    project(folder, "not_yet", True)
    project(folder, "waiting", False)
    with Waiting(o, folder, "not_yet") as w:
        w.until(1)
        before = w.status("VmRSS")
    with Waiting(o, folder, "waiting") as w:
        w.until(COUNT)
        show("memory", f"{w.status('VmRSS') / 1024:.0f} MB", f"{(w.status('VmRSS') - before) * 1024 / COUNT:,.0f} bytes",
             "a wait, beside the same steps waiting for one")
        cpu, wakes = w.cpu_seconds(), w.status("voluntary_ctxt_switches")
        time.sleep(3 * POLL)
        cpu, wakes = w.cpu_seconds() - cpu, w.status("voluntary_ctxt_switches") - wakes
        show(f"processor time, {3 * POLL} s of waiting", f"{1000 * cpu:.0f} ms", f"{100 * cpu / 3 / POLL:.2f} %",
             f"{1e6 * cpu / 3 / COUNT:.1f} µs a look, {wakes} wake-ups of the loop")
        idle = quietest(w)
        show("between two looks", f"{1000 * idle[0]:.2f} ms", f"{idle[1]} wake-ups", "in the quietest 5 s")
        for n in range(COUNT):
            open(os.path.join(folder, "landing", f"{n}.csv"), "w").close()
        came = time.perf_counter()
        w.process.wait()
        show("all have come: until the run has ended", f"{time.perf_counter() - came:.1f} s", "", f"a poll of {POLL} s included")


def quietest(w):
    samples = []
    for _ in range(2 * POLL):
        samples.append((w.cpu_seconds(), w.status("voluntary_ctxt_switches")))
        time.sleep(1)
    return min((b[0] - a[0], b[1] - a[1]) for a, b in zip(samples, samples[5:]))


BENCHES = {"waits": bench_waits}
