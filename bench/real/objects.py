"""Python objects on the allocator under test (PYTHONMALLOC=malloc): dictionaries, strings, lists, JSON, sorting."""
import json

table = {f"key-{i}": [i, str(i) * (i % 7), {"n": i}] for i in range(60_000)}
for i in range(0, 60_000, 3):
    del table[f"key-{i}"]
text = json.dumps(table)
again = json.loads(text)
words = sorted(text[:2_000_000].split(","), key=len)
assert again == table and len(words) > 1000
