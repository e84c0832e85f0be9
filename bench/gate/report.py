"""summary.tsv and REPORT.md (with its pictures) of one comparison."""
import os

from . import judge as j
from . import pictures

SUMMARY = ("lane", "candidate", "runs", "lost", "time", "ratio", "ratio_low", "ratio_high", "gain_percent", "cpu", "user", "sys", "wall",
           "rss_kib", "rss_ratio", "faults", "voluntary_switches")


def _number(value, form="{:.6g}"):
    return "" if value is None else form.format(value)


def write_summary(path, lanes, names, table, comparisons):
    with open(path, "w") as file:
        file.write("\t".join(SUMMARY) + "\n")
        for lane in lanes:
            for name in names:
                cell, c = table[lane.name, name], comparisons[lane.name, name]
                medians = {figure: _number(cell.median(figure)) for figure in j.FIGURES}
                values = {**medians, "lane": lane.name, "candidate": name, "runs": str(len(cell.runs)), "lost": str(len(cell.lost)), "ratio": _number(c.ratio),
                          "ratio_low": _number(c.low), "ratio_high": _number(c.high), "gain_percent": _number(c.gain, "{:.2f}"), "rss_ratio": _number(c.rss_ratio)}
                file.write("\t".join(values[column] for column in SUMMARY) + "\n")


def _table(header, rows):
    return ["| " + " | ".join(header) + " |", "|" + "---|" * len(header), *("| " + " | ".join(row) + " |" for row in rows)]


def _mean_rows(lanes, names, comparisons):
    """Geometric means over the lanes that both sides finished; micro lanes apart, they are not workloads."""
    for title, some in (("workloads", [l for l in lanes if "micro" not in l.groups]), ("micro", [l for l in lanes if "micro" in l.groups])):
        for what, attribute in (("time", "ratio"), ("peak RSS", "rss_ratio")):
            if some and not (title == "micro" and what == "peak RSS"):
                means = [j.geometric_mean([getattr(comparisons[l.name, n], attribute) for l in some]) for n in names]
                yield [f"**{what}, {title}**", "", *(_number(m, "**{:.3f}**") for m in means)]


def _ratio_rows(lanes, base, names, table, comparisons, by):
    for lane in lanes:
        row = [lane.name, _number(table[lane.name, base].median(by), "{:.4g}")]
        for name in names:
            c = comparisons[lane.name, name]
            lost = f" LOST {len(c.lost)}" if c.lost else ""
            row.append("" if c.ratio is None and not lost else f"{_number(c.ratio, '{:.2f}')} [{_number(c.low, '{:.2f}')}..{_number(c.high, '{:.2f}')}]{lost}")
        yield row


def _figure_rows(lanes, names, table, live):
    for lane in lanes:
        for name in names:
            cell = table[lane.name, name]
            rss = cell.median("rss_kib")
            yield [lane.name, name, *(_number(cell.median(f), "{:.4g}") for f in ("time", "user", "sys")), _number(rss / 1024 if rss else None, "{:.1f}"), _number(live[lane.name] / 2**20 if lane.name in live else None, "{:.1f}"),
                   *(_number(cell.median(f), "{:.0f}") for f in ("faults", "voluntary_switches"))]


