"""The paper's quantisers on arrays."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from reference import emit_spikes
from sk_dsn.quantization import EVENT, event_counts, quantize_stream, quantize_vector, rectify_stream

ties = [-2.5, -1.5, -0.5, 0.0, 0.5, 1.5, np.nextafter(0.5, 1), np.nextafter(-0.5, 0)]
numbers = st.floats(-20, 20) | st.sampled_from(ties)
vectors = arrays(np.float64, st.integers(1, 8), elements=numbers)
matrices = arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=8), elements=numbers)
STREAM_QUANTIZERS = [quantize_stream, rectify_stream]

# Of running sums in float64.
ROUNDING = 1e-9


def by_the_algorithm(X, rectify):
    """Unit by unit and spike by spike."""
    potential, events = np.zeros(X.shape[1]), []
    for t, x in enumerate(X, start=1):
        potential += x
        limits = np.zeros(len(x)) if rectify else np.full(len(x), np.inf)
        events += [(t, unit, sign) for unit, sign in emit_spikes(potential, limits)]
    return events


@given(x=vectors, n_time_steps=st.integers(1, 50))
def test_mean_counts_of_a_vector_are_within_half_a_spike_over_time_steps(x, n_time_steps):
    counts = event_counts(quantize_vector(x, n_time_steps), len(x))
    assert np.abs(counts / n_time_steps - x).max() <= 0.5 / n_time_steps + ROUNDING


@given(X=matrices)
def test_running_counts_of_a_stream_follow_its_running_sums_within_half_a_spike(X):
    counts = event_counts(quantize_stream(X), X.shape[1], len(X))
    assert np.abs(counts.cumsum(axis=0) - X.cumsum(axis=0)).max() <= 0.5 + ROUNDING


@given(x=vectors, log2_T=st.integers(0, 9))
def test_mean_counts_of_rectifying_units_approach_the_rectified_vector(x, log2_T):
    T = 2**log2_T
    events = rectify_stream(np.tile(x, (T, 1)))
    assert np.abs(event_counts(events, len(x)) / T - np.maximum(0, x)).max() <= 0.5 / T + ROUNDING
    assert np.all(events["sign"] == 1)


@given(X=arrays(np.int64, array_shapes(min_dims=2, max_dims=2, max_side=8), elements=st.integers(-40, 40)))
def test_rectifying_units_have_fired_for_the_largest_of_their_running_sums(X):
    X = X / 16
    counts = event_counts(rectify_stream(X), X.shape[1], len(X)).cumsum(axis=0)
    largest = np.maximum.accumulate(X.cumsum(axis=0), axis=0)
    np.testing.assert_array_equal(counts, np.maximum(0, np.ceil(largest - 0.5)))


@given(X=matrices)
@pytest.mark.parametrize("quantize", STREAM_QUANTIZERS)
def test_events_are_those_of_the_algorithm_in_its_order(quantize, X):
    events = quantize(X)
    assert events.dtype == EVENT
    assert events.tolist() == by_the_algorithm(X, rectify=quantize is rectify_stream)


@given(x=vectors, n_time_steps=st.integers(1, 9))
def test_a_vector_is_a_constant_stream(x, n_time_steps):
    np.testing.assert_array_equal(quantize_vector(x, n_time_steps), quantize_stream(np.tile(x, (n_time_steps, 1))))


def test_the_largest_potential_fires_first_and_of_equals_the_lowest_unit():
    events = quantize_vector([0.625, -1.6875, 2.625, 0.75, -0.75], n_time_steps=1)
    # By |potential|: 2.625, 1.6875, 1.625, 0.75, 0.75, 0.6875, 0.625, 0.625.
    assert events["unit"].tolist() == [2, 1, 2, 3, 4, 1, 0, 2]
    assert events["sign"].tolist() == [1, -1, 1, 1, -1, -1, 1, 1]


@pytest.mark.parametrize(
    ("x", "signs"),
    [
        (0.5, []),
        (np.nextafter(0.5, 1), [1]),
        (1.5, [1]),
        (-0.5, [-1]),
        (np.nextafter(-0.5, 0), []),
        (-1.5, [-1, -1]),
    ],
)
def test_a_unit_fires_above_a_half_and_at_minus_a_half(x, signs):
    assert quantize_vector([x], 1)["sign"].tolist() == signs
    assert rectify_stream([[x]])["sign"].tolist() == [sign for sign in signs if sign > 0]


def test_counts_by_time_step_add_up_to_counts():
    X = np.random.default_rng(0).normal(size=(30, 5))
    events = quantize_stream(X)
    np.testing.assert_array_equal(event_counts(events, 5, 30).sum(axis=0), event_counts(events, 5))


@pytest.mark.parametrize("quantize", STREAM_QUANTIZERS)
@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (3, 4)])
def test_nothing_in_is_nothing_out(quantize, shape):
    events = quantize(np.zeros(shape))
    assert events.shape == (0,)
    assert not event_counts(events, shape[1], shape[0]).any()


def test_a_vector_of_no_units_sends_nothing():
    assert len(quantize_vector([], 3)) == 0


def test_input_is_left_alone():
    X = np.random.default_rng(0).normal(size=(30, 5))
    X.flags.writeable = False
    for quantize in STREAM_QUANTIZERS:
        quantize(X)
    quantize_vector(X[0], 3)


MISTAKES = {
    "not a number": (lambda: quantize_vector([1, np.nan], 2), "x contains NaN"),
    "infinity": (lambda: quantize_stream([[1, np.inf]]), "X contains infinity"),
    "minus infinity": (lambda: rectify_stream([[1, -np.inf]]), "X contains infinity"),
    "vector of two dimensions": (lambda: quantize_vector([[1.0]], 2), "x must be a vector"),
    "vector of none": (lambda: quantize_vector(1.0, 2), "x must be a vector"),
    "stream of one dimension": (lambda: quantize_stream([1.0]), "Expected 2D array"),
    "stream of three dimensions": (lambda: rectify_stream([[[1.0]]]), "dim 3"),
    "text": (lambda: quantize_stream([["a"]]), "could not convert"),
    "no time steps": (lambda: quantize_vector([1.0], 0), "n_time_steps"),
    "half a time step": (lambda: quantize_vector([1.0], 1.5), "n_time_steps"),
    "too many spikes": (lambda: quantize_stream([[1], [2**24 - 1]]), "2\\*\\*24"),
    "too many spikes at once": (lambda: quantize_stream([[2**24, 0]]), "2\\*\\*24"),
    "far too many spikes": (lambda: quantize_stream([[1e308, -1e308]]), "2\\*\\*24"),
    "far too many spikes of one sign": (lambda: rectify_stream([[1e308, 1e308]]), "2\\*\\*24"),
    "no event fields": (lambda: event_counts(np.zeros(3), 2), "fields"),
    "no time in events": (lambda: event_counts(np.zeros(3, [("unit", int), ("sign", int)]), 2, 3), "'t'"),
    "unit that there is not": (lambda: event_counts(quantize_vector([0, 1], 1), 1), "units 1 to 1"),
    "time step that there is not": (lambda: event_counts(quantize_vector([0, 1], 3), 2, 2), "time steps 1 to 3"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_raise_value_error(mistake):
    call, message = MISTAKES[mistake]
    with pytest.raises(ValueError, match=message):
        call()


def test_a_far_negative_potential_of_a_rectifying_unit_sends_nothing():
    assert len(rectify_stream([[-1e300], [1.0]])) == 0
