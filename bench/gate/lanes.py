"""The lanes of the gate: a name, the groups it belongs to, and its command in full and in short.

Full commands follow the line's own parameters (many cores); short ones fit a 2-core machine and about half a second.
Remote mixes come untouched and touched: whoever never touches a block flatters allocators that do not either.
"""
import os
import subprocess
import sys
from dataclasses import dataclass, field

TRACES = ("python", "sqlite3", "redis", "threads")  # as bench/traces knows them
HERE = os.path.dirname(os.path.abspath(__file__))
REAL = os.path.join(os.path.dirname(HERE), "real")
RECORDED = os.path.join(os.path.dirname(os.path.dirname(HERE)), "build", "traces")


@dataclass(frozen=True)
class Lane:
    name: str
    groups: tuple
    full: tuple
    short: tuple
    floor: float = -1.0  # percent of speed that a candidate may change by at worst
    environment: dict = field(default_factory=dict)

    def live_command(self, short, bin_dir):
        """The command that measures peak requested-live bytes, or None: only remote mixes can."""
        return [*self.command(short, bin_dir), "--live"] if self.full[0] == "remote_mix" else None

    def command(self, short, bin_dir):
        program, *rest = self.short if short else self.full
        if "/" not in program:
            program = os.path.join(bin_dir, program)
        return [program, *map(str, rest)]


def _mix(name, groups, full, short):
    """An untouched and a touched lane; commands as `T iters ws min max R ring`."""
    program = ("remote_mix",)
    yield Lane(name, groups, program + tuple(full.split()), program + tuple(short.split()))
    yield Lane(f"{name}_touch", groups, program + tuple(full.split()) + ("1",), program + tuple(short.split()) + ("1",))


def _lane(name, groups, full, short=None, **more):
    return Lane(name, groups, tuple(full.split()), tuple((short or full).split()), **more)


def _mixes():
    yield from _mix("guard_r0", ("mix", "local"), "16 2000000 400 16 2048 0 65536", "2 8000000 400 16 2048 0 65536")
    yield from _mix("main_r0", ("mix", "local"), "16 2000000 400 16 32768 0 65536", "2 4000000 400 16 32768 0 65536")
    yield from _mix("main_r50", ("mix", "remote"), "16 2000000 400 16 32768 50 65536", "2 300000 400 16 32768 50 65536")
    yield from _mix("cross128_r90", ("mix", "remote"), "16 600000 400 16 131072 90 65536", "2 100000 400 16 131072 90 65536")
    yield from _mix("guard_r0_t16", ("mix", "local"), "16 2000000 400 16 2048 0 65536", "16 500000 400 16 2048 0 65536")
    yield from _mix("main_r0_t16", ("mix", "local"), "16 2000000 400 16 32768 0 65536", "16 250000 400 16 32768 0 65536")
    yield from _mix("r90_small", ("mix", "remote"), "2 2500000 400 16 2048 90 65536", "2 2000000 400 16 2048 90 65536")
    for threads in (8, 16, 32, 64, 128):
        for remote in (0, 50, 90):
            groups = ("mix", "remote" if remote else "local", "threads")
            yield from _mix(f"small_r{remote}_t{threads}", groups, f"{threads} 2500000 400 16 2048 {remote} 65536",
                            f"{threads} {4000000 // threads} 400 16 2048 {remote} 65536")


GROWTH = (2, 8, 32, 128)


def _growth():
    """The same number of live blocks and of operations in all, spread over ever more threads."""
    for threads in GROWTH:
        for remote in (0, 50):
            yield _lane(f"growth_r{remote}_t{threads}", ("growth",), f"remote_mix {threads} {64000000 // threads} {51200 // threads} 16 2048 {remote} {65536 // threads} 1 --together",
                        f"remote_mix {threads} {4000000 // threads} {51200 // threads} 16 2048 {remote} {65536 // threads} 1 --together")


