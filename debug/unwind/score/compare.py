# Runs inside gdb (see score.py): at each sample, compares the sampler's stack with gdb's own, frame by frame.
# A frame is right if gdb has the same address at the same depth. gdb has no unwinder for code made at run time
# and then takes data for frames: stacks in which it names an address that is not code count as astray, and
# nothing else is counted of them. Appends one line to $SCORE_OUT.
import os
import sys

import gdb

LIMIT = int(os.environ.get("SCORE_SAMPLES", "200"))
DEPTH = 256


def gdb_sites(frame, exact):
    """Addresses inside the calling instructions, innermost first, like Frame::site."""
    sites = []
    while frame is not None and len(sites) < DEPTH:
        if frame.type() == gdb.SIGTRAMP_FRAME:
            sites.append(frame.pc() - 1)
            exact = True
        elif frame.type() not in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME):  # neither is on the stack
            sites.append(frame.pc() if exact else frame.pc() - 1)
            exact = False
        frame = frame.older()
    return sites


def gdb_stack():
    """From the caller of the sampler's malloc, or from where the signal interrupted."""
    frame = gdb.newest_frame()
    while frame.name() != "malloc" and frame.type() != gdb.SIGTRAMP_FRAME:
        frame = frame.older()
    return gdb_sites(frame.older(), frame.type() == gdb.SIGTRAMP_FRAME)


def our_sites():
    start = int(gdb.parse_and_eval("$rdi"))
    count = int(gdb.parse_and_eval("$rsi"))
    data = gdb.selected_inferior().read_memory(start, 8 * count).tobytes()
    return [int.from_bytes(data[8 * i : 8 * i + 8], "little") for i in range(count)]


def code_ranges():
    ranges = []
    with open(f"/proc/{gdb.selected_inferior().pid}/maps") as maps:
        for line in maps:
            span, rights = line.split()[:2]
            if "x" in rights:
                ranges.append([int(end, 16) for end in span.split("-")])
    return ranges


def is_astray(sites):
    ranges = code_ranges()
    return not all(any(low <= site < high for low, high in ranges) for site in sites)


class Sample(gdb.Breakpoint):
    stacks = expected = right = whole = extra = astray = 0

    def stop(self):
        ours, theirs = our_sites(), gdb_stack()
        self.stacks += 1
        if is_astray(theirs):
            self.astray += 1
            return self.stacks >= LIMIT
        self.expected += len(theirs)
        same = sum(1 for a, b in zip(ours, theirs) if a == b)
        self.right += same
        self.extra += max(0, len(ours) - len(theirs))
        self.whole += ours == theirs
        if ours != theirs and "SCORE_VERBOSE" in os.environ:
            print("OURS  ", [hex(a) for a in ours])
            print("THEIRS", [hex(a) for a in theirs])
            print(gdb.execute("bt", to_string=True))
        return self.stacks >= LIMIT


gdb.execute("set pagination off")
gdb.execute("set confirm off")
gdb.execute("set backtrace past-main on")
gdb.execute("set backtrace past-entry on")
gdb.execute("set breakpoint pending on")
gdb.execute("set debuginfod enabled off")
gdb.execute("handle SIGCHLD SIGPIPE SIGPROF nostop noprint pass")
gdb.execute("set exec-wrapper env LD_PRELOAD=" + os.environ["SCORE_PRELOAD"])
sample = Sample("unwind_sample")
gdb.execute("run")
if gdb.selected_inferior().pid:
    gdb.execute("kill")
with open(os.environ["SCORE_OUT"], "a") as out:
    print(
        os.environ["SCORE_NAME"], sample.stacks, sample.expected, sample.right, sample.extra, sample.whole,
        sample.astray,
        sep="\t", file=out,
    )
sys.stdout.flush()
