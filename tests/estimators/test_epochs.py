"""Epochs: randomness, rates, what is drawn for a sample, early stopping, and going on."""
import copy
import re
from itertools import pairwise

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss

from estimator_helpers import assert_holds, assert_same_network, held, held_out, learned, small, untrained
from sk_dsn import SpikingMLPClassifier, SpikingMLPRegressor
from sk_dsn._epochs import Learner
from sk_dsn.metrics import spike_counts


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    return X / 8, y


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return (X[:512] / 16).astype(np.float32), y[:512]


# --- Randomness.

RANDOM = {"dropout": 0.2, "input_dropout": 0.1, "input_noise": 0.1, "early_stopping": True, "learning_rate": "linear"}


def test_training_is_reproducible_bit_for_bit(digits):
    a, b = small(**RANDOM).fit(*digits), small(**RANDOM).fit(*digits)
    assert_same_network(a, b)
    assert a.loss_curve_ == b.loss_curve_
    assert a.validation_scores_ == b.validation_scores_


def test_fitting_again_starts_anew(digits):
    estimator = small(**RANDOM).fit(*digits)
    before = held(estimator)
    assert_holds(estimator.fit(*digits), before)


def test_seeds_differ(digits):
    a, b = small(random_state=0).fit(*digits), small(random_state=1).fit(*digits)
    assert not np.array_equal(a.coefs_[0], b.coefs_[0])


def test_no_seed_differs_each_time(digits):
    a, b = small(random_state=None).fit(*digits), small(random_state=None).fit(*digits)
    assert not np.array_equal(a.coefs_[0], b.coefs_[0])


def test_a_random_state_instance_is_drawn_from(digits):
    stream = np.random.RandomState(0)
    a, b = small(random_state=stream).fit(*digits), small(random_state=stream).fit(*digits)
    assert a.seed_ != b.seed_
    assert_same_network(small(random_state=np.random.RandomState(0)).fit(*digits), a)


def test_global_numpy_state_is_left_alone(digits):
    before = np.random.get_state()  # noqa: NPY002
    small(**RANDOM).fit(*digits)
    np.testing.assert_equal(np.random.get_state(), before)  # noqa: NPY002


@pytest.mark.parametrize(
    "params", [{"dropout": 0.2}, {"shuffle": False}, {"spike_penalty": 0.01}, {"n_time_steps": 8}], ids=str
)
def test_the_parameter_changes_what_is_learned(digits, params):
    assert not np.array_equal(small(**params).fit(*digits).coefs_[0], small().fit(*digits).coefs_[0])


# --- Epochs and rates.

DRAWING = {"dropout": 0.1, "input_dropout": 0.1, "input_noise": 0.1, "max_norm": 1.25}


def epochs(X, y, rates, **params):
    """The network after one `partial_fit` for each rate."""
    estimator = small(**params)
    for rate in rates:
        estimator.set_params(learning_rate_init=rate).partial_fit(X, y, classes=np.unique(y))
    return estimator


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("shuffle", [True, False])
def test_fit_at_a_constant_rate_is_that_many_partial_fits(digits, shuffle):
    params = {"learning_rate": "constant", "shuffle": shuffle} | DRAWING
    fitted = small(**params, max_iter=3).fit(*digits)
    by_hand = epochs(*digits, [1.0] * 3, **params)
    assert_same_network(fitted, by_hand)
    assert fitted.loss_curve_ == by_hand.loss_curve_
    assert (fitted.n_iter_, fitted.t_) == (by_hand.n_iter_, by_hand.t_) == (3, 3 * 512)


def test_the_linear_rate_falls_with_every_sample(digits):
    X, y = digits
    max_iter, n = 2, len(X)
    fitted = small(max_iter=max_iter, shuffle=False).fit(X, y)
    by_hand = small(shuffle=False)
    for k in range(max_iter * n):
        by_hand.set_params(learning_rate_init=1.0 * (1 - k / (max_iter * n)))
        by_hand.partial_fit(X[k % n, None], y[k % n, None], classes=np.unique(y))
    assert_same_network(fitted, by_hand)


@pytest.mark.filterwarnings("error")
def test_the_adaptive_rate_is_divided_by_five_at_each_stall_until_it_is_below_the_minimum(digits):
    # With this tol, only the first epoch is an improvement.
    params = {"learning_rate": "adaptive", "tol": 1e9, "n_iter_no_change": 2}
    fitted = small(**params, max_iter=100).fit(*digits)
    rates = [1.0]
    rate = 1.0
    while rate >= 1e-6:
        rates += [rate, rate]
        rate /= 5
    assert fitted.n_iter_ == len(rates) == 19
    assert_same_network(fitted, epochs(*digits, rates))


