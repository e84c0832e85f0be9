"""Runs the built tool (argument 1) as a user would: exit statuses, refusals, and what verify sees."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

MASU = sys.argv.pop(1)
DEEPBIND = """
#define _GNU_SOURCE
#include <dlfcn.h>
int main(int argc, char** argv) { return dlopen(argv[1], RTLD_NOW | RTLD_DEEPBIND) ? 0 : 1; }
"""
PLUGIN = "#include <stdlib.h>\nvoid* take(void) { return malloc(3); }\nvoid give(void* p) { free(p); }\n"
PLAIN = "int main(void) { return 0; }\n"
OWN_MALLOC = "#include <stddef.h>\nvoid* mi_malloc(size_t n) { (void)n; return 0; }\n" + PLAIN


def masu(*args, env=None):
    done = subprocess.run([MASU, *args], capture_output=True, text=True, timeout=60,
                          env={**os.environ, **(env or {})}, check=False)
    return done.returncode, done.stdout, done.stderr


class Compiled(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)

    def compile(self, name, code, *flags):
        source = pathlib.Path(self.directory.name, name + ".c")
        source.write_text(code)
        output = str(source.with_suffix(""))
        subprocess.run([os.environ.get("CC", "cc"), str(source), "-o", output, *flags], check=True)
        return output


class Symbolize(Compiled):
    def test_a_plain_report_gets_names(self):
        bug = "#include <stdlib.h>\nint main(void) {\n  free((char*)malloc(9) + 1);\n  return 0;\n}\n"
        plain = masu("run", "--debug", "--options", "symbolize=0", "--", self.compile("bug", bug, "-g", "-w"))[2]
        self.assertIn(" in ?? (", plain)
        report = pathlib.Path(self.directory.name, "report")
        report.write_text(plain)
        code, out, _ = masu("symbolize", str(report))
        self.assertEqual(code, 0)
        self.assertRegex(out, r"#0 0x[0-9a-f]+ in main .*bug\.c:3")


class Run(Compiled):
    def test_exit_status_and_arguments_pass(self):
        code, out, _ = masu("run", "--", "sh", "-c", 'echo "$1"; exit 7', "sh", "--debug")
        self.assertEqual((code, out), (7, "--debug\n"))

    def test_death_by_signal_passes(self):
        self.assertEqual(masu("run", "--", "sh", "-c", "kill -9 $$")[0], -signal.SIGKILL)

    def test_the_preload_is_there_and_first(self):
        for lane, flags in (("libmasu.so", []), ("libmasu-debug.so", ["--debug"])):
            _, out, _ = masu("run", *flags, "--", "sh", "-c", "echo $LD_PRELOAD", env={"LD_PRELOAD": "libm.so.6"})
            self.assertRegex(out, rf"^\S*/{lane}:libm.so.6$")

    def test_options_come_after_those_of_the_environment(self):
        code, out, _ = masu("run", "--options", "decay_ms=7", "--", "sh", "-c", "echo $MASU_OPTIONS",
                            env={"MASU_OPTIONS": "decay_ms=5"})
        self.assertEqual((code, out), (0, "decay_ms=5:decay_ms=7\n"))

    def test_bad_use_is_named(self):
        for args, message in [
            (["run"], "name a program after --"),
            (["run", "--", "no-such-program"], "no program 'no-such-program' in PATH"),
            (["run", "--", "/no/such/program"], "cannot run /no/such/program"),
            (["run", "--fast", "--", "true"], "--fast"),
            (["fly"], "no command 'fly'; there are: run"),
            ([], "subcommand is required"),
            (["verify", "--seconds", "0", "--", "true"], "not in range 1 to 3600"),
        ]:
            with self.subTest(args=args):
                code, _, err = masu(*args)
                self.assertNotEqual(code, 0)
                self.assertIn(message, err)

    def test_a_static_program_is_refused(self):
        code, _, err = masu("run", "--", self.compile("static", PLAIN, "-static"))
        self.assertEqual(code, 2)
        self.assertIn("statically linked", err)


    def test_a_tool_without_its_libraries_says_where_it_looked(self):
        alone = pathlib.Path(self.directory.name, "masu")
        shutil.copy(MASU, alone)
        done = subprocess.run([alone, "run", "--", "true"], capture_output=True, text=True, timeout=60, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(f"there is no libmasu.so in {self.directory.name} nor in ", done.stderr)

    def test_a_setuid_program_of_another_user_is_refused(self):
        program = pathlib.Path("/usr/bin/passwd")  # root's
        if os.getuid() == 0:
            program = pathlib.Path(self.compile("setuid", PLAIN))
            os.chown(program, 65534, 65534)
            program.chmod(0o4755)
        code, _, err = masu("run", "--", str(program))
        self.assertEqual(code, 2)
        self.assertIn("setuid for another user", err)

    def test_a_script_without_its_interpreter_is_named(self):
        broken = pathlib.Path(self.directory.name, "broken")
        broken.write_text("#!/no/such/interpreter\n")
        broken.chmod(0o755)
        for command in ("run", "stats", "verify"):
            with self.subTest(command=command):
                code, out, err = masu(command, "--", str(broken))
                self.assertNotEqual(code, 0)
                self.assertIn("No such file or directory", out + err)


class Verify(Compiled):
    def test_the_tool_itself(self):
        for flags in ([], ["--debug"]):
            code, out, _ = masu("verify", *flags)
            self.assertEqual(code, 0, out)
            self.assertRegex(out, r"^masu \d+\.\d+\.\d+.* takes over")

    def test_without_a_preload_it_says_no(self):
        self.assertEqual(masu("verify", "--here")[0], 1)

    def test_a_program(self):
        code, out, _ = masu("verify", "--", "sh", "-c", "ls /; exit 3")
        self.assertEqual(code, 0, out)
        self.assertIn("ended with exit status 3", out)
        self.assertIn("masu takes over", out)

    def test_a_server_is_stopped(self):
        code, out, _ = masu("verify", "--seconds", "1", "--", "sleep", "60")
        self.assertEqual(code, 0, out)
        self.assertIn("stopped after 1 s", out)

    def test_a_deepbind_plugin_is_named(self):
        plugin = self.compile("plugin.so", PLUGIN, "-shared", "-fPIC")
        code, out, _ = masu("verify", "--", self.compile("host", DEEPBIND), plugin)
        self.assertEqual(code, 1)
        self.assertRegex(out, rf"conflict: {plugin} uses free malloc of \S*libc.so.6")

    def test_a_static_program_is_named(self):
        code, out, _ = masu("verify", "--", self.compile("static", PLAIN, "-static"))
        self.assertEqual(code, 1)
        self.assertIn("statically linked", out)

    def test_an_allocator_inside_is_named(self):
        code, out, _ = masu("verify", "--", self.compile("own", OWN_MALLOC, "-rdynamic"))
        self.assertEqual(code, 1)
        self.assertIn("mimalloc is linked into the program", out)


class Stats(unittest.TestCase):
    def test_counters_exit_status_and_other_errors(self):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory, "stats.json")
            code, _, err = masu("stats", "--json", "--output", str(path), "--", "bash", "-c", "echo oops >&2; exit 3")
            self.assertEqual((code, err), (3, "oops\n"))
            stats = json.loads(path.read_text())
            self.assertEqual(stats["processes"], 1)
            self.assertGreater(stats["refills"], 0)

    def test_the_table_sums_processes(self):
        code, _, err = masu("stats", "--", "bash", "-c", "bash -c :; bash -c :; :")
        self.assertEqual(code, 0)
        self.assertIn("masu statistics of 3 processes", err)

    def test_no_statistics_is_an_error(self):
        code, _, err = masu("stats", "--", "sh", "-c", "kill -9 $$")
        self.assertEqual(code, 2)
        self.assertIn("left no statistics", err)

    def test_a_file_that_cannot_be_written_is_an_error(self):
        code, _, err = masu("stats", "--output", "/no/such/folder/x", "--", "true")
        self.assertEqual(code, 2)
        self.assertIn("cannot write /no/such/folder/x", err)


class Trace(unittest.TestCase):
    def test_a_full_disk_is_an_error(self):
        with tempfile.NamedTemporaryFile("w", suffix=".trace") as trace, open("/dev/full", "w", encoding="ascii") as full:
            trace.write("0 malloc 1 64\n")
            trace.flush()
            done = subprocess.run([MASU, "trace", "--operations", trace.name], stdout=full, stderr=subprocess.PIPE, text=True,
                                  timeout=60, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("cannot write the operations", done.stderr)


class Options(unittest.TestCase):
    def test_text_markdown_and_json_tell_the_same_options(self):
        table = json.loads(masu("options", "--json")[1])
        self.assertIn("decay_ms", [row["name"] for row in table])
        text, markdown = masu("options")[1], masu("options", "--markdown")[1]
        for row in table:
            self.assertIn(f"  {row['name']}", text)
            self.assertIn(f"| `{row['name']}` | {row['default']} |", markdown)


if __name__ == "__main__":
    unittest.main()
