"""Accuracy on streams of events: the parts of `benchmarks.events` that learn.

"accuracy": five folds of N-MNIST's recordings. Each side has a few settings, found on the training
part of the first fold, of which it chooses in each fold by a fifth of the training part. Then it
learns all of the training part; where that diverges, the next best setting does. All sides learn
the recordings and copies of them that are moved by a pixel, with 100 hidden neurons; snnTorch for
16 epochs, networks of this package for 8 or 12. With `--keep FILE` the results of folds are kept,
and a run that was ended goes on from them. "full": recordings that a simulated camera makes of
MNIST, written to files and learned file by file. "prequential": each recording is predicted, then
learned, once, beside classifiers of river on totals.
"""
import json
import tempfile
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import mean

import numpy as np
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.neural_network import MLPClassifier

from sk_dsn import SpikingBackprop, SpikingMLPClassifier, SpikingRNNClassifier
from sk_dsn.events import EventFrames

from .data import N_MNIST_SENSOR, load_mnist, load_recordings
from .harness import Stopwatch, Target, percentages
from .report import n_seeds, progress
from .saccades import read_chunk, write_chunks
from .studies.peers import SnnTorch

STEP = 10_000  # µs
SHIFTS = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))
# Each step's loss counts 1/T, and answers of early steps are those of a small sum: a larger rate than of the last answer.
EVERY_STEP = {"readout": "mean", "learning_rule": SpikingBackprop(feedback="step"), "learning_rate_init": 2.0}
ACCURACY, AIMED = Target(">=", 92.0), ("leaky", "recurrent")
EPOCHS = 8


# Five folds


class Side:
    """A classifier of recordings: of their frames, or of the totals of their features."""

    def __init__(self, make, *, downsample=1, of_totals=False, scale=1.0):
        self.make = make
        self.of_totals = of_totals
        self.frames = EventFrames(N_MNIST_SENSOR, STEP, downsample=downsample)
        self.scale = np.float32(scale)

    def transform(self, recordings):
        X = self.frames.transform(recordings)
        return totals(X) if self.of_totals else X.with_csr(X.csr * self.scale)

    def fit(self, recordings, y, seed=0):
        self.classifier = self.make(random_state=seed).fit(self.transform(recordings), y)
        return self

    def error(self, recordings, y):
        return float(np.mean(self.classifier.predict(self.transform(recordings)) != y))


class SnnTorchOnFrames:
    """snnTorch's network of leaky neurons with the methods of a classifier of `SparseStreams`."""

    def __init__(self, hidden_layer_sizes, epochs, beta, learning_rate, random_state):
        self.epochs = epochs
        self.network = SnnTorch(hidden_layer_sizes, np.random.RandomState(random_state))
        self.network.beta, self.network.learning_rate = beta, learning_rate

    def fit(self, X, y):
        X = small_dense(X)
        for _ in range(self.epochs):
            self.network.partial_fit(X, y)
        return self

    def staged_predict(self, X):
        """The answers after each time step, as `predict` gives them after the last one: the label
        with the most spikes so far."""
        network, torch = self.network, self.network.torch
        network.network.eval()
        with torch.no_grad():
            spikes = network.outputs(torch.from_numpy(small_dense(X)).float())[0]
        yield from network.classes_[spikes.cumsum(0).argmax(2).numpy()]

    def predict(self, X):
        return self.network.predict(small_dense(X))


def small_dense(X):
    """Streams of counts as an array of bytes; ends are zero."""
    return np.minimum(X.csr.toarray(), 255).astype(np.uint8).reshape(X.shape)


def totals(X):
    """Events of each feature of `SparseStreams`, from 0 to about 1."""
    n_samples, _, n_features = X.shape
    rows = np.repeat(np.arange(n_samples), np.diff(X.csr.indptr))
    sums = np.bincount(rows * n_features + X.csr.indices % n_features, X.csr.data, n_samples * n_features)
    return sums.reshape(n_samples, n_features).astype(np.float32) / np.float32(20)


