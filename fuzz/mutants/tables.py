"""The pages that the runner writes: TABLE.md of the chosen mutants, MECHANICAL.md of those made by rule, whose survivors have a
verdict each in verdicts.tsv (file, was, became, verdict; tabs between)."""
import statistics
from pathlib import Path

HERE = Path(__file__).resolve().parent


def chosen(title, rows, budget, unjudged):
    """`unjudged`: names of those that are new, or were changed since."""
    killed = [r for r in rows if r["killed_by"]]
    seconds = sorted(r["seconds"] for r in killed) or [0]
    lines = [f"# {title}",
             "",
             "Written by `fuzz/mutants/run --table`. Each is a bug planted in the sources, and the lane that claims to find it: by the",
             "inputs that are there (corpus, regress), by fuzzing from a fixed seed, or by a test. Seconds of processor time on one",
             f"core, without the build; at most {budget} are allowed.",
             "",
             f"{len(killed)} of {len(rows)} killed; median {statistics.median(seconds):.2f} s, longest {seconds[-1]:.2f} s.",
             *(["", f"Not judged yet, or not since they were changed: {', '.join(unjudged)}."] if unjudged else []),
             "",
             "| mutant | class | killed by | seconds |",
             "|---|---|---|---|"]
    for r in sorted(rows, key=lambda r: (r["class"], r["name"])):
        by = f"{r['killed_by']} ({r['how']})" if r["killed_by"] else "**survived**"
        lines.append(f"| {r['name']} | {r['class']} | {by} | {r['seconds']:.2f} |")
    return "\n".join(lines) + "\n"


def change(mutant):
    """(file, line before, line after), without indentation."""
    lines = mutant.text.partition("\n@@")[2].splitlines()
    was, became = ([" ".join(line[1:].split()) for line in lines if line.startswith(sign)] for sign in "-+")
    return mutant.files[0], " ".join(was), " ".join(became)


def _verdicts():
    rows = [line.split("\t") for line in (HERE / "verdicts.tsv").read_text().splitlines()[1:]]
    return {(file, was, became): verdict for file, was, became, verdict in rows}


def mechanical(command, mutants, row_of):
    """`row_of`: what a mutant got, or None where it has not been judged."""
    verdicts, judged, survivors = _verdicts(), [], []
    for mutant in mutants:
        if (row := row_of(mutant)) is None:
            continue
        fate = "killed"
        if row["killed_by"] == "compiler":
            fate = "no program"
        elif not row["killed_by"]:
            verdict = verdicts.get(change(mutant), "open")
            fate = "equivalent" if verdict.startswith("equivalent") else "open"
            survivors.append((fate, *change(mutant), verdict))
        judged.append((mutant, row, fate))
    count = lambda fate, of=judged: sum(f == fate for _, _, f in of)
    dead, left = count("killed"), count("killed") + count("open")
    killers = {}
    for _, row, fate in judged:
        if fate == "killed":
            kind = row["killed_by"].split(":")[0]
            kind = "unit tests" if kind.endswith("_test") else kind
            killers[kind] = killers.get(kind, 0) + 1
    lines = ["# Mechanical mutants",
             "",
             f"Written by `{command}`.",
             "Killers of src/: the model's lanes (inputs that are there, then fuzzing) and the unit tests; of debug/: its unit tests, the",
             "faulty programs and the tests of the lane as a library. Lines of verdict: verdicts.tsv.",
             "",
             f"{len(judged)} of {len(mutants)} judged: {dead} killed, {count('equivalent')} equivalent, {count('open')} open, "
             f"{count('no program')} do not compile. Of those that change the program, {100 * dead / max(left, 1):.1f} % are killed.",
             "",
             "Killed by: " + ", ".join(f"{name} {n}" for name, n in sorted(killers.items(), key=lambda k: -k[1])) + ".",
             ""]

    def by(title, key):
        lines.extend([f"| {title} | killed | equivalent | open | do not compile |", "|---|---|---|---|---|"])
        for name in sorted({key(m) for m, _, _ in judged}):
            mine = [j for j in judged if key(j[0]) == name]
            lines.append(f"| {name} | {count('killed', mine)} | {count('equivalent', mine)} | {count('open', mine)} | {count('no program', mine)} |")
        lines.append("")

    by("sources", lambda m: str(Path(m.files[0]).parent))
    by("operator", lambda m: m.mutant_class.split(" / ")[1])
    lines.extend(["## Survivors", "", "| where | was | became | verdict |", "|---|---|---|---|"])
    for _, file, was, became, verdict in sorted(survivors):
        cell = lambda text: "`" + (text or ";").replace("|", "\\|") + "`"
        lines.append(f"| {file} | {cell(was)} | {cell(became)} | {verdict} |")
    return "\n".join(lines) + "\n"
