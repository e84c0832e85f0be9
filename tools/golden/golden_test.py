"""Runs the golden program (argument 1) on libc itself and sees growth, a missing file and a wrong library fail."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

GOLDEN = sys.argv.pop(1)
LIBC = next(line.split()[-1] for line in open("/proc/self/maps", encoding="utf-8") if "/libc.so.6" in line)
LIBM = str(pathlib.Path(LIBC).with_name("libm.so.6"))


def run(*args):
    done = subprocess.run([GOLDEN, *args], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


class Golden(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.path = pathlib.Path(cls.directory.name, "golden.json")
        assert run(LIBC, "--golden", str(cls.path), "--update")[0] == 0
        cls.counts = json.loads(cls.path.read_text())

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def against(self, **changed):
        self.path.write_text(json.dumps({**self.counts, **changed}))
        return run(LIBC, "--golden", str(self.path))

    def test_same_counts_pass(self):
        self.assertEqual(self.against()[0], 0)

    def test_one_instruction_more_fails(self):
        code, said = self.against(malloc_usable_size=self.counts["malloc_usable_size"] - 1)
        self.assertEqual(code, 1, said)
        self.assertIn("1 counts grew", said)

    def test_every_count_is_compared(self):
        code, said = self.against(**{name: count - 1 for name, count in self.counts.items()})
        self.assertEqual(code, 1, said)
        for name, count in self.counts.items():
            self.assertIn(f"{name}: {count}, golden {count - 1}", said)

    def test_fewer_pass_and_are_named(self):
        code, said = self.against(malloc_usable_size=self.counts["malloc_usable_size"] + 1)
        self.assertEqual(code, 0)
        self.assertIn("pin them", said)

    def test_missing_file_fails(self):
        self.assertEqual(run(LIBC, "--golden", str(self.path) + ".missing")[0], 2)

    def test_library_without_malloc_fails(self):
        code, said = run(LIBM)
        self.assertEqual(code, 2)
        self.assertIn("not from", said)


if __name__ == "__main__":
    unittest.main()
