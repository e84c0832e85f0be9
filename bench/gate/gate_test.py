"""The gate on fake programs whose figures depend on the preloaded library's name, so that no real time is judged."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

AB = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "ab")
# Prints what a workload prints; *slow* takes a quarter longer, *fat* needs twice the memory, and so on.
FAKE = """#!/bin/sh
time=0.100 rss=1000 failed=0 drains=10
case "$LD_PRELOAD" in
  *slow*) time=0.125 ;;
  *fast*) time=0.080 drains=5 ;;
  *fat*) rss=2000 ;;
  *crash*) kill -SEGV $$ ;;
  *hang*) exec sleep 60 ;;
  *starved*) failed=3 time=0.001 ;;
esac
echo "masu: drains=$drains" >&2
printf 'time=%s\\nops/s=1\\nfailed=%s\\nuser=%s\\nsys=0\\nrss_kib=%s\\n' $time $failed $time $rss
printf 'sample\\t0.1\\t%s\\tidle\\n' $rss
"""
LANES = ["guard_r0", "main_r50"]


def a_real_library():
    """Something the loader accepts, to copy under telling names."""
    with open("/proc/self/maps") as maps:
        return next(line.split()[-1] for line in maps if "/libc.so.6" in line or "/libc-2" in line).replace("libc.so.6", "libm.so.6")


class GateTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="masu-gate-test-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.bin = os.path.join(self.folder, "bin")
        os.mkdir(self.bin)
        shutil.copy(os.path.join(os.environ["BENCH_BIN"], "measure"), self.bin)
        with open(os.path.join(self.bin, "remote_mix"), "w") as file:
            file.write(FAKE)
        os.chmod(file.name, 0o755)
        self.out = os.path.join(self.folder, "out")

    def library(self, name):
        path = os.path.join(self.folder, f"lib{name}.so")
        if not os.path.exists(path):
            shutil.copy(a_real_library(), path)
        return path

    def ab(self, *names, more=(), lanes=LANES, runs="3"):
        allocators = [self.library(name) for name in names]
        command = [sys.executable, AB, *allocators, "--bin", self.bin, "--out", self.out, "--runs", runs, "--limit", "2", "--lanes", *lanes, *more]
        return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "MPLCONFIGDIR": self.folder})

    def report(self):
        with open(os.path.join(self.out, "REPORT.md")) as file:
            return file.read()

    def rows(self, name):
        with open(os.path.join(self.out, name)) as file:
            lines = [line.rstrip("\n").split("\t") for line in file if not line.startswith("#")]
        return [dict(zip(lines[0], line)) for line in lines[1:]]

    def test_equal_candidate_is_go(self):
        done = self.ab("base", "same")
        self.assertEqual((done.returncode, done.stdout), (0, "same: GO\n"), done.stderr)

    def test_slow_candidate_is_no_go_and_its_lane_is_named(self):
        done = self.ab("base", "slow")
        self.assertEqual((done.returncode, done.stdout), (1, "slow: NO-GO\n"), done.stderr)
        self.assertIn("- against: main_r50: -20.0 % against a floor of -1.0 %", self.report())

    def test_cpu_time_is_judged_when_asked(self):
        self.assertEqual(self.ab("base", "slow", more=["--by", "cpu"]).returncode, 1)

    def test_floor_decides(self):
        self.assertEqual(self.ab("base", "slow", more=["--floor", "-25"]).returncode, 0)

    def test_target_must_be_reached(self):
        self.assertEqual(self.ab("base", "fast", more=["--target", "main_r50=20"]).returncode, 0)
        done = self.ab("base", "same", more=["--target", "main_r50=20", "--fresh"])
        self.assertEqual(done.returncode, 1)
        self.assertIn("main_r50: +0.0 % against a target of +20.0 %", self.report())

    def test_memory_growth_is_no_go(self):
        self.assertEqual(self.ab("base", "fat").returncode, 1)
        self.assertIn("peak RSS +100.0 %, limit +10.0 %", self.report())

    def test_counter_must_move_as_said(self):
        self.assertEqual(self.ab("base", "fast", more=["--counter", "drains:down"]).returncode, 0)
        self.assertEqual(self.ab("base", "fast", more=["--counter", "drains:up", "--fresh"]).returncode, 1)
        self.assertEqual(self.ab("base", "fast", more=["--counter", "absent:up", "--fresh"]).returncode, 1)

    def test_crashed_runs_are_named_and_not_averaged(self):
        done = self.ab("base", "crash")
        self.assertEqual(done.returncode, 1)
        self.assertIn("main_r50, crash, run 3: signal 11 (Segmentation fault)", self.report())
        crashed = [row for row in self.rows("summary.tsv") if row["candidate"] == "crash"]
        self.assertTrue(all(row["lost"] == "3" and row["runs"] == "0" and row["time"] == "" for row in crashed), crashed)

    def test_failed_allocations_are_lost_runs(self):
        self.assertEqual(self.ab("base", "starved").returncode, 1)
        self.assertIn("main_r50, starved, run 1: 3 failed allocations", self.report())

    def test_hang_is_lost_once_and_not_awaited_again(self):
        done = self.ab("base", "hang", lanes=["main_r50"], runs="2")
        self.assertEqual(done.returncode, 1)
        self.assertEqual([row["status"] for row in self.rows("raw.tsv") if row["candidate"] == "hang"], ["timeout after 2 s", "not repeated after a timeout"])

    def test_library_that_does_not_load_is_lost(self):
        with open(os.path.join(self.folder, "libempty.so"), "w"):
            pass
        self.assertEqual(self.ab("base", "empty").returncode, 1)
        self.assertIn("library cannot be preloaded", self.report())

    def test_interrupted_comparison_resumes_and_another_is_refused(self):
        self.ab("base", "same")
        path = os.path.join(self.out, "raw.tsv")
        with open(path) as file:
            text = file.read()
        with open(path, "w") as file:
            file.write(text[:-40])  # as after a kill in the middle of the last line
        done = self.ab("base", "same")
        self.assertIn("11 of 12 runs are in", done.stderr)
        self.assertEqual(len(self.rows("raw.tsv")), 12)
        other = self.ab("base", "slow")
        self.assertEqual(other.returncode, 2)
        self.assertIn("belongs to another comparison", other.stderr)

    def test_bad_arguments_are_named_with_what_is_allowed(self):
        for more, expected in ((["--lanes", "nosuch"], "no lane or group is called nosuch; groups: "), (["--runs", "0"], "'0' is not allowed; allowed: a whole number"),
                               (["--target", "x=1"], "allowed: LANE=PERCENT"), (["--counter", "x"], "allowed: NAME:up or NAME:down")):
            done = self.ab("base", "same", more=more)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(expected, done.stderr)
        done = subprocess.run([sys.executable, AB, "glibc", "/no/such.so", "--bin", self.bin, "--out", self.out], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("candidate '/no/such.so' is not known; allowed: glibc, the path of a library, a git revision", done.stderr)


if __name__ == "__main__":
    unittest.main()
