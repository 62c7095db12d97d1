"""The report of a benchmark: tables, a figure, a record of the machine, and the common options."""
import argparse
import json
import os
import platform
import re
import subprocess
import sys
import warnings
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import scipy
import sklearn
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_info, threadpool_limits

import sk_dsn

from .harness import UNITS, ratios, spread

# Options that name places on a machine. A record leaves them out.
PLACES = ("json", "figure", "data", "against", "keep")
# The columns of a time are "median µs", "min", "max"; where a row has several times, "training
# median µs", "training min", …
MEDIAN = re.compile(rf"(.*?)median ({'|'.join(UNITS)})")


# The machine


def _processor():
    try:
        return re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text()).group(1)
    except (OSError, AttributeError):
        return platform.processor() or platform.machine()


def package_folder():
    """Where the sk_dsn under test is."""
    return Path(sk_dsn.__file__).parent


def commit():
    """That of the sk_dsn under test."""
    command = ["git", "-C", str(package_folder()), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def _compile_flags(module):
    """The switches that the compiler recorded in a compiled module, or None."""
    record = re.search(rb"GNU C\d* [ -~]+", Path(module.__file__).read_bytes())
    return record.group().decode() if record else None


def environment():
    """The machine and the software of a measurement; unknown fields are None."""
    # Here, because SK_DSN_CHECKOUT may name a checkout from before this module.
    from sk_dsn._core.kernels import dispatch

    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
        "sk_dsn": sk_dsn.__version__,
        "commit": commit(),
        "instruction set": dispatch.DEFAULT_INSTRUCTION_SET,
        "compile flags": _compile_flags(dispatch),
        "threads": {Path(pool["filepath"]).name: pool["num_threads"] for pool in threadpool_info()},
    }


# The report


def progress(line):
    """Tell on stderr how far a long benchmark is."""
    print(line, file=sys.stderr, flush=True)


