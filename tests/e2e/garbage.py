"""Says nonsense to the socket of the daemon in this folder: garbage.py PID. Good askers are answered all the while."""
import json
import os
import resource
import socket
import subprocess
import sys
import time

PATH = ".leat/leat.sock"


def connect():
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(60)
    s.connect(PATH)
    return s


def ask(line):
    s = connect()
    s.sendall(line + b"\n")
    return answer_of(s)


def answer_of(s):
    got = b""
    try:
        while not got.endswith(b"\n"):
            more = s.recv(65536)
            if not more:
                break
            got += more
    except ConnectionResetError:
        pass
    return json.loads(got) if got else None


def good(when):
    began = time.monotonic()
    r = subprocess.run(["leat", "status", "--daemon"], capture_output=True, text=True, timeout=60)
    assert r.returncode == 0, (when, r.returncode, r.stderr)
    print(f"{when}: a good asker is answered after {time.monotonic() - began:.2f} s", flush=True)


def refused(line, *words):
    a = ask(line)
    assert a and a["ok"] is False and a["exit"] == 2, (line, a)
    assert all(w in a["error"] for w in words), (line, a)


def odd_requests():
    refused(os.urandom(64).replace(b"\n", b"x"))
    refused(b"null", "`ask`")
    refused(b"[1, 2]", "`ask`")
    refused(b'{"ask": 5}', "`ask`")
    refused(b"[" * 60000)
    refused(b'{"ask": "queue"}', "`queue` needs `pipeline`: a text")
    refused(b'{"ask": "queue", "pipeline": ["tick"]}', "`pipeline`")
    refused(b'{"ask": "queue", "pipeline": "tick", "only": ["a", null]}', "`only`")
    refused(b'{"ask": "queue", "pipeline": "tick", "params": 3}', "`params`")
    far = b'{"ask": "queue", "pipeline": "tick", "window": {"start": 9223372036854775807, "end": -9223372036854775808}}'
    refused(far, "`start`")
    refused(b'{"ask": "queue", "pipeline": "tick", "window": {"start": 5, "end": 5}}', "exclusive")
    refused(b'{"ask": "pause", "pipeline": "tick", "catch_up": "everything"}', "`catch_up`")
    refused(b'{"ask": "cancel", "run": "all"}', "`run`")
    refused(b'{"ask": "backfill_add", "plan": 4, "token": "x"}', "`plan`")
    refused(b'{"ask": "backfill_add", "plan": {"pipeline": "tick", "from": 1, "to": 2, "max_parallel": 0}, "token": ""}')
    refused(b'{"ask": "restate_add", "token": "x"}', "`plan`")
    for word in (b"backfill_pause", b"backfill_resume", b"backfill_cancel"):
        refused(b'{"ask": "' + word + b'", "backfill": []}', "`backfill`")


def long_line():
    s = connect()
    try:
        for _ in range(100):
            s.sendall(b"x" * (1 << 20))
        raise AssertionError("100 MB were taken")
    except (BrokenPipeError, ConnectionResetError):
        s.close()
    s = connect()
    s.sendall(b"x" * (300 << 10))
    a = answer_of(s)
    assert a is None or "KiB at most" in a["error"], a


def crowd():
    kept = []
    while len(kept) < 1000:
        s = socket.socket(socket.AF_UNIX)  # one that waits while too many are at the door
        s.connect(PATH)
        kept.append(s)
    return kept


def main():
    daemon = int(sys.argv[1])
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, most), most))
    odd_requests()
    good("after requests that nobody can mean")
    half = [connect() for _ in range(100)]
    for s in half:
        s.sendall(b'{"ask": "sta')
    good("beside 100 that asked half")
    deaf = [connect() for _ in range(50)]
    for s in deaf:
        s.sendall(b'{"ask": "status"}\n')
    good("beside 50 that do not read")
    long_line()
    good("after 100 MB in one line")
    kept = crowd()
    good("beside 1000 that say nothing")
    files = len(os.listdir(f"/proc/{daemon}/fd"))
    assert files < 300, files
    print(f"{len(kept)} came, {files} files are open in the daemon")


main()
