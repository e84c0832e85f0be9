"""What kills mutants: a scratch copy of the sources, the few kinds of build that the lanes need, and the lanes.
Builds are as cheap as they can be (-O1, no AddressSanitizer: the model needs none), so a mutant costs seconds."""
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("CMakeLists.txt", "cmake", "src", "debug", "fuzz", "trace")
CLANG = ("-DCMAKE_CXX_COMPILER=clang++-19", "-DCMAKE_C_COMPILER=clang-19")
TARGETS = ("-DMASU_FUZZ=ON", "-DMASU_TESTS=OFF", "-DMASU_PRODUCTS=OFF")
# -w: a mutant that leaves a variable unused is a mutant all the same. A library is one file to the compiler: a changed header
# costs a fifth of what its files one by one would.
UNITY = ("-DCMAKE_UNITY_BUILD=ON", "-DCMAKE_UNITY_BUILD_BATCH_SIZE=0")
BUILDS = {
    "fuzz": (*CLANG, *TARGETS, "-DCMAKE_CXX_FLAGS=-O1 -w -fsanitize=fuzzer-no-link"),
    "tsan": (*CLANG, *TARGETS, "-DCMAKE_CXX_FLAGS=-O1 -w -g1 -fsanitize=thread,fuzzer-no-link"),
    "unit": (*CLANG, "-DMASU_PRODUCTS=OFF", "-DCMAKE_CXX_FLAGS=-O0 -w -ffunction-sections -fdata-sections",
             "-DCMAKE_EXE_LINKER_FLAGS=-Wl,--gc-sections"),  # a test that needs a part need not define what the rest needs
    "products": ("-DMASU_TESTS=OFF", "-DCMAKE_CXX_FLAGS=-O1 -g -w"),
    "race": (*CLANG, "-DMASU_PRODUCTS=OFF", "-DCMAKE_CXX_FLAGS=-O1 -w -g1 -fsanitize=thread -ffunction-sections -fdata-sections",
             "-DCMAKE_EXE_LINKER_FLAGS=-Wl,--gc-sections"),
}
MODELS = ("seq_model", "sched_model", "sched_weak", "misuse", "sched_tsan")
PLAIN_TARGETS = ("xfer", "size_class", "page_tags")
IDLE_SECONDS = 30   # of wall time without any of the processor's, then a test hangs
TEST_SECONDS = 60   # of the processor's, then it does not end
UNIT_SECONDS = 10   # of wall time for one input; inputs take less than a millisecond


class Stale(Exception):
    """The patch no longer applies."""


class Mutant:
    """A patch file; above its first --- line "key: value" lines and free text."""

    def __init__(self, path):
        self.path = Path(path)
        self.name = self.path.stem
        self.text = self.path.read_text()
        head = re.split(r"^(?:---|diff) ", self.text, maxsplit=1, flags=re.M)[0]
        said = dict(re.findall(r"^(class|lane): (.+)$", head, re.M))
        if set(said) != {"class", "lane"}:
            raise SystemExit(f"{path}: needs a class: and a lane: line above the patch")
        self.mutant_class = said["class"].strip()
        self.lanes = [lane.strip() for lane in said["lane"].split(",")]
        self.files = re.findall(r"^\+\+\+ b/(\S+)", self.text, re.M)


