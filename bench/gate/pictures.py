"""The pictures of a report: ratios with their ranges by lane, and resident memory over time. Needs matplotlib."""
import re
from collections import defaultdict


def _plt():
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt


def ratios(path, lanes, candidates, base, comparisons):
    """Bars (up to three candidates) or points (more) of time and peak RSS against the baseline, on a log scale."""
    plt = _plt()
    figure, axes = plt.subplots(1, 2, figsize=(15, 2 + 0.3 * len(lanes) * max(1, 0.12 * len(candidates))), sharey=True)
    rows = range(len(lanes))
    colors = plt.get_cmap("tab20")
    few = len(candidates) <= 3
    height = 0.8 / len(candidates) if few else 0
    for number, name in enumerate(candidates):
        mine = [comparisons[lane.name, name] for lane in lanes]
        at = [row + (number - (len(candidates) - 1) / 2) * (height or 0.8 / len(candidates)) for row in rows]
        for axis, values, ranges in ((axes[0], [c.ratio for c in mine], [(c.low, c.high) for c in mine]), (axes[1], [c.rss_ratio for c in mine], None)):
            shown = [i for i in rows if values[i]]
            places, lengths = [at[i] for i in shown], [values[i] for i in shown]
            error = None
            if ranges:
                error = [[max(0, values[i] - ranges[i][0]) for i in shown], [max(0, ranges[i][1] - values[i]) for i in shown]]
            color = colors(number % 20)
            if few:
                axis.barh(places, [v - 1 for v in lengths], height, left=1, color=color, label=name, xerr=error, error_kw={"lw": 0.8, "capsize": 2})
            else:
                axis.errorbar(lengths, places, xerr=error, fmt="o", ms=4, lw=0.6, color=color, label=name)
    for axis, title in zip(axes, ("time", "peak RSS")):
        axis.set_xscale("log")
        axis.axvline(1, color="black", lw=1)
        axis.set_title(f"{title}, {base} = 1 (left is better)")
        axis.grid(axis="x", which="both", lw=0.3)
        low, high = axis.get_xlim()
        choice = (0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2) if high / low < 5 else (0.01, 0.03, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 100, 300)
        ticks = [t for t in choice if low <= t <= high]
        axis.set_xticks(ticks, [f"{t:g}" for t in ticks])
        axis.minorticks_off()
    axes[0].set_yticks(list(rows), [lane.name for lane in lanes], fontsize=8)
    axes[0].set_ylim(len(lanes) - 0.4, -0.6)
    for row in rows:
        if row % 2:
            for axis in axes:
                axis.axhspan(row - 0.5, row + 0.5, color="0.95", zorder=0)
    axes[1].legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def resident(path, samples_path):
    """One panel per sampled lane, one line per candidate: its first run. False when nothing was sampled."""
    series = defaultdict(lambda: defaultdict(list))
    first = {}
    with open(samples_path) as file:
        next(file, None)
        for line in file:
            run, lane, candidate, seconds, kib, _ = line.rstrip("\n").split("\t")
            if first.setdefault((lane, candidate), run) == run:
                series[lane][candidate].append((float(seconds), float(kib) / 1024))
    if not series:
        return False
    plt = _plt()
    figure, axes = plt.subplots(len(series), 1, figsize=(11, 4.5 * len(series)), squeeze=False)
    for axis, (lane, lines) in zip(axes[:, 0], series.items()):
        for number, (candidate, points) in enumerate(lines.items()):
            axis.plot(*zip(*sorted(points)), lw=1.3, label=candidate, color=plt.get_cmap("tab20")(number % 20))
        axis.set(title=f"{lane}: resident memory over time", xlabel="seconds", ylabel="MiB")
        axis.set_ylim(bottom=0)
        axis.legend(fontsize=8)
        axis.grid(lw=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return True


def growth(path, lanes, names, table):
    """Time and peak RSS over the number of threads, live bytes and operations held constant. False without such lanes."""
    found = [(lane.name, *re.fullmatch(r"(growth_r\d+)_t(\d+)", lane.name).groups()) for lane in lanes if "growth" in lane.groups]
    kinds = sorted({kind for _, kind, _ in found})
    if not kinds:
        return False
    plt = _plt()
    figure, axes = plt.subplots(len(kinds), 2, figsize=(12, 4.2 * len(kinds)), squeeze=False)
    for row, kind in zip(axes, kinds):
        for axis, what, scale in ((row[0], "time", 1), (row[1], "rss_kib", 1 / 1024)):
            for number, name in enumerate(names):
                points = [(int(t), table[lane, name].median(what)) for lane, k, t in found if k == kind]
                points = [(t, value * scale) for t, value in points if value is not None]
                if points:
                    axis.plot(*zip(*points), marker="o", ms=3, lw=1.2, label=name, color=plt.get_cmap("tab20")(number % 20))
            axis.set_xscale("log", base=2)
            axis.set_ylim(bottom=0)
            axis.set(title=kind, xlabel="threads", ylabel="seconds" if what == "time" else "peak RSS, MiB")
            axis.grid(lw=0.3)
        row[1].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return True
