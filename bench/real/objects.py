"""Python objects on the allocator under test (PYTHONMALLOC=malloc): dictionaries, strings, lists, JSON, sorting.
Usage: objects.py [ROUNDS]"""
import json
import sys


def work():
    table = {f"key-{i}": [i, str(i) * (i % 7), {"n": i}] for i in range(60_000)}
    for i in range(0, 60_000, 3):
        del table[f"key-{i}"]
    text = json.dumps(table)
    again = json.loads(text)
    words = sorted(text[:2_000_000].split(","), key=len)
    assert again == table and len(words) > 1000


for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 1):
    work()
