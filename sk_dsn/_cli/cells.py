"""The meaning of a cell of text: a number, a missing value, or a text."""
import math

# The texts that pandas.read_csv reads as missing values.
MISSING = frozenset(
    [
        *["", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A"],
        *["NA", "NULL", "NaN", "None", "n/a", "nan", "null"],
    ]
)


def is_missing(text):
    return text in MISSING or text.lower().lstrip("+-") == "nan"


def number(text):
    """The finite number that a text stands for, or None."""
    value = python_float(text)
    return value if value is not None and math.isfinite(value) and "_" not in text else None


def is_number(text):
    return number(text) is not None


def is_infinite(text):
    value = python_float(text)
    return value is not None and math.isinf(value)


def python_float(text):
    try:
        return float(text)
    except ValueError:
        return None
