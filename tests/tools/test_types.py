"""Annotations: every public callable has them, and mypy reads them in a user's script."""
import inspect
import subprocess
import sys
from importlib import import_module
from importlib.resources import files

import pytest

import sk_dsn

RIGHT = '''
import numpy as np

import sk_dsn
from sk_dsn import PAPER_SETTINGS, SpikingBackprop, SpikingMLPClassifier, SpikingMLPRegressor, SpikingRNNClassifier
from sk_dsn.events import EventFrames
from sk_dsn.metrics import spike_counts
from sk_dsn.plotting import TrainingCurveDisplay
from sk_dsn.quantization import event_counts, quantize_vector
from sk_dsn.streams import SparseStreams, StreamScaler

X = np.eye(4)
rule = SpikingBackprop(feedback="step")
clf: SpikingMLPClassifier = SpikingMLPClassifier((20, 10), neuron="signed", learning_rule=rule).fit(X, [0, 1, 0, 1])
clf = clf.set_params(leak=0.5).partial_fit(X.tolist(), np.arange(4) % 2, classes=[0, 1])
shapes: list[tuple[int, ...]] = [w.shape for w in clf.coefs_] + [labels.shape for labels in clf.staged_predict(X)]
loss: float = clf.loss_ + clf.loss_curve_[0] + float(clf.predict_proba(X).sum()) + float(clf.decision_function(X)[0])
paper = SpikingMLPClassifier((50,), **PAPER_SETTINGS)
values: np.ndarray = SpikingMLPRegressor(np.array([3])).fit(X, X[:, :2]).predict(X)
recurrent = SpikingRNNClassifier().fit([np.zeros((3, 2)), np.zeros((4, 2))], ["a", "b"]).recurrent_coefs_[0].T
streams = SparseStreams.from_list([X, X[:2]])
total: int = streams[:1].nnz + streams[0].size + streams.shape[2] + sk_dsn.metrics.footprint(clf)
scaled = StreamScaler().fit(streams).transform(streams)
frames = EventFrames((2, 1), time_step=10.0)
probability: float = float(clf.create_stream(frames=frames).advance(20).predict_proba()[0, 0])
answer: np.ndarray = SpikingMLPRegressor().fit(X, [1, 2, 3, 4]).create_stream(n_features=4).feed(X).predict()
counts: int = int(spike_counts(clf, X).sum()) + int(event_counts(quantize_vector([1.0, 2.0], 3), n_units=2)[0])
TrainingCurveDisplay.from_estimator(clf, line_kw={"color": "red"}).ax_.set_title("loss")
'''

WRONG = '''
from sk_dsn import SpikingBackprop, SpikingMLPClassifier
SpikingMLPClassifier(neuron="sigend")
SpikingMLPClassifier(max_iters=3)
SpikingMLPClassifier().fit([[1.0]])
SpikingBackprop(feedback="steps")
loss: int = SpikingMLPClassifier().loss_
'''


def public_callables():
    modules = [sk_dsn, *(import_module(f"sk_dsn.{name}") for name in sorted(sk_dsn._MODULES))]
    for module in modules:
        for name in module.__all__:
            member = getattr(module, name)
            if inspect.isfunction(member):
                yield f"{module.__name__}.{name}", member
            elif inspect.isclass(member):
                yield from public_methods(member)


def public_methods(kind):
    for name in dir(kind):
        method = inspect.getattr_static(kind, name)
        method = method.fget if isinstance(method, property) else getattr(method, "__func__", method)
        is_ours = inspect.isfunction(method) and method.__module__.startswith("sk_dsn")
        if is_ours and (name == "__init__" or not name.startswith("_")):
            yield f"{kind.__name__}.{name}", method


@pytest.mark.parametrize(("name", "function"), dict(public_callables()).items())
def test_every_public_callable_is_annotated(name, function):
    signature = inspect.signature(function)
    parameters = [parameter for parameter in signature.parameters.values() if parameter.name not in ("self", "cls")]
    missing = [parameter.name for parameter in parameters if parameter.annotation is parameter.empty]
    if signature.return_annotation is signature.empty:
        missing.append("return")
    assert missing == []


def test_the_package_says_that_it_has_types():
    assert (files(sk_dsn) / "py.typed").is_file()


def mypy(folder, script):
    pytest.importorskip("mypy", reason="mypy is not installed")
    (folder / "script.py").write_text(script)
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--show-error-codes", "script.py"]
    # Another folder than the repository, so that the installed package is read.
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_mypy_accepts_a_users_script(tmp_path):
    run = mypy(tmp_path, RIGHT)
    assert (run.returncode, run.stdout) == (0, "")


def test_mypy_finds_a_users_mistakes(tmp_path):
    run = mypy(tmp_path, WRONG)
    found = [line.rsplit("[", 1)[1].rstrip("]") for line in run.stdout.splitlines() if ": error:" in line]
    assert found == ["arg-type", "call-arg", "call-arg", "arg-type", "assignment"], run.stdout
