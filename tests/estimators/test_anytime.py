"""Anytime prediction: samples that end as soon as their outputs are far enough apart, held against the staged answers."""
import copy

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

from sk_dsn import SpikingMLPClassifier, SpikingMLPRegressor
from sk_dsn.metrics import exit_steps, spike_counts, synaptic_operations

WAYS = {
    "counting": {"simulation": "counting"},
    "clock-driven": {"simulation": "clock-driven"},
    "breadth-first": {"simulation": "event-driven"},
    "depth-first": {"simulation": "event-driven-depth-first"},
    "rectifying": {"simulation": "event-driven", "neuron": "rectifying"},
}
MARGIN = 2.0  # of the outputs of `digits`' networks: many samples end early, many do not


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return (X[:300] / 16).astype(np.float32), y[:300]


@pytest.fixture(scope="module", params=[2, 10], ids="{} classes".format)
def classes(request, digits):
    X, y = digits
    return X[y < request.param], y[y < request.param]


def fitted(X, y, **params):
    estimator = SpikingMLPClassifier((12,), max_iter=5, n_time_steps=11, random_state=0).fit(X, y)
    return estimator.set_params(**params)


def streams(X, n_time_steps=11):
    """Each row shown at random strength."""
    strength = np.random.default_rng(0).uniform(-0.5, 2.5, (len(X), n_time_steps, 1))
    return (strength * X[:, np.newaxis]).astype(np.float32)


def margins(decisions):
    """The largest less the second largest output, of decisions of shape (n_steps, n_samples[, n_classes])."""
    if decisions.ndim == 2:
        return np.abs(decisions)
    ranked = np.sort(decisions, axis=2)
    return ranked[:, :, -1] - ranked[:, :, -2]


def expected_exits(estimator, X):
    """Steps, from 1, at which the samples end, by the answers after each step."""
    decisions = np.array(list(estimator.staged_decision_function(X)))
    n_steps = len(decisions)
    looks = np.arange(1, n_steps + 1)
    if estimator.simulation in ("auto", "counting"):
        looks = np.array([t for t in looks if t & (t - 1) == 0 or t == n_steps])
    decided = margins(decisions)[looks - 1].astype(float) >= estimator.exit_margin
    decided[-1] = True
    return looks[decided.argmax(axis=0)]


@pytest.mark.parametrize("kind", ["static", "stream"])
@pytest.mark.parametrize("way", WAYS)
def test_a_sample_is_answered_as_it_was_when_its_margin_was_first_large_enough(classes, way, kind):
    X, y = classes
    estimator = fitted(X, y, **WAYS[way])
    X = streams(X) if kind == "stream" else X
    # What a quarter of the samples reach, at the last step.
    estimator.set_params(exit_margin=np.quantile(margins(estimator.decision_function(X)[np.newaxis]), 0.75))
    steps = expected_exits(estimator, X)
    assert len(np.unique(steps)) > 2
    np.testing.assert_array_equal(exit_steps(estimator, X), steps, strict=True)
    for method in ("decision_function", "predict", "predict_proba"):
        staged = np.array(list(getattr(estimator, f"staged_{method}")(X)))
        np.testing.assert_array_equal(getattr(estimator, method)(X), staged[steps - 1, np.arange(len(X))], strict=True)


@pytest.mark.parametrize("way", WAYS)
def test_no_margin_or_one_out_of_reach_uses_every_time_step(digits, way):
    X, y = digits
    estimator = fitted(X, y, **WAYS[way])
    decision = estimator.decision_function(X)
    for margin in (None, 1e9):
        estimator.set_params(exit_margin=margin)
        assert set(exit_steps(estimator, X)) == {11}
        np.testing.assert_array_equal(estimator.decision_function(X), decision, strict=True)


def test_the_margin_itself_is_enough():
    X = np.array([[1.0], [0.5]])
    estimator = SpikingMLPClassifier((), learning_rate_init=0.0, n_time_steps=4, exit_margin=1.0, max_iter=1)
    estimator.fit(X, [0, 1], coefs_init=[np.array([[0.0, 1.0]])])
    # The outputs are 0 and the input's counts, (1, 2, 3, 4) and (0, 1, 1, 2), divided by time.
    assert exit_steps(estimator, X).tolist() == [1, 4]
    assert exit_steps(estimator.set_params(exit_margin=np.nextafter(1.0, 2)), X).tolist() == [4, 4]
    assert exit_steps(estimator.set_params(exit_margin=0.5), X).tolist() == [1, 2]


@pytest.mark.parametrize("n_time_steps", [1, 2, 3, 8, 12, 1000])
def test_counting_looks_after_powers_of_two_and_the_last_step(digits, n_time_steps):
    X, y = digits
    estimator = fitted(X, y, exit_margin=MARGIN, n_time_steps=n_time_steps)
    steps = exit_steps(estimator, X)
    assert set(steps) <= {2**k for k in range(21)} | {n_time_steps}
    for x, step, decision in zip(X[:20], steps, estimator.decision_function(X[:20]), strict=False):
        whole = copy.copy(estimator).set_params(n_time_steps=int(step), exit_margin=None)
        np.testing.assert_array_equal(whole.decision_function(x[None])[0], decision)


