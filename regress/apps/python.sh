#!/bin/bash
# CPython: interpreter, C extensions and threads; once with its own small-object allocator, once with malloc for everything.
. "$(dirname "$0")/lib.sh"
need python3
took_over /usr/bin/python3 -c pass

program='
import collections, decimal, hashlib, json, pickle, random, re, sqlite3, subprocess, threading, zlib
rng = random.Random(7)
words = ["".join(rng.choices("abcdefgh", k=rng.randint(1, 40))) for _ in range(30000)]
print(collections.Counter(words).most_common(5))
index = {w: [i, str(i) * (i % 50)] for i, w in enumerate(words)}
text = json.dumps(index, sort_keys=True)
assert json.loads(text) == index and pickle.loads(pickle.dumps(index)) == index
print(hashlib.sha256(text.encode()).hexdigest(), len(re.findall(r"a+b", text)))
print(zlib.crc32(zlib.decompress(zlib.compress(text.encode()))))
db = sqlite3.connect(":memory:")
db.execute("create table t(w text, n int)")
db.executemany("insert into t values(?,?)", ((w, v[0]) for w, v in index.items()))
print(db.execute("select w, count(*), sum(n) from t group by substr(w,1,2) order by 1 limit 20").fetchall())
decimal.getcontext().prec = 400
print(decimal.Decimal(2).sqrt())
big = bytearray()
for i in range(2000): big += bytes([i % 251]) * (i % 997)
print(hashlib.md5(big).hexdigest())
results = {}
def churn(n):
    local = random.Random(n); live = {}
    for i in range(20000):
        live[local.randrange(500)] = bytes([i % 256]) * local.randint(0, 3000)
    results[n] = zlib.crc32(b"".join(live[k] for k in sorted(live)))
threads = [threading.Thread(target=churn, args=(n,)) for n in range(8)]
for t in threads: t.start()
for t in threads: t.join()
print(sorted(results.items()))
print([subprocess.run(["/bin/echo", str(i)], capture_output=True).stdout for i in range(5)])
'
own() { run env PYTHONHASHSEED=0 /usr/bin/python3 -c "$program"; }
malloc_only() { run env PYTHONHASHSEED=0 PYTHONMALLOC=malloc /usr/bin/python3 -c "$program"; }
compare own
compare malloc_only
