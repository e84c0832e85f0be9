"""Figures out of raw rows, and the verdict. Medians throughout; runs that were lost are counted, never averaged in."""
import math
import statistics
from collections import defaultdict
from dataclasses import dataclass, field

from .runs import parse_pairs

FIGURES = ("time", "cpu", "user", "sys", "wall", "rss_kib", "faults", "voluntary_switches")


@dataclass
class Cell:
    """One candidate on one lane."""
    runs: dict = field(default_factory=dict)  # run number -> row, only runs that ended well
    lost: list = field(default_factory=list)  # (run number, status)

    def value(self, run, figure):
        row = self.runs[run]
        if figure == "cpu":
            return float(row["user"]) + float(row["sys"])
        return float(row[figure]) if row[figure] else None

    def values(self, figure):
        return [value for value in (self.value(run, figure) for run in self.runs) if value is not None]

    def median(self, figure):
        values = self.values(figure)
        return statistics.median(values) if values else None

    def counters(self):
        names = defaultdict(list)
        for row in self.runs.values():
            for name, value in parse_pairs(row["counters"]).items():
                names[name].append(value)
        return {name: statistics.median(values) for name, values in names.items()}


@dataclass
class Comparison:
    """A candidate against the baseline on one lane. ratio = candidate / baseline; gain = percent of speed won."""
    lane: str
    candidate: str
    ratio: float | None
    low: float | None  # of the run-by-run ratios, at least 90 % sure where there are enough runs
    high: float | None
    rss_ratio: float | None
    lost: list
    base_lost: list

    @property
    def gain(self):
        return None if self.ratio is None else (1 / self.ratio - 1) * 100


def cells(rows):
    table = defaultdict(Cell)
    for row in rows:
        cell = table[row["lane"], row["candidate"]]
        if row["status"] == "ok":
            cell.runs[int(row["run"])] = row
        else:
            cell.lost.append((int(row["run"]), row["status"]))
    return table


def interval(values):
    """Order statistics around the median that cover it with 90 % (all of the range where runs are too few)."""
    ordered, n, drop = sorted(values), len(values), 0
    while 2 * sum(math.comb(n, i) for i in range(drop + 2)) / 2**n <= 0.1:
        drop += 1
    return ordered[drop], ordered[n - 1 - drop]


def quotient(above, below):
    return above / below if above is not None and below else None


def compare(table, lane, base, candidate, by="time"):
    b, c = table[lane, base], table[lane, candidate]
    paired = [c.value(run, by) / b.value(run, by) for run in c.runs if run in b.runs and b.value(run, by) > 0]
    low, high = interval(paired) if paired else (None, None)
    return Comparison(lane, candidate, quotient(c.median(by), b.median(by)), low, high,
                      quotient(c.median("rss_kib"), b.median("rss_kib")), c.lost, b.lost)


def geometric_mean(values):
    values = [v for v in values if v]
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


@dataclass
class Rules:
    targets: dict = field(default_factory=dict)  # lane -> percent of speed it must win
    floor: float | None = None  # for every lane, instead of its own
    rss_limit: float = 10.0  # percent by which no lane's peak RSS may grow
    counters: dict = field(default_factory=dict)  # name -> "up" or "down"
    by: str = "time"  # what is judged: wall time, or "cpu" (user + system)


def judge(lanes, comparisons, rules, base_counters, counters):
    """(GO?, reasons against, remarks) for one candidate; comparisons and lanes go in step."""
    against, remarks = [], []
    for lane, c in zip(lanes, comparisons):
        if c.lost:
            against.append(f"{lane.name}: {len(c.lost)} run(s) lost ({c.lost[0][1]})")
        if c.base_lost:
            remarks.append(f"{lane.name}: the baseline lost {len(c.base_lost)} run(s) ({c.base_lost[0][1]})")
        if c.ratio is None:
            if not c.lost:
                remarks.append(f"{lane.name}: no comparison, the baseline has no good run")
            continue
        wanted = rules.targets.get(lane.name, rules.floor if rules.floor is not None else lane.floor)
        kind = "target" if lane.name in rules.targets else "floor"
        if c.gain < wanted:
            doubt = (1 / c.low - 1) * 100 >= wanted
            against.append(f"{lane.name}: {c.gain:+.1f} % against a {kind} of {wanted:+.1f} %" + (" (within its spread: repeat with more runs)" if doubt else ""))
        if c.rss_ratio and (c.rss_ratio - 1) * 100 > rules.rss_limit:
            against.append(f"{lane.name}: peak RSS {(c.rss_ratio - 1) * 100:+.1f} %, limit {rules.rss_limit:+.1f} %")
    for name, direction in rules.counters.items():
        before, after = base_counters.get(name), counters.get(name)
        if before is None or after is None:
            against.append(f"counter {name}: not printed by {'the baseline' if before is None else 'the candidate'}")
        elif not (after > before if direction == "up" else after < before):
            against.append(f"counter {name}: {before:g} -> {after:g}, should go {direction}")
        else:
            remarks.append(f"counter {name}: {before:g} -> {after:g}, {direction} as said")
    return not against, against, remarks


def total_counters(table, lanes, candidate):
    """Medians per lane, added over the lanes."""
    total = defaultdict(float)
    for lane in lanes:
        for name, value in table[lane.name, candidate].counters().items():
            total[name] += value
    return total