def test_a_larger_margin_takes_longer_and_answers_more_like_the_last_step(digits):
    X, y = digits
    estimator = fitted(X, y, simulation="clock-driven")
    final = estimator.predict(X)
    mean_steps, agreement = [], []
    for margin in (0.5, 1.0, 2.0, 4.0):
        estimator.set_params(exit_margin=margin)
        mean_steps.append(exit_steps(estimator, X).mean())
        agreement.append(np.mean(estimator.predict(X) == final))
    assert mean_steps == sorted(set(mean_steps))
    assert agreement[-1] > agreement[0]


@pytest.mark.parametrize("way", WAYS)
def test_a_sample_that_has_ended_spikes_no_more(digits, way):
    X, y = digits
    estimator = fitted(X, y, **WAYS[way])
    whole = spike_counts(estimator, X)
    estimator.set_params(exit_margin=MARGIN)
    steps = exit_steps(estimator, X)
    counts, operations = spike_counts(estimator, X), synaptic_operations(estimator, X)
    assert (counts.sum(axis=(1, 2)) < whole.sum(axis=(1, 2))).any()
    for k, step in enumerate(steps):
        np.testing.assert_array_equal(counts[k, :step], whole[k, :step])
        assert not counts[k, step:].any()
        assert operations[k, -1] == operations[k, step - 1] == whole[k, :step].sum(axis=0) @ [12, 10]


def test_input_out_of_range_is_met_only_by_samples_that_get_there():
    # Of the second sample the hidden neuron would pass 2**24 spikes, but only after its output is decided.
    estimator = SpikingMLPClassifier((1,), learning_rate_init=0.0, max_iter=1, n_time_steps=2**10)
    coefs = [np.array([[2.0**15]]), np.array([[0.0, 1.0]])]
    estimator.fit(np.zeros((2, 1)), [0, 1], coefs_init=coefs)
    with pytest.raises(ValueError, match="Sample 1 of X drives the network out of the range"):
        estimator.predict([[0.0], [1.0]])
    assert estimator.set_params(exit_margin=1.0).predict([[0.0], [1.0]]).tolist() == [0, 1]


def test_training_never_exits(digits):
    X, y = digits
    params = {"hidden_layer_sizes": (12,), "max_iter": 5, "early_stopping": True, "random_state": 0}
    plain = SpikingMLPClassifier(**params).fit(X, y)
    hasty = SpikingMLPClassifier(**params, exit_margin=1e-3).fit(X, y)
    assert hasty.validation_scores_ == plain.validation_scores_
    for a, b in zip(hasty.coefs_, plain.coefs_, strict=True):
        np.testing.assert_array_equal(a, b)


def test_asking_for_the_steps_sets_no_attributes_and_takes_what_predict_takes(digits):
    X, y = digits
    named = pd.DataFrame(X).add_prefix("pixel ")
    estimator = fitted(named, y, exit_margin=MARGIN)
    before = copy.deepcopy(vars(estimator))
    steps = exit_steps(estimator, named)
    spike_counts(estimator, named)
    np.testing.assert_equal(vars(estimator), before)
    np.testing.assert_array_equal(steps, exit_steps(fitted(X, y, exit_margin=MARGIN), X))


@pytest.mark.parametrize("margin", [0, -1.0, "2", np.nan, np.inf])
@pytest.mark.parametrize("ask", [SpikingMLPClassifier.predict, exit_steps, spike_counts])
def test_a_margin_that_is_none_is_refused_when_it_is_read(digits, margin, ask):
    estimator = fitted(*digits, exit_margin=margin)
    with pytest.raises(ValueError, match="'exit_margin' parameter of SpikingMLPClassifier must be"):
        ask(estimator, digits[0])


def test_a_search_finds_a_margin(digits):
    X, y = digits
    grid = {"exit_margin": [1e-3, None]}
    search = GridSearchCV(SpikingMLPClassifier((12,), n_time_steps=4, max_iter=5, random_state=0), grid, cv=3)
    assert search.fit(X, y).best_params_ == {"exit_margin": None}


def test_a_regressor_takes_every_time_step():
    X, y = np.eye(4), np.arange(4.0)
    regressor = SpikingMLPRegressor((3,), n_time_steps=7, max_iter=2).fit(X, y)
    assert exit_steps(regressor, X).tolist() == [7] * 4
    assert "exit_margin" not in regressor.get_params()


def test_the_anytime_display_draws_every_time_step_whatever_the_exit_margin():
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    from sk_dsn.plotting import AnytimeDisplay

    X, y = load_digits(return_X_y=True)
    clf = SpikingMLPClassifier((20,), n_time_steps=8, max_iter=5, random_state=0).fit(X / 16, y)
    eager = copy.deepcopy(clf).set_params(exit_margin=0.5)
    drawn = [AnytimeDisplay.from_estimator(network, X / 16, y) for network in (clf, eager)]
    np.testing.assert_array_equal(drawn[0].synaptic_operations, drawn[1].synaptic_operations)
    np.testing.assert_array_equal(drawn[0].scores, drawn[1].scores)
    assert eager.exit_margin == 0.5