@pytest.mark.parametrize("loss", ["log_loss", "squared_error"])
def test_the_loss_curve_is_the_mean_loss_of_the_outputs(digits, loss):
    X, y = digits
    estimator = small(learning_rate_init=0.0, loss=loss, max_iter=2).fit(X, y)
    outputs = estimator.decision_function(X).astype(np.float64)
    if loss == "log_loss":
        expected = log_loss(y, estimator.predict_proba(X))
    else:
        expected = np.mean(0.5 * np.sum((outputs - np.eye(10)[y]) ** 2, axis=1))
    # Nothing is learned: each epoch sees the same outputs, in another order.
    np.testing.assert_allclose(estimator.loss_curve_, [expected] * 2, rtol=1e-6)
    assert estimator.loss_ == estimator.loss_curve_[-1]


@pytest.mark.parametrize("learning_rate", ["linear", "constant", "adaptive"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_loss_falls(digits, learning_rate):
    estimator = small(learning_rate=learning_rate, max_iter=8).fit(*digits)
    assert len(estimator.loss_curve_) == estimator.n_iter_ == 8
    assert estimator.loss_curve_[-1] < estimator.loss_curve_[3] < estimator.loss_curve_[0] / 2


def test_a_rate_of_zero_changes_nothing(digits):
    X, y = digits
    a, b = untrained(X, y, max_iter=1), untrained(X, y, max_iter=3)
    for weights_a, weights_b in zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True):
        np.testing.assert_array_equal(weights_a, weights_b)


@pytest.mark.filterwarnings("error")
def test_training_at_a_constant_rate_stops_when_nothing_improves_by_tol(digits, capsys):
    estimator = small(learning_rate="constant", tol=1e9, n_iter_no_change=3, max_iter=50, verbose=True).fit(*digits)
    assert estimator.n_iter_ == len(estimator.loss_curve_) == 1 + 3  # the first epoch is an improvement
    end = capsys.readouterr().out.splitlines()[-1]
    assert "ended after epoch 4" in end and "the loss has not improved" in end and "n_iter_no_change=3" in end


@pytest.mark.filterwarnings("error")
def test_a_linear_schedule_is_run_to_its_end(digits, capsys):
    estimator = small(tol=1e9, n_iter_no_change=1, max_iter=12, verbose=True).fit(*digits)
    assert estimator.n_iter_ == 12
    assert "max_iter=12" in (end := capsys.readouterr().out.splitlines()[-1]) and "fallen to zero" in end


def test_a_linear_schedule_stops_where_the_validation_score_stalls(digits, capsys):
    estimator = small(tol=1e9, n_iter_no_change=3, max_iter=50, early_stopping=True, verbose=True).fit(*digits)
    assert estimator.n_iter_ == 4
    assert "validation score has not improved" in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize(("draws", "ends"), [({}, True), ({"dropout": 0.1}, False), ({"input_noise": 0.01}, False)])
def test_a_linear_schedule_ends_where_no_error_spike_was_sent_unless_samples_are_drawn_anew(draws, ends, capsys):
    X, y = np.repeat(np.eye(3, dtype=np.float32), 4, axis=0), np.repeat(np.arange(3), 4)
    given = {"coefs_init": [20 * np.eye(3)]}
    estimator = small(hidden_layer_sizes=(), max_iter=6, verbose=True, **draws).fit(X, y, **given)
    assert estimator.n_iter_ == (1 if ends else 6)
    assert ("no error spike" in capsys.readouterr().out) == ends


def test_layers_share_the_normalised_step_and_plain_steps_are_whole(digits):
    rates = []

    def spy(*args, rate_first, **keywords):
        rates.append(rate_first)
        return Learner.core_train_epoch(*args, rate_first=rate_first, **keywords)

    for sizes in [(), (8,), (8, 8, 8)]:
        for normalized in (True, False):
            estimator = untrained(*digits, hidden_layer_sizes=sizes)
            estimator.set_params(learning_rate_init=0.012, normalized_step=normalized)
            estimator.t_ = 0
            learner = Learner(estimator, digits[0])
            learner.core_train_epoch = spy
            learner.learn_epoch(estimator._check_samples(*digits, None, reset=False))
    assert rates == pytest.approx([0.012, 0.012, 0.006, 0.012, 0.003, 0.012])


def test_training_goes_on_to_max_iter_where_n_iter_no_change_is_infinite(digits):
    assert small(tol=1e9, n_iter_no_change=np.inf, max_iter=30).fit(*digits).n_iter_ == 30


@pytest.mark.parametrize("learning_rate", ["constant", "adaptive"])
def test_reaching_max_iter_warns_the_caller(digits, learning_rate):
    with pytest.warns(ConvergenceWarning, match="max_iter=3 .*Raise max_iter, or set learning_rate='linear'") as record:
        small(learning_rate=learning_rate, max_iter=3).fit(*digits)
    assert [warning.filename for warning in record] == [__file__]


@pytest.mark.filterwarnings("error")
def test_reaching_max_iter_at_a_rate_of_zero_does_not_warn(digits):
    assert small(learning_rate="linear", max_iter=3).fit(*digits).n_iter_ == 3


@pytest.mark.parametrize("early_stopping", [False, True])
def test_verbose_prints_a_line_an_epoch(digits, capsys, early_stopping):
    estimator = small(verbose=True, early_stopping=early_stopping).fit(*digits)
    *lines, end = capsys.readouterr().out.splitlines()
    assert len(lines) == estimator.n_iter_ == 4
    assert "ended after epoch 4" in end
    for k, line in enumerate(lines):
        assert f"Epoch {k + 1}/4, loss {estimator.loss_curve_[k]:.6f}" in line
        if early_stopping:
            assert f"validation score {estimator.validation_scores_[k]:.4f}" in line
        assert re.search(r", [\d.]+ m?s$", line)
    small(early_stopping=early_stopping).fit(*digits)
    assert capsys.readouterr() == ("", "")


def test_verbose_of_two_prints_about_ten_epochs_and_the_end(digits, capsys):
    small(verbose=2, max_iter=30).fit(*digits)
    *lines, end = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines] == [f"Epoch {n}/30" for n in range(3, 31, 3)]
    assert "ended after epoch 30" in end


