"""Runs lanes, one process at a time, and keeps every run in raw.tsv, from which an interrupted comparison resumes."""
import os
import re
import subprocess
import tempfile
import time

COLUMNS = ("run", "lane", "candidate", "status", "time", "user", "sys", "wall", "rss_kib", "faults", "voluntary_switches", "failed", "others", "extra", "counters")
MEASURED = ("time", "user", "sys", "wall", "rss_kib", "faults", "voluntary_switches", "failed", "others")
KEY_VALUE = re.compile(r"^([A-Za-z_/]+)=(-?[0-9.]+(?:e[+-]?[0-9]+)?)$", re.M)
COUNTER = re.compile(r"^masu: ([A-Za-z0-9_.]+)=(-?[0-9.]+)$", re.M)
SAMPLE = re.compile(r"^sample\t([0-9.]+)\t([0-9]+)\t(\S+)$", re.M)


def _pairs(values):
    return ";".join(f"{k}={v}" for k, v in values.items())


def parse_pairs(text):
    return {k: float(v) for k, v in (pair.split("=", 1) for pair in text.split(";") if pair)}


def _busy_seconds():
    """CPU seconds that all of this machine has worked so far, hypervisor's theft included."""
    with open("/proc/stat") as file:
        user, nice, system, _, _, irq, softirq, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def run_calmly(lane, candidate, settings):
    """run_once, repeated (at most twice) while others used more of the machine than --calm allows."""
    for _ in range(3):
        row, samples = run_once(lane, candidate, settings)
        if settings.calm is None or float(row["others"]) <= settings.calm:
            break
    return row, samples


def run_once(lane, candidate, settings):
    """One process; returns a raw.tsv row without its run number, and the samples of resident memory."""
    busy = _busy_seconds()
    with tempfile.TemporaryDirectory(prefix="masu-ab-") as folder:
        result, out, err = (os.path.join(folder, name) for name in ("result", "out", "err"))
        environment = {**os.environ, **lane.environment, "MASU_OPTIONS": settings.masu_options}
        environment.pop("LD_PRELOAD", None)
        command = [os.path.join(settings.bin, "measure"), result, str(settings.limit), settings.pin or "-", candidate.library or "-"]
        with open(out, "wb") as out_file, open(err, "wb") as err_file:
            done = subprocess.run(command + lane.command(settings.short, settings.bin), stdout=out_file, stderr=err_file, stdin=subprocess.DEVNULL, env=environment, check=False)
        if done.returncode != 0:
            with open(err, errors="replace") as file:
                raise RuntimeError(f"measure failed on {lane.name}: {file.read().strip()}")
        texts = {}
        for name in (result, out, err):
            with open(name, errors="replace") as file:
                texts[name] = file.read()
    row, samples = _row(lane, candidate, texts[result], texts[out], texts[err])
    row["others"] = _others(texts[result], _busy_seconds() - busy)
    return row, samples


def _others(result, busy):
    """Percent of the machine that everybody else used meanwhile."""
    spent = {k: float(v) for k, v in KEY_VALUE.findall(result)}
    machine = max(spent["wall"], 0.01) * os.cpu_count()
    return f"{max(0.0, 100 * (busy - spent['user'] - spent['sys']) / machine):.0f}"


def _row(lane, candidate, result, out, err):
    status = re.search(r"^status=(.*)$", result, re.M).group(1)
    values = dict(KEY_VALUE.findall(result))
    said = dict(KEY_VALUE.findall(out))
    values.update(said)
    values.setdefault("time", values["wall"])  # real programs print no time of their own
    values.setdefault("failed", "0")
    if status == "ok" and "cannot be preloaded" in err:
        status = "library cannot be preloaded"
    elif status == "ok" and float(values["failed"]) > 0:
        status = f"{values['failed']} failed allocations"
    if status != "ok":
        lines = [line for line in err.strip().splitlines() if not line.startswith("masu: ") or " " in line[6:]]
        if lines:
            status += ": " + re.sub(r"\s+", " ", lines[0])[:120]
    extra = {k: v for k, v in said.items() if k not in MEASURED and k != "broken"}
    row = {"lane": lane.name, "candidate": candidate.name, "status": status, "extra": _pairs(extra), "counters": _pairs(dict(COUNTER.findall(err)))}
    row.update({key: values.get(key, "") for key in MEASURED})
    return row, SAMPLE.findall(out)


