"""Records programs whose calls are known with the built tool (argument 1; the benchmarks lie beside it); argument 2 is the program to record."""
import glob
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import unittest

PROGRAM = sys.argv.pop(2)
MASU = pathlib.Path(sys.argv.pop(1))
LIBMASU = MASU.with_name("libmasu.so")


def run(*command, **environment):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120, env={**os.environ, **environment}, check=False)


def figures(file):
    done = run(MASU, "trace", file)
    assert done.returncode == 0, done.stderr
    return {name: int(value) for name, value in re.findall(r"^ *(\S[^0-9]*?(?:<= \d+)?) +(\d+)", done.stdout, re.M)}


class Record(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.file = pathlib.Path(directory.name, "trace")

    def record(self, *command, status=0, **environment):
        """Figures of each process's recording, the first one's first."""
        done = run(MASU, "record", "-o", self.file, "--", *command, **environment)
        self.assertEqual((done.returncode, done.stderr), (status, ""))
        self.output = done.stdout
        return [figures(file) for file in [self.file, *sorted(glob.glob(f"{self.file}.*"))]]

    def more(self, mode, count, **environment):
        """What `count` rounds add to the figures of none, in each process."""
        for file in glob.glob(f"{self.file}*"):
            os.remove(file)
        without = self.record(PROGRAM, mode, 0, **environment)
        for file in glob.glob(f"{self.file}*"):
            os.remove(file)
        return [{name: value - before.get(name, 0) for name, value in after.items()}
                for before, after in zip(without, self.record(PROGRAM, mode, count, **environment), strict=True)]

    def assert_figures(self, found, **expected):
        self.assertEqual({name: found[name] for name in expected}, expected)

    def test_every_call_of_every_thread(self):
        for library in ("", str(LIBMASU)):
            with self.subTest(library):
                (found,) = self.more("threads", 40000, LD_PRELOAD=library)
                self.assert_figures(found, malloc=80000, realloc=40000, calloc=40000, aligned=40000, usable=160000, free=160000)
                self.assert_figures(found, **{"freed elsewhere": 160000, "size <= 512": 40000, "left blocks": 0, "left bytes": 0, "peak live blocks": 160000})
                self.assertNotIn("lost", found)
                self.assertNotIn("unknown", found)

    def test_a_forked_child_writes_a_file_of_its_own(self):
        parent, child = self.more("fork", 1000)
        self.assert_figures(parent, malloc=1000, free=1000)
        self.assert_figures(child, malloc=3000, free=3000)
        self.assertEqual(figures(glob.glob(f"{self.file}.*")[0])["unknown"], 1)  # the parent's block

    def test_a_program_started_by_exec_writes_a_file_of_its_own(self):
        first, second = self.more("exec", 1000)
        self.assert_figures(first, malloc=1000, free=1000)
        self.assert_figures(second, malloc=1000, free=1000)

    def test_what_a_killed_process_did_is_there(self):
        done = run(MASU, "record", "-o", self.file, "--", PROGRAM, "killed", 50000)
        self.assertEqual(done.returncode, -signal.SIGKILL)
        found = figures(self.file)
        self.assertTrue(50000 <= found["free"] < 50100 and found["free"] <= found["malloc"], found)

    def test_no_descriptor_stays_open(self):
        (found,) = self.more("closed", 50000)
        self.assert_figures(found, malloc=50000, free=50000)

    def test_threads_that_end_leave_their_room_to_the_next(self):
        (found,) = self.more("churn", 3000)
        self.assert_figures(found, threads=3000, malloc=3000)
        self.assertLess(self.file.stat().st_size, 1 << 20)

    def test_refused_calls_are_left_out_and_realloc_to_nothing_is_a_free(self):
        (found,) = self.more("refused", 1000)
        self.assert_figures(found, malloc=1000, realloc=0, usable=1000, free=1000)
        self.assertNotIn("unknown", found)

    def test_what_the_next_malloc_calls_on_the_way_is_its_own_affair(self):
        source = self.file.with_name("nested.c")
        source.write_text("#include <stdlib.h>\n#include <string.h>\nvoid* __libc_malloc(size_t);\nvoid* malloc(size_t n) { return __libc_malloc(n); }\n"
                          "void* calloc(size_t n, size_t m) { void* p = malloc(n * m); return p ? memset(p, 0, n * m) : p; }\n")
        library = self.file.with_name("nested.so")
        subprocess.run(["cc", "-shared", "-fPIC", "-fno-builtin", source, "-o", library], check=True)
        (found,) = self.more("threads", 400, LD_PRELOAD=str(library))
        self.assert_figures(found, malloc=800, calloc=400, free=1600)

    def test_programs_see_nothing_of_it(self):
        script = "import sys, json; json.dump({str(i): [i] * 9 for i in range(9999)}, sys.stdout); sys.exit(7)"
        plain = run("python3", "-c", script)
        (found,) = self.record("python3", "-c", script, status=7, PYTHONMALLOC="malloc")[-1:]
        self.assertEqual(self.output, plain.stdout)
        self.assertGreater(found["malloc"], 9999)

    def test_operations_as_text_are_the_same_trace(self):
        self.record(PROGRAM, "threads", 100)
        text = self.file.with_suffix(".text")
        text.write_text(run(MASU, "trace", "--operations", self.file).stdout)
        self.assertEqual(figures(text), figures(self.file))
        self.assertEqual(run(MASU, "trace", "--operations", text).stdout, text.read_text())

    def test_a_replay_recorded_is_the_trace_again(self):
        def both(count):
            self.record(PROGRAM, "threads", count)
            trace = self.file.rename(self.file.with_suffix(f".{count}.kept"))
            replayed = self.record(MASU.parent / "bench/trace_replay", trace, 1, 2)[0]
            os.remove(self.file)
            return figures(trace), replayed
        (few, few_again), (some, again) = both(40), both(10000)
        for name in ("malloc", "aligned", "realloc", "usable", "freed elsewhere", "size <= 128", "size <= 8192"):
            self.assertEqual(again[name] - few_again[name], some[name] - few[name], name)
        for name in ("calloc", "free"):  # a new thread's own table may lie ready
            self.assertAlmostEqual(again[name] - few_again[name], some[name] - few[name], delta=10, msg=name)
        self.assertEqual((some["threads"], again["threads"]), (5, 6))  # one starts the others

    def test_bad_use_is_named(self):
        bad = self.file.with_suffix(".bad")
        for content, message in ((b"0 malloc 1\n", "line 1: needs a size"), (b"0 malloc 1 8\n0 fly 1\n", "line 2: not THREAD KIND BLOCK"),
                                 (b"0 aligned 1 8 3\n", "a power of two"), (b"0 free 1 8\n", "a word too many"), (b"\x7fELF" * 20000, "neither a recording nor")):
            bad.write_bytes(content)
            done = run(MASU, "trace", bad)
            self.assertEqual(done.returncode, 2)
            self.assertIn(message, done.stderr)
        for arguments, message in ((["record"], "name a program after --"), (["record", "-o", "/", "--", "true"], "/ is there and no file"),
                                   (["record", "-o", "/no/such/place", "--", "true"], "cannot write into /no/such"), (["trace", "/no/trace"], "cannot be read"),
                                   (["trace"], "file is required")):
            done = run(MASU, *arguments)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(message, done.stderr)


if __name__ == "__main__":
    unittest.main()
