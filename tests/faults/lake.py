"""lake.py: what must be true of a project's state and lake when nobody is at work in it.

    violations(root) -> a list of sentences, empty when everything holds

It looks as an outsider would: SQLite and the files themselves, no code of the project. Everything listed here is
an invariant of the publish protocol (design: zones.md 2): what the database calls published is on disk, the log
beside the data says the same, nothing is half way, and bookmarks name exactly what was published.
"""
import json
import os
import signal
import sqlite3
import time
from urllib.parse import unquote


def open_db(root):
    db = sqlite3.connect(f"file:{root}/.leat/leat.db?mode=ro", uri=True, timeout=10)
    db.row_factory = sqlite3.Row
    return db


def database(db):
    for (said,) in db.execute("pragma integrity_check"):
        if said != "ok":
            yield f"integrity_check: {said}"
    for row in db.execute("pragma foreign_key_check"):
        yield f"foreign_key_check: {tuple(row)}"


def unfinished(db):
    for what in ("run", "attempt"):
        for row in db.execute(f"select id, state from {what} where finished_at is null"):
            yield f"{what} {row['id']} is still {row['state']}"
    for row in db.execute("select id, state, token from intent where closed_at is null"):
        yield f"intent {row['id']} of {row['token']} is still {row['state']}"
    for row in db.execute("select run, idx, state from step where state in ('ready', 'running', 'retry_wait')"):
        yield f"step {row['idx']} of run {row['run']} is still {row['state']}"


def live_files(db, dataset, version):
    rows = db.execute("""select path, bytes from data_file where dataset = ? and added_version <= ?
                         and (removed_version is null or removed_version > ?)""", (dataset, version, version))
    return {row["path"]: row["bytes"] for row in rows}


def delta_versions(path):
    """What the Delta log says: version -> its live files, and the tokens that committed."""
    live, versions, n = {}, {}, 0
    while os.path.exists(entry := f"{path}/_delta_log/{n:020}.json"):
        with open(entry) as f:
            actions = [json.loads(line) for line in f]
        for a in actions:
            if "remove" in a:
                live.pop(unquote(a["remove"]["path"]), None)
        for a in actions:
            if "add" in a:
                live[unquote(a["add"]["path"])] = a["add"]["size"]
        versions[n] = dict(live)
        n += 1
    return versions


def files_versions(path):
    """The same of a `files` dataset, from _leat/<n>.json."""
    live, versions, n = {}, {}, 0
    while os.path.exists(entry := f"{path}/_leat/{n}.json"):
        with open(entry) as f:
            entry = json.load(f)
        for name in entry.get("removes") or []:
            live.pop(name if isinstance(name, str) else name["path"], None)
        for file in entry["files"]:
            live[file["target"]] = file["bytes"]
        versions[n] = dict(live)
        n += 1
    return versions


def on_disk(path):
    for folder, folders, names in os.walk(path):
        folders[:] = [f for f in folders if not f.startswith("_")]
        for name in names:
            yield os.path.relpath(os.path.join(folder, name), path)


def dataset(db, row):
    name, path, head = row["name"], row["path"], row["head"]
    if row["stopped"]:
        yield f"{name} is stopped: {row['stopped']}"
    logged = (delta_versions if row["format"] == "delta" else files_versions)(path)
    if sorted(logged) != list(range(head + 1)):
        yield f"{name}: the head is {head}, the log on disk has {len(logged)} versions"
    for version in range(row["first"], head + 1):
        known = live_files(db, row["id"], version)
        if known != logged.get(version):
            yield f"{name}@{version}: the database and the log on disk name different files"
        for file, size in known.items():
            full = os.path.join(path, file)
            if not os.path.exists(full):
                yield f"{name}@{version}: {file} is missing"
            elif os.path.getsize(full) != size:
                yield f"{name}@{version}: {file} has {os.path.getsize(full)} bytes, not {size}"
    known = {r["path"] for r in db.execute("select path from data_file where dataset = ?", (row["id"],))}
    for file in on_disk(path):
        if file not in known:
            yield f"{name}: {file} was never published"


