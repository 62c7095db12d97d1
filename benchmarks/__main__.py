"""How fast and how accurate is sk_dsn, beside the alternatives?

Runs the benchmarks, each in a process of its own, and renews one page of their tables,
`benchmarks/results/README.md`, and the same figures for machines, `suite.json` beside it. A full
run takes about 35 minutes. Benchmarks that take longer run only where --only names them.
`--compare` sets a stored run beside the new one and names the times that have grown beyond noise;
the exit code is then 1. `python -m benchmarks.NAME` runs a single benchmark, in parts or with other
seeds.
"""
import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from .compare import compare, load_suite
from .report import listed, markdown

FOLDER = Path(__file__).resolve().parent
RESULTS = FOLDER / "results"
PAGE, RECORDS = "README.md", "suite.json"
# In the order of the page.
QUESTIONS = (
    *("training", "latency", "simulations", "scaling", "memory", "accuracy", "limits"),
    *("sequences", "recurrent", "events", "export", "paper"),
)
STUDIES = (
    "studies.defaults",
    "studies.anytime",
    "studies.conversion",
    "studies.costs",
    "studies.headline",
    "studies.overhead",
    "studies.instruction_sets",
    "studies.selection",
    "studies.recurrent",
)
LONG = {"accuracy", "sequences", "recurrent", "events", "paper", "studies.selection", "studies.recurrent"}
AVAILABLE = [name for name in QUESTIONS + STUDIES if (FOLDER / f"{name.replace('.', '/')}.py").is_file()]
USUAL = [name for name in AVAILABLE if name not in LONG]


def run(name, folder, options):
    """The record of a benchmark's run, or None if it failed."""
    arguments = ["-m", f"benchmarks.{name}", *(["--quick"] if options.quick else [])]
    report = folder / f"{name}.json"
    environment = os.environ | ({"SK_DSN_DATA": str(options.data.resolve())} if options.data else {})
    command = f"python {' '.join(arguments)}"
    print(f"\n$ {command}\n", flush=True)
    began = time.perf_counter()
    ended = subprocess.run(
        [sys.executable, *arguments, "--json", str(report)], cwd=FOLDER.parent, env=environment, check=False
    )
    minutes = (time.perf_counter() - began) / 60
    return None if ended.returncode else json.loads(report.read_text()) | {"command": command, "minutes": minutes}


def publish(fresh, folder):
    """Write the fresh records, by name, as suite.json and as a page.

    Records of other benchmarks in the folder stay. The seconds of single rounds are left out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kept = load_suite(folder / RECORDS) if (folder / RECORDS).is_file() else {}
    records = kept | {name: without_details(record) for name, record in fresh.items()}
    benchmarks = {name: records[name] for name in AVAILABLE if name in records}
    (folder / RECORDS).write_text(json.dumps({"benchmarks": benchmarks}, indent=0, ensure_ascii=False) + "\n")
    (folder / PAGE).write_text(page(benchmarks))


def without_details(record):
    tables = [{field: table[field] for field in ("title", "key", "rows")} for table in record["tables"]]
    return record | {"tables": tables}


def page(benchmarks):
    """The results in Markdown.

    A record from another machine, software or commit than the first says so.
    """
    title, _, details = __doc__.strip().partition("\n")
    common = next(iter(benchmarks.values()))["environment"]
    paragraphs = [f"# {title}", details.strip(), f"`python -m benchmarks`\n\n{listed(common)}"]
    for heading, names in (("Questions", QUESTIONS), ("Studies", STUDIES)):
        links = [f"- [{benchmarks[name]['question']}](#{anchor(name)})" for name in names if name in benchmarks]
        paragraphs += ["\n".join([f"{heading}:", "", *links])] if links else []
    for name, record in benchmarks.items():
        paragraphs += section(name, record, common)
    return "\n\n".join(paragraphs) + "\n"


def anchor(name):
    short = name.removeprefix("studies.")
    return name.replace(".", "_") if name != short in QUESTIONS else short


def section(name, record, common):
    """The paragraphs of one benchmark."""
    here = record["environment"]
    other = [f"{field}: {value}" for field, value in here.items() if field != "date" and value != common.get(field)]
    minutes = [f"{record['minutes']:.1f} minutes"] if record["minutes"] else []
    ran = ", ".join([f"`{record['command']}`", here["date"], *minutes])
    yield from (f'<a id="{anchor(name)}"></a>', f"## {record['question']}", record["details"], "; ".join([ran, *other]))
    for table in record["tables"]:
        yield from (f"### {table['title']}", markdown(table["rows"]))


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
    parser.add_argument("--page", action="store_true", help="run nothing: make the page anew from the stored records")
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
    if options.page:
        publish({}, options.output or RESULTS)
        return 0
    whole = not (options.quick or options.only or options.compare)
    output = options.output or (RESULTS if whole else None)
    names = options.only or USUAL
    with TemporaryDirectory() as folder:
        runs = {name: run(name, Path(folder), options) for name in names}
    fresh = {name: record for name, record in runs.items() if record}
    if output and fresh:
        publish(fresh, output)
    print(f"Results: {output / PAGE}" if output else "Results are not kept; name a folder for them with --output.")
    slower = compare(*stored, fresh) if stored else []
    if failed := [name for name in runs if name not in fresh]:
        print(f"Failed: {', '.join(failed)}")
    return 1 if slower or failed else 0


if __name__ == "__main__":
    sys.exit(main())
