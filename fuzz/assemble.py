#!/usr/bin/env python3
"""Assembles an input from text, for seeds and reproductions: assemble.py TEXT > INPUT

A line each: `config 0x4`, `threads 3`, `mode anchored|pct|bytes`, `seed 7`, `preempt OPERATION YIELD TO HOLD`,
`fail MASK CALL [for-good]`, or an operation `T1 malloc slot=3 bytes=128 argument=5` (what is left out is 0; `bytes`
is the size code whose size is nearest; `code=` gives the code itself). `#` begins a comment.
assemble.py --dictionary: one operation of every kind by each of two threads, as a fuzzing engine's dictionary.
"""
import re
import struct
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def tables():
    """Kinds and size bases, read from input.cc, which defines the format."""
    source = (HERE / "input.cc").read_text()
    names = re.search(r"kKindNames\[\] = \{(.*?)\};", source, re.S).group(1)
    names = re.findall(r'"([^"]+)"', names)
    order = re.findall(r"k(\w+),?", re.search(r"enum class Kind[^{]*\{(.*?)\};", (HERE / "input.h").read_text(), re.S).group(1))
    first, code = {}, 0
    for kind, share in re.findall(r"\{Kind::k(\w+), (\d+)\}", source):
        first[names[order.index(kind)]] = code
        code += int(share)
    assert code == 64, "the shares of input.cc must sum up to 64"
    bases = re.search(r"kBases\[64\] = \{(.*?)\};", source, re.S).group(1)
    bases = bases.replace("size_t{1}", "1").replace("static_cast<size_t>(PTRDIFF_MAX)", str(2**63 - 1)).replace("SIZE_MAX", str(2**64 - 1))
    return first, [eval(item.strip()) for item in bases.split(",") if item.strip()]  # arithmetic of our own source


def size_code(bases, wanted):
    def size(code):
        return bases[code // 4] + (0, 1, -1, 7)[code % 4] if bases[code // 4] or code % 4 != 2 else 0

    return min(range(256), key=lambda code: (abs(size(code) - wanted), code))


def assemble(text):
    kinds, bases = tables()
    header, operations, preemptions = bytearray(16), [], 0
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        try:
            if words[0] == "config":
                header[0] = int(words[1], 0)
            elif words[0] == "threads":
                header[1] |= int(words[1]) - 2
            elif words[0] == "mode":
                header[1] |= {"anchored": 0, "pct": 1, "bytes": 2}[words[1]] << 2
            elif words[0] == "seed":
                header[14:16] = struct.pack("<H", int(words[1], 0))
            elif words[0] == "preempt":
                operation, at, to, hold = map(int, words[1:5])
                at = at if at < 24 else 24 + (at - 24) // 8
                header[4 + 2 * preemptions:6 + 2 * preemptions] = struct.pack("<H", operation | at << 6 | to << 11 | hold << 13)
                preemptions += 1
            elif words[0] == "fail":
                header[3] = int(words[1], 0)
                header[12] = int(words[2]) | (128 if words[3:] == ["for-good"] else 0)
            elif re.fullmatch("T[0-3]", words[0]):
                fields = dict(word.split("=") for word in words if "=" in word)
                kind = " ".join(word for word in words[1:] if "=" not in word)
                code = int(fields.get("code", 0)) if "bytes" not in fields else size_code(bases, int(fields["bytes"]))
                operations.append(bytes([kinds[kind] * 4 + int(words[0][1]), int(fields.get("slot", 0)), code, int(fields.get("argument", 0))]))
            else:
                raise KeyError(words[0])
        except (KeyError, IndexError, ValueError) as problem:
            raise SystemExit(f"line {number}: cannot read '{line.strip()}' ({problem}); operations are: {', '.join(kinds)}")
    if len(operations) > 64:
        raise SystemExit(f"{len(operations)} operations; an input holds 64 at most")
    if preemptions == 0:  # operation 0, yield 0, to its own thread: none
        header[4:12] = bytes(8)
    return bytes(header) + b"".join(operations)


def dictionary():
    kinds, bases = tables()
    for kind, code in kinds.items():
        for thread in range(2):
            operation = bytes([code * 4 + thread, 0, size_code(bases, 64), 0])
            yield f'{kind.replace(" ", "_")}_{thread}="' + "".join(f"\\x{byte:02x}" for byte in operation) + '"'


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    if sys.argv[1] == "--dictionary":
        print("\n".join(dictionary()))
    else:
        sys.stdout.buffer.write(assemble(Path(sys.argv[1]).read_text()))
