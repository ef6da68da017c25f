"""next_fire.py: bench/run next: what the next fire time costs, here and elsewhere, over the same expressions.

Peers are fetched by their own package managers into .cache/bench, which git ignores; one that cannot be had is left out
and said so. Compared is what all of them take; that they read it alike is not looked at here."""
import os
import statistics
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CACHE = os.path.join(ROOT, ".cache", "bench")
PEERS = os.path.join(ROOT, "bench", "peers")
ZONES = ("UTC", "Europe/Berlin")
SAMPLE = 4  # every fourth expression for the comparison: some peers take milliseconds for one


def expressions():
    rows = open(os.path.join(ROOT, "tests", "data", "cron", "vectors_public.tsv")).read().split("\n")[1:]
    return sorted({row.split("\t")[0] for row in rows if row and "TZ=" not in row})


def quiet(argv, cwd):
    done = subprocess.run(argv, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise OSError((done.stdout.strip().split("\n") or [""])[-1])


def croniter():
    venv = os.path.join(CACHE, "venv")
    python = os.path.join(venv, "bin", "python")
    if not os.path.exists(python):
        quiet([sys.executable, "-m", "venv", venv], CACHE)
        quiet([python, "-m", "pip", "install", "-q", "croniter"], CACHE)
    return [python, os.path.join(PEERS, "pypi_croniter.py")], CACHE


def node(name):
    folder = os.path.join(CACHE, "node")
    os.makedirs(folder, exist_ok=True)
    if not os.path.exists(os.path.join(folder, "node_modules", name)):
        quiet(["npm", "install", "--silent", "--no-audit", "--no-fund", name], folder)
    return ["node", os.path.join(PEERS, "node.mjs"), name], folder


def robfig():
    folder = os.path.join(CACHE, "go")
    program = os.path.join(folder, "robfig")
    os.makedirs(folder, exist_ok=True)
    if not os.path.exists(program):
        with open(os.path.join(PEERS, "robfig.go")) as a, open(os.path.join(folder, "main.go"), "w") as b:
            b.write(a.read())
        if not os.path.exists(os.path.join(folder, "go.mod")):
            quiet(["go", "mod", "init", "bench"], folder)
        quiet(["go", "get", "github.com/robfig/cron/v3@v3.0.1"], folder)
        quiet(["go", "build", "-o", program, "main.go"], folder)
    return [program], folder


PEER_LIST = {
    "robfig/cron v3 (Go)": robfig,
    "croner (JavaScript)": lambda: node("croner"),
    "cron-parser (JavaScript)": lambda: node("cron-parser"),
    "croniter (Python)": croniter,
}


def measure(argv, cwd, texts, zone):
    """{expression: (parse ns, next ns)} of those it takes."""
    lines = "".join(f"{text}\t{zone}\n" for text in texts)
    out = subprocess.run(argv, cwd=cwd, input=lines, stdout=subprocess.PIPE, text=True, check=True).stdout.split("\n")
    return {text: tuple(map(float, row.split("\t"))) for text, row in zip(texts, out) if row not in ("", "-")}


def engines(build):
    yield "leat", [os.path.join(build, "bench-next")], ROOT
    for name, get in PEER_LIST.items():
        try:
            yield (name, *get())
        except OSError as e:
            print(f"  {name}: cannot be had here: {e}")


def bench(o, show):
    texts = expressions()
    os.makedirs(CACHE, exist_ok=True)
    print(f"\nnext: {len(texts)} expressions, the next fire time again and again from 2024 on; medians over expressions")
    sample = texts[::SAMPLE]
    results = {name: [measure(argv, cwd, sample, zone) for zone in ZONES] for name, argv, cwd in engines(o.build)}
    mine = [measure([os.path.join(o.build, "bench-next")], ROOT, texts, zone) for zone in ZONES]
    common = [text for text in sample if all(text in zone for zones in results.values() for zone in zones)]
    show("", "UTC", ZONES[1], "parse")
    print(f"  over {len(common)} of a sample of {len(sample)}, those that all take")
    for name, zones in results.items():
        cells = [f"{statistics.median(z[text][1] for text in common):,.0f} ns" for z in zones]
        show(name, *cells, f"{statistics.median(zones[0][text][0] for text in common):,.0f} ns")
    print(f"  over all {len(mine[0])} (goals: under 100 ns in UTC, under 150 ns with a zone)")
    show("leat, median", *(f"{statistics.median(v[1] for v in z.values()):,.0f} ns" for z in mine),
         f"{statistics.median(v[0] for v in mine[0].values()):,.0f} ns")
    show("leat, mean", *(f"{statistics.mean(v[1] for v in z.values()):,.0f} ns" for z in mine))
    show("leat, slowest expression", *(f"{max(v[1] for v in z.values()):,.0f} ns" for z in mine))
