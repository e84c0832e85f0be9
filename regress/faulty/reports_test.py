#!/usr/bin/env python3
"""The comparison must be able to fail: a perfect report passes, and each way of spoiling it is noticed."""
import importlib.machinery
import importlib.util
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import catalogue  # noqa: E402
import reports  # noqa: E402

loader = importlib.machinery.SourceFileLoader("faulty_run", str(HERE / "run"))
run = importlib.util.module_from_spec(importlib.util.spec_from_loader("faulty_run", loader))
loader.exec_module(run)

STALE_WRITE = """\
==77==ERROR: MasuSanitizer: heap-use-after-free on address 0x7f0000001023
WRITE of size 1 at 0x7f0000001023 thread T0
    #0 0x55d0 in misuse /p/write_inside.c:11
    #1 0x55d1 in main /p/write_inside.c:16
0x7f0000001023 is located 35 bytes into a 64-byte block
freed by thread T0 (main) here:
    #0 0x7f00 in free (/lib/libmasu-debug.so+0x100)
    #1 0x55d2 in release /p/faulty.h:33
    #2 0x55d3 in main /p/write_inside.c:15
allocated by thread T0 (main) here:
    #0 0x7f01 in malloc (/lib/libmasu-debug.so+0x200)
    #1 0x55d4 in allocate /p/faulty.h:32
    #2 0x55d5 in main /p/write_inside.c:14
SUMMARY: MasuSanitizer: heap-use-after-free /p/write_inside.c:11 in misuse
"""
LOST = """\
==77==ERROR: MasuSanitizer: detected memory leaks
Direct leak of 48 byte(s) in 1 object(s) allocated from:
    #0 0x7f01 in malloc (/lib/libmasu-debug.so+0x200)
    #1 0x55d4 in allocate /p/faulty.h:32
    #2 0x55d5 in work /p/list_lost.c:12
    #3 0x55d6 in main /p/list_lost.c:20
Indirect leak of 144 byte(s) in 3 object(s) allocated from:
    #0 0x7f01 in malloc (/lib/libmasu-debug.so+0x200)
SUMMARY: MasuSanitizer: 192 byte(s) leaked in 4 allocation(s).
"""


def program(name):
    return catalogue.parse(next(HERE.glob(name + ".c*")))


def differs(name, text, code=-6):
    return sorted(run.compare("masu-debug", program(name), code, reports.sanitizer(text)))


class Compare(unittest.TestCase):
    def test_a_perfect_report_passes(self):
        self.assertEqual(differs("use_after_free/write_inside", STALE_WRITE), [])
        self.assertEqual(differs("leak/list_lost", LOST), [])

    def test_each_spoiled_part_is_noticed(self):
        for old, new, part in [("heap-use-after-free on", "double-free on", "kind"), ("35 bytes", "36 bytes", "position"),
                               ("64-byte", "80-byte", "position"), (" into a", " past a", "position"),
                               ("WRITE of size 1", "READ of size 1", "access"), ("WRITE of size 1", "WRITE of size 2", "access"),
                               ("WRITE of size 1", "", "access"),
                               ("in release", "in other", "freed"), ("in allocate", "in other", "allocated"),
                               ("SUMMARY: MasuSanitizer: heap-use", "SUMMARY: MasuSanitizer: use", "summary")]:
            self.assertIn(part, differs("use_after_free/write_inside", STALE_WRITE.replace(old, new)), (old, new))
        for old, new in [("of 48", "of 64"), ("in 3 object", "in 2 object"), ("Indirect", "Direct")]:
            self.assertIn("leak", differs("leak/list_lost", LOST.replace(old, new)), (old, new))
        self.assertIn("exit", differs("use_after_free/write_inside", STALE_WRITE, code=0))

    def test_the_thread_that_freed_is_noticed(self):
        text = STALE_WRITE.replace("35 bytes", "8 bytes").replace("in release", "in release_in_worker")
        self.assertIn("freed thread", differs("use_after_free/write_freed_by_other_thread", text))

    def test_a_late_report_needs_the_promised_stack_and_no_size(self):
        text = STALE_WRITE.replace("35 bytes into", "0 bytes past").replace("64-byte", "96-byte").replace("use-after-free", "buffer-overflow")
        text = text.replace("in misuse", "in release").replace("of size 1 ", "of size 3 ")
        self.assertEqual(differs("overflow/off_by_one", text), [])
        self.assertEqual(differs("overflow/off_by_one", text.replace("#0 0x55d0 in release", "#0 0x55d0 in elsewhere")), ["detected"])

    def test_order_of_frames_matters(self):
        self.assertTrue(run.in_order(["allocate", "main"], ["malloc", "allocate", "work", "main"]))
        self.assertFalse(run.in_order(["main", "allocate"], ["malloc", "allocate", "work", "main"]))

    def test_frames_without_names_are_looked_up(self):
        binary = catalogue.compile_program(program("double_free/same_thread"), True, tempfile.mkdtemp())
        at = next(line.split()[0] for line in subprocess.check_output(["nm", binary], text=True).splitlines() if line.endswith(" release"))
        line = f"    #0 0x7f0000001189  ({binary}+0x{int(at, 16):x}) (BuildId: 00ff)"
        report = reports.sanitizer("==7==ERROR: MasuSanitizer: double-free on address 0x10 in free\n" + line + "\n")
        self.assertEqual(report.detected, ["release"])

    def test_no_report_is_no_report(self):
        self.assertIsNone(reports.sanitizer("masu: something else\n"))


class Catalogue(unittest.TestCase):
    def test_headers_parse_and_are_enough(self):
        programs = catalogue.load()
        self.assertGreaterEqual(len(programs), 60)
        for p in programs:
            self.assertTrue(p.position or p.leak or p.lies or p.family in ("bad_size",) or p.kind == "negative-size-param", p.id)


if __name__ == "__main__":
    unittest.main()