def measure_live(lanes, candidate, settings, out_dir, say):
    """{lane: peak requested-live bytes} of the remote mixes, in runs of their own since counting costs time. Kept in live.tsv."""
    path, live = os.path.join(out_dir, "live.tsv"), {}
    if os.path.exists(path):
        with open(path) as file:
            live = {name: int(value) for name, value in (line.split("\t") for line in file)}
    environment = {**os.environ, "LD_PRELOAD": candidate.library}
    for lane in lanes:
        command = lane.live_command(settings.short, settings.bin)
        if not command or lane.name in live:
            continue
        say(f"peak live bytes of {lane.name}")
        try:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=settings.limit, check=False)
        except subprocess.TimeoutExpired:
            continue
        found = re.search(r"^peak_live_bytes=(\d+)$", done.stdout, re.M)
        if found and done.returncode == 0:
            live[lane.name] = int(found.group(1))
            with open(path, "a") as file:
                file.write(f"{lane.name}\t{live[lane.name]}\n")
    return live


class Raw:
    """raw.tsv and samples.tsv of one comparison. The first lines name what was compared; another comparison is refused."""

    def __init__(self, out_dir, described):
        os.makedirs(out_dir, exist_ok=True)
        self.path = os.path.join(out_dir, "raw.tsv")
        self.samples_path = os.path.join(out_dir, "samples.tsv")
        self.rows = []
        header = [f"# {line}" for line in described]
        if os.path.exists(self.path):
            self._resume(header)
            return
        with open(self.path, "w") as file:
            file.write("\n".join(header) + "\n" + "\t".join(COLUMNS) + "\n")
        with open(self.samples_path, "w") as file:
            file.write("run\tlane\tcandidate\tseconds\trss_kib\tphase\n")

    def _resume(self, header):
        with open(self.path) as file:
            text = file.read()
        whole = text[: text.rfind("\n") + 1]  # a torn last line is measured again
        lines = whole.splitlines()
        if lines[: len(header)] != header:
            raise ValueError(f"{self.path} belongs to another comparison; give another --out, or --fresh to start anew")
        if whole != text:
            with open(self.path, "w") as file:
                file.write(whole)
        self.rows = [dict(zip(COLUMNS, line.split("\t"))) for line in lines[len(header) + 1 :]]

    def done(self):
        return {(int(row["run"]), row["lane"], row["candidate"]) for row in self.rows}

    def add(self, run, row, samples):
        row = {**row, "run": str(run)}
        with open(self.samples_path, "a") as file:
            for seconds, kib, phase in samples:
                file.write(f"{run}\t{row['lane']}\t{row['candidate']}\t{seconds}\t{kib}\t{phase}\n")
        with open(self.path, "a") as file:
            file.write("\t".join(row[column] for column in COLUMNS) + "\n")
        self.rows.append(row)


def run_all(lanes, candidates, runs, settings, raw, say):
    """Every lane and candidate `runs` times, interleaved: within a run and lane the candidates follow each other, in turn first."""
    order = [(run, lane, candidate) for run in range(runs) for lane in lanes
             for candidate in candidates[run % len(candidates):] + candidates[: run % len(candidates)]]
    done = raw.done()
    left = [item for item in order if (item[0], item[1].name, item[2].name) not in done]
    if done:
        say(f"resuming: {len(order) - len(left)} of {len(order)} runs are in {raw.path}")
    dead, began = {}, time.monotonic()
    for row in raw.rows:
        if row["status"].startswith("timeout"):
            dead[row["lane"], row["candidate"]] = row["status"]
    for number, (run, lane, candidate) in enumerate(left, 1):
        if (lane.name, candidate.name) in dead:  # a hang is a hang: do not wait for it again
            row, samples = {**dict.fromkeys(COLUMNS, ""), "lane": lane.name, "candidate": candidate.name, "status": "not repeated after a timeout"}, []
        else:
            row, samples = run_calmly(lane, candidate, settings)
        if row["status"].startswith("timeout"):
            dead[lane.name, candidate.name] = True
        raw.add(run, row, samples)
        rest = (time.monotonic() - began) / number * (len(left) - number)
        figure = f"{float(row['time']):.4g} s" if row["status"] == "ok" else f"LOST: {row['status']}"
        say(f"[{number}/{len(left)}, {rest:.0f} s left] run {run + 1}/{runs} {lane.name} {candidate.name}: {figure}")
