"""Event-driven networks of rectifying neurons against the program of the paper's authors
(docs/semantics.md).

Every number is equal, bit for bit, except where gradients are smooth. There a trace in the authors'
program is a running sum of weight rows. Here it is the potential plus the spikes sent: the same
sum, rounded in other places.
"""
import json
from types import SimpleNamespace

import numpy as np
import pytest

from helpers import PAPER, Core, Oracle, Problem, estimator_parameters, static
from sk_dsn import SpikingMLPClassifier, SpikingMLPRegressor

# The goldens of float arithmetic; those of integer arithmetic are called int_*.
NAMES = [
    "fwd_T1", "fwd_T5", "fwd_T10", "fwd_T20", "fwd_T100", "fwd_T1_B", "fwd_T10_B", "fwd_T100_B", "fwd_depth_first",
    "fwd_multispike", "mnist_notie_base", "mnist_notie_frac", "mnist_notie_nohold_frac", "mnist_notie_smooth_frac",
    "tr_B_base", "tr_B_frac", "tr_C_base", "tr_C_frac", "tr_C_frac_depth", "tr_C_nohold_frac_depth", "tr_back_herding",
    "tr_back_herding_frac", "tr_base", "tr_base_T20", "tr_base_depth", "tr_frac", "tr_frac_T1", "tr_frac_T5",
    "tr_frac_T20", "tr_frac_depth", "tr_fwd_noreset", "tr_multispike_frac", "tr_nohold", "tr_nohold_depth",
    "tr_nohold_frac", "tr_nohold_frac_depth", "tr_nohold_smooth_frac", "tr_nohold_smooth_frac_depth", "tr_real_xy",
    "tr_real_xy_frac", "tr_reg", "tr_reg_frac", "tr_reg_frac_depth", "tr_reg_frac_nohold_depth",
    "tr_reg_frac_smooth_depth", "tr_single_layer", "tr_single_layer_frac", "tr_smooth", "tr_smooth_frac",
    "tr_smooth_frac_depth", "tr_smooth_normal",
]
REAL_TARGETS = {"tr_multispike_frac", "tr_real_xy", "tr_real_xy_frac"}

# Sums here are up to 10, which float32 rounds by up to 2^-21; potentials add up several of these
# errors.
SMOOTH_TOLERANCE = 2.0**-17


class Golden(SimpleNamespace):
    """One case: X, Y, the configuration as flat parameters, and the results of the authors'
    program."""

    @classmethod
    def load(cls, path):
        with np.load(path) as arrays:
            values = {name: arrays[name] for name in arrays.files}
        config = json.loads(str(values.pop("config")))
        golden = cls(**values)
        golden.sizes = config["sizes"]
        golden.parameters = PAPER | {
            "n_time_steps": config["n_steps"],
            "learning_rate_init": float(np.float32(config["eta"])),
            "simulation": "event-driven-depth-first" if config["depth_first"] else "event-driven",
            "weight_update": "fractional" if config["fractional"] else "sgd",
            "smooth_gradient": config["smooth_grads"],
            "hold_error": config["hold_error"],
            "spike_penalty": config["regularization"],
            "backward_reset": "keep" if config["back_discretize"].startswith("noreset-") else "zero",
            "forward_reset": "keep" if config["forward_discretize"].startswith("noreset-") else "zero",
        }
        golden.problem = Problem(golden.layers("w0"), None, static(golden.X), None)
        return golden

    def keywords(self, **changes):
        """Of an estimator."""
        sizes = {"hidden_layer_sizes": self.sizes[1:-1], "shuffle": False}
        return estimator_parameters(**self.parameters | sizes | changes)

    def layers(self, name):
        """The arrays name_0, name_1, …; those that are missing are left out."""
        numbered = [vars(self).get(f"{name}_{layer}") for layer in range(len(self.sizes) - 1)]
        return [array for array in numbered if array is not None]

    def assert_equal(self, found, expected):
        tolerance = SMOOTH_TOLERANCE if self.parameters["smooth_gradient"] else 0
        for array, wanted in zip(found, expected, strict=True):
            np.testing.assert_allclose(array, wanted, rtol=0, atol=tolerance)


