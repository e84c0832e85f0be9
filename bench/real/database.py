"""SQLite in memory on the allocator under test: inserts, an index, a join, updates, deletes."""
import sqlite3

db = sqlite3.connect(":memory:")
db.executescript("create table a(id integer primary key, name text, n integer); create table b(id integer, note text);")
db.executemany("insert into a values(?, ?, ?)", ((i, f"name {i}" * (1 + i % 5), i % 1000) for i in range(60_000)))
db.executemany("insert into b values(?, ?)", ((i, "note" * (i % 20)) for i in range(0, 60_000, 2)))
db.execute("create index by_n on a(n)")
db.execute("update a set name = name || 'x' where n % 3 = 0")
rows = db.execute("select a.n, count(*), max(length(note)) from a join b on a.id = b.id group by a.n order by a.n").fetchall()
db.execute("delete from a where n < 500")
assert len(rows) == 500 and db.execute("select count(*) from a").fetchone()[0] == 30_000
