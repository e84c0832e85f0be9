"""The minimizer and the driver of the trace executor, on an allocator with planted faults (argument 1)."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

BROKEN = sys.argv.pop(1)
HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True


def run(*command, **environment):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=200, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment}, check=False)


class Minimizer(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.small = pathlib.Path(folder.name, "small.trace")

    def minimize(self, source, fault):
        done = run(HERE / "minimize_trace", f"broken={BROKEN}", source, self.small, FAULT=fault)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return [line for line in self.small.read_text().splitlines() if not line.startswith("#")]

    def test_a_planted_fault_is_all_that_stays(self):
        lines = self.minimize("seed:2", "realloc")  # two threads, 20,000 operations
        self.assertEqual(len(lines), 2, lines)
        self.assertRegex(lines[0], r"^0 (m|c)alloc 0 \d+$")
        self.assertRegex(lines[1], r"^0 realloc 0 \d+$")
        again = run(HERE.parent / "build/release/fuzz/executor", "--in-order", self.small, LD_PRELOAD=BROKEN, FAULT="realloc")
        self.assertIn("found: realloc lost contents", again.stdout)
        self.assertIn("# realloc lost contents\n# found on broken, from seed:2;", self.small.read_text())

    def test_where_nothing_is_found_it_says_so(self):
        self.small.write_text("0 malloc 1 8\n0 free 1\n")
        done = run(HERE / "minimize_trace", "glibc", self.small, self.small.with_suffix(".out"))
        self.assertEqual((done.returncode, done.stderr), (1, f"{self.small}: nothing is found\n"))
        self.small.write_text("0 malloc\n")
        done = run(HERE / "minimize_trace", "glibc", self.small, self.small.with_suffix(".out"))
        self.assertEqual(done.returncode, 2)
        self.assertIn("line 1: not THREAD KIND BLOCK", done.stderr)


class Driver(unittest.TestCase):
    def test_the_table_names_what_was_found(self):
        done = run(HERE / "peers", "glibc", f"broken={BROKEN}", "--seeds", 2, "--recordings", FAULT="calloc")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^\| glibc( \| nothing){4} \|$")
        self.assertRegex(done.stdout, r"(?m)^\| broken \| [^|]* \| calloc is not zero \(seeds 1, 2\) \| [^|]* \| calloc is not zero \|$")

    def test_bad_allocators_are_named(self):
        for given, message in (("x=/no/such.so", "x: there is no library /no/such.so"), (f"x={__file__}", f"x: {__file__} cannot be preloaded")):
            done = run(HERE / "peers", given)
            self.assertEqual(done.returncode, 2)
            self.assertIn(message, done.stderr)


if __name__ == "__main__":
    unittest.main()
