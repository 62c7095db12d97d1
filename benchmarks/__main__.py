"""What does sk_dsn cost and deliver, beside everything that would be used instead?

Runs the benchmarks, each in a process of its own, and makes one page of their results with figures. A full run takes about
35 minutes and renews the page that the repository keeps, `benchmarks/results/README.md`, and `suite.json` beside it, for
machines. With --compare the times of a stored run are set beside the new ones, and those that have grown beyond noise are
named; the exit code is then 1. `python -m benchmarks.NAME` runs a single benchmark, in parts or with other seeds.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from .compare import compare, load_suite
from .harness import REPOSITORY, listed, markdown

FOLDER = Path(__file__).resolve().parent
RESULTS = FOLDER / "results"
PAGE, RECORDS = "README.md", "suite.json"
# In the order of the page, with arguments for sizes that fit: the paper's tables and large networks take hours.
SUITE = {
    "training": (),
    "accuracy": ("--parts", "a"),
    "latency": (),
    "scaling": (),
    "instruction_sets": (),
    "limits": (),
    "overhead": (),
    "memory": (),
    "anytime": (),
    "costs": (),
    "conversion": (),
    "defaults": (),
}
AVAILABLE = [name for name in SUITE if (FOLDER / f"{name}.py").is_file()]


def run(name, folder, options):
    """Record of a benchmark's run, or None if it failed. Its figure goes to the folder."""
    arguments = ["-m", f"benchmarks.{name}", *SUITE[name], *(["--quick"] if options.quick else [])]
    report, figure = folder / f"{name}.json", folder / f"{name}.png"
    files = ["--json", str(report), *(["--figure", str(figure)] if find_spec("matplotlib") else [])]
    environment = os.environ | ({"SK_DSN_DATA": str(options.data.resolve())} if options.data else {})
    command = f"python {' '.join(arguments)}"
    print(f"\n$ {command}\n", flush=True)
    began = time.perf_counter()
    ended = subprocess.run([sys.executable, *arguments, *files], cwd=REPOSITORY, env=environment, check=False)
    minutes = (time.perf_counter() - began) / 60
    return None if ended.returncode else json.loads(report.read_text()) | {"command": command, "minutes": minutes}


def publish(fresh, figures, folder, keep):
    """Writes the fresh records by name as suite.json and as a page with the figures of that folder; `keep` says whether with
    what is there of other benchmarks."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = load_suite(folder / RECORDS) if keep and (folder / RECORDS).is_file() else {}
    for name in fresh:
        (folder / f"{name}.png").unlink(missing_ok=True)
        if (figures / f"{name}.png").is_file():
            shutil.copy(figures / f"{name}.png", folder)
    records = kept | fresh
    benchmarks = {name: records[name] for name in SUITE if name in records}
    (folder / RECORDS).write_text(json.dumps({"benchmarks": benchmarks}))
    (folder / PAGE).write_text(page(folder, benchmarks))


def page(folder, benchmarks):
    """The results in Markdown. What was measured elsewhere or at another time than the first benchmark says so."""
    title, _, details = __doc__.strip().partition("\n")
    common = next(iter(benchmarks.values()))["environment"]
    paragraphs = [f"# {title}", details.strip(), f"`python -m benchmarks`\n\n{listed(common)}"]
    paragraphs.append("\n".join(f"- [{record['question']}](#{name})" for name, record in benchmarks.items()))
    for name, record in benchmarks.items():
        here = record["environment"]
        other = {field: value for field, value in here.items() if field != "date" and value != common.get(field)}
        run = f"`{record['command']}`, {here['date']}, {record['minutes']:.1f} minutes"
        paragraphs += [f'<a id="{name}"></a>', f"## {record['question']}", record["details"]]
        paragraphs.append("; ".join([run, *(f"{field}: {value}" for field, value in other.items())]))
        if (folder / f"{name}.png").is_file():
            paragraphs.append(f"![The figures of these tables]({name}.png)")
        for table in record["tables"]:
            paragraphs += [f"### {table['title']}", markdown(table["rows"])]
    return "\n\n".join(paragraphs) + "\n"


def chosen_benchmarks(names):
    chosen = names.split(",")
    if unknown := set(chosen) - set(AVAILABLE):
        raise argparse.ArgumentTypeError(f"there is no {', '.join(sorted(unknown))}; choose from {', '.join(AVAILABLE)}")
    return chosen


def option_parser():
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smoke run at the smallest sizes")
    parser.add_argument("--only", metavar="NAMES", type=chosen_benchmarks, help=f"some of {','.join(AVAILABLE)}")
    parser.add_argument("--data", metavar="FOLDER", type=Path, help="where mnist.npz is (or SK_DSN_DATA)")
    parser.add_argument(
        "--output",
        metavar="FOLDER",
        type=Path,
        help="where the results go; only a full run has a default, benchmarks/results",
    )
    parser.add_argument(
        "--compare",
        metavar="FILE",
        type=Path,
        nargs="+",
        help=f"set the times of a stored {RECORDS} beside those of this run, or of a second file, and run nothing",
    )
    return parser


def main(argv=None):
    parser = option_parser()
    options = parser.parse_args(argv)
    stored = [load_suite(file) for file in options.compare or ()]
    if len(stored) > 2:
        parser.error("--compare takes one file or two")
    if len(stored) == 2:
        return 1 if compare(*stored) else 0
    whole = not (options.quick or options.only or options.compare)
    output = options.output or (RESULTS if whole else None)
    # Not there at once: what is written to the repository would make its commit a dirty one.
    with TemporaryDirectory() as figures:
        runs = {name: run(name, Path(figures), options) for name in options.only or AVAILABLE}
        fresh = {name: record for name, record in runs.items() if record}
        if output and fresh:
            publish(fresh, Path(figures), output, keep=len(fresh) < len(AVAILABLE))
    print(f"Results: {output / PAGE}" if output else "Results are not kept; name a folder for them with --output.")
    slower = compare(*stored, fresh) if stored else []
    if failed := [name for name in runs if name not in fresh]:
        print(f"Failed: {', '.join(failed)}")
    return 1 if slower or failed else 0


if __name__ == "__main__":
    sys.exit(main())
