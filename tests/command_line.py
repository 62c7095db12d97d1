"""What the tests of the command line share: running it, and files for it."""
import re
import subprocess
import sys

import numpy as np
from sklearn.datasets import load_iris

from sk_dsn._cli.main import main

QUICK = ["--no-compare", "--epochs", "3", "--hidden", "10"]
IRIS_FEATURES = ["sepal length", "sepal width", "petal length", "petal width"]


def run(*arguments):
    return main([str(argument) for argument in arguments])


def start(*arguments, **options):
    command = [sys.executable, "-m", "sk_dsn", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def cells(report, label):
    """The cells of the table row that starts with `label`."""
    (line,) = [line for line in report.splitlines() if re.match(rf"{label}\s\s", line)]
    return re.split(r"\s{2,}", line)[1:]


def write_csv(path, names, rows):
    path.write_text("".join(",".join(map(str, row)) + "\n" for row in [names, *rows]))
    return path


def iris_rows():
    iris = load_iris()
    return [[*row, iris.target_names[k]] for row, k in zip(iris.data.tolist(), iris.target, strict=True)]


def without_trust(err):
    """stderr without the line that a pickle must be trusted."""
    return "".join(line for line in err.splitlines(keepends=True) if "is a pickle" not in line)


def moving(to_the_right, seed):
    """A dot that crosses a sensor of 8 x 2 pixels in 80 ms."""
    rng = np.random.default_rng(seed)
    events = np.empty(60, [("t", "u4"), ("x", "u1"), ("y", "u1"), ("p", "?")])
    events["t"] = np.sort(rng.integers(0, 80_000, 60))
    place = events["t"] // 10_000
    events["x"] = np.where(rng.random(60) < 0.1, rng.integers(0, 8, 60), place if to_the_right else 7 - place)
    events["y"], events["p"] = rng.integers(0, 2, 60), rng.random(60) < 0.5
    return events


def write_classes(folder, n=12, first=0):
    for label, to_the_right in (("left", False), ("right", True)):
        (folder / label).mkdir(parents=True)
        for k in range(first, first + n):
            np.save(folder / label / f"{k}.npy", moving(to_the_right, k))
    return folder