def _shapes():
    for kind in ("app", "uniform"):
        yield _lane(f"{kind}_t2", ("size",), f"size_mix {kind} 2 20000000 4000", f"size_mix {kind} 2 2000000 4000")
        yield _lane(f"{kind}_t16", ("size",), f"size_mix {kind} 16 5000000 4000", f"size_mix {kind} 16 200000 4000")
    for threads in (2, 8):
        yield _lane(f"larson_t{threads}", ("remote", "churn"), f"larson {threads} 100 500000 1000 16 1024",
                    f"larson {threads} {80 // threads} 100000 1000 16 1024")
        yield _lane(f"asymmetric_{threads}", ("remote",), f"asymmetric {threads} 100000 16 512", f"asymmetric {threads} {16000 // threads} 16 512")
        yield _lane(f"thread_churn_t{threads}", ("remote", "churn"), f"thread_churn {threads} 400 10000",
                    f"thread_churn {threads} {160 // threads} 5000")
        yield _lane(f"scratch_t{threads}", ("sharing",), f"cache_lines scratch {threads} 4000000 50 16",
                    f"cache_lines scratch {threads} {3000000 // threads} 50 16")
        yield _lane(f"thrash_t{threads}", ("sharing",), f"cache_lines thrash {threads} 4000000 50 16",
                    f"cache_lines thrash {threads} {3000000 // threads} 50 16")
    yield _lane("chain", ("remote",), "chain 4 500000 16 512", "chain 4 30000 16 512")
    yield _lane("usable_size", ("local",), "usable_size 2 20000000 10000 16 1024", "usable_size 2 2000000 10000 16 1024")
    yield _lane("realloc_growth", ("local",), "realloc_growth 2 10000000 1000 65536", "realloc_growth 2 500000 1000 65536")
    yield _lane("large_churn", ("large",), "large_churn 1 4000 20 5000000 25000000", "large_churn 1 250 20 5000000 25000000")
    yield _lane("large_churn_t2", ("large",), "large_churn 2 4000 20 200000 8000000", "large_churn 2 600 20 200000 8000000")
    yield _lane("large_untouched", ("large",), "large_churn 1 100000 20 5000000 25000000 0", "large_churn 1 20000 20 5000000 25000000 0")
    yield _lane("long_lived", ("memory",), "long_lived 200000000 20 2000", "long_lived 20000000 20 300")
    yield _lane("burst", ("memory", "remote"), "burst 8 20 500 100000 16 1024", "burst 4 4 150 60000 16 1024")
    yield _lane("redis_like", ("size",), "redis_like 20000000 500000 16 1024", "redis_like 1000000 60000 16 1024")


def _trace_file(name):
    return os.path.join(RECORDED, f"{name}.trace")


def _traces():
    """What real programs ask of malloc, without their own work. A lane's recording is made when it is first used."""
    for name in TRACES:
        rounds = 100 if name == "threads" else 10
        yield Lane(f"trace_{name}", ("trace",), ("trace_replay", _trace_file(name), rounds, 1), ("trace_replay", _trace_file(name), max(rounds // 5, 1), 1))


def make_recordings(lanes, say):
    for name in TRACES:
        if any(_trace_file(name) in lane.full for lane in lanes) and not os.path.exists(_trace_file(name)):
            say(f"recording {name} for its trace lane")
            made = subprocess.run([os.path.join(os.path.dirname(HERE), "traces"), name], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
            if made.returncode != 0:
                raise RuntimeError(f"{made.stderr.strip()}; leave it out with --skip trace_{name}")


def _micro():
    for name, pattern in (("pair_64", "^pair/64$"), ("pair_mixed", "^pair_mixed$"), ("lifo_10", "^lifo/10$"), ("lifo_100", "^lifo/100$"),
                          ("lifo_1000", "^lifo/1000$"), ("fifo_100", "^fifo/100$"), ("fifo_1000", "^fifo/1000$")):
        short = ("fastpath", f"--benchmark_filter={pattern}", "--benchmark_min_time=0.1")
        yield Lane(name, ("micro",), ("fastpath", f"--benchmark_filter={pattern}"), short)


def _real():
    python = sys.executable
    quiet = {"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    for name in ("objects", "database"):
        command = (python, os.path.join(REAL, f"{name}.py"))
        yield Lane(f"python_{name}", ("real",), command, command, environment=quiet)
    source = os.path.join(os.path.dirname(REAL), "workloads", "remote_mix.cc")
    compile_ = ("/usr/bin/g++", "-O2", "-std=c++20", "-c", source, "-o", "/dev/null")
    yield Lane("compile", ("real",), compile_, compile_)
    redis = os.path.join(REAL, "redis.sh")
    yield Lane("redis", ("real",), (redis, "400000"), (redis, "100000"))


LANES = {lane.name: lane for lane in (*_mixes(), *_growth(), *_shapes(), *_real(), *_traces(), *_micro())}
# What a short comparison runs unless told otherwise: one of each shape, not every thread count.
SHORT_SKIPS = {f"small_r{r}_t{t}{touch}" for r in (0, 50, 90) for t in (8, 16, 32, 64, 128) for touch in ("", "_touch")}
SHORT_SKIPS |= {f"growth_r{r}_t{t}" for r in (0, 50) for t in GROWTH}
SHORT_SKIPS -= {"small_r90_t16", "small_r90_t16_touch", "small_r50_t16_touch", "small_r90_t128_touch"}
GROUPS = sorted({group for lane in LANES.values() for group in lane.groups})


def choose(names, short):
    """Lanes by name or group, in table order. Raises ValueError naming what is not known."""
    if not names:
        return [lane for lane in LANES.values() if not (short and lane.name in SHORT_SKIPS)]
    unknown = [n for n in names if n not in LANES and n not in GROUPS]
    if unknown:
        raise ValueError(f"no lane or group is called {', '.join(unknown)}; groups: {', '.join(GROUPS)}; lanes: {', '.join(LANES)}")
    return [lane for lane in LANES.values() if lane.name in names or set(lane.groups) & set(names)]