def datasets(db):
    for row in db.execute("select * from dataset"):
        yield from dataset(db, row)
    for row in db.execute("""select d.name, v.dataset, d.head, count(*) as n, max(v.version) as top from version v
                             join dataset d on d.id = v.dataset group by v.dataset"""):
        if row["top"] != row["head"]:
            yield f"{row['name']}: version {row['top']} is there, the head is {row['head']}"


def bookmarks(db):
    for row in db.execute("select * from bookmark"):
        top = db.execute("select coalesce(max(version), 0) from bookmark_version where bookmark = ?", (row["id"],))
        if (top := top.fetchone()[0]) != row["version"]:
            yield f"the bookmark of {row['step']} is at {row['version']}, its history at {top}"
        # Without changes by hand every move came with a publish of the same step, and the other way round.
        moves = {r[0] for r in db.execute("select attempt from bookmark_version where bookmark = ?", (row["id"],))}
        ended = {r[0]: r[1] for r in db.execute("select id, state from attempt")}
        for attempt in moves:
            if attempt is not None and ended.get(attempt) != "success":
                yield f"the bookmark of {row['step']} was moved by attempt {attempt}, which is {ended.get(attempt)}"
    for row in db.execute("select id, step from bookmark where kind = 'files'"):
        yield from files_bookmark(db, row["id"], row["step"])


def files_bookmark(db, bookmark, step):
    """The files it calls consumed are the sources of what the step published and still stands."""
    consumed = {(r[0] + r[1], r[2], r[3]) for r in db.execute(
        """select d.path, f.name, f.size, f.mtime_ns from bookmark_file f join bookmark_folder d on d.id = f.folder
           where f.bookmark = ? and f.until_version is null""", (bookmark,))}
    published = {tuple(r) for r in db.execute(
        """select source_path, source_size, source_mtime_ns from data_file f join version v
           on v.dataset = f.dataset and v.version = f.added_version
           where v.step = ? and source_path is not null and removed_version is null""", (step,))}
    for lost in consumed - published:
        yield f"{step}: {lost[0]} is consumed but not published"
    for twice in published - consumed:
        yield f"{step}: {twice[0]} is published but not consumed: it would come again"


def published_twice(db):
    """A landing file is in a dataset once."""
    for row in db.execute("""select d.name, source_path, count(*) as n from data_file f join dataset d on d.id = f.dataset
                             where source_path is not null and removed_version is null
                             group by f.dataset, source_path having n > 1"""):
        yield f"{row['name']}: {row['source_path']} is there {row['n']} times"


def stages(db, root):
    live = {r[0] for r in db.execute("select token from attempt where finished_at is null")}
    for folder, folders, _ in os.walk(root):
        if os.path.basename(folder) == "_leat_stage":
            for token in folders:
                if token in live:
                    yield f"the stage of {token} is in use"
            folders[:] = []


def violations(root):
    db = open_db(root)
    try:
        found = []
        for part in (database(db), unfinished(db), datasets(db), bookmarks(db), published_twice(db), stages(db, root)):
            found += part
        return found
    finally:
        db.close()


# ---- processes

def processes(mark):
    """(pid, argv) of every process whose arguments or environment name `mark`, but not this one."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if int(pid) == os.getpid():
            continue
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                argv = f.read().decode(errors="replace").split("\0")
            with open(f"/proc/{pid}/environ", "rb") as f:
                environment = f.read()
        except OSError:
            continue
        if any(mark in word for word in argv) or mark.encode() in environment:
            found.append((int(pid), argv))
    return found


def kill_all(mark):
    """Only for cleaning up after a test that failed."""
    for pid, _ in processes(mark):
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass


def left_over(mark, patience=60.0):
    """The processes that are still there after `patience` seconds: a warden goes by itself."""
    end = time.monotonic() + patience
    while (found := processes(mark)) and time.monotonic() < end:
        time.sleep(0.05)
    return found
