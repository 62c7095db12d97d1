"""The command `predict`: answers of a saved model for the samples of a file."""
import csv
import io
import sys
from contextlib import contextmanager

import numpy as np
from sklearn.base import is_regressor
from sklearn.metrics import r2_score

from .cells import is_missing, number
from .csv_files import Columns, read_csv
from .inputs import CSV, data_kind, source_name
from .messages import PROGRAM, CommandError, counted, quoted, say
from .models import description, event_frames, load_model
from .npz_files import feature_matrix, read_arrays, target_column
from .output_files import check_output, replaced_file
from .preprocessing import column_names_known, describe_new_cells, fills_in_numbers
from .targets import agreement, known_labels, strange_labels


def predict(args):
    check_output(args.output, [args.model, args.file])
    if args.output is None and sys.stdout is None:
        raise CommandError("stdout is closed; name a file with --output.")
    model = load_model(args.model, args.skops)
    if event_frames(model) is not None:
        raise CommandError(f"{args.model} was trained on recordings of events; use {PROGRAM} watch.")
    with model_errors_reported(args.model), column_names_known():
        if args.proba and not hasattr(model, "predict_proba"):
            raise CommandError(f"{args.model} gives no probabilities; leave out --proba.")
        X, labels, identifiers = read_samples(args, model)
        if X.shape[1] != model.n_features_in_:
            raise CommandError(
                f"{source_name(args.file)} has {X.shape[1]} features; the model was trained on {model.n_features_in_}."
            )
        predictions = np.asarray(model.predict(X))
        header, columns = answers(model, predictions, model.predict_proba(X) if args.proba else None)
        classes = None if is_regressor(model) else list(getattr(model, "classes_", np.unique(predictions)))
    text = table_text([*identifiers, *header], [*identifiers.values(), *columns], args.output is not None)
    write_text(text, args.output)
    if labels is not None and predictions.ndim == 1:
        if classes is None:
            report_errors(predictions, labels)
        else:
            report_accuracy(classes, predictions, labels)
    return 0


@contextmanager
def model_errors_reported(path):
    """A model from a foreign file can fail in any way; ValueErrors of estimators are written for users."""
    try:
        yield
    except (CommandError, MemoryError, BrokenPipeError):
        raise
    except ValueError as error:
        raise CommandError(str(error)) from error
    except Exception as error:
        raise CommandError(f"{path}: the model cannot predict ({type(error).__name__}: {error}).") from error


# Samples


def read_samples(args, model):
    """The features that the model knows, labels as strings or None, and the columns that tell rows apart."""
    made_for = description(model)
    if data_kind(args.file) == CSV:
        table = read_csv(args.file, columns_chooser(args, model, made_for), args.header, known_features(model))
        if made_for.has_named_columns:
            describe_new_cells(model[0], table)
        return table.X, table.labels, table.identifiers
    source, target = source_name(args.file), made_for.target or "y"
    if args.id or args.header is not None:
        raise CommandError(f"{source}: --id and --header go with a CSV file; arrays have no named columns.")
    X, *y = read_arrays(args.file, ("X", target), ("X",), ("X_test", f"{target}_test"), ("X_test",))
    X = feature_matrix(X, source)
    return X, target_column(*y, len(X), source, target).astype(str) if y else None, {}


def known_features(model):
    return [str(name) for name in getattr(model, "feature_names_in_", [])]


def columns_chooser(args, model, made_for):
    features, source = known_features(model), source_name(args.file)

    def choose_columns(names):
        known = set(names)
        missing = [name for name in features if name not in known]
        if missing:
            raise CommandError(f"{source} lacks columns that the model was trained on: {quoted(missing)}.")
        absent = [name for name in args.id if name not in known]
        if absent:
            raise CommandError(f"{source} has no column {quoted(absent)} for --id; its columns are {quoted(names)}.")
        identifiers = args.id or [name for name in made_for.identifiers if name in known]
        if len(identifiers) < len(args.id or made_for.identifiers):
            say(f"warning: {source} lacks columns that tell rows apart: {quoted(made_for.identifiers)}.")
        target = made_for.target if made_for.target in known else None
        kept_apart = {target, *identifiers}
        return Columns(
            features or [name for name in names if name not in kept_apart],
            target,
            tuple(identifiers),
            frozenset(made_for.categories),
            all_other_are_numbers=True,
            may_miss_numbers=made_for.has_named_columns and fills_in_numbers(model[0]),
        )

    return choose_columns


# Answers


def answers(model, predictions, probabilities):
    """Names and columns of the answers; several targets give several columns."""
    if predictions.ndim == 1:
        header, columns = ["prediction"], [predictions.tolist() if predictions.dtype.kind == "O" else predictions]
    else:
        header, columns = [f"prediction {k}" for k in range(1, predictions.shape[1] + 1)], list(predictions.T)
    if probabilities is not None:
        header += [f"probability of {label}" for label in model.classes_]
        columns += [[f"{share:.6f}" for share in column] for column in np.asarray(probabilities).T]
        if len(header) != len(columns):
            raise TypeError("its probabilities are not one for each of its classes")
    return header, columns


def table_text(header, columns, to_file):
    """CSV; a single column on the screen has no header."""
    if len(columns) == 1 and not to_file:
        return "".join(f"{answer}\n" for answer in columns[0])
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(zip(*columns, strict=True))
    return text.getvalue()


def write_text(text, output):
    encoding = "utf-8" if output is not None else getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        data = text.encode(encoding)
    except UnicodeEncodeError as error:
        place = f"The encoding of {'stdout' if output is None else output}, {encoding},"
        raise CommandError(
            f"{place} has no {error.object[error.start]!a}, which an answer holds. Write to a file with --output, or set "
            "PYTHONIOENCODING=utf-8."
        ) from error
    if output is None:
        sys.stdout.write(text)
        return
    with replaced_file(output) as file:
        file.write(data)


# Labels in the file


def report_accuracy(classes, predictions, labels):
    known = known_labels(labels, {str(label) for label in classes})
    if not np.any(known):
        return
    labels = labels[known]
    strange = strange_labels(labels, classes)
    if strange is not None:
        say(f"warning: {strange}")
    accuracy = np.mean(agreement(predictions[known], labels))
    say(f"accuracy {accuracy:.4f} on {counted(len(labels), 'labelled sample')}")


def report_errors(predictions, labels):
    values = [number(text) for text in labels.tolist()]
    known = np.array([value is not None for value in values])
    strange = [text for text, value in zip(labels.tolist(), values, strict=True) if value is None and not is_missing(text)]
    if strange:
        say(f"warning: not counted as targets, since they are no numbers: {quoted(sorted(set(strange)))}.")
    if not np.any(known):
        return
    values, predictions = np.array(values, dtype=object)[known].astype(float), predictions[known].astype(float)
    error = np.sqrt(np.mean((predictions - values) ** 2))
    score = f"R² {r2_score(values, predictions):.4f}, " if len(np.unique(values)) > 1 else ""
    say(f"{score}root mean squared error {error:.6g} on {counted(len(values), 'labelled sample')}")
