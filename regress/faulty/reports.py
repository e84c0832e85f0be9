"""Reads what a tool said: sanitizer-style text (masu's debug lane, AddressSanitizer) and memcheck's XML."""
import re
import subprocess
import xml.etree.ElementTree as xml
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Report:
    """What was found, in the terms of a program's header; None or empty where the tool does not say."""
    kind: str = ""
    summary: str = ""
    access: tuple = None
    position: tuple = None
    leaks: dict = field(default_factory=dict)
    detected: list = field(default_factory=list)
    allocated: list = field(default_factory=list)
    freed: list = field(default_factory=list)
    threads: dict = field(default_factory=dict)
    text: str = ""
    count: int = 1


ERROR = re.compile(r"^==\d+==\s*ERROR: (\w+Sanitizer): (?:attempting )?(.*)$")
SUMMARY = re.compile(r"^SUMMARY: \w+Sanitizer: (.*)$")
ACCESS = re.compile(r"^(READ|WRITE) of size (\d+) at 0x")
FRAME = re.compile(r"^\s*#(\d+) 0x([0-9a-f]+)\s*(?:in (.+?))?\s*(\([^()]*\+0x[0-9a-f]+\).*|\S+:\d+(?::\d+)?|\S+)?$")
MODULE = re.compile(r"\(([^()]+)\+0x([0-9a-f]+)\)")
LIES = re.compile(r"(\d+) bytes? (inside of|into|to the right of|after|past|to the left of|before) an? ?(\d+)-byte"
                  r"|(\d+) bytes? (inside of|to the right of|after|to the left of|before) (\d+)-byte")
LEAK = re.compile(r"^(Direct|Indirect) leak of (\d+) byte\(s\) in (\d+) object\(s\)")
SIDES = {"inside of": "into", "into": "into", "to the right of": "past", "after": "past", "past": "past",
         "to the left of": "before", "before": "before"}
THREAD = re.compile(r"\b(freed|allocated) by (?:thread )?T?(\d+)", re.I)


def function_name(text):
    """Owner::~Owner() [clone .cold] -> ~Owner"""
    text = re.sub(r"\[.*?\]|\(.*|<.*", "", text or "").strip()
    return text.split("::")[-1].split(" ")[-1]


def symbolized(line):
    """Asks addr2line for a frame that carries only its module and offset."""
    module = MODULE.search(line)
    if not module:
        return []
    done = subprocess.run(["addr2line", "-f", "-i", "-C", "-e", module[1], "0x" + module[2]], capture_output=True, text=True)
    return [function_name(name) for name in done.stdout.splitlines()[::2] if name != "??"]


def sanitizer(text):
    """None when the text holds no report."""
    report, stack = None, None
    for line in text.splitlines():
        if match := ERROR.match(line):
            if report:
                report.count += 1
                continue
            report, stack = Report(text=text, kind=match[2].split(" ")[0].rstrip(":")), None
            if match[2].startswith("detected memory leaks"):
                report.kind = "memory-leak"
            stack = report.detected
        elif report is None:
            continue
        elif match := FRAME.match(line):
            if stack is not None:
                name = function_name(match[3])
                stack.extend([name] if name and name != "??" else symbolized(line))
        elif match := SUMMARY.match(line):
            report.summary, stack = match[1], None
            if "AddressSanitizer" in line and report.kind != "memory-leak":
                report.kind = match[1].split(" ")[0]  # its error line puts some kinds into prose
        elif match := LEAK.match(line):
            kind = match[1].lower()
            size, blocks = report.leaks.get(kind, (0, 0))
            report.leaks[kind] = (size + int(match[2]), blocks + int(match[3]))
            stack = report.allocated if not report.allocated else None
            read_thread(report, line)
        else:
            stack = read_context(report, line, stack)
    return report


def read_context(report, line, stack):
    if match := ACCESS.match(line):
        report.access = (match[1].lower(), int(match[2]))
    if (match := LIES.search(line)) and report.position is None:
        number, side, size = [g for g in match.groups() if g]
        report.position = (int(number), SIDES[side], int(size))
    read_thread(report, line)
    if re.search(r"\bfreed by\b", line, re.I):
        return report.freed if not report.freed else None
    if re.search(r"\ballocated (by|from|at|here)\b", line, re.I):
        return report.allocated if not report.allocated else None
    return None if line.startswith("Thread ") else stack


def read_thread(report, line):
    if match := THREAD.search(line):
        report.threads.setdefault(match[1].lower(), "main" if match[2] == "0" else "other")


MEMCHECK_KINDS = {"InvalidFree": "invalid-free", "MismatchedFree": "alloc-dealloc-mismatch", "InvalidRead": "read",
                  "InvalidWrite": "write", "Leak_DefinitelyLost": "memory-leak", "Leak_IndirectlyLost": "memory-leak",
                  "FishyValue": "fishy-value", "SyscallParam": "syscall", "Overlap": "overlap", "InvalidSize": "fishy-value"}
AUX = re.compile(r"Address 0x[0-9a-f]+ is ([\d,]+) bytes? (inside|after|before) a (?:recently re-allocated )?block of size ([\d,]+) (alloc|free)'d")


def memcheck(path):
    """The first error of memcheck's XML, in the same terms; None when there is none."""
    try:
        text = Path(path).read_text()
        if "</valgrindoutput>" not in text:  # memcheck itself may die of the damage; what it said before counts
            text = text[:text.rfind("</error>") + len("</error>")] + "</valgrindoutput>"
        root = xml.fromstring(text)
    except (xml.ParseError, FileNotFoundError):
        return None
    errors = [e for e in root.iter("error") if e.findtext("kind") in MEMCHECK_KINDS]
    if not errors:
        return None
    first, report = errors[0], Report(count=len(errors))
    what = MEMCHECK_KINDS[first.findtext("kind")]
    report.text = xml.tostring(root, encoding="unicode")
    aux = " ".join(e.text or "" for e in first.iter("auxwhat"))
    stacks = [[function_name(f.findtext("fn")) for f in s.iter("frame")] for s in first.iter("stack")]
    report.detected = stacks[0] if stacks else []
    match = AUX.search(aux)
    freed = bool(match) and match[4] == "free"
    if match:
        side = {"inside": "into", "after": "past", "before": "before"}[match[2]]
        report.position = (int(match[1].replace(",", "")), side, int(match[3].replace(",", "")))
        report.freed = stacks[1] if freed and len(stacks) > 1 else []
        report.allocated = stacks[-1] if len(stacks) > 1 else []
    if what in ("read", "write", "syscall"):
        report.kind = "heap-use-after-free" if freed else "heap-buffer-overflow"
        size = re.search(r"of size (\d+)", first.findtext("what") or "")
        report.access = (what, int(size[1])) if size else None
    elif what == "invalid-free":
        at_start = report.position and (report.position[:2] == (0, "into") or report.position == (0, "past", 0))
        report.kind = "double-free" if freed and at_start else "bad-free"
    else:
        report.kind = what
    if what == "memory-leak":
        report.allocated = report.detected
        for error in errors:
            kind = {"Leak_DefinitelyLost": "direct", "Leak_IndirectlyLost": "indirect"}.get(error.findtext("kind"))
            if not kind:
                continue
            size, blocks = report.leaks.get(kind, (0, 0))
            indirect = int(error.findtext("xwhat/leakedbytes")), int(error.findtext("xwhat/leakedblocks"))
            report.leaks[kind] = (size + indirect[0], blocks + indirect[1])
    return report
