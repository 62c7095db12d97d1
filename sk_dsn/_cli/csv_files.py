"""Reading CSV: strictly, a line a sample, and with the line number in every complaint.

`read_csv` goes through a file once. `records` splits lines into cells, `column_names` finds the names of the columns, and
`FeatureColumns` collects the features: a column holds numbers or text, whichever its first cell is.
"""
import csv
import math
import re
from array import array
from collections import Counter
from dataclasses import dataclass
from itertools import chain, islice
from operator import itemgetter
from typing import NamedTuple

import numpy as np

from .cells import is_infinite, is_missing, is_number, number
from .inputs import open_text, source_name
from .messages import CommandError, quoted, say

# Cells between commas: in quotes as a whole, or without a quote. (The csv module lets quotes stand inside a cell.)
CELL = r' *+(?:"(?:[^"]|"")*+"|[^",]*+)'
LINE = re.compile(f"{CELL}(?:,{CELL})*+")


@dataclass(frozen=True)
class Columns:
    """The columns to read, by name."""

    features: list
    target: str | None = None
    identifiers: tuple = ()
    categories: frozenset = frozenset()  # Features that hold text, whatever it looks like.
    all_other_are_numbers: bool = False  # Whether text in other features is an error.
    may_miss_numbers: bool = True


class MissingCells(NamedTuple):
    n_cells: int
    text: str  # One of them.


class Table(NamedTuple):
    X: np.ndarray  # Of float64, with NaN where a number is missing; of objects where there is text.
    labels: np.ndarray | None  # Strings, as in the file; None without a target.
    identifiers: dict  # Column name: list of strings.
    feature_names: list
    target: str | None
    categories: list  # Indices of the features that hold text.
    missing: dict  # Feature index: MissingCells.


def read_csv(path, choose_columns, header=None, known_names=()):
    """A Table of some columns: `choose_columns` makes Columns of the names of all.

    `header` says whether line 1 names the columns; None: it does if it holds `known_names` or does not look like data.
    """
    source = source_name(path)
    try:
        with open_text(path) as file:
            return read_table(source, file, choose_columns, header, frozenset(known_names))
    except OSError as error:
        raise CommandError(f"cannot read {source}: {error.strerror or error}.") from error


def read_table(source, file, choose_columns, header, known_names):
    lines = records(source, file)
    start = list(islice(lines, 2))
    if not start:
        raise CommandError(f"{source} is empty; its first line must name the columns.")
    names = column_names(source, start, header, known_names)
    width = f"line {start[0][0]} {'has' if names is None else 'names'} {len(start[0][1])} columns"
    if names is None:
        names = [f"column {k}" for k in range(1, len(start[0][1]) + 1)]
    else:
        start = start[1:]
    columns = choose_columns(names)
    place = {name: k for k, name in enumerate(names)}
    features = FeatureColumns(source, columns)
    pick = cells_picker([place[name] for name in columns.features])
    target = None if columns.target is None else place[columns.target]
    identifiers = {name: (place[name], []) for name in columns.identifiers}
    labels = []
    for line_number, cells in chain(start, lines):
        if len(cells) != len(names):
            raise CommandError(f"{source}, line {line_number} has {len(cells)} fields, but {width}.")
        features.add(line_number, pick(cells))
        if target is not None:
            labels.append(cells[target].strip())
        for k, texts in identifiers.values():
            texts.append(cells[k])
    if not features.n_rows:
        raise CommandError(f"{source} has no rows below the names of the columns.")
    return Table(
        X=features.matrix(),
        labels=None if target is None else np.array(labels),
        identifiers={name: texts for name, (_, texts) in identifiers.items()},
        feature_names=columns.features,
        target=columns.target,
        categories=sorted(features.texts),
        missing=features.missing(),
    )


def cells_picker(places):
    if len(places) < 2:  # itemgetter gives a tuple of two and more only.
        return lambda cells: [cells[k] for k in places]
    pick = itemgetter(*places)
    return lambda cells: list(pick(cells))


# Lines


def records(source, file):
    """Pairs (line number, cells) of the lines that are not blank."""
    for line_number, line in enumerate(file, 1):
        line = line.rstrip("\n")
        if line and not line.isspace():
            yield line_number, split_line(line, f"{source}, line {line_number}")


def split_line(line, place):
    if "\0" in line or not (line.isascii() or is_utf8(line)):
        raise CommandError(f"{place} is not text in UTF-8; the file must be CSV in UTF-8.")
    if '"' not in line:
        return line.split(",")
    # A cell does not go over the end of its line, so a quote that is not closed cannot swallow the lines after it.
    if LINE.fullmatch(line) is None:
        raise CommandError(
            f"{place}: a quote is not closed on its line, or stands inside a cell. Quotes enclose a whole cell, and a "
            "quote within them is doubled; a cell cannot have several lines."
        )
    try:
        return next(csv.reader([line], strict=True, skipinitialspace=True))
    except csv.Error as error:
        raise CommandError(f"{place} is not CSV ({error}).") from error


def is_utf8(line):
    try:
        line.encode()
    except UnicodeEncodeError:
        return False
    return True


# The names of the columns