class Tree:
    """A copy of the sources that mutants are applied to, and its builds."""

    def __init__(self, folder):
        self.folder = Path(folder).resolve()
        self.sources = self.folder / "sources"
        self.builds = self.folder / "builds"
        self.builds.mkdir(parents=True, exist_ok=True)
        self._copy()

    def _copy(self):
        """Brings the copy up to date; files that are the same keep their times, so that nothing is built again."""
        wanted = set()
        for name in COPIED:
            top = ROOT / name
            for file in [top] if top.is_file() else top.rglob("*"):
                if file.is_file() and "__pycache__" not in file.parts:
                    to = self.sources / file.relative_to(ROOT)
                    wanted.add(to)
                    content = file.read_bytes()
                    if not to.exists() or to.read_bytes() != content:
                        to.parent.mkdir(parents=True, exist_ok=True)
                        to.write_bytes(content)
        for file in self.sources.rglob("*"):
            if file.is_file() and file not in wanted:
                file.unlink()

    def apply(self, mutant, check=False):
        """Applies the patch; what undoes it is returned. Not inside the repository that the copy may lie in."""
        kept = {f: (self.sources / f).read_bytes() for f in mutant.files if (self.sources / f).is_file()}
        env = {**os.environ, "GIT_CEILING_DIRECTORIES": str(self.sources.parent)}
        if mutant.files:
            done = subprocess.run(["git", "apply", "-C1", *(["--check"] if check else [])], input=mutant.text,
                                  cwd=self.sources, env=env, capture_output=True, text=True)
            if done.returncode != 0:
                raise Stale(done.stderr.strip())
        return kept

    def undo(self, kept):
        for file, content in kept.items():
            (self.sources / file).write_bytes(content)

    def build(self, kind, target):
        """The compiler's complaint, or None."""
        folder = self.builds / kind
        if not (folder / "build.ninja").exists():
            done = _quiet(["cmake", "-G", "Ninja", "-S", self.sources, "-B", folder, f"-DMASU_PRESET={kind}", *UNITY, *BUILDS[kind]])
            if done.returncode != 0:
                raise SystemExit(f"cmake cannot configure {kind}:\n{done.stdout}")
        done = _quiet(["ninja", "-j1", "-C", folder, *target.split()], {"CCACHE_BASEDIR": str(self.sources), "CCACHE_NOHASHDIR": "1"})
        return None if done.returncode == 0 else done.stdout

    def run(self, lane, budget):
        """Builds and runs one lane, with `budget` seconds of fuzzing. (how it was killed or None, seconds, why)"""
        kind, target, command = self._lane(lane, budget)
        complaint = self.build(kind, target)
        if complaint is not None:
            return "compiler", 0.0, complaint[-2000:]
        with tempfile.TemporaryDirectory() as scratch:
            return _judge(command(self.builds / kind, scratch), scratch, budget if lane in (*MODELS, *PLAIN_TARGETS) else None)

    def _lane(self, lane, budget):
        name, _, argument = lane.partition(":")
        if name in MODELS or name in PLAIN_TARGETS:
            kind = "tsan" if name == "sched_tsan" else "fuzz"
            inputs = "sched_model" if name == "sched_tsan" else name
            folders = [ROOT / top / inputs for top in ("corpus", "regress/fuzz") if (ROOT / top / inputs).is_dir()]
            fuzz = ["-seed=1", f"-timeout={UNIT_SECONDS}", *(["-runs=0"] if budget == 0 else [])]
            return kind, name, lambda build, scratch: [build / "fuzz" / name, *fuzz, f"-artifact_prefix={scratch}/",
                                                       _made(scratch, "new"), *folders]
        if name.endswith("_test") and argument == "race":
            return "race", name, lambda build, _: [build / "tests" / name, "--gtest_brief=1"]
        if name.endswith("_test"):
            only = [f"--gtest_filter={argument}"] if argument else []
            return "unit", name, lambda build, _: [build / "tests" / name, "--gtest_brief=1", *only]
        if name == "faulty":
            return "products", "masu-debug masu-symbolize", lambda build, scratch: [
                ROOT / "regress/faulty/run", "--lib", build / "libmasu-debug.so", "--match", argument, "--jobs", "1"]
        if name == "debug_lane":
            return "products", "masu-debug masu-symbolize", lambda build, _: [sys.executable, ROOT / "debug/lane_test.py", build / "libmasu-debug.so", "--failfast"]
        raise SystemExit(f"no lane is called {lane}")


def _made(scratch, name):
    folder = Path(scratch) / name
    folder.mkdir()
    return folder


def _quiet(command, env=None):
    return subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", env={**os.environ, **(env or {})})


def _judge(command, scratch, budget):
    """Runs a lane to its end. Seconds are of the processor: the machine may have other work."""
    def limits():
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_CPU, (budget or TEST_SECONDS, (budget or TEST_SECONDS) + 5))

    command = [str(c) for c in command]
    log = Path(scratch) / "log"
    with log.open("wb") as out:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, preexec_fn=limits,
                                 env={**os.environ, "TSAN_OPTIONS": "halt_on_error=1:symbolize=0", "UBSAN_OPTIONS": "symbolize=0"})
    spent, since, look = None, time.monotonic(), time.monotonic() + 1
    while True:
        done, status, usage = os.wait4(child.pid, os.WNOHANG)
        if done:
            break
        if time.monotonic() > look:
            look += 1
            if spent != (spent := _ticks(child.pid)):
                since = time.monotonic()
            if time.monotonic() - since > IDLE_SECONDS:
                os.killpg(child.pid, signal.SIGKILL)
        time.sleep(0.05)
    child.returncode = os.waitstatus_to_exitcode(status)
    seconds = usage.ru_utime + usage.ru_stime
    text = log.read_text(errors="replace")
    over = child.returncode == -signal.SIGXCPU
    if child.returncode == 0 or (over and budget is not None):
        return None, seconds, ""
    fuzzed = budget is not None and re.search(r"\bINITED\b", text)
    how = "fuzzing" if fuzzed else "corpus" if budget is not None else "test"
    return how, seconds, "hangs" if over or child.returncode == -signal.SIGKILL else _why(text, child.returncode)


def _ticks(group):
    """Processor time of a process group so far; changes while anything in it works."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group:
            ticks += sum(map(int, fields[11:15]))
    return ticks


def _why(text, code):
    """The line that says most."""
    for pattern in (r"MasuSanitizer: .*\n\s*(.+)", r"(ERROR: .+)", r"(WARNING: ThreadSanitizer: .+)", r"(\S+:\d+: Failure\n.+)",
                    r"(\[  FAILED  \] .+)", r"((?:FAIL|ERROR): .+)", r"(masu-debug: .+)", r"(SUMMARY: .+)", r"(masu: .+)"):
        found = re.search(pattern, text)
        if found:
            return " ".join(found.group(1).split())[:200]
    return f"status {code}: " + " ".join(text.split())[-160:]
