"""What can be compared: glibc, a library, NAME=LIBRARY, or a git revision, which is built in a temporary work tree."""
import glob
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIBRARIES = "/usr/lib/x86_64-linux-gnu"
# Peers that Debian packages: package, name, where it puts its library.
PEERS = (
    ("libmimalloc2.0", "mimalloc", f"{LIBRARIES}/libmimalloc.so.2"),
    ("libjemalloc2", "jemalloc", f"{LIBRARIES}/libjemalloc.so.2"),
    ("libtcmalloc-minimal4", "tcmalloc", f"{LIBRARIES}/libtcmalloc_minimal.so.4"),
    ("libclang-rt-19-dev", "scudo", "/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.scudo_standalone-x86_64.so"),
)


@dataclass(frozen=True)
class Candidate:
    name: str
    library: str  # "" is the system's own malloc

    def identity(self):
        if not self.library:
            return "system"
        with open(self.library, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()[:16]


def own_library(build="release"):
    return os.path.join(ROOT, "build", build, "libmasu.so")


def installed_peers():
    found = [Candidate("glibc", "")]
    for _, name, pattern in PEERS:
        paths = sorted(glob.glob(pattern))
        if paths:
            found.append(Candidate(name, os.path.realpath(paths[-1])))
    return found


def missing_packages():
    return [package for package, _, pattern in PEERS if not glob.glob(pattern)]


def _stem(path):
    name = re.sub(r"^lib|\.so.*$", "", os.path.basename(path))
    return re.sub(r"[^A-Za-z0-9_.-]", "_", name)


def _is_revision(text):
    if text.startswith("-"):
        return False
    command = ["git", "-C", ROOT, "rev-parse", "--verify", "--quiet", f"{text}^{{commit}}"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def build_revision(revision, out_dir, say):
    """libmasu.so of one git revision, kept in out_dir under the commit's name. Raises ValueError when it does not build."""
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short=12", f"{revision}^{{commit}}"], capture_output=True, text=True, check=True).stdout.strip()
    library = os.path.join(out_dir, "libraries", commit, "libmasu.so")
    if os.path.exists(library):
        return library
    say(f"building {revision} ({commit})")
    tree = tempfile.mkdtemp(prefix="masu-revision-")
    git = ["git", "-C", ROOT, "worktree"]
    try:
        subprocess.run([*git, "add", "--detach", "--force", tree, commit], capture_output=True, check=True)
        configure = ["cmake", "-S", tree, "-B", f"{tree}/build", "-G", "Ninja", "-DCMAKE_CXX_FLAGS=-O2 -g", "-DMASU_TESTS=OFF"]
        for command in (configure, ["cmake", "--build", f"{tree}/build", "--target", "libmasu.so"]):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise ValueError(f"revision {revision} does not build: {' '.join(command)}\n{(done.stdout + done.stderr)[-3000:]}")
        os.makedirs(os.path.dirname(library), exist_ok=True)
        shutil.copy(f"{tree}/build/libmasu.so", library)
    finally:
        subprocess.run([*git, "remove", "--force", tree], capture_output=True, check=False)
        shutil.rmtree(tree, ignore_errors=True)
    return library


def resolve(spec, out_dir, say):
    """A Candidate for glibc, PATH, REVISION, NAME=PATH or NAME=REVISION. Raises ValueError saying what is allowed."""
    name, equals, what = spec.partition("=")
    if not equals:
        name, what = "", spec
    elif not re.fullmatch(r"[A-Za-z0-9_.-]+", name):
        raise ValueError(f"candidate name '{name}' is not allowed; allowed: letters, digits, '_', '.' and '-'")
    if what == "glibc":
        return Candidate(name or "glibc", "")
    if os.path.isfile(what):
        return Candidate(name or _stem(what), os.path.abspath(what))
    for peer in installed_peers():
        if peer.name == what:
            return Candidate(name or peer.name, peer.library)
    if _is_revision(what):
        return Candidate(name or re.sub(r"[^A-Za-z0-9_.-]", "_", what), build_revision(what, out_dir, say))
    allowed = "glibc, the path of a library, a git revision, NAME=one of these, or an installed peer: "
    raise ValueError(f"candidate '{spec}' is not known; allowed: {allowed}{', '.join(p.name for p in installed_peers())}")
