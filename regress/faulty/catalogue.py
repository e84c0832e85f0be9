"""The catalogue's programs: finds them, reads their headers, compiles both forms of each."""
import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
KEYS = {"kind", "access", "position", "lies", "leak", "allocated", "freed", "threads", "faulted", "found",
        "options", "build", "missed-by"}
REQUIRED = {"kind", "access", "found"}
MECHANISMS = {"free-check", "realloc-check", "exit-sweep", "quarantine-exit", "checked-function", "guard",
              "argument-check", "leak-scan"}
BUILDS = {
    "": ["-O0", "-g", "-fno-builtin"],
    "c23": ["-O0", "-g", "-fno-builtin"],
    # Out-of-line, unmerged functions, but the compiler's own choice of memcpy or __memcpy_chk.
    "fortify": ["-O1", "-g", "-D_FORTIFY_SOURCE=2", "-fno-inline", "-fno-optimize-sibling-calls",
                "-fno-omit-frame-pointer"],
}
POSITION = re.compile(r"(\d+) bytes? (past|before|into) an? (\d+)-byte block$")
LEAK = re.compile(r"(direct|indirect|total) (\d+) bytes in (\d+)$")


@dataclass
class Program:
    """One program and what a perfect tool says about its faulty form."""
    path: Path
    family: str
    name: str
    kind: str = ""
    access: list = field(default_factory=list)      # [(verb, size or None)], any of them
    position: tuple = None                          # (distance, side, block size)
    lies: str = ""                                  # where an address outside the heap lies
    leak: dict = field(default_factory=dict)        # {"direct": (bytes, blocks)}
    allocated: list = field(default_factory=list)   # functions in this order in the stack, others may lie between
    freed: list = field(default_factory=list)
    threads: dict = field(default_factory=dict)     # {"allocated": "main" | "other"}
    faulted: list = field(default_factory=list)     # stack of the bad act itself
    mechanism: str = ""
    found: list = field(default_factory=list)       # stack of the default lane's report, [] where none is promised
    options: str = ""
    build: str = ""
    missed_by: set = field(default_factory=set)

    @property
    def id(self):
        return f"{self.family}/{self.name}"


def fail(path, why):
    raise SystemExit(f"{path}: {why}")


def parse_access(path, text):
    out = []
    for part in text.split("|"):
        words = part.split()
        if not words or len(words) > 2:
            fail(path, f"access '{text}': expected VERB [SIZE], alternatives separated by |")
        out.append((words[0], int(words[1]) if len(words) == 2 else None))
    return out


def parse(path):
    raw = {}
    for line in path.read_text().splitlines():
        if not line.startswith("//! "):
            break
        key, _, value = line[4:].partition(":")
        if key not in KEYS or key in raw:
            fail(path, f"header key '{key}' is unknown or repeated; allowed: {', '.join(sorted(KEYS))}")
        raw[key] = value.strip()
    if REQUIRED - raw.keys():
        fail(path, f"header lacks {', '.join(sorted(REQUIRED - raw.keys()))}")
    program = Program(path, path.parent.name, path.stem, kind=raw["kind"], access=parse_access(path, raw["access"]))
    if "position" in raw:
        match = POSITION.match(raw["position"]) or fail(path, f"position '{raw['position']}' is not 'N bytes past|before|into a M-byte block'")
        program.position = (int(match[1]), match[2], int(match[3]))
    for part in filter(None, raw.get("leak", "").split(";")):
        match = LEAK.match(part.strip()) or fail(path, f"leak '{part}' is not 'direct|indirect|total N bytes in M'")
        program.leak[match[1]] = (int(match[2]), int(match[3]))
    mechanism, _, where = raw["found"].partition(" in ")
    if mechanism not in MECHANISMS:
        fail(path, f"found '{mechanism}' is not one of {', '.join(sorted(MECHANISMS))}")
    program.mechanism = mechanism
    program.faulted = raw.get("faulted", "").split()
    late = mechanism in ("exit-sweep", "quarantine-exit", "leak-scan")
    program.found = where.split() if where else ([] if late else program.faulted)
    program.allocated = raw.get("allocated", "").split()
    program.freed = raw.get("freed", "").split()
    program.threads = dict(part.split("=") for part in raw.get("threads", "").split())
    program.lies = raw.get("lies", "")
    program.options = raw.get("options", "")
    program.build = raw.get("build", "")
    if program.build not in BUILDS:
        fail(path, f"build '{program.build}' is not one of {', '.join(filter(None, BUILDS))}")
    program.missed_by = set(raw.get("missed-by", "").split())
    return program


def load(families=(), match=""):
    known = sorted({p.parent.name for p in HERE.glob("*/*.c*")})
    for family in families:
        if family not in known:
            raise SystemExit(f"no family '{family}'; there are {', '.join(known)}")
    paths = sorted(p for p in HERE.glob("*/*.c*") if p.suffix in (".c", ".cc"))
    programs = [parse(p) for p in paths if not families or p.parent.name in families]
    return [p for p in programs if re.search(match, p.id)]


def compile_program(program, faulty, build_dir, extra=()):
    """Compiles one form and returns its path; does nothing when it is newer than its sources."""
    flavour = "asan" if extra else "plain"
    out = Path(build_dir) / flavour / program.family / (program.name + ("" if faulty else ".twin"))
    newest = max(p.stat().st_mtime for p in (program.path, HERE / "faulty.h", Path(__file__)))
    if out.exists() and out.stat().st_mtime > newest:
        return out
    out.parent.mkdir(parents=True, exist_ok=True)
    cxx = program.path.suffix == ".cc"
    compiler = os.environ.get("CXX" if cxx else "CC", "g++" if cxx else "gcc").split()
    fresh = out.with_name(f"{out.name}.{os.getpid()}")  # two runs may compile the same program at once
    command = [*compiler, "-std=c++20" if cxx else "-std=gnu11", "-w", *BUILDS[program.build], *extra,
               f"-DFAULTY={int(faulty)}", str(program.path), "-o", str(fresh), "-pthread"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        fail(program.path, "does not compile: " + done.stderr)
    fresh.rename(out)
    return out