def standing(lanes, base, others, table, by="time"):
    """Per lane, the baseline against the best of the others: (lane, time ratio, who, rss ratio to their median, faults against the fastest's)."""
    for lane in lanes:
        mine = table[lane.name, base]
        theirs = {n: table[lane.name, n] for n in others if n != "bound" and table[lane.name, n].runs and not table[lane.name, n].lost}
        if not mine.runs or mine.lost or not theirs:
            yield lane.name, None, "", None, None
            continue
        best = min(theirs, key=lambda n: theirs[n].median(by))
        rss = sorted(cell.median("rss_kib") for cell in theirs.values() if cell.median("rss_kib"))
        yield (lane.name, j.quotient(mine.median(by), theirs[best].median(by)), best,
               j.quotient(mine.median("rss_kib"), rss[len(rss) // 2] if rss else None), j.quotient(mine.median("faults"), theirs[best].median("faults")))


def _standing(lanes, base, others, table, by):
    rows = list(standing(lanes, base, others, table, by))
    ratios = [row[1] for row in rows if row[1]]
    lost = [row[0] for row in rows if row[1] is None]
    lead, near = sum(r <= 1 for r in ratios), sum(1 < r <= 1.05 for r in ratios)
    yield f"{base} is at or ahead of the best of all others on {lead} of {len(rows)} lanes, within 5 % of it on {near} more, behind on {len(ratios) - lead - near}" + (
        f"; lost or not comparable: {', '.join(lost)}." if lost else ".")
    yield ""
    shown = [[name, _number(r, "{:.2f}"), who, _number(rss, "{:.2f}"), _number(faults, "{:.2f}")] for name, r, who, rss, faults in sorted(rows, key=lambda x: -(x[1] or 1e9))]
    yield from _table(["lane", f"{base} / best time", "best", "RSS / median RSS of the others", "faults / best's"], shown)


def write(out_dir, lanes, base, names, raw, rules, described, live, verdicts=True):
    """Writes everything; returns {candidate: GO?}. `names` are the candidates without the baseline."""
    table = j.cells(raw.rows)
    comparisons = {(lane.name, name): j.compare(table, lane.name, base, name, rules.by) for lane in lanes for name in (base, *names)}
    write_summary(os.path.join(out_dir, "summary.tsv"), lanes, (base, *names), table, comparisons)
    text, result = [f"# {base} against {', '.join(names)}", ""], {}
    base_counters = j.total_counters(table, lanes, base)
    for name in [n for n in names if verdicts and n != "bound"]:
        counters = j.total_counters(table, lanes, name)
        go, against, remarks = j.judge(lanes, [comparisons[lane.name, name] for lane in lanes], rules, base_counters, counters)
        result[name] = go
        text += [f"## {name}: {'GO' if go else 'NO-GO'}", "", *(f"- against: {line}" for line in against), *(f"- {line}" for line in remarks)]
        moved = [f"{k} {base_counters.get(k, 0):g} -> {v:g}" for k, v in sorted(counters.items()) if base_counters.get(k) != v]
        text += [f"- counters that moved: {', '.join(moved)}"] if moved else []
        text.append("")
    if not verdicts:
        text += ["## Where it stands", "", *_standing(lanes, base, names, table, rules.by), ""]
    lost = [(lane.name, name, status, number) for lane in lanes for name in (base, *names) for number, status in table[lane.name, name].lost]
    if lost:
        text += ["## Lost runs", "", *(f"- {lane}, {name}, run {number + 1}: {status}" for lane, name, status, number in lost), ""]
    title = "Time" if rules.by == "time" else "User and system time"
    text += [f"## {title}, {base} = 1", "", "Ratio of medians and the range of run-by-run ratios; above 1 is slower.", ""]
    text += _table(["lane", f"{base} s", *names], [*_ratio_rows(lanes, base, names, table, comparisons, rules.by), *_mean_rows(lanes, names, comparisons)])
    text += ["", *_draw(out_dir, lanes, base, names, table, comparisons, raw), "## Figures", "", f"Medians: seconds, MiB at the peak, page faults, voluntary context switches. Peak live: requested bytes, measured apart under {base}.", ""]
    text += _table(["lane", "allocator", "time", "user", "sys", "RSS", "peak live", "faults", "switches"], _figure_rows(lanes, (base, *names), table, live))
    text += ["", "## How", "", *(f"- {line}" for line in described), ""]
    with open(os.path.join(out_dir, "REPORT.md"), "w") as file:
        file.write("\n".join(text))
    return result


def _draw(out_dir, lanes, base, names, table, comparisons, raw):
    try:
        pictures.ratios(os.path.join(out_dir, "ratios.png"), lanes, names, base, comparisons)
        text = ["![ratios](ratios.png)", ""]
        if pictures.growth(os.path.join(out_dir, "growth.png"), lanes, (base, *names), table):
            text += ["![growth with threads](growth.png)", ""]
        if pictures.resident(os.path.join(out_dir, "resident.png"), raw.samples_path):
            text += ["![resident memory](resident.png)", ""]
        return text
    except ImportError:
        return ["No pictures: install python3-matplotlib.", ""]