@pytest.mark.parametrize("kind", ["dropout", "input_dropout", "input_noise"])
def test_what_is_drawn_for_a_sample_is_for_training_only(digits, kind):
    X, y = digits
    plain, drawing = untrained(X, y), untrained(X, y, **{kind: 0.5})
    np.testing.assert_array_equal(drawing.decision_function(X), plain.decision_function(X))
    assert drawing.loss_ != plain.loss_


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("kind", ["dropout", "input_dropout", "input_noise"])
def test_each_epoch_draws_anew(digits, kind):
    losses = untrained(*digits, **{kind: 0.5}, max_iter=4, shuffle=False, learning_rate="constant").loss_curve_
    assert len(set(losses)) == 4


def test_input_dropout_teaches_not_to_rely_on_any_one_feature(digits):
    X, y = digits
    X = np.hstack([np.eye(10)[y] * 4, X]).astype(np.float32)  # the answer, and what it can be told by without
    X_without = X.copy()
    X_without[:, :10] = 0
    relying, wary = (small(max_iter=20, input_dropout=p).fit(X, y) for p in (0.0, 0.5))
    assert wary.score(X, y) > 0.95
    assert wary.score(X_without, y) > relying.score(X_without, y) + 0.1


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_input_noise_teaches_to_bear_noise(digits):
    X, y = digits
    disturbed = X + np.random.default_rng(0).normal(0, 0.4, X.shape)
    params = {"max_iter": 20, "learning_rate": "constant", "weight_init_scale": 0.17, "n_time_steps": 16}
    quiet, noisy = (small(input_noise=s, **params).fit(X, y) for s in (0.0, 0.4))
    assert noisy.score(X, y) > 0.95
    assert noisy.score(disturbed, y) > quiet.score(disturbed, y) + 0.05


def noise_of_epochs(**params):
    """The standard deviation of noise on features that are 0: an output for each passes it on, as an error."""
    network = SpikingMLPRegressor((), n_time_steps=256, fit_intercept=False, random_state=0, **params)
    network.fit(np.zeros((256, 64)), np.zeros((256, 64)), coefs_init=[np.eye(64)])
    return np.sqrt(2 * np.array(network.loss_curve_) / 64)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("learning_rate", ["linear", "constant"])
