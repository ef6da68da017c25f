"""read_delta FOLDER: each table in FOLDER has, at each version, the rows of <table>.<version>.jsonl.

The tables are read with the deltalake package: by their log from the start, and (last versions) from their
checkpoint, after the older part of the log has been taken away.
"""
import datetime
import decimal
import json
import os
import re
import sys

from deltalake import DeltaTable


def plain(value):
    """As Leat's JSON has it: decimals and times as text, bytes as hex, maps as objects."""
    if isinstance(value, datetime.datetime):
        text = value.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".")
        return text + "Z"
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], tuple):
        return {k: plain(v) for k, v in value}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value


def ordered(rows):
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


def compare(path, version, expected):
    with open(expected, encoding="utf-8") as lines:
        ours = ordered(json.loads(line) for line in lines)
    theirs = ordered(plain(row) for row in DeltaTable(path, version=version).to_pyarrow_table().to_pylist())
    if ours == theirs:
        print(f"{path} version {version}: {len(ours)} rows")
        return 0
    print(f"{path} version {version} differs")
    for a, b in [pair for pair in zip(ours, theirs) if pair[0] != pair[1]][:3] or [(len(ours), len(theirs))]:
        print("  leat     ", a)
        print("  deltalake", b)
    return 1


def take_log_away(path, before):
    log = path + "/_delta_log"
    for name in os.listdir(log):
        if re.fullmatch(r"\d{20}\.json", name) and int(name[:20]) < before:
            os.unlink(f"{log}/{name}")


def main():
    folder, bad, found = sys.argv[1], 0, []
    for name in os.listdir(folder):
        if match := re.fullmatch(r"(\w+)\.(\d+)\.jsonl", name):
            found.append((match[1], int(match[2]), f"{folder}/{name}"))
    for table, version, expected in sorted(found):
        bad += compare(f"{folder}/{table}", version, expected)
    for table in sorted({table for table, _, _ in found}):
        take_log_away(f"{folder}/{table}", 10)
    for table, version, expected in sorted(f for f in found if f[1] >= 10):
        bad += compare(f"{folder}/{table}", version, expected)
    return 1 if bad or not found else 0


code = main()
sys.stdout.flush()
os._exit(code)  # the package's threads do not survive an ordinary exit of the interpreter
