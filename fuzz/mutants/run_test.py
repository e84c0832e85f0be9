"""The runner of mutants: a patch that does not apply fails the run, one that changes nothing survives, a bug is found,
and every patch that is kept here still applies."""
import importlib.machinery
import importlib.util
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace

HERE = Path(__file__).resolve().parent
SCRATCH = sys.argv.pop(1) if len(sys.argv) > 1 else tempfile.mkdtemp()
HEAD = "class: sequential / a test's own\nlane: size_class\n\n"
STALE = """--- a/src/base/size_class.h
+++ b/src/base/size_class.h
@@ -1,3 +1,3 @@
 // A line that is not there.
-nor this one
+nor this
 and no more
"""
IDLE = """--- a/src/base/size_class.h
+++ b/src/base/size_class.h
@@ -1,2 +1,3 @@
 // Size classes: which block size serves a request. Constant tables, any thread.
+// Nothing else.
 //   16..128 step 16, then four per doubling: at most 20 % of a block above 64 bytes is rounding.
"""


def run(source, *arguments):
    return subprocess.run([HERE / "run", "--from", source, "--scratch", SCRATCH, "--budget", "2", "--again", *arguments],
                          capture_output=True, text=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})


class RunnerTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def put(self, name, text):
        (Path(self.folder.name) / f"{name}.patch").write_text(text)

    def test_a_patch_that_does_not_apply_fails_the_run(self):
        self.put("stale", HEAD + STALE)
        done = run(self.folder.name)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertIn("stale: does not apply", done.stdout)

    def test_what_changes_nothing_survives(self):
        self.put("idle", HEAD + IDLE)
        self.put("empty", HEAD)
        done = run(self.folder.name, "--table")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("survived: idle", done.stdout)
        self.assertIn("survived: empty", done.stdout)
        self.assertIn("| idle | sequential / a test's own | **survived** |", (Path(self.folder.name) / "TABLE.md").read_text())

    def test_a_patch_without_a_class_is_refused(self):
        self.put("nameless", "lane: xfer\n\n" + IDLE)
        self.assertNotEqual(run(self.folder.name).returncode, 0)

    def test_one_change_for_two_lanes_is_two_mutants(self):
        loader = importlib.machinery.SourceFileLoader("runner", str(HERE / "run"))
        runner = importlib.util.module_from_spec(importlib.util.spec_from_loader("runner", loader))
        loader.exec_module(runner)
        key = lambda *lanes: runner.Results.key(SimpleNamespace(text=IDLE, lanes=lanes))
        self.assertEqual(key("xfer"), key("xfer"))
        self.assertNotEqual(key("xfer"), key("sched_model"))

    def test_every_kept_patch_applies(self):
        done = run(HERE, "--check")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
