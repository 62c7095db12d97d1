"""Targets: whether they are classes or values, and whether predictions agree with them."""
from typing import NamedTuple

import numpy as np

from .cells import is_missing, number
from .messages import CommandError, counted, quoted

CLASSIFICATION, REGRESSION = "classification", "regression"

# Whole numbers are values rather than classes if there are more than so many of them, each in fewer samples on average.
MANY_CLASSES = 20
FEW_SAMPLES = 3


class Targets(NamedTuple):
    y: np.ndarray  # Labels: integers where they read the same as integers, else strings. Values: float64.
    task: str
    reason: str  # What the task was seen from.


def read_targets(y, source, task=None):
    """Targets of an array of numbers or strings; `task` None: the one that they suit."""
    if y.dtype.kind == "U":
        check_nothing_missing(y, source)
    numbers = as_numbers(y, source)
    reason = "as --task says"
    if task is None:
        task, reason = suitable_task(numbers)
    if task == CLASSIFICATION:
        return Targets(class_labels(y, numbers, source), task, reason)
    if numbers is None:
        text = next(text for text in y if number(text) is None)
        raise CommandError(f"{source}: {str(text)!r} is not a number, and regression needs numbers. Leave out --task.")
    return Targets(numbers.astype(np.float64), task, reason)


def check_nothing_missing(texts, source):
    missing = [text for text in texts.tolist() if is_missing(text.strip())]
    if "" in missing:
        raise CommandError(
            f"{source}: {missing.count('')} of {len(texts)} labels are empty; fill them in or remove their rows."
        )
    if missing:
        raise CommandError(
            f"{source}: {len(missing)} of {len(texts)} labels are {quoted(sorted(set(missing)))}, which stands for a "
            "missing value; fill them in or remove their rows. If it is a class, give it another name."
        )


def as_numbers(y, source):
    """The numbers that the targets are, or None where some are not."""
    if y.dtype.kind != "U":
        if not np.isfinite(y).all():
            raise CommandError(f"{source}: {y[~np.isfinite(y)][0]} is neither a class nor a value; remove its samples.")
        if y.dtype.kind == "f" and not np.array_equal(y.astype(np.float64), y):
            raise CommandError(f"{source}: the numbers of type {y.dtype} have more digits than float64; save them as that.")
        return y
    numbers = [number(text) for text in y.tolist()]
    return None if None in numbers else np.array(numbers)


def suitable_task(numbers):
    if numbers is None:
        return CLASSIFICATION, "seen from its text"
    if numbers.dtype.kind == "f" and np.any(numbers != np.trunc(numbers)):
        return REGRESSION, "seen from its fractions"
    n_different = len(np.unique(numbers))
    if n_different > MANY_CLASSES and len(numbers) < FEW_SAMPLES * n_different:
        return REGRESSION, f"seen from its {n_different} different numbers in {len(numbers)} samples"
    return CLASSIFICATION, f"seen from its {n_different} different whole numbers"


def class_labels(y, numbers, source):
    if y.dtype.kind in "biu":
        return y
    if y.dtype.kind == "f":
        broken = y[y != np.trunc(y)]
        if broken.size:
            raise CommandError(
                f"{source}: {broken[0]} is not the label of a class, which is a whole number or a string. "
                "Use --task regression for values, or name the column (or array) of the classes with --target."
            )
        fits = np.all((y >= -(2.0**63)) & (y < 2.0**63))
        return y.astype(np.int64) if fits else y.astype(np.float64).astype(str)
    if numbers is not None and np.any(numbers != np.trunc(numbers)):
        class_labels(numbers, numbers, source)
    check_written_alike(y, source)
    if numbers is None:
        return y
    try:
        integers = np.array([int(text) for text in y.tolist()], dtype=np.int64)
    except (ValueError, OverflowError):
        return y
    return integers if np.all(integers.astype(str) == y) else y


def check_written_alike(texts, source):
    """The same number written in two ways would be two classes."""
    written = {}
    for text in sorted(set(texts.tolist())):
        other = written.setdefault(label_key(text), text)
        if other != text:
            raise CommandError(f"{source}: the labels {other!r} and {text!r} are the same number; write them alike.")


def label_key(label):
    """A key that is equal for labels that are the same number, however it is written, and for the same text."""
    text = str(label).strip()
    if number(text) is None:
        return text
    try:
        return int(text)
    except ValueError:
        return float(text)


def known_labels(labels, classes):
    """Which labels are not missing; a class may read like a missing value."""
    known = {text: not is_missing(text) or text in classes for text in set(labels.tolist())}
    return np.array([known[text] for text in labels.tolist()], dtype=bool)


def agreement(predictions, labels):
    """Which labels the predictions are equal to, numbers compared as numbers."""
    keys = {label: label_key(label) for label in {*predictions.tolist(), *labels.tolist()}}
    pairs = zip(predictions.tolist(), labels.tolist(), strict=True)
    return np.array([keys[prediction] == keys[label] for prediction, label in pairs], dtype=bool)


def strange_labels(labels, classes):
    """A sentence about labels that are no classes of the model, or None."""
    keys = {label_key(label) for label in classes}
    strange = [text for text in labels.tolist() if label_key(text) not in keys]
    if not strange:
        return None
    are = "is" if len(strange) == 1 else "are"
    return (
        f"{counted(len(strange), 'label')} of {len(labels)}, such as {strange[0]!r}, {are} no class of the model; its "
        f"classes are {quoted(list(classes))}."
    )
