"""Runs fuzz/executor on a preloaded allocator; what fuzz/peers and fuzz/minimize_trace share."""
import os
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[1]
EXECUTOR = ROOT / "build/release/fuzz/executor"
MASU = ROOT / "build/release/masu"


class Allocator:
    """A malloc by the path of its library; `glibc` alone stands for none."""

    def __init__(self, text):
        self.name, equals, path = text.partition("=")
        if not equals:
            self.name, path = (text, "") if text == "glibc" else (pathlib.Path(text).stem, text)
        self.library = str(pathlib.Path(path).resolve()) if path else ""
        if self.library and not pathlib.Path(self.library).is_file():
            raise ValueError(f"{self.name}: there is no library {path}")
        done = subprocess.run(["true"], env=self.environment(), stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0 or "cannot be preloaded" in done.stderr:
            raise ValueError(f"{self.name}: {path} cannot be preloaded: {done.stderr.strip() or f'`true` ends with {done.returncode}'}")

    def environment(self):
        return {**os.environ, "LD_PRELOAD": self.library}


def run(allocator, *arguments, seconds=20):
    """All that the executor says, and how long it may take: a limit for each trace."""
    return subprocess.run([EXECUTOR, "--seconds", str(seconds), *map(str, arguments)], env=allocator.environment(), capture_output=True, text=True, errors="replace", check=False).stdout


def findings(said):
    """What was found, without the operation that showed it."""
    return [re.sub(r" \((operation|went) .*", "", line) for line in re.findall(r"^found: (.*)", said, re.M)]


def require_tools():
    for tool in (EXECUTOR, MASU):
        if not tool.exists():
            raise ValueError(f"there is no {tool.relative_to(ROOT)}; run: ./masu build")