def test_input_noise_has_its_standard_deviation_and_falls_with_the_rate(learning_rate):
    schedule = {"learning_rate": learning_rate, "learning_rate_init": 0.0, "max_iter": 4, "n_iter_no_change": 4}
    deviations = noise_of_epochs(input_noise=0.5, **schedule)
    # Within an epoch the square of the noise falls from a^2 to b^2 as (a^2 + ab + b^2) / 3 on the average.
    shares = [np.sqrt((a * a + a * b + b * b) / 3) for a, b in pairwise([1, 0.75, 0.5, 0.25, 0])]
    np.testing.assert_allclose(deviations, 0.5 * np.array(shares if learning_rate == "linear" else [1] * 4), rtol=0.02)


@pytest.mark.parametrize("simulation", ["counting", "clock-driven", "event-driven"])
@pytest.mark.parametrize("kind", ["input_dropout", "input_noise"])
def test_all_time_steps_of_a_sample_are_changed_alike(digits, simulation, kind):
    X, y = digits
    params = {"simulation": simulation, kind: 0.5, "n_time_steps": 4, "max_iter": 2}
    static = small(**params).fit(X[:100], y[:100])
    stream = small(**params).fit(np.repeat(X[:100, np.newaxis], 4, axis=1), y[:100])
    assert_same_network(stream, static)


def hidden_norms(estimator):
    return np.concatenate([np.linalg.norm(weights, axis=0) for weights in estimator.coefs_[:-1]])


def test_max_norm_limits_the_weights_that_lead_to_hidden_neurons(digits):
    X, y = digits
    free, limited = (small(hidden_layer_sizes=(12, 8), max_norm=m).fit(X, y) for m in (None, 1.25))
    assert hidden_norms(free).max() > 1.5
    np.testing.assert_allclose(hidden_norms(limited).max(), 1.25, rtol=1e-5)
    assert hidden_norms(limited.partial_fit(X, y)).max() <= 1.25 * (1 + 1e-5)


def test_a_max_norm_that_nothing_reaches_changes_nothing(digits):
    assert_same_network(small(max_norm=1000).fit(*digits), small().fit(*digits))


@pytest.mark.parametrize("shuffle", [False, True])
def test_each_epoch_takes_every_sample_once_in_a_new_order_if_shuffled(digits, shuffle, monkeypatch):
    orders, order_of = [], Learner.order

    def recorded(learner, rows):
        orders.append(order_of(learner, rows).tolist())
        return np.array(orders[-1])

    monkeypatch.setattr(Learner, "order", recorded)
    SpikingMLPClassifier(max_iter=3, shuffle=shuffle, random_state=0).fit(*digits).partial_fit(*digits)
    assert [sorted(order) for order in orders] == [list(range(512))] * 4
    assert len({tuple(order) for order in orders}) == (4 if shuffle else 1)


def test_a_spike_penalty_lowers_the_number_of_hidden_spikes(digits):
    X, y = digits
    spikes = [spike_counts(small(spike_penalty=r).fit(X, y), X)[:, :, 1].sum() for r in (0, 0.01, 0.1)]
    assert spikes[0] > 1.5 * spikes[1] > 1.5**2 * spikes[2]


# --- Early stopping.


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("fraction", [0.2, 0.3])  # with 0.2, the best score is reached several times
def test_early_stopping_ends_with_the_first_weights_that_scored_best(digits, fraction):
    X, y = digits
    params = {"early_stopping": True, "learning_rate": "constant", "n_iter_no_change": 5}
    params["validation_fraction"] = fraction
    estimator = small(**params, max_iter=60).fit(X, y)
    scores = estimator.validation_scores_
    assert len(scores) == len(estimator.loss_curve_) == estimator.n_iter_ < 60
    assert estimator.best_validation_score_ == max(scores)
    rows = held_out(estimator, y)
    assert estimator.score(X[rows], y[rows]) == max(scores)
    n_best = scores.index(max(scores)) + 1
    assert n_best < len(scores)
    assert_same_network(small(**params, max_iter=n_best).fit(X, y), estimator)


def test_early_stopping_does_not_train_on_the_samples_held_out(digits):
    X, y = digits
    estimator = small(early_stopping=True, max_iter=1).fit(X, y)
    rows = held_out(estimator, y)
    assert len(rows) == np.ceil(0.1 * len(y))
    spoilt = X.copy()
    spoilt[rows] = 1 - spoilt[rows]
    again = small(early_stopping=True, max_iter=1).fit(spoilt, y)
    assert again.validation_scores_ != estimator.validation_scores_
    assert_same_network(again, estimator)
    assert estimator.t_ == len(y) - len(rows)


