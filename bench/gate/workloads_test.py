"""Every workload runs small, accepts what it documents, names what it does not, and notices blocks that are handed out twice."""
import os
import re
import subprocess
import tempfile
import unittest

BIN = os.environ["BENCH_BIN"]
# A small run of each, on which blocks handed out twice must show.
SMALL = {
    "remote_mix": "2 20000 100 16 2048 50 1024 1",
    "size_mix": "app 2 20000 200",
    "larson": "2 3 5000 100 16 1024",
    "asymmetric": "2 50 16 512",
    "usable_size": "2 20000 200 16 1024",
    "thread_churn": "2 4 2000",
    "chain": "3 50 16 512",
    "realloc_growth": "2 20000 100 4096",
    "large_churn": "1 200 8 100000 300000",
    "long_lived": "2000000 10 20",
    "burst": "2 2 20 5000 16 1024",
    "redis_like": "20000 2000 16 1024",
}


def shared_trace():
    """A trace as text: two threads make blocks and free those of the other."""
    lines = []
    for i in range(4000):
        lines.append(f"{i % 2} malloc {i} {16 + i * 37 % 500}")
        if i >= 101:
            lines.append(f"{i % 2} free {i - 101}")
    return "\n".join(lines)


TRACE = tempfile.NamedTemporaryFile("w", suffix=".trace")
TRACE.write(shared_trace())
TRACE.flush()
SMALL["trace_replay"] = f"{TRACE.name} 2 1"
# These hold one block at a time: two users of it never meet.
ALONE = {"cache_lines": "thrash 2 1000 5 16", "pair": "10000 64"}


def run(program, arguments, **environment):
    return subprocess.run([os.path.join(BIN, program), *arguments.split()], capture_output=True, text=True, check=False, timeout=60, env={**os.environ, **environment})


class WorkloadsTest(unittest.TestCase):
    def test_small_runs_report_every_figure(self):
        for program, arguments in {**SMALL, **ALONE}.items():
            with self.subTest(program):
                done = run(program, arguments)
                self.assertEqual(done.returncode, 0, done.stderr)
                for name in ("time", "ops/s", "failed", "broken", "user", "sys", "faults", "voluntary_switches", "rss_kib"):
                    self.assertRegex(done.stdout, rf"(?m)^{name}=[0-9.]+$")
                self.assertRegex(done.stdout, r"(?m)^failed=0\nbroken=0$")

    def test_blocks_handed_out_twice_are_noticed(self):
        bump = os.path.join(BIN, "libbump.so")
        for program, arguments in SMALL.items():
            with self.subTest(program):
                self.assertEqual(run(program, arguments, LD_PRELOAD=bump).returncode, 0)
                every = "20" if program == "large_churn" else "100"
                self.assertNotEqual(run(program, arguments, LD_PRELOAD=bump, BUMP_REPEAT=every).returncode, 0)

    def test_remote_mix_shares(self):
        done = run("remote_mix", "2 50000 100 16 2048 50 100000 1")
        share = float(re.search(r"remote_percent=([0-9.]+)", done.stdout).group(1))
        self.assertAlmostEqual(share, 50, delta=2)
        self.assertIn("fallbacks=0\n", done.stdout)
        self.assertNotIn("fallbacks=0\n", run("remote_mix", "2 50000 100 16 2048 90 1").stdout)

    def test_peak_live_bytes_are_those_of_the_working_set(self):
        done = run("remote_mix", "1 100000 100 1000 1000 0 1 --live")
        peak = int(re.search(r"peak_live_bytes=(\d+)", done.stdout).group(1))
        self.assertTrue(50_000 < peak <= 100_000, peak)

    def test_together_all_threads_are_alive_at_once(self):
        masu = os.path.join(BIN, "../libmasu.so")
        done = run("remote_mix", "32 100 10 16 64 0 1 1 --together", LD_PRELOAD=masu, MASU_OPTIONS="stats=1")
        self.assertGreaterEqual(int(re.search(r"owners_created=(\d+)", done.stderr).group(1)), 32)

    def test_bad_arguments_are_named_with_what_is_allowed(self):
        for program, arguments, expected in (
            ("remote_mix", "2 100 0 16 64 0 1", "ws (slots) '0' is not allowed; allowed: a whole number from 1 to"),
            ("remote_mix", "2 100 10 64 16 0 1", "max (bytes) '16' is not allowed; allowed: a whole number from 64 to"),
            ("remote_mix", "2 100 10 16 64 101 1", "R (percent) '101' is not allowed; allowed: a whole number from 0 to 100"),
            ("remote_mix", "2 100 10 16 64 50 0", "ring '0' is not allowed with R > 0"),
            ("remote_mix", "2 100", "ws (slots) is missing"),
            ("size_mix", "zipf 2 10 10", "distribution 'zipf' is not known; allowed: app uniform"),
            ("trace_replay", f"{TRACE.name} 0", "rounds '0' is not allowed"),
            ("trace_replay", "/no/trace 1", "/no/trace: cannot be read"),
            ("pair", "10 64 9", "'9' is one argument too many"),
        ):
            with self.subTest(arguments):
                done = run(program, arguments)
                self.assertEqual(done.returncode, 2)
                self.assertIn(expected, done.stderr)


if __name__ == "__main__":
    unittest.main()