def sides(epochs):
    """Name -> the settings that a side chooses from."""
    hidden = {"hidden_layer_sizes": (100,), "max_iter": epochs}
    leaky = partial(SpikingMLPClassifier, **hidden)
    recurrent = partial(
        SpikingRNNClassifier, (100,), error_resolution=32.0, feedback="step", readout="mean", input_dropout=0.3
    )
    found = {
        "leaky": [
            Side(partial(leaky, leak=leak, input_dropout=dropout, **EVERY_STEP), downsample=2)
            for leak, dropout in ((0.3, 0.0), (0.3, 0.3), (0.2, 0.3))
        ],
        "leaky, feedback once": [Side(partial(leaky, leak=leak), downsample=2) for leak in (0.05, 0.1)],
        "recurrent": [
            Side(partial(recurrent, **rate), downsample=2, scale=0.25)
            for rate in (
                {"learning_rate_init": 0.001, "max_iter": epochs + epochs // 2},
                {"learning_rate_init": 0.002, "max_iter": epochs, "recurrent_init_scale": 0.7},
            )
        ],
        "static, totals": [
            Side(partial(SpikingMLPClassifier, **hidden, n_time_steps=16, dropout=dropout), of_totals=True)
            for dropout in (0.1, 0.3)
        ],
        "MLPClassifier, totals": [
            Side(partial(MLPClassifier, (100,), max_iter=2 * epochs, alpha=alpha), of_totals=True) for alpha in (1e-4, 1e-1)
        ],
    }
    if not SnnTorch.missing():
        found["snnTorch"] = [
            Side(partial(SnnTorchOnFrames, (100,), 2 * epochs, 0.9, 5e-3), downsample=block) for block in (1, 2)
        ]
    return found


def shifted(recordings):
    """Copies of recordings, moved by `SHIFTS`; what leaves the sensor is lost."""
    width, height = N_MNIST_SENSOR
    copies = []
    for across, down in SHIFTS:
        for events in recordings:
            x, y = events["x"].astype(np.int64) + across, events["y"].astype(np.int64) + down
            inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
            moved = events[inside]
            moved["x"], moved["y"] = x[inside], y[inside]
            copies.append(moved)
    return copies


def best_first(candidates, recordings, y):
    """Candidates by their errors on a fifth that is held out; those that diverge are last."""
    if len(candidates) == 1:
        return candidates
    parts = train_test_split(np.arange(len(y)), test_size=0.2, stratify=y, random_state=0)
    (learned, y_learned), (held_out, y_held_out) = (([recordings[k] for k in part], y[part]) for part in parts)
    copies, labels = shifted(learned), np.tile(y_learned, len(SHIFTS))
    errors = []
    for side in candidates:
        try:
            errors.append(side.fit(copies, labels).error(held_out, y_held_out))
        except ValueError as error:  # it diverged
            progress(str(error))
            errors.append(1.0)
    return [candidates[k] for k in np.argsort(errors, kind="stable")]


def fold_result(candidates, learned, y_learned, asked, y_asked):
    """Error, share of right answers after each time step (None without such), setting and seconds
    of the fit. Of the best setting whose fit does not diverge; without one, no answer is right."""
    copies, labels = shifted(learned), np.tile(y_learned, len(SHIFTS))
    for side in best_first(candidates, learned, y_learned):
        watch = Stopwatch()
        result = {"setting": candidates.index(side), "error": 1.0, "right": None}
        try:
            with watch:
                side.fit(copies, labels)
        except ValueError as error:  # it diverged
            progress(f"setting {result['setting']}: {error}")
            continue
        result["error"] = side.error(asked, y_asked)
        if hasattr(side.classifier, "staged_predict") and not side.of_totals:
            stages = side.classifier.staged_predict(side.transform(asked))
            result["right"] = [float(np.mean(answers == y_asked)) for answers in stages]
        break
    return result | {"seconds": watch.seconds}


class KeptFolds:
    """Results of folds, a line of JSON each, in the file that --keep names; or in no file."""

    def __init__(self, file):
        self.file = file
        lines = file.read_text().splitlines() if file and file.is_file() else []
        self.results = {(line["side"], line["fold"]): line for line in map(json.loads, lines)}

    def get(self, side, fold, find):
        """The result that is kept, or else that of `find`, which then is kept."""
        if (side, fold) not in self.results:
            result = self.results[side, fold] = {"side": side, "fold": fold} | find()
            if self.file:
                with self.file.open("a") as file:
                    file.write(json.dumps(result) + "\n")
        return self.results[side, fold]


def accuracy(report, options):
    """Test accuracy of all sides, and of those that answer at any time against the time seen."""
    recordings, y = load_recordings(options)
    folds = list(StratifiedKFold(2 if options.quick else 5, shuffle=True, random_state=0).split(y, y))
    kept = KeptFolds(options.keep)
    rows, curves = [], {}
    for name, candidates in sides(1 if options.quick else EPOCHS).items():
        results = []
        for fold, parts in enumerate(folds):
            (learned, y_learned), (asked, y_asked) = (([recordings[k] for k in part], y[part]) for part in parts)
            some = candidates[:1] if options.quick else candidates
            results.append(kept.get(name, fold, partial(fold_result, some, learned, y_learned, asked, y_asked)))
            progress(f"{name}: {100 * results[-1]['error']:.1f} % error with setting {results[-1]['setting']}")
        right = [100 - 100 * result["error"] for result in results]
        row = {"network": name, "accuracy %": mean(right), "lowest": min(right), "highest": max(right)}
        row |= {"folds": len(folds), "fit s": mean(result["seconds"] for result in results)}
        rows.append(row | report.judgement(mean(right), ACCURACY if name in AIMED else None))
        if any(result["right"] for result in results):
            stages = [result["right"] or [0.0] for result in results]
            length = max(map(len, stages))
            curves[name] = [100 * mean(fold[min(k, len(fold) - 1)] for fold in stages) for k in range(length)]
    report.table(f"N-MNIST, {len(y)} recordings, chosen inside the folds: test accuracy", rows)
    ms = [(k + 1) * STEP // 1000 for k in range(max(map(len, curves.values())))]
    shown = sorted({0, 1, 2, 4, 7, 9, 14, 19, 24, 29, len(ms) - 1} & set(range(len(ms))))
    report.table(
        "Accuracy after the first milliseconds, %",
        [{"ms": ms[k]} | {name: curve[min(k, len(curve) - 1)] for name, curve in curves.items()} for k in shown],
    )
    report.panel(partial(draw_anytime, curves))


def draw_anytime(curves, axes):
    for name, curve in curves.items():
        axes.plot((np.arange(len(curve)) + 1) * STEP / 1000, curve, label=name)
    axes.axhline(ACCURACY.limit, color="0.6", linewidth=0.8, linestyle="--", label=f"{ACCURACY.limit:g} %")
    axes.set(xlabel="Milliseconds of the recording", ylabel="Test accuracy, %", title="N-MNIST: answers at any time")
    axes.set(xlim=(0, None), ylim=(0, 100))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")


# Out of core


def full(report, options):
    """A chunk at a time is in memory; the rate falls linearly over all chunks."""
    data = load_mnist(options)
    n_epochs, size = (1, 100) if options.quick else (3, 1000)
    side = round(data.X_train.shape[1] ** 0.5)
    with tempfile.TemporaryDirectory() as folder:
        watch = Stopwatch()
        files = {}
        for seed, (part, X, y) in enumerate(
            [("train", data.X_train, data.y_train), ("test", data.X_test, data.y_test)]
        ):
            place = Path(folder, part)
            place.mkdir()
            with watch:
                files[part] = write_chunks(place, X.reshape(-1, side, side), y, size=size, seed=seed)
        n_bytes = sum(file.stat().st_size for chunks in files.values() for file in chunks)
        n_recordings = len(data.y_train) + len(data.y_test)
        made = {"recordings": n_recordings, "files": sum(map(len, files.values())), "MB": n_bytes / 1e6}
        report.table(f"Recordings made of {data.name}", [made | {"ms a recording": 1e3 * watch.seconds / n_recordings}])
        learn_chunks(report, options, files, n_epochs)


def learn_chunks(report, options, files, n_epochs):
    frames = EventFrames(N_MNIST_SENSOR, STEP)
    network = SpikingMLPClassifier((200,), leak=0.2, random_state=0, **EVERY_STEP)
    first_rate, n_steps = network.learning_rate_init, n_epochs * len(files["train"])
    reading, learning, memory, rows = Stopwatch(), Stopwatch(), [], []
    order = np.random.default_rng(0)
    done = 0
    for epoch in range(n_epochs):
        for chunk in order.permutation(len(files["train"])):
            with reading:
                recordings, y = read_chunk(files["train"][chunk])
                X = frames.transform(recordings)
            network.set_params(learning_rate_init=first_rate * (1 - done / n_steps))
            with learning:
                network.partial_fit(X, y, classes=np.arange(10))
            done += 1
            memory.append(resident_megabytes())
        wrong = n = 0
        for file in files["test"]:
            recordings, y = read_chunk(file)
            wrong += int(np.sum(network.predict(frames.transform(recordings)) != y))
            n += len(y)
        seconds = {"reading s": reading.seconds, "learning s": learning.seconds}
        largest = max(memory[: len(files["train"]) // 6 + 1]), max(memory)
        row = {"epochs": epoch + 1, "test error %": 100 * wrong / n} | seconds
        rows.append(row | {"MB in the first sixth of an epoch": largest[0], "MB so far": largest[1]})
        progress(f"epoch {epoch + 1}: {100 * wrong / n:.2f} % error, {seconds}")
    report.table("2312-200-10, file by file", rows)


def resident_megabytes():
    """Memory of this process, or None where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return float("nan")
    return next(int(line.split()[1]) / 1e3 for line in lines if line.startswith("VmRSS:"))


# Learning on the fly


class OnFrames:
    """A network that learns a recording at a time from its frames, `again` earlier ones with it."""

    def __init__(self, network, again=0):
        self.frames = EventFrames(N_MNIST_SENSOR, STEP, downsample=2)
        self.network = network
        self.again = again
        self.seen, self.labels = [], []
        self.rng = np.random.default_rng(0)

    def predict(self, events):
        return self.network.predict(self.frames.transform([events]))[0]

    def learn(self, events, label):
        drawn = self.rng.integers(0, len(self.seen), self.again if self.seen else 0)
        X = self.frames.transform([*(self.seen[k] for k in drawn), events])
        self.network.partial_fit(X, [*(self.labels[k] for k in drawn), label], classes=np.arange(10))
        if self.again:
            self.seen.append(events)
            self.labels.append(label)


class OnTotals:
    """A classifier of river that learns the totals of each feature: a dict of those above 0, or the
    square roots of all of them in one array (`vectors`), for a distance that takes arrays."""

    def __init__(self, model, downsample=1, vectors=False):
        self.frames = EventFrames(N_MNIST_SENSOR, STEP, downsample=downsample)
        self.model = model
        self.vectors = vectors

    def features(self, events):
        sums = totals(self.frames.transform([events]))[0]
        return {"all": np.sqrt(sums)} if self.vectors else {int(k): float(sums[k]) for k in np.flatnonzero(sums)}

    def predict(self, events):
        return self.model.predict_one(self.features(events))

    def learn(self, events, label):
        self.model.learn_one(self.features(events), label)


def squared_distance(a, b):
    return float(np.sum((a["all"] - b["all"]) ** 2))


def online_learners(seed):
    """Name -> an online learner."""
    leaky = partial(SpikingMLPClassifier, (100,), leak=0.2, random_state=seed, **EVERY_STEP | {"learning_rate_init": 1.0})
    found = {"leaky": OnFrames(leaky()), "leaky, 30 earlier ones again": OnFrames(leaky(), again=30)}
    if find_spec("river"):
        from river import forest, linear_model, neighbors, optim

        nearest = neighbors.KNNClassifier(3, neighbors.LazySearch(2000, dist_func=squared_distance))
        found |= {
            "river: 3 nearest neighbours, totals": OnTotals(nearest, downsample=2, vectors=True),
            "river: adaptive random forest, totals": OnTotals(forest.ARFClassifier(seed=seed), downsample=2),
            "river: softmax regression, totals": OnTotals(linear_model.SoftmaxRegression(optim.SGD(0.04))),
        }
    return found


def prequential(report, options):
    """Each recording is predicted before it is learned; the first is not counted."""
    recordings, y = load_recordings(options)
    if options.quick:
        recordings, y = recordings[:20], y[:20]
    scores, seconds = {}, {}
    for seed in range(n_seeds(options, 3)):
        order = np.random.default_rng(seed).permutation(len(y))
        for name, learner in online_learners(seed).items():
            right, watch = [], Stopwatch()
            with watch:
                learner.learn(recordings[order[0]], y[order[0]])
                for k in order[1:]:
                    right.append(learner.predict(recordings[k]) == y[k])
                    learner.learn(recordings[k], y[k])
            scores.setdefault(name, []).append((np.mean(right), np.mean(right[-len(right) // 2 :])))
            seconds.setdefault(name, []).append(watch.seconds / len(right))
            progress(f"{name}, seed {seed}: {100 * scores[name][-1][0]:.1f} %")
    report.table(
        f"Predict, then learn: {len(y)} recordings, once",
        [
            {"learner": name} | percentages([whole for whole, _ in pairs])
            | {"second half %": 100 * mean(half for _, half in pairs), "ms a recording": 1e3 * mean(seconds[name])}
            for name, pairs in scores.items()
        ],
    )


PARTS = {"accuracy": accuracy, "full": full, "prequential": prequential}
