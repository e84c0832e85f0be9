"""Instructions of a malloc/free pair by callgrind: the difference between two run lengths, so that start-up cancels out."""
import os
import re
import shutil
import subprocess

FEW, MANY = 20_000, 120_000
SIZES = (16, 64, 512, 4096, 32768)


def _collected(candidate, bin_dir, pairs, size):
    environment = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD"}
    if candidate.library:
        environment["LD_PRELOAD"] = candidate.library
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", os.path.join(bin_dir, "pair"), str(pairs), str(size)]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    except subprocess.TimeoutExpired:
        return None
    found = re.search(r"Collected : (\d+)", done.stderr)
    return int(found.group(1)) if found and done.returncode == 0 else None


def per_pair(candidate, bin_dir, size):
    """Instructions a pair (with about ten of loop and PLT), or None where the allocator does not run under callgrind."""
    few, many = (_collected(candidate, bin_dir, pairs, size) for pairs in (FEW, MANY))
    return None if few is None or many is None else (many - few) / (MANY - FEW)


def table(candidates, bin_dir, sizes=SIZES):
    if not shutil.which("valgrind"):
        raise ValueError("--instructions needs valgrind: install the package valgrind")
    for candidate in candidates:
        yield candidate.name, [per_pair(candidate, bin_dir, size) for size in sizes]
