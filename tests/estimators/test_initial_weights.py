"""The weights that a network starts with: drawn, or given."""
import copy

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris
from threadpoolctl import threadpool_limits

from estimator_helpers import assert_same_network, learned, prepared, small, train, untrained
from sk_dsn import SpikingBackprop, SpikingMLPClassifier
from sk_dsn._weights import orthogonal


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    return X / 8, y


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return (X[:512] / 16).astype(np.float32), y[:512]


def test_initial_weights_are_normal_with_the_scale_asked_for(digits):
    estimator = untrained(*digits, hidden_layer_sizes=(200,), weight_init_scale=0.01)
    for weights in estimator.coefs_:
        scores = weights / 0.01
        # Within five standard errors: the mean, the deviation, and the fourth moment (3 for a normal variable).
        assert abs(scores.mean()) < 5 / np.sqrt(scores.size)
        assert abs(scores.std() - 1) < 5 / np.sqrt(2 * scores.size)
        assert abs(np.mean(scores**4) - 3) < 5 * np.sqrt(96 / scores.size)
    assert all(not b.any() for b in estimator.intercepts_)


@pytest.mark.parametrize("sizes", [(), (200,), (5,), (80, 30, 30)], ids=str)
def test_initial_weights_are_orthogonal_in_hes_scale_but_at_both_ends(digits, sizes):
    coefs = untrained(*digits, hidden_layer_sizes=sizes).coefs_
    share = 1 / max(1, len(sizes)) ** 2
    for k, weights in enumerate(coefs):
        n_in, n_out = weights.shape
        scale = (20 / 64) ** (share / 2) if k == 0 else 1
        scale *= 0.3**share if k == len(coefs) - 1 else 1
        rows = weights if n_in <= n_out else weights.T
        size = 2 * max(1, n_out / n_in) * scale**2
        np.testing.assert_allclose(rows @ rows.T, size * np.eye(len(rows)), atol=1e-5 * size)


def test_initial_weights_do_not_depend_on_the_threads_of_linear_algebra():
    with threadpool_limits(2):
        two = orthogonal(np.random.default_rng(0), 300, 200)
    with threadpool_limits(1):
        np.testing.assert_array_equal(orthogonal(np.random.default_rng(0), 300, 200), two)


def test_initial_weights_of_zero_stay_zero_below_the_output(digits):
    estimator = small(weight_init_scale=0.0, hidden_layer_sizes=(5, 5)).fit(*digits)
    assert [w.any() for w in estimator.coefs_] == [False, False, False]
    assert [b.any() for b in estimator.intercepts_] == [False, False, True]


@pytest.mark.parametrize("call", ["fit", "partial_fit"])
def test_training_starts_from_the_weights_given(iris, call):
    X, y = iris
    rng = np.random.default_rng(0)
    coefs = [rng.normal(size=(4, 8)), rng.normal(size=(8, 3))]
    intercepts = [rng.normal(size=8), rng.normal(size=3)]
    given = {"coefs_init": coefs, "intercepts_init": intercepts}
    kept = copy.deepcopy(given)

    estimator = train(prepared(call, X, y, learning_rate_init=0.0), call, X, y, **given)
    for arrays, expected in [(estimator.coefs_, coefs), (estimator.intercepts_, intercepts)]:
        for array, values in zip(arrays, expected, strict=True):
            np.testing.assert_array_equal(array, values.astype(np.float32), strict=True)

    estimator = train(prepared(call, X, y), call, X, y, **given)
    assert all((w != c).any() for w, c in zip(estimator.coefs_, coefs, strict=True))
    np.testing.assert_equal(given, kept)
    as_lists = {name: [a.tolist() for a in arrays] for name, arrays in given.items()}
    assert_same_network(train(prepared(call, X, y), call, X, y, **as_lists), estimator)


def test_a_fitted_network_can_be_given_to_another(iris):
    X, y = iris
    teacher = small(max_iter=20).fit(X, y)
    pupil = small(learning_rate_init=0.0).fit(X, y, coefs_init=teacher.coefs_, intercepts_init=teacher.intercepts_)
    np.testing.assert_array_equal(pupil.decision_function(X), teacher.decision_function(X))
    assert not any(np.shares_memory(a, b) for a, b in zip(learned(pupil), learned(teacher), strict=True))


def test_without_fit_intercept_there_are_no_biases(digits):
    estimator = small(fit_intercept=False).fit(*digits)
    assert not any(b.any() for b in estimator.intercepts_)
    assert not estimator.decision_function(np.zeros((1, 64))).any()
    assert small().fit(*digits).decision_function(np.zeros((1, 64))).all()


def test_training_does_not_go_on_without_the_biases_it_has_learned(digits):
    estimator = small().fit(*digits).set_params(fit_intercept=False, warm_start=True)
    with pytest.raises(ValueError, match="has learned biases; set fit_intercept=True"):
        estimator.fit(*digits)


@pytest.mark.parametrize("simulation", ["clock-driven", "event-driven"])
@pytest.mark.parametrize("feedback", ["step", "sample"])
def test_more_error_spikes_of_rectifying_outputs_than_can_be_counted_are_refused(simulation, feedback):
    network = SpikingMLPClassifier(
        (),
        n_time_steps=4,
        simulation=simulation,
        fit_intercept=False,
        loss="squared_error",
        error_resolution=2**18,
        learning_rule=SpikingBackprop(feedback=feedback, output_activation="rectifying"),
    )
    with pytest.raises(ValueError, match=r"more than 2\*\*24 spikes"):
        network.fit(np.ones((3, 1)), [0, 1, 2], coefs_init=[np.full((1, 3), 100.0)])