def column_names(source, start, header, known_names):
    """The names in the first of the lines `start`, or None where it is data."""
    first_line, cells = start[0]
    names = [name.strip() for name in cells]
    if header is None and not (known_names and known_names <= set(names)):
        if looks_like_data(names, start[1][1] if len(start) > 1 else None):
            say(
                f"warning: {source}: line {first_line} looks like data; the columns are called 'column 1' to "
                f"'column {len(names)}'. (--header says that it names the columns.)"
            )
            return None
    elif header is False:
        return None
    if "" in names:
        raise CommandError(
            f"{source}: line {first_line} leaves column {names.index('') + 1} without a name; every column needs one. "
            "(pandas writes its index like that: use to_csv(index=False).)"
        )
    repeated = [name for name, n in Counter(names).items() if n > 1]
    if repeated:
        raise CommandError(
            f"{source}: line {first_line} names {quoted(repeated)} more than once; every column needs its own name."
        )
    if header is None and all(map(is_number, names)):
        say(
            f"warning: {source}: line {first_line} holds only numbers; it is read as the names of the columns. "
            "(--no-header says that it is data.)"
        )
    return names


def looks_like_data(first, second):
    """Whether the first line of a file is a row: it holds numbers where the second does, and they do not count columns."""
    numbers = [cell for cell in first if is_number(cell)]
    if not numbers or counts_up(numbers):
        return False
    if second is None:
        return True
    return all(is_number(cell) or is_missing(cell) for cell, below in zip(first, second, strict=False) if is_number(below))


def counts_up(texts):
    """Whether the texts are successive integers, as names of columns are, and at least two."""
    if len(texts) < 2 or not all(text.isdecimal() for text in texts):
        return False
    first = int(texts[0])
    return [int(text) for text in texts] == list(range(first, first + len(texts)))


# Features


class FeatureColumns:
    """Collects rows of features: numbers in one array, text in a list per column."""

    def __init__(self, source, columns):
        self.source = source
        self.columns = columns
        self.names = columns.features
        self.n_rows = 0
        self.numbers = array("d")  # Zero in the place of text.
        self.texts = {k: [] for k, name in enumerate(self.names) if name in columns.categories}
        self.first_cells = {}  # Feature index: line number and text of the first cell, found in an incomplete row.
        self.complete_row = None  # Line number and cells of the first row that has numbers in all columns of numbers.
        self.missing_texts = {}
        self.n_missing = Counter()

    def add(self, line_number, cells):
        for k, texts in self.texts.items():
            texts.append(self._text(k, line_number, cells[k].strip()))
            cells[k] = "0"
        try:
            row = list(map(float, cells))
            complete = math.isfinite(sum(row)) and not any("_" in cell for cell in cells)
        except ValueError:
            complete = False
        if not complete:
            row = [self._number(k, line_number, cell.strip()) for k, cell in enumerate(cells)]
        elif self.complete_row is None:
            self.complete_row = line_number, cells
        self.numbers.fromlist(row)
        self.n_rows += 1

    def _text(self, k, line_number, text):
        if is_missing(text):
            self._count_missing(k, text)
            return np.nan
        if self.names[k] not in self.columns.categories and is_number(text):
            raise self._mixed(k, line_number, text)
        return text

    def _number(self, k, line_number, text):
        if k in self.texts:
            return 0.0
        value = number(text)
        if value is not None:
            self.first_cells.setdefault(k, (line_number, text))
            return value
        if is_missing(text):
            if not self.columns.may_miss_numbers:
                raise CommandError(
                    f"{self.source}, line {line_number}: column {self.names[k]!r} holds {text!r}, but a feature must be a "
                    "finite number: none was missing when the model was trained. Fill it in, or leave the row out."
                )
            self._count_missing(k, text)
            return math.nan
        if self.columns.all_other_are_numbers or is_infinite(text):
            raise CommandError(
                f"{self.source}, line {line_number}: column {self.names[k]!r} holds {text!r}, but a feature must be a "
                "finite number. Mend it, or leave the row out."
            )
        if k in self.first_cells or self.complete_row is not None:
            raise self._mixed(k, line_number, text)
        self.first_cells[k] = line_number, text
        self.texts[k] = [*[np.nan] * self.n_rows, text]
        return 0.0

    def _count_missing(self, k, text):
        self.n_missing[k] += 1
        self.missing_texts.setdefault(k, text)

    def _mixed(self, k, line_number, text):
        first_line, first_text = self.first_cells.get(k) or (self.complete_row[0], self.complete_row[1][k])
        return CommandError(
            f"{self.source}, line {line_number}: column {self.names[k]!r} holds {text!r}, but in line {first_line} "
            f"{first_text.strip()!r}. A column holds numbers or text: mend the cell, or pass --category "
            f"{self.names[k]!r} to read the whole column as text."
        )

    def matrix(self):
        numbers = np.frombuffer(self.numbers, dtype=np.float64).reshape(self.n_rows, len(self.names))
        if not self.texts:
            return numbers
        X = numbers.astype(object)
        for k, texts in self.texts.items():
            X[:, k] = texts
        return X

    def missing(self):
        return {k: MissingCells(n, self.missing_texts[k]) for k, n in self.n_missing.items()}