class Report:
    """Tables, printed as Markdown when they are complete and kept for --json; and panels of
    --figure."""

    def __init__(self, description, options):
        self.quick = options.quick
        self._panels = []
        question, _, details = description.strip().partition("\n")
        self.record = {
            "question": question,
            "details": details.strip(),
            "options": {name: value for name, value in vars(options).items() if name not in PLACES},
            "environment": environment(),
            "tables": [],
        }
        print(f"# {question}\n{details}\n")
        for name, value in self.record["environment"].items():
            print(f"- {name}: {value}")
        print(f"\nSide by side in one process, CPU time.{' Smoke run: sizes and figures mean nothing.' * self.quick}\n")

    def judgement(self, value, target):
        """Two columns, target and verdict. They are empty without a target and in a smoke run."""
        if target is None or self.quick:
            return {"target": None, "verdict": None}
        return {"target": str(target), "verdict": target.judge(value)}

    def table(self, title, rows, **details):
        """Add a table.

        Rows are dicts from column to value; their first columns identify them. `details` go to
        --json only.
        """
        self.record["tables"].append({"title": title, "key": key_columns(title, rows), "rows": rows, **details})
        print(f"## {title}\n\n{markdown(rows)}\n", flush=True)

    def panel(self, draw):
        """Add a panel to the figure. `draw` is called with its axes."""
        self._panels.append(draw)

    def write_figure(self, file):
        """Draw the panels there. Returns whether there are any."""
        if not self._panels:
            print(f"{file} is not written: none of the parts that were run draws anything.")
            return False
        from matplotlib.figure import Figure

        columns = min(2, len(self._panels))
        rows = -(-len(self._panels) // columns)
        figure = Figure(figsize=(7 * columns, 5 * rows), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False).flat
        for draw, panel in zip(self._panels, axes, strict=False):
            draw(panel)
            for axis in (panel.xaxis, panel.yaxis):
                if axis.get_scale() == "log":
                    low, high = axis.get_view_interval()
                    between = "25" if high < 500 * low else ""
                    axis.set_major_formatter("{x:g}")
                    axis.set_minor_formatter(lambda x, _, digits=between: f"{x:g}" if f"{x:e}"[0] in digits else "")
        for panel in axes[len(self._panels) :]:
            panel.remove()
        figure.savefig(file, dpi=100)
        return True

    def comparison(self, title, seconds, base, targets=None, unit="s", columns=None):
        """Add a table of the `seconds` that `alternate` returned: each side's median and spread,
        and its ratio to `base`.

        `targets` maps a side to the target of its ratio, `columns` maps a side to further columns.
        """
        targets, columns = targets or {}, columns or {}
        self.table(
            title,
            [
                {"side": side}
                | spread(seconds[side], unit)
                | (ratio := ratios(seconds[side], seconds[base]))
                | self.judgement(ratio["ratio"], targets.get(side))
                | columns.get(side, {})
                for side in seconds
            ],
            seconds=seconds,
        )


def listed(environment):
    """The known fields of an environment, as a list in Markdown."""
    return "\n".join(f"- {name}: {value}" for name, value in environment.items() if value)


def key_columns(title, rows):
    """The fewest first columns that identify a row, so that another run's row is found.

    Columns of times do not count.
    """
    columns = list(rows[0])
    timed = [k for k, column in enumerate(columns) if MEDIAN.fullmatch(column)]
    for n in range(1, 1 + (timed[0] if timed else len(columns))):
        if len({tuple(str(row.get(column)) for column in columns[:n]) for row in rows}) == len(rows):
            return columns[:n]
    if timed:
        raise ValueError(f"rows of {title!r} that {', '.join(columns[: timed[0]])} do not tell apart")
    return columns[:1]


def markdown(rows):
    """A Markdown table of dicts, with the columns of all of them in order of appearance."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    lines = [columns, ["---"] * len(columns), *([_cell(row.get(column)) for column in columns] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value):
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


# The command line


def option_parser(description, data=None, parts=()):
    """The options that all benchmarks have.

    `data` names the file that --data looks for; `parts` has the names for --parts.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="smoke run at the smallest size")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write everything there as well")
    parser.add_argument("--seeds", metavar="N", type=int, help="take random_state from 0 to N-1")
    if data is not None:
        parser.add_argument("--data", metavar="FOLDER", help=f"where {data} is (or SK_DSN_DATA)")
    if parts:
        kinds = partial(_chosen_parts, parts)
        parser.add_argument("--parts", type=kinds, default=list(parts), help=f"some of {','.join(parts)}")
    parser.add_argument("--figure", metavar="FILE", type=Path, help="draw the curves there (needs matplotlib)")
    return parser


def _chosen_parts(parts, names):
    chosen = names.split(",")
    if unknown := set(chosen) - set(parts):
        raise argparse.ArgumentTypeError(f"there is no part {', '.join(sorted(unknown))}; choose from {', '.join(parts)}")
    return chosen


def n_seeds(options, default):
    """The number of seeds: --seeds, or else 1 in a smoke run and `default` in a full one."""
    return options.seeds or (1 if options.quick else default)


@contextmanager
def session(description, options):
    """Yield a Report; everything inside runs on one thread. --json is written even if something
    fails.

    The first line of `description`, the benchmark's docstring, is its question.
    """
    with threadpool_limits(limits=1), warnings.catch_warnings():
        # The numbers of epochs are fixed, so reaching max_iter is no problem.
        warnings.simplefilter("ignore", ConvergenceWarning)
        report = Report(description, options)
        try:
            yield report
        finally:
            if options.json:
                options.json.write_text(json.dumps(report.record, indent=1, default=str))
        if options.figure:
            report.write_figure(options.figure)


def run_parts(parts, description, options, *arguments):
    """Run the chosen parts of a benchmark, each called as part(report, *arguments, options)."""
    with session(description, options) as report:
        for name in options.parts:
            parts[name](report, *arguments, options)
