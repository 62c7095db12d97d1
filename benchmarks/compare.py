"""A stored run of the benchmarks beside a new one: which times have grown by more than noise."""
import json
from collections import namedtuple
from statistics import median

from .report import MEDIAN, markdown
from .studies.peers import LIBRARIES

# Runs of the same code differ by this much from day to day on a shared machine.
TOLERANCE = 1.1
FEWEST_RUNS = 3
SAME_MACHINE = ("processor", "cores", "system", "instruction set", "python", "numpy", "scipy", "scikit-learn", "threads")
# The times of these tell about the machine, not about us.
OTHERS = ("MLPClassifier", "sklearn", "torch", "read from end to end", *LIBRARIES)

Time = namedtuple("Time", "median min max runs unit")


def load_suite(file):
    """Records of the benchmarks by name, as the suite stored them."""
    return json.loads(file.read_text())["benchmarks"]


def times_of(suite):
    """Every time in a suite's tables, by (benchmark, table, row, column)."""
    times = {}
    for name, record in suite.items():
        for table in record["tables"]:
            for row in table["rows"]:
                label = ", ".join(str(row.get(column)) for column in table["key"])
                times |= {(name, table["title"], label, what): time for what, time in _times_in(row)}
    return times


def _times_in(row):
    """Yield (kind, time) for each time in a row. The kind is "training" for the column "training
    median µs"."""
    for column in row:
        if row[column] is not None and (found := MEDIAN.fullmatch(column)):
            what, unit = found.groups()
            yield what.strip(), Time(row[column], row[f"{what}min"], row[f"{what}max"], row["runs"], unit)


def paces(old, new):
    """How much slower the machine was in the new run, by benchmark.

    That is the median ratio of the times of others' code in the benchmark, or in all benchmarks
    where it has none. It is 1 if the machine was quicker, because a good day excuses nothing.
    """
    others = [key for key in new if key in old and key[2].startswith(OTHERS)]
    ratios = {key: new[key].median / old[key].median for key in others}
    found = {}
    for name in {key[0] for key in new}:
        near = [ratio for key, ratio in ratios.items() if key[0] == name] or list(ratios.values()) or [1.0]
        found[name] = max(1.0, median(near))
    return found


def verdict(old, new, pace):
    """Whether a time has grown ("slower"), fallen ("faster") or neither ("").

    It has if the ranges of the runs do not meet and the medians differ by more than `TOLERANCE`,
    after the machine's pace is taken out. Fewer than three runs decide nothing.
    """
    if min(old.runs, new.runs) < FEWEST_RUNS:
        return "too few runs"
    if new.min > pace * old.max and new.median > TOLERANCE * pace * old.median:
        return "slower"
    if pace * new.max < old.min and TOLERANCE * pace * new.median < old.median:
        return "faster"
    return ""


def machine_differences(old, new):
    """The differences between the environments of two suites, as {field: (old, new)}."""
    both = [(old[name]["environment"], new[name]["environment"]) for name in old if name in new]
    return {field: (a.get(field), b.get(field)) for a, b in both for field in SAME_MACHINE if a.get(field) != b.get(field)}


def compare(old, new):
    """Print each time of two suites side by side. Return the rows of those that have grown."""
    smoke = [name for name in old if name in new and old[name]["options"]["quick"] != new[name]["options"]["quick"]]
    if smoke:
        print(f"One run is a smoke run, the other not, and their times are not compared: {', '.join(smoke)}.\n")
        old, new = ({name: record for name, record in suite.items() if name not in smoke} for suite in (old, new))
    old_times, new_times = times_of(old), times_of(new)
    machine = paces(old_times, new_times)
    rows = []
    for key in (key for key in new_times if key in old_times):
        a, b = old_times[key], new_times[key]
        name, table, label, what = key
        rows.append(
            {"benchmark": name, "table": table, "row": label, "of": what or None}
            | {"unit": b.unit, "stored": a.median, "stored range": _range(a), "new": b.median, "new range": _range(b)}
            | {"ratio": b.median / a.median, "verdict": verdict(a, b, machine[name])}
        )
    print(f"# {len(rows)} times of the stored run beside the new one\n\n{markdown(rows)}\n")
    for field, (a, b) in machine_differences(old, new).items():
        print(f"The runs are not of the same machine or software: {field} was {a}, is {b}.")
    if slow := [f"{name} {factor:.2f}" for name, factor in machine.items() if factor > 1]:
        print(f"The machine was slower, others' code says, by factors that are allowed for: {', '.join(sorted(slow))}.")
    for which, there, elsewhere in (("stored", old_times, new_times), ("new", new_times, old_times)):
        if only := sorted({" / ".join(key[:2]) for key in there if key not in elsewhere}):
            print(f"Only in the {which} run: {'; '.join(only)}.")
    slower = [row for row in rows if row["verdict"] == "slower" and not row["row"].startswith(OTHERS)]
    print(f"\n{len(slower)} slower beyond noise{':' if slower else '.'}")
    for row in slower:
        name = ", ".join(row[column] for column in ("benchmark", "table", "row", "of") if row[column])
        print(f"- {name}: {row['stored']:.4g} to {row['new']:.4g} {row['unit']}, {row['ratio']:.2f} times")
    return slower


def _range(time):
    return f"{time.min:.4g}–{time.max:.4g}"
