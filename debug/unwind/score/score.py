#!/usr/bin/env python3
"""Scores the unwinder against gdb on real, stripped programs: score.py SAMPLER.so [--samples N] [--at-least PERCENT].

Each program runs twice under gdb, sampled at mallocs and where a CPU timer interrupts it. Prints a table and
fails if a program that could be sampled has fewer right frames than asked. Programs that are not installed are
left out and named. Columns: stacks, frames that gdb sees, of these at the same depth the same in our stack,
frames that we saw beyond gdb's, stacks equal as a whole, stacks in which gdb itself left the program's code.
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent

PYTHON = """
import json, re
def f(n): return json.dumps([{"a": i, "b": [n] * 5} for i in range(50)]) if n == 0 else f(n - 1)
for i in range(120): json.loads(f(i)); re.sub("a+(b|c)", lambda m: str(len(m.group())), f(3))
"""
SQL = """create table t(a, b);
with recursive c(x) as (select 1 union all select x + 1 from c where x < 100000)
insert into t select x, hex(randomblob(20)) from c;
create index i on t(b);
select count(*) from t x join t y on x.a = y.a where x.b like '%AB%';"""
PERL = """my %h; for my $i (1..100000) { $h{"k$i"} = [map { $_ * 2 } 1..5]; }
sub r { my $n = shift; return $n ? r($n - 1) . "x" : join(",", sort keys %h) } print length r(30);"""
SOURCE = "#include <map>\n#include <string>\n#include <regex>\nstd::map<std::string, std::regex> m;\n"

# name, mallocs between samples, command
PROGRAMS = [
    ("python3", 500, ["/usr/bin/python3", "-c", PYTHON]),
    ("sqlite3", 200, ["/usr/bin/sqlite3", ":memory:", SQL]),
    ("perl", 500, ["/usr/bin/perl", "-e", PERL]),
    ("git", 20, ["/usr/bin/git", "--no-pager", "log", "--stat", "-p"]),
    ("xz", 1, ["/usr/bin/xz", "-9", "--stdout", "/usr/bin/perl"]),
    ("openssl", 200, ["/usr/bin/openssl", "genrsa", "4096"]),
    ("sort", 1, ["/usr/bin/sort", "--parallel=2", "/usr/share/dict/words"]),
    ("cc1plus", 2000, ["/usr/bin/g++", "-x", "c++", "-O1", "-c", "{source}", "-o", "/dev/null"]),
]


def run(name, every, command, args, out):
    environment = dict(
        os.environ, SCORE_PRELOAD=str(args.sampler), SCORE_OUT=out, SCORE_NAME=name, SCORE_SAMPLES=str(args.samples),
        SAMPLE_EVERY=str(every), PYTHONMALLOC="malloc",
    )
    gdb = ["gdb", "-nx", "-batch", "-x", str(HERE / "compare.py"), "--args", *command]
    subprocess.run(
        gdb, env=environment, cwd=HERE, stdin=subprocess.DEVNULL, stdout=None if args.verbose else subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, timeout=300, check=False,
    )


def compiler_command(command, source):
    """The compiler proper, as the driver would run it: gdb does not follow the driver."""
    command = [word.replace("{source}", source) for word in command]
    dry = subprocess.run([*command, "-###"], capture_output=True, text=True, check=True).stderr
    line = next(line for line in dry.splitlines() if "cc1plus" in line)
    words = [word.strip('"') for word in line.split()]
    return [os.path.realpath(words[0]), *words[1:]]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("sampler", type=pathlib.Path)
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--at-least", type=float, default=95.0)
    parser.add_argument("--only", help="one program of the list")
    parser.add_argument("--verbose", action="store_true", help="show gdb's output")
    args = parser.parse_args()
    args.sampler = args.sampler.resolve(strict=True)
    if shutil.which("gdb") is None:
        sys.exit("score: needs gdb (apt-get install gdb)")
    names = [name for name, _, _ in PROGRAMS]
    if args.only is not None and args.only not in names:
        sys.exit(f"score: no program '{args.only}'; there are {', '.join(names)}")

    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "score.tsv")
        source = os.path.join(folder, "source.cc")
        pathlib.Path(source).write_text(SOURCE)
        for name, every, command in PROGRAMS:
            if args.only not in (None, name):
                continue
            if not os.access(command[0], os.X_OK):
                print(f"{name}: not installed, left out")
                continue
            if name == "cc1plus":
                command = compiler_command(command, source)
            run(f"{name} at malloc", every, command, args, out)
            run(f"{name} at timer", 0, command, args, out)
        lines = pathlib.Path(out).read_text().splitlines() if os.path.exists(out) else []
    sys.exit(0 if report(lines, args.at_least) else 1)


def report(lines, at_least):
    columns = "{:20} {:>7} {:>8} {:>8} {:>7} {:>7} {:>7} {:>7}"
    print(columns.format("program", "stacks", "frames", "right", "%", "beyond", "equal", "astray"))
    good = True
    total = right_total = 0
    for line in lines:
        name, *numbers = line.split("\t")
        stacks, frames, right, beyond, equal, astray = map(int, numbers)
        if frames == 0:
            continue
        share = 100.0 * right / frames
        good = good and share >= at_least
        total, right_total = total + frames, right_total + right
        print(columns.format(name, stacks, frames, right, f"{share:.2f}", beyond, equal, astray))
    if total == 0:
        print("score: nothing was sampled")
        return False
    print(columns.format("all", "", total, right_total, f"{100.0 * right_total / total:.2f}", "", "", ""))
    return good


if __name__ == "__main__":
    main()
