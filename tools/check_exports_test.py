"""Builds small libraries, one violation each, and sees check_exports catch exactly that one."""
import importlib.machinery
import importlib.util
import os
import pathlib
import subprocess
import tempfile
import unittest

TOOL = str(pathlib.Path(__file__).with_name("check_exports"))
loader = importlib.machinery.SourceFileLoader("check_exports", TOOL)
check_exports = importlib.util.module_from_spec(importlib.util.spec_from_loader("check_exports", loader))
loader.exec_module(check_exports)

NAMES = {"malloc": True, "free": True, "cfree": False}
CLEAN = "int malloc(void) { return 0; } int free(void) { return 0; } int masu_version(void) { return 1; }\n"


class Planted(unittest.TestCase):
    def problems(self, code, *flags):
        with tempfile.TemporaryDirectory() as directory:
            source, library = pathlib.Path(directory, "x.c"), str(pathlib.Path(directory, "x.so"))
            source.write_text(code)
            subprocess.run([os.environ.get("CC", "cc"), "-w", "-shared", "-fPIC", "-fno-builtin", "-o", library,
                            str(source), *flags], check=True)
            return list(check_exports.problems_of(library, NAMES))

    def test_clean_library_passes(self):
        self.assertEqual(self.problems(CLEAN), [])

    def test_tls_at_the_limit_passes(self):
        self.assertEqual(self.problems(CLEAN + "__thread char masu_t[64];"), [])

    def test_each_violation_is_caught(self):
        for code, flags, message in [
            (CLEAN + "int helper(void) { return 2; }", (), "exports helper"),
            (CLEAN + "int helper;", (), "exports helper"),
            (CLEAN.replace("free(", "masu_free("), (), "does not export free"),
            (CLEAN + "double sin(double); double masu_x(double y) { return sin(y); }", ("-lm",), "needs libm.so.6"),
            (CLEAN + "__thread char masu_t[65];", (), "has 65 bytes of TLS"),
            (CLEAN + 'static int hook(void) __asm__("_ZNK4masu6ChecksI0E5takenEv"); int (*at(void))(void)'
                     ' __attribute__((visibility("hidden"))); static int hook(void) { return 1; } int (*at(void))(void) { return hook; }',
             (), "holds _ZNK4masu6ChecksI0E5takenEv"),
        ]:
            with self.subTest(message=message):
                problems = self.problems(code, *flags)
                self.assertEqual(len(problems), 1, problems)
                self.assertIn(message, problems[0])


if __name__ == "__main__":
    unittest.main()
