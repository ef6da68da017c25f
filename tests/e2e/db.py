"""db.py SQL: the rows of .leat/leat.db, a line each, values parted by |; what is missing is empty."""
import sqlite3
import sys

db = sqlite3.connect("file:.leat/leat.db?mode=ro", uri=True, timeout=20)
for row in db.execute(sys.argv[1]):
    print("|".join("" if v is None else str(v) for v in row))
