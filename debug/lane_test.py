"""Runs small programs on libmasu-debug.so (argument 1) and checks what the options, the fault handler, memcheck and
the gdb script make of them. The catalogue of faults itself is regress/faulty."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

LIBRARY = str(pathlib.Path(sys.argv.pop(1)).resolve())
HERE = pathlib.Path(__file__).resolve().parent

FOUR = r"""
#include <stdio.h>
#include <stdlib.h>
int main(void) {
  char* a = malloc(10);
  a[10] = 0;
  free(a);
  free(a);
  free(a + 3);
  char* b = malloc(24);
  b[-1] = 1;
  printf("end\n");
  return 0;
}
"""
LEAK = r"""
#include <stdio.h>
#include <stdlib.h>
static void lose(void) { char* volatile p = malloc(77); *p = 1; p = 0; }
int main(void) { lose(); printf("end\n"); char room[16384]; for (int i = 0; i < 16384; ++i) ((volatile char*)room)[i] = 0; return 0; }
"""
SWEEP = r"""
#include <stdlib.h>
int main(void) {
  char* a = malloc(10);
  a[11] = 0;
  for (int i = 0; i < 1000; ++i) free(malloc(100));
  _Exit(0);
}
"""
HANDLER = r"""
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static void own(int n, siginfo_t* info, void* context) { printf("own %d %p\n", n, info->si_addr); fflush(stdout); _exit(3); }
int main(int argc, char** argv) {
  struct sigaction action = {.sa_sigaction = own, .sa_flags = SA_SIGINFO}, old;
  sigaction(SIGSEGV, &action, 0);
  sigaction(SIGSEGV, 0, &old);
  if (old.sa_sigaction != own) return 4;
  char* large = malloc(1 << 20);
  if (argc > 1) return large[(1 << 20) + atoi(argv[1])];
  return *(volatile char*)0x1000;
}
"""
# Oldest first, blocks leave the quarantine; a link to the next in its owner's inbox lies where the front red zone was.
IN_FLIGHT = r"""
#include <pthread.h>
#include <stdlib.h>
enum { kBlocks = 5000 };
static long* blocks[kBlocks];
static void* end_all(void* nothing) { for (int i = 0; i < kBlocks; ++i) free(blocks[i]); return nothing; }
int main(void) {
  for (int i = 0; i < kBlocks; ++i) blocks[i] = malloc(24);
  pthread_t t;
  pthread_create(&t, 0, end_all, 0);
  pthread_join(t, 0);
  for (int i = 0; i < 64; ++i) blocks[i][-2] ^= 64;
  for (int i = 0; i < 5000; ++i) *(volatile char*)malloc(24) = 1;
  return 0;
}
"""
DLERROR = r"""
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(void) {
  dlopen("/no/such/library", RTLD_NOW);
  const char* text = dlerror();
  if (strlen(text) < 5 || strrchr(text, 'n') == 0 || strncmp(text, "/no/such", 8) != 0) return 1;
  char* copy = strdup(text);
  printf("%s\n", text);
  puts(copy);
  free(copy);
  return 0;
}
"""
MANY_THREADS = r"""
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
enum { kThreads = 4, kMine = 100, kSteps = 20000 };
static void* shared[64];
static void* churn(void* seed) {
  unsigned random = (unsigned)(long)seed;
  void* mine[kMine] = {0};
  for (int i = 0; i < kSteps; ++i) {
    random = random * 1664525u + 1013904223u;
    size_t size = (random >> 8) % 700;
    void* block = memset(malloc(size), 0x5a, size);
    void** place = random & 1 ? &mine[i % kMine] : &shared[i % 64];
    free(__atomic_exchange_n(place, block, __ATOMIC_ACQ_REL));
  }
  for (int i = 0; i < kMine; ++i) free(mine[i]);
  return 0;
}
int main(void) {
  pthread_t threads[kThreads];
  for (long i = 0; i < kThreads; ++i) pthread_create(&threads[i], 0, churn, (void*)(i + 1));
  for (int i = 0; i < kThreads; ++i) pthread_join(threads[i], 0);
  return 0;
}
"""
IN_PLACE = r"""
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
static void once(void) { free(malloc(8)); }
static void twice(void) { char* p = malloc(8); free(p); free(p); }
int main(int argc, char** argv) {
  void* place[2];
  for (int i = 0; i < 2; ++i) {
    void* library = dlopen(argv[1 + i], RTLD_NOW);
    void (*outer)(void (*)(void)) = dlsym(library, "outer");
    place[i] = outer;
    if (i == 1) puts(place[0] == place[1] ? "same place" : "moved");
    if (i == 1) fflush(stdout);
    outer(i == 0 ? once : twice);
    dlclose(library);
  }
  return 0;
}
"""
MEMCHECK = r"""
#include <stdlib.h>
int main(void) {
  volatile char* a = malloc(10);
  a[10] = 0;
  free((void*)a);
  a[2] = 1;
  a = malloc(33);
  a = 0;
  return 0;
}
"""

CRASH = r"""
#include <stdlib.h>
char* block;
int main(void) {
  block = malloc(10);
  free(block);
  abort();
}
"""

MANY_WAYS = r"""
#include <stdlib.h>
static char* walk(int way);
static char* left(int way) { return walk(way / 2); }
static char* right(int way) { return walk(way / 2); }
static char* walk(int way) { return way == 1 ? malloc(10) : way % 2 ? left(way) : right(way); }
int main(void) {
  for (int i = 2048; i < 4096; ++i) {
    char* p = walk(i);
    if (i >= 4088) p[10] = 0;
    free(p);
  }
  return 0;
}
"""
MANY_AT_FAULT = r"""
#include <pthread.h>
#include <stdlib.h>
static void* fail(void* nothing) {
  for (int i = 0; i < 25; ++i) free((char*)malloc(10) + 3);
  return 0;
}
int main(void) {
  pthread_t threads[8];
  for (int i = 0; i < 8; ++i) pthread_create(&threads[i], 0, fail, 0);
  for (int i = 0; i < 8; ++i) pthread_join(threads[i], 0);
  return 0;
}
"""
NEGATIVE = r"""
#include <stdlib.h>
#include <string.h>
int main(void) {
  char *a = malloc(10), *b = malloc(10);
  memcpy(a, b, (size_t)-1);
  return 0;
}
"""
# More guarded blocks than may be: a quarter of the machine's memory, of which little is touched.
TOO_MANY_GUARDS = r"""
#include <stdlib.h>
#include <unistd.h>
int main(void) {
  size_t bytes = 500000, all = (size_t)sysconf(_SC_PHYS_PAGES) * 4096;
  for (size_t n = all / 4 / bytes + 100; n > 0; --n) if (malloc(bytes) == 0) return 1;
  return 0;
}
"""


class Lane(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.tmp = pathlib.Path(cls.directory.name)

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def compiled(self, source):
        path = self.tmp / self.id().split(".")[-1]
        subprocess.run(["gcc", "-g", "-O0", "-w", "-fno-builtin", "-xc", "-", "-o", path], input=source, text=True, check=True)
        return str(path)

    def run_on(self, command, options="", prefix=()):
        env = {"PATH": "/usr/bin:/bin", "LD_PRELOAD": LIBRARY, "MASU_OPTIONS": options}
        done = subprocess.run([*prefix, *command], capture_output=True, text=True, errors="replace", env=env, timeout=120)
        return done.returncode, done.stdout, done.stderr

    def kinds(self, text):
        return [line.split("MasuSanitizer: ")[1].split(" ")[0] for line in text.splitlines() if "==ERROR: MasuSanitizer" in line]

    def test_stops_at_the_first(self):
        code, out, err = self.run_on([self.compiled(FOUR)])
        self.assertEqual((code, out, self.kinds(err)), (-signal.SIGABRT, "", ["heap-buffer-overflow"]))

    def test_halt_0_says_each_once(self):
        code, out, err = self.run_on([self.compiled(FOUR)], "halt=0")
        self.assertEqual((code, out), (0, "end\n"))
        self.assertEqual(self.kinds(err), ["heap-buffer-overflow", "double-free", "bad-free", "heap-buffer-overflow"])
        self.assertIn("masu: reports: 4", err)

    def test_next_is_the_guard_of_that_side(self):
        sides = re.findall(r"^Next: MASU_OPTIONS=guard=(\w+)", self.run_on([self.compiled(FOUR)], "halt=0:symbolize=0")[2], re.M)
        self.assertEqual(sides, ["all", "left"])

    def test_stacks_that_keep_changing_are_sampled(self):
        program, cut = self.compiled(MANY_WAYS), "cut short by sampling: MASU_OPTIONS=stacks=32"
        _, _, err = self.run_on([program], "halt=0")
        self.assertGreaterEqual(err.count(cut), 7)
        self.assertRegex(err, r"allocated by.*\n( +#\d.*\n){3} +\(" + cut)
        for whole in ("stacks=32", "leaks=1"):
            _, _, err = self.run_on([program], f"halt=0:{whole}")
            self.assertEqual((err.count(cut), err.count("ERROR")), (0, 8), whole)

    def test_json(self):
        path = self.tmp / "report.json"
        self.run_on([self.compiled(FOUR)], f"halt=0:report={path}")
        found = [json.loads(line) for line in path.read_text().splitlines()]
        self.assertEqual([f["kind"] for f in found][:3], ["heap-buffer-overflow", "double-free", "bad-free"])
        self.assertEqual(found[0]["position"], {"bytes": 0, "side": "after"})
        self.assertEqual(found[0]["block"]["size"], 10)
        self.assertTrue(found[1]["freed"] and found[1]["allocated"] and found[1]["stack"][0]["module"])

    def test_suppressed_by_module(self):
        path = self.tmp / "suppressions"
        path.write_text("# known\ntest_suppressed_by_module\n")
        code, out, err = self.run_on([self.compiled(FOUR)], f"suppressions={path}")
        self.assertEqual((code, out, err), (0, "end\n", ""))

    def test_what_cannot_go_on_is_never_suppressed(self):
        path = self.tmp / "suppressions_of_all"
        path.write_text("main\n.so.6\ntest_what_cannot_go_on_is_never_suppressed\n")
        code, _, err = self.run_on([self.compiled(NEGATIVE)], f"suppressions={path}")
        self.assertEqual((code, self.kinds(err)), (-signal.SIGABRT, ["negative-size-param"]))

    def test_without_standard_input(self):
        program, path, known = self.compiled(FOUR), self.tmp / "closed.json", self.tmp / "known"
        self.run_on(["sh", "-c", f"{program} <&-"], f"halt=0:symbolize=0:report={path}")
        self.assertEqual(len(path.read_text().splitlines()), 4)
        known.write_text("nothing\n")
        self.assertEqual(self.run_on(["sh", "-c", "exec <&-; exec cat"], f"suppressions={known}")[0], 1, "cat has no file 0")

    def test_reports_are_counted_where_there_are_some(self):
        self.assertEqual(self.run_on([self.compiled(DLERROR)], "halt=0")[2], "")
        err = self.run_on([self.compiled(LEAK)], "halt=0:leaks=1")[2]
        self.assertEqual(re.findall("^masu: reports: .*", err, re.M), ["masu: reports: 1; the first is the one to look at"])

    def test_reports_come_one_after_the_other(self):
        _, _, err = self.run_on([self.compiled(MANY_AT_FAULT)], "halt=0:symbolize=0")
        whole = re.findall(r"^==\d+==ERROR: MasuSanitizer: bad-free on (?:(?!==ERROR|SUMMARY).*\n)+SUMMARY: MasuSanitizer: bad-free .*$", err, re.M)
        self.assertEqual((len(whole), err.count("ERROR"), err.count("SUMMARY")), (200, 200, 200))

    def test_blocks_without_a_guard_are_counted(self):
        if os.sysconf("SC_PHYS_PAGES") * 4096 > 64 << 30:
            self.skipTest("too many blocks")
        code, _, err = self.run_on([self.compiled(TOO_MANY_GUARDS)], "guard=all")
        self.assertEqual(code, 0)
        self.assertRegex(err, r"^masu: guard: blocks without a guard for want of memory or mappings: [1-9]\d*\n$")
        self.assertEqual(self.run_on([self.compiled(DLERROR)], "guard=all")[2], "")

    def test_break_at(self):
        self.assertEqual(self.run_on([self.compiled(SWEEP)], "break_at=500")[0], -signal.SIGTRAP)

    def test_sweep_finds_what_is_never_freed(self):
        program = self.compiled(SWEEP)
        self.assertEqual(self.run_on([program])[0], 0)  # _Exit: there is no check at the end
        for every in (1, 100):
            code, _, err = self.run_on([program], f"sweep={every}")
            self.assertEqual((code, self.kinds(err)), (-signal.SIGABRT, ["heap-buffer-overflow"]), every)

    def test_a_sweep_leaves_others_alone(self):
        program = self.compiled(MANY_THREADS)
        for options in ("sweep=200:quarantine=0", "sweep=500:guard=all", "sweep=500:guard=left"):
            self.assertEqual(self.run_on([program], options), (0, "", ""), options)

    def test_the_text_of_dlerror_stays(self):
        code, out, err = self.run_on([self.compiled(DLERROR)])
        self.assertEqual((code, err), (0, ""))
        self.assertEqual([line[:8] for line in out.splitlines()], ["/no/such"] * 2)

    def test_leaks(self):
        program = self.compiled(LEAK)
        self.assertEqual(self.run_on([program])[::2], (0, ""))
        code, out, err = self.run_on([program], "leaks=1")
        self.assertEqual((code, out), (23, "end\n"))
        self.assertIn("Direct leak of 77 byte(s) in 1 object(s)", err)

    def test_the_heaps_own_state(self):
        code, _, err = self.run_on([self.compiled(IN_FLIGHT)], "quarantine=0")
        self.assertEqual((code, self.kinds(err)), (-signal.SIGABRT, ["allocator-internal"]))
        self.assertIn("corrupt link in a freed block", err)
        self.assertRegex(err, r"freed by thread T1 .*:\n    #0 0x[0-9a-f]+ in end_all")
        self.assertRegex(err, r"The heap's owners \(this is thread 0x[0-9a-f]+\):\n  owner 1: leased by thread 0x[0-9a-f]+, at work; blocks in bins")
        self.assertRegex(err, r"  owner 2: an orphan; blocks in bins")
        self.assertRegex(err, r"thread T0 .*:\n(    .*\n)*    refills owner 1 0x30\n    drains owner 1 0x[0-9a-f]+\n")

    def test_children_inherit_where_wanted(self):
        program = self.compiled(FOUR)
        for options, there in (("", True), ("inherit=1", True), ("inherit=0", False)):
            out = self.run_on(["sh", "-c", f"echo $LD_PRELOAD; {program}; true"], options + ":symbolize=0")
            self.assertEqual((LIBRARY in out[1], "MasuSanitizer" in out[2]), (there, there), options)

    # Both put their call at the same place, with frames of different sizes.
    def test_a_library_in_the_place_of_another(self):
        for name, room in (("first", 1024), ("second", 8192)):
            code = "void outer(void (*act)(void)) { volatile char room[%d]; room[1] = 1; act(); room[1] = 2; }" % room
            subprocess.run(["gcc", "-O1", "-g", "-fomit-frame-pointer", "-fno-stack-protector", "-fPIC", "-shared", "-xc", "-", "-o",
                            self.tmp / f"{name}.so"], input=code, text=True, check=True)
        code, out, err = self.run_on([self.compiled(IN_PLACE), self.tmp / "first.so", self.tmp / "second.so"])
        self.assertEqual((code, self.kinds(err)), (-signal.SIGABRT, ["double-free"]))
        if out != "same place\n":
            self.skipTest("the loader chose another address")
        for stack in re.findall(r"(?:    #.*\n)+", err)[:3]:
            self.assertRegex(stack, r"#0 .* in twice .*\n    #1 .* in outer .*\n    #2 .* in main ")

    def test_stacks_without_names(self):
        err = self.run_on([self.compiled(FOUR)], "symbolize=0")[2]
        self.assertRegex(err, r"#0 0x[0-9a-f]+ in \?\? \(.*test_stacks_without_names\+0x")

    def test_the_programs_own_handler(self):
        program = self.compiled(HANDLER)
        self.assertEqual(self.run_on([program])[:2], (3, "own 11 0x1000\n"))
        for past in ("0", "5000"):
            code, _, err = self.run_on([program, past])
            self.assertEqual((code, self.kinds(err)), (-signal.SIGABRT, ["heap-buffer-overflow"]))
            self.assertIn(f"{past} bytes after 1048576-byte region", err)

    @unittest.skipUnless(shutil.which("valgrind"), "no valgrind")
    def test_memcheck_sees_the_programs_blocks(self):
        err = self.run_on([self.compiled(MEMCHECK)], prefix=["valgrind", "-q", "--leak-check=full"])[2]
        self.assertIn("0 bytes after a block of size 10 alloc'd", err)
        self.assertIn("2 bytes inside a block of size 10 free'd", err)
        self.assertIn("33 bytes in 1 blocks are definitely lost", err)
        self.assertNotIn("Masu", err)

    @unittest.skipUnless(shutil.which("gdb"), "no gdb")
    def test_gdb(self):
        program = self.compiled(FOUR)
        done = subprocess.run(["gdb", "-batch", "-ex", f"set environment LD_PRELOAD {LIBRARY}", "-ex", "break 8", "-ex", "run",
                               "-ex", f"source {HERE / 'masu_gdb.py'}", "-ex", "masu a + 2", "-ex", "masu-events", program],
                              capture_output=True, text=True, timeout=120, env={"PATH": "/usr/bin:/bin", "MASU_OPTIONS": "halt=0"})
        self.assertRegex(done.stdout, r"is 2 bytes into a 10-byte region \[0x[0-9a-f]+,0x[0-9a-f]+\) freed, in quarantine, from malloc, serial 1")
        self.assertRegex(done.stdout, r"freed by T0:\n    #0 0x[0-9a-f]+ in main")
        self.assertRegex(done.stdout, r"owner: 1, leased by thread 0x[0-9a-f]+\n")
        self.assertRegex(done.stdout, r"T0 last did: free 0x[0-9a-f]+\n")
        self.assertRegex(done.stdout, r"T0:\n(    .*\n)*    refills owner 1 0x20\n(    .*\n)*    free 0x[0-9a-f]+\n")

    @unittest.skipUnless(shutil.which("gdb"), "no gdb")
    def test_gdb_on_a_core(self):
        program, place = self.compiled(CRASH), self.tmp / "core"
        place.mkdir()
        self.run_on(["sh", "-c", f"cd {place}; ulimit -c unlimited; exec {program}"])
        cores = list(place.iterdir())
        if not cores:
            self.skipTest("the kernel leaves no core in the working directory")
        done = subprocess.run(["gdb", "-batch", "-ex", f"source {HERE / 'masu_gdb.py'}", "-ex", "masu block + 2", "-ex", "masu-threads", "-ex",
                               "masu-events", program, cores[0]], capture_output=True, text=True, timeout=120)
        self.assertRegex(done.stdout, r"is 2 bytes into a 10-byte region \[0x[0-9a-f]+,0x[0-9a-f]+\) freed, in quarantine, from malloc, serial 1")
        self.assertRegex(done.stdout, r"allocated:\n    #0 0x[0-9a-f]+ in main .*:5\n(    .*\n)*freed by T0:\n    #0 0x[0-9a-f]+ in main .*:6\n")
        self.assertRegex(done.stdout, r"owner: 1, leased by thread 0x[0-9a-f]+\n")
        self.assertRegex(done.stdout, r"T0 tid \d+: 1 allocations\nT0:\n(    .*\n)*    free 0x[0-9a-f]+\n")


if __name__ == "__main__":
    unittest.main()