@pytest.fixture(scope="module")
def load(shared):
    return lambda name: Golden.load(shared / "reference" / "goldens" / f"{name}.npz")


def test_no_golden_is_left_out(shared):
    found = {path.stem for path in (shared / "reference" / "goldens").glob("*.npz")}
    assert {name for name in found if not name.startswith("int_")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_regressor_learns_and_predicts_as_the_authors_program(load, name):
    golden = load(name)
    untrained = SpikingMLPRegressor(**golden.keywords(learning_rate_init=0))
    untrained.partial_fit(golden.X[:1], golden.Y[:1], coefs_init=golden.layers("w0"))
    np.testing.assert_array_equal(untrained.predict(golden.X), golden.P)

    regressor = SpikingMLPRegressor(**golden.keywords())
    for sample, (x, y) in enumerate(zip(golden.X, golden.Y, strict=True)):
        coefs_init = golden.layers("w0") if sample == 0 else None
        regressor.partial_fit(x[np.newaxis], y[np.newaxis], coefs_init=coefs_init)
        if sample == 0:
            golden.assert_equal(regressor.coefs_, golden.layers("wfirst"))
    golden.assert_equal(regressor.coefs_, golden.layers("w1"))
    golden.assert_equal([regressor.predict(golden.X)], [golden.P1])


@pytest.mark.parametrize("name", [name for name in NAMES if name not in REAL_TARGETS])
def test_the_classifier_learns_and_predicts_as_the_authors_program(load, name):
    golden = load(name)
    labels = golden.Y.argmax(axis=1)
    np.testing.assert_array_equal(golden.Y, np.eye(golden.sizes[-1])[labels])
    classifier = SpikingMLPClassifier(**golden.keywords(max_iter=1))
    with pytest.warns(match="max_iter=1"):
        classifier.fit(golden.X, labels, coefs_init=golden.layers("w0"))
    golden.assert_equal(classifier.coefs_, golden.layers("w1"))
    golden.assert_equal([classifier.decision_function(golden.X)], [golden.P1])


@pytest.mark.parametrize("name", NAMES)
def test_the_core_sends_the_authors_spikes_and_keeps_their_potentials(load, name):
    golden = load(name)
    core = Core(golden.problem, **golden.parameters)
    core.train(golden.problem.X, golden.Y)
    spikes, error_spikes, passed, target_spikes = np.split(core.counts, len(golden.sizes) * np.arange(1, 4), axis=1)
    # The authors' program does not count the errors that rectifying outputs do not hold.
    counted = golden.bwd_spikes != -1
    np.testing.assert_array_equal(spikes, golden.fwd_spikes)
    np.testing.assert_array_equal(error_spikes[:, 1:][counted], golden.bwd_spikes[counted])
    np.testing.assert_array_equal(passed[:, 1:], golden.filt_spikes)
    np.testing.assert_array_equal(target_spikes[:, 0], golden.tgt_spikes)
    golden.assert_equal(core.coefs, golden.layers("w1"))
    golden.assert_equal(core.potentials, golden.layers("phi_fwd"))
    golden.assert_equal(core.error_potentials[:-1], golden.layers("phi_bwd"))


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("tr_")])
def test_the_oracle_sends_the_authors_spikes_and_learns_their_weights(load, name):
    golden = load(name)
    oracle = Oracle(golden.problem, dtype=np.float32, **golden.parameters)
    oracle.train(golden.problem.X, golden.Y)
    samples = oracle.samples
    np.testing.assert_array_equal([s.spikes for s in samples], golden.fwd_spikes)
    np.testing.assert_array_equal([s.passed_spikes for s in samples], golden.filt_spikes)
    np.testing.assert_array_equal([s.target_spikes for s in samples], golden.tgt_spikes)
    for array, wanted in zip(oracle.coefs, golden.layers("w1"), strict=True):
        np.testing.assert_array_equal(array, wanted)
    for array, wanted in zip(oracle.error_potentials[:-1], golden.layers("phi_bwd"), strict=True):
        np.testing.assert_array_equal(array, wanted)
