"""The first step of a model: it scales numbers, fills in missing ones and turns text into features of 0 or 1."""
import warnings
from contextlib import contextmanager

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, OneHotEncoder, StandardScaler

from .messages import CommandError, counted, quoted, say

SCALERS = {"standard": StandardScaler, "minmax": MinMaxScaler, "none": FunctionTransformer}

# Texts of a column that get a feature of their own; the rarer ones share one more.
MAX_CATEGORIES = 100

# A column with more texts than this, each in one row, identifies rows.
MANY_TEXTS = 20


def fitted_preprocessor(scale, data):
    """A transformer fitted on the samples to train on. It knows the names of the columns, for users of pandas."""
    describe_columns(data)
    if data.full_scale is not None and scale is None:
        preprocessor = MinMaxScaler().fit(np.outer([0, data.full_scale], np.ones(data.X.shape[1])))
    elif data.categories or data.missing:
        preprocessor = column_transformer(SCALERS[scale or "standard"](), data).fit(data.X)
    else:
        preprocessor = SCALERS[scale or "standard"]().fit(data.X)
    if data.feature_names is not None:
        remember_names(preprocessor, np.array(data.feature_names, dtype=object))
    return preprocessor


@contextmanager
def column_names_known():
    """The columns have been matched by name already: arrays without names are no cause for a warning."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "X does not have valid feature names")
        yield


def column_transformer(scaler, data):
    categories = set(data.categories)
    numbers = [k for k in range(data.X.shape[1]) if k not in categories]
    imputer = SimpleImputer(strategy="median", keep_empty_features=True)
    # pandas reads an empty cell as NaN: it is a text of its own, as it is here.
    filler = SimpleImputer(strategy="constant", fill_value="")
    encoder = OneHotEncoder(sparse_output=False, handle_unknown="infrequent_if_exist", max_categories=MAX_CATEGORIES)
    if data.missing.keys() - categories:
        scaler = Pipeline([("imputer", imputer), ("scaler", scaler)])
    parts = [
        ("numbers", scaler, numbers),
        ("text", Pipeline([("imputer", filler), ("encoder", encoder)]), data.categories),
    ]
    return ColumnTransformer([part for part in parts if part[2]])


def remember_names(preprocessor, names):
    preprocessor.feature_names_in_ = names
    if isinstance(preprocessor, ColumnTransformer):
        for _, part, indices in preprocessor.transformers_:
            first = part[0] if isinstance(part, Pipeline) else part
            if first != "drop":
                first.feature_names_in_ = names[indices]


def describe_columns(data):
    """Says aloud what becomes of text and of missing values."""
    texts, n_rare = [], 0
    for k in data.categories:
        name, column = data.feature_names[k], [text for text in data.X[:, k].tolist() if isinstance(text, str)]
        different = set(column)
        if len(different) == len(column) > MANY_TEXTS:
            raise CommandError(
                f"{data.name}: column {name!r} holds another text in each row, such as {column[0]!r}, so nothing can be "
                f"learned from it. If it identifies rows, pass --id {name!r}; else remove it."
            )
        texts.append(f"{name!r} ({len(different)} texts)")
        if len(different) > MAX_CATEGORIES:
            n_rare += len(different) - (MAX_CATEGORIES - 1)
    if texts:
        rare = f"; {n_rare} rare texts share the last feature of their column" if n_rare else ""
        say(f"text becomes features of 0 or 1, one for each text: {listed(texts)}{rare}.")
    numbers, text = missing_cells(data, data.categories)
    if numbers:
        say(f"missing numbers are replaced by the median of their column: {listed(numbers)}.")
    if text:
        say(f"missing text counts as a text of its own: {listed(text)}.")


def missing_cells(table, categories):
    """Names and counts of the columns of numbers, and of those of text, in which cells are missing."""
    categories, numbers, text = set(categories), [], []
    for k, cells in table.missing.items():
        column = f"{table.feature_names[k]!r} ({counted(cells.n_cells, 'cell')})"
        (text if k in categories else numbers).append(column)
    return numbers, text


def listed(parts, n_shown=10):
    return ", ".join(parts[:n_shown]) + (f" and {len(parts) - n_shown} more" if len(parts) > n_shown else "")


def fitted_part(preprocessor, name, kind):
    """The part of a `column_transformer` by that name, if a transformer of that kind is in it, and its columns, or None."""
    if isinstance(preprocessor, ColumnTransformer):
        for part_name, part, indices in preprocessor.transformers_:
            if part_name == name and isinstance(part, Pipeline) and any(isinstance(step, kind) for _, step in part.steps):
                return part, indices
    return None


def fills_in_numbers(preprocessor):
    return fitted_part(preprocessor, "numbers", SimpleImputer) is not None


def describe_new_cells(preprocessor, table):
    """Says aloud which cells of a table to predict the training data had nothing like."""
    encoder, indices = fitted_part(preprocessor, "text", OneHotEncoder) or (None, [])
    columns = []
    for k, known in zip(indices, encoder[-1].categories_ if encoder else [], strict=True):
        texts = ["" if text != text else text for text in table.X[:, k].tolist()]  # NaN differs from itself.
        known = set(known)
        strange = [text for text in texts if text not in known]
        if strange:
            cells = counted(len(strange), "cell")
            columns.append(f"column {table.feature_names[k]!r}, {cells} of {len(texts)}: {quoted(sorted(set(strange)))}")
    if columns:
        say(f"warning: no sample to train on had this text: {listed(columns)}.")
    numbers, _ = missing_cells(table, indices)
    if numbers:
        say(f"missing numbers are replaced by the median of the samples trained on: {listed(numbers)}.")