def test_early_stopping_stops_when_the_score_no_longer_improves_by_tol(digits):
    estimator = small(early_stopping=True, tol=1.0, n_iter_no_change=3, max_iter=50).fit(*digits)
    assert estimator.n_iter_ == 1 + 3


def test_without_early_stopping_there_are_no_validation_scores(digits):
    estimator = small(max_iter=1).fit(*digits)
    assert estimator.validation_scores_ is estimator.best_validation_score_ is None


# --- Going on: warm_start and partial_fit.


def test_warm_start_goes_on_from_the_weights_it_has(digits):
    X, y = digits
    estimator = small(warm_start=True, max_iter=3).fit(X, y)
    first = held(estimator)
    estimator.fit(X, y)
    assert estimator.loss_curve_[:3] == first["loss_curve_"]
    assert estimator.loss_curve_[3] < first["loss_curve_"][0] / 2
    assert estimator.loss_ < first["loss_curve_"][-1]
    assert (estimator.n_iter_, len(estimator.loss_curve_), estimator.t_) == (3, 6, 6 * len(X))
    assert estimator.seed_ == first["seed_"]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_two_warm_fits_at_a_constant_rate_are_one_of_twice_the_epochs(digits):
    params = {"learning_rate": "constant"} | DRAWING
    twice = small(**params, warm_start=True, max_iter=2).fit(*digits).fit(*digits)
    once = small(**params, max_iter=4).fit(*digits)
    assert_same_network(twice, once)
    assert twice.loss_curve_ == once.loss_curve_


def test_without_warm_start_fit_forgets(digits, iris):
    estimator = small().fit(*iris).fit(*digits)
    assert estimator.n_features_in_ == 64
    assert_same_network(estimator, small().fit(*digits))


def test_partial_fit_goes_on_from_fit(digits):
    X, y = digits
    estimator = small().fit(X, y)
    weights = [w.copy() for w in estimator.coefs_]
    estimator.partial_fit(X, y)
    assert (estimator.n_iter_, len(estimator.loss_curve_), estimator.t_) == (5, 5, 5 * len(X))
    assert estimator.loss_ < estimator.loss_curve_[0]
    assert all((a != b).any() for a, b in zip(estimator.coefs_, weights, strict=True))


@pytest.mark.parametrize("sizes", [[1] * 512, [1, 7, 504], [256, 256]], ids=["one by one", "uneven", "halves"])
@pytest.mark.parametrize("params", [{}, {"error_resolution": 1.0, "loss": "squared_error"}], ids=str)
def test_partial_fit_in_chunks_is_partial_fit_of_all(digits, sizes, params):
    X, y = digits
    params = params | {"shuffle": False, "spike_penalty": 0.001}
    at_once = small(**params).partial_fit(X, y, classes=np.unique(y))
    in_chunks = small(**params)
    ends = np.cumsum(sizes)[:-1]
    for X_chunk, y_chunk in zip(np.split(X, ends), np.split(y, ends), strict=True):
        in_chunks.partial_fit(X_chunk, y_chunk, classes=np.unique(y))
    assert_same_network(in_chunks, at_once)
    np.testing.assert_allclose(np.dot(in_chunks.loss_curve_, sizes) / 512, at_once.loss_)
    assert in_chunks.t_ == at_once.t_ == 512


def test_partial_fit_does_not_change_the_arrays_of_before(digits):
    X, y = digits
    estimator = small().fit(X, y)
    arrays = learned(estimator)
    kept = copy.deepcopy(arrays)
    for go_on in (lambda: estimator.partial_fit(X, y), lambda: estimator.set_params(warm_start=True).fit(X, y)):
        go_on()
        np.testing.assert_equal(arrays, kept)


def test_training_does_not_change_its_input(digits):
    X, y = digits[0].copy(), digits[1].copy()
    small(early_stopping=True, dropout=0.1).fit(X, y)
    np.testing.assert_array_equal(X, digits[0])
    np.testing.assert_array_equal(y, digits[1])


def test_partial_fit_keeps_a_thousand_losses(digits):
    X, y = digits
    estimator = small().partial_fit(X[:1], y[:1], classes=np.arange(10))
    estimator.loss_curve_ = [float(k) for k in range(1000)]
    estimator.partial_fit(X[:1], y[:1])
    assert estimator.loss_curve_[:-1] == [float(k) for k in range(1, 1000)]
    assert estimator.loss_ == estimator.loss_curve_[-1]
    assert estimator.n_iter_ == 2
