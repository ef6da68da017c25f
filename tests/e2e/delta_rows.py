"""delta_rows CSV PATH VERSION: the Delta table at PATH has, at VERSION, the rows of the CSV that Leat printed."""
import csv
import os
import sys

from deltalake import DeltaTable


def number(cell):
    try:
        return repr(float(cell))
    except ValueError:
        return cell


def text(value):
    if value is None:
        return ""
    if hasattr(value, "hour"):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return number(str(value))


def main():
    ours, path, version = sys.argv[1], sys.argv[2], int(sys.argv[3])
    rows = list(csv.reader(open(ours, encoding="utf-8")))
    names, rows = rows[0], rows[1:]
    table = DeltaTable(path, version=version).to_pyarrow_table()
    if set(table.column_names) != set(names):
        return f"{path} version {version}: columns {table.column_names}, not {names}"
    theirs = sorted(tuple(text(row[name]) for name in names) for row in table.to_pylist())
    ours = sorted(tuple(number(cell) for cell in row) for row in rows)
    if ours == theirs:
        print(path, "version", version, len(ours), "rows")
        return None
    differ = [pair for pair in zip(ours, theirs) if pair[0] != pair[1]][:3]
    return f"{path} version {version}: {len(ours)} rows here, {len(theirs)} there; {differ}"


problem = main()
if problem:
    print(problem)
sys.stdout.flush()
os._exit(1 if problem else 0)  # the package's threads do not survive an ordinary exit of the interpreter
