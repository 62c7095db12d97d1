"""What the tests of the command line share: running it, and files for it."""
import re
import subprocess
import sys

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
