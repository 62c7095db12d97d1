"""Leak: the oracle bit for bit where float32 is exact, agreement of simulations, and the gradient through time."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import (
    ERRORS,
    LEARNING,
    STEPPED,
    Core,
    Oracle,
    Problem,
    assert_learns_as_the_oracle,
    assert_same_state,
    described,
    dyadic_problem,
    instruction_sets,
    is_refused,
    make_network,
    outputs,
    outputs_shaped,
    parametrize_product,
    real_problem,
    spike_counts,
)

EXTRAS = [
    {},
    {"leak": 1},
    {"leak": 0.25},
    {"n_time_steps": 1},
    {"error_resolution": 16},
    {"hold_error": False, "error_resolution": 1},
    {"smooth_gradient": True},
    {"spike_penalty": 1 / 16},
    {"dropout": 0.5},
    {"dropout": 0.5, "leak": 1},
    {"input_dropout": 0.5},
    {"input_noise": 0.5},
    {"mask_negative_inputs": True},
    {"normalized_step": True, "learning_rate_init": 1 / 8},
    {"backward_reset": "random"},
]


def combined(simulation, neuron, learning, error, extra):
    return {"simulation": simulation, "neuron": neuron, "leak": 0.5, "n_time_steps": 3} | learning | error | extra


@parametrize_product(
    lambda n_frames, **choices: not is_refused(**combined(**choices)),
    simulation=STEPPED,
    neuron=["rectifying", "signed"],
    learning={described(learning): learning for learning in LEARNING},
    error={described(error): error for error in ERRORS},
    extra={described(extra): extra for extra in EXTRAS},
    n_frames={"static": False, "stream": True},
)
def test_every_leaky_variant_learns_as_the_oracle(simulation, neuron, learning, error, extra, n_frames):
    parameters = combined(simulation, neuron, learning, error, extra)
    problem = dyadic_problem((4, 6, 5, 3), n_samples=3, n_frames=parameters["n_time_steps"] if n_frames else 1)
    # Rates of T c_T are on no grid: what is learned is compared as rounded.
    core, oracle = Core(problem, **parameters), Oracle(problem, dtype=np.float32, **parameters)
    losses = [model.train(problem.X, problem.targets) for model in (core, oracle)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert_same_state(core, oracle, dict.fromkeys(["coefs", "intercepts", "error_potentials"], 1e-5))
    assert any(np.any(now != before) for now, before in zip(core.coefs, problem.coefs, strict=True))
    np.testing.assert_array_equal(core.counts, oracle.counts)
    np.testing.assert_allclose(core.outputs(problem.X), oracle.outputs(problem.X), rtol=0, atol=2e-5)


def traces(problem, **parameters):
    """The traces of the last hidden layer after each time step: a further layer of outputs reads them.

    Its output sum is their leaky sum, x_t = o_t - a o_(t-1) the spikes of the step.
    """
    n = problem.coefs[-1].shape[1]
    coefs, intercepts = [*problem.coefs, np.eye(n, dtype=np.float32)], None
    if problem.intercepts:
        intercepts = [*problem.intercepts, np.zeros(n, np.float32)]
    core = Core(Problem(coefs, intercepts, problem.X, problem.labels), **parameters)
    bias_traces, c = [], 0
    for _ in range(parameters["n_time_steps"]):
        c = (1 - parameters["leak"]) * c + 1
        bias_traces.append(c)
    return core.outputs(problem.X) * np.array(bias_traces, np.float32)[:, None, None]


@given(
    seed=st.integers(0, 2**32 - 1),
    leak=st.sampled_from([0.25, 0.5, 0.75, 1]),
    stream=st.booleans(),
    biases=st.booleans(),
)
@settings(max_examples=40)
def test_event_driven_and_clock_driven_agree_on_the_traces_of_signed_neurons(seed, leak, stream, biases):
    T = 4  # of leak 1/4 the traces have 6 bits behind the point, the potentials 11
    problem = dyadic_problem((5, 7, 6), n_samples=4, n_frames=T if stream else 1, biases=biases, seed=seed)
    expected, *others = (traces(problem, simulation=name, leak=leak, n_time_steps=T) for name in STEPPED)
    for found in others:
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@given(seed=st.integers(0, 2**32 - 1), leak=st.sampled_from([0.25, 0.5, 0.75, 1]))
@settings(max_examples=25)
def test_a_signed_trace_stays_within_half_a_spike_of_the_rectified_leaky_sum(seed, leak):
    problem = dyadic_problem((5, 7, 6, 3), n_samples=4, n_frames=4, seed=seed)
    oracle = Oracle(problem, simulation="event-driven", leak=leak, arrival=np.random.default_rng(seed))
    for activity in oracle.activities(problem.X):
        for n, u in zip(activity.counts[1:], activity.received[1:-1], strict=True):
            assert np.abs(n - np.maximum(0, u)).max() <= 0.5


@pytest.mark.parametrize("simulation", STEPPED)
@pytest.mark.parametrize("neuron", ["signed", "rectifying"])
def test_every_instruction_set_leaks_the_same_bits(simulation, neuron):
    problem = real_problem((33, 300, 20, 5), n_samples=4, n_frames=6)
    parameters = {"simulation": simulation, "neuron": neuron, "leak": 0.3, "n_time_steps": 6, "feedback": "step"}
    expected, *others = (Core(problem, instruction_set=name, **parameters) for name in instruction_sets())
    expected.train(problem.X, problem.targets)
    for core in others:
        core.train(problem.X, problem.targets)
        assert_same_state(core, expected)
        np.testing.assert_array_equal(core.outputs(problem.X), expected.outputs(problem.X))


# --- The limit: an independent network that differentiates through all steps.


def network_through_time(problem, X, target, leak, feedback):
    """The rectified-linear network whose every layer is a leaky sum of its own input, with the gradients of its loss by
    weights and biases: each derivative of each step, back through all steps. In float64."""
    keep, T = 1 - leak, len(X)
    coefs = [w.astype(float) for w in problem.coefs]
    biases = [b.astype(float) for b in problem.intercepts]
    c = np.array([sum(keep**k for k in range(t + 1)) for t in range(T)])

    # A unit sends s_t = n_t - keep n_(t-1), n_t = max(0, u_t); the next layer sums u_t = keep u_(t-1) + W s_t + b.
    sums, sent = [], [X.astype(float)]
    for W, b in zip(coefs, biases, strict=True):
        u = np.zeros((T, W.shape[1]))
        for t in range(T):
            u[t] = (keep * u[t - 1] if t else 0) + sent[-1][t] @ W + b
        n = np.maximum(0, u)
        sums.append(u)
        sent.append(n - keep * np.vstack([np.zeros(n.shape[1]), n[:-1]]))
    answers = sums[-1] / c[:, None]

    def error_of(answer):
        return answer - target

    du = np.zeros_like(sums[-1])
    weights = np.zeros(T)
    weights[-1] = 1
    if feedback == "step":
        weights = c / c[-1] / T
    for t in range(T):
        du[t] = weights[t] * error_of(answers[t]) / c[t]
    grads, bias_grads = [], []
    for layer in reversed(range(len(coefs))):
        # Through the leaky sum, back in time.
        for t in reversed(range(T - 1)):
            du[t] += keep * du[t + 1]
        grads.insert(0, sent[layer].T @ du)
        bias_grads.insert(0, du.sum(axis=0))
        if layer == 0:
            break
        ds = du @ coefs[layer].T
        dn = ds - keep * np.vstack([ds[1:], np.zeros(ds.shape[1])])
        du = dn * (sums[layer - 1] >= 0)
    return answers, grads + bias_grads


def scaled(problem, S):
    """The problem with inputs and hidden biases S times, and the last weights 1/S times as large."""
    coefs = [*problem.coefs[:-1], problem.coefs[-1] / np.float32(S)]
    intercepts = [*(b * np.float32(S) for b in problem.intercepts[:-1]), problem.intercepts[-1]]
    return Problem(coefs, intercepts, problem.X * np.float32(S), problem.labels)


@pytest.mark.parametrize("feedback", ["sample", "step"])
@pytest.mark.parametrize("simulation", ["clock-driven", "event-driven"])
def test_outputs_and_weight_changes_approach_backpropagation_through_time(simulation, feedback):
    T, leak = 8, 0.2
    problem = real_problem((6, 9, 8, 4), n_samples=30, n_frames=T)
    errors = []
    for S in (16, 128):
        large = scaled(problem, S)
        parameters = {
            "simulation": simulation, "feedback": feedback, "n_time_steps": T, "leak": leak, "error_resolution": S**2
        }
        outputs = Core(large, **parameters).outputs(large.X)
        output_errors, change_errors = [], []
        for sample in range(len(problem.X)):
            expected, gradients = network_through_time(
                problem, problem.X[sample], problem.targets[sample], leak, feedback
            )
            output_errors.append(np.abs(outputs[:, sample] - expected).max())
            core = Core(large, **parameters)
            one = slice(sample, sample + 1)
            core.train(large.X[one], large.targets[one], rate_first=1, rate_last=1)
            befores, afters = [*large.coefs, *large.intercepts], [*core.coefs, *core.intercepts]
            found = [before - after for before, after in zip(befores, afters, strict=True)]
            # Activations are S times as large, errors of hidden layers 1/S times; so of hidden biases are changes.
            n = len(problem.coefs)
            factors = [1] * (n - 1) + [1 / S] + [S] * (n - 1) + [1]
            change_errors.append(
                np.mean([np.abs(a * f - b).mean() for a, b, f in zip(found, gradients, factors, strict=True)])
            )
        # Where a sum of input is so near 0 that it has the other sign, a sample is far off: hence the median.
        errors.append((np.mean(output_errors), np.median(change_errors)))
    (few_output, few_change), (many_output, many_change) = errors
    assert many_output < few_output / 6  # 8 times the scale
    assert many_change < few_change / 5
    assert many_output < 0.02
    assert many_change < 0.001


# --- Zero, one, silence.


@pytest.mark.parametrize("simulation", STEPPED)
def test_a_leak_of_one_answers_by_the_present_step(simulation):
    problem = dyadic_problem((4, 6, 3), n_samples=5, n_frames=4, biases=True)
    found = Core(problem, simulation=simulation, leak=1, n_time_steps=4).outputs(problem.X)
    for t in range(4):
        alone = Problem(problem.coefs, problem.intercepts, np.ascontiguousarray(problem.X[:, t : t + 1]), problem.labels)
        np.testing.assert_array_equal(found[t], Core(alone, simulation=simulation, n_time_steps=1).outputs(alone.X)[0])


@pytest.mark.parametrize("instruction_set", instruction_sets())
@pytest.mark.parametrize("simulation", STEPPED)
def test_silence_ends(simulation, instruction_set):
    # An input of 1, then nothing: traces halve until they are below 2^-100.
    T = 130
    X = np.zeros((1, T, 1), np.float32)
    X[0, 0] = 1
    problem = Problem([np.ones((1, 1), np.float32)], None, X, np.zeros(1, np.int32))
    found = Core(problem, simulation=simulation, leak=0.5, n_time_steps=T, instruction_set=instruction_set).outputs(X)
    c = 2 * (1 - 0.5 ** np.arange(1, T + 1))
    expected = np.where(np.arange(T) <= 100, 0.5 ** np.arange(T) / c, 0)
    np.testing.assert_allclose(found[:, 0, 0], expected, rtol=1e-6)
    assert found[101, 0, 0] == 0


@pytest.mark.parametrize("neuron", ["signed", "rectifying"])
@pytest.mark.parametrize("simulation", STEPPED)
def test_time_steps_without_spikes_add_no_rows(simulation, neuron):
    """In pauses no unit fires, whatever is left in its potential. A silent unit's row is not even
    multiplied by 0, which would make NaN of the NaN in it."""
    T, pauses = 9, [1, 2, 4, 6, 7, 8]
    clean = dyadic_problem((6, 40, 7, 3), n_samples=4, n_frames=T, biases=False)
    clean.X = np.abs(clean.X)
    clean.X[:, pauses] = 0
    clean.X[:, :, 3:] = 0
    clean.coefs[0][:, 35:] = -1
    spoilt = clean.with_weights([w.copy() for w in clean.coefs], None)
    spoilt.coefs[0][3:] = np.nan
    spoilt.coefs[1][35:] = np.nan
    parameters = {"simulation": simulation, "neuron": neuron, "leak": 0.25, "n_time_steps": T}
    found, wanted = (Core(problem, **parameters).outputs(problem.X) for problem in (spoilt, clean))
    np.testing.assert_array_equal(found, wanted)
    network = make_network(spoilt.coefs, None, tallied=simulation != "clock-driven", **parameters)
    by_layer, by_unit = np.zeros((4, T, 3), np.int64), np.zeros((4, T, 6 + 40 + 7, 2), np.int32)
    assert spike_counts(network, spoilt.X, by_layer, by_unit) == -1
    assert (by_layer.sum(axis=(0, 1)) > 0).all()
    assert not by_layer[:, pauses].any()


@pytest.mark.parametrize("simulation", STEPPED)
def test_dropped_units_stay_silent_at_every_leak(simulation):
    problem = dyadic_problem((4, 30, 3), n_samples=6, n_frames=4)
    for leak in (0.5, 1):
        parameters = {"simulation": simulation, "leak": leak, "n_time_steps": 4, "dropout": 0.5, "feedback": "step"}
        core, oracle = Core(problem, **parameters), Oracle(problem, dtype=np.float32, **parameters)
        core.train(problem.X, problem.targets)
        oracle.train(problem.X, problem.targets)
        np.testing.assert_array_equal(core.counts, oracle.counts)
        assert all(np.isfinite(w).all() for w in core.coefs)


@pytest.mark.parametrize("simulation", STEPPED)
def test_spikes_are_counted_as_sent(simulation):
    problem = dyadic_problem((5, 40, 6, 3), n_samples=4, n_frames=5)
    tallied = simulation != "clock-driven"
    network = make_network(
        problem.coefs, problem.intercepts, simulation=simulation, leak=0.3, n_time_steps=5, tallied=tallied
    )
    by_layer = np.zeros((4, 5, 3), np.int64)
    by_unit = np.zeros((4, 5, 5 + 40 + 6, 2), np.int32)
    assert spike_counts(network, problem.X, by_layer, by_unit) == -1
    assert (by_unit >= 0).all()
    sums = np.add.reduceat(by_unit.sum(axis=3), [0, 5, 45], axis=2)
    np.testing.assert_array_equal(sums, by_layer)
    assert (by_layer.sum(axis=(0, 1)) > 0).all()


def test_the_mean_readout_is_the_running_mean_of_the_answers():
    problem = real_problem((4, 6, 3), n_samples=5, n_frames=4)
    network = make_network(problem.coefs, problem.intercepts, simulation="clock-driven", leak=0.3, n_time_steps=4)
    last, mean = (outputs_shaped(network, 4, 5) for _ in range(2))
    assert outputs(network, problem.X, last) == -1
    assert outputs(network, problem.X, mean, mean=True) == -1
    np.testing.assert_allclose(mean, np.cumsum(last, axis=0) / np.arange(1, 5)[:, None, None], rtol=1e-5, atol=1e-6)
    one = outputs_shaped(network, 1, 5)
    assert outputs(network, problem.X, one, mean=True) == -1
    np.testing.assert_array_equal(one[0], mean[-1])


@pytest.mark.parametrize("changes", [{"leak": -0.1}, {"leak": 1.5}, {"leak": 0.5, "simulation": "counting"}])
def test_a_network_refuses_a_leak_that_it_cannot_have(changes):
    problem = dyadic_problem((4, 3))
    with pytest.raises(ValueError, match="leak"):
        make_network(problem.coefs, problem.intercepts, **changes)


def test_leaky_samples_are_weighted_as_by_the_oracle():
    problem = dyadic_problem((4, 6, 5, 3), n_samples=4)
    weights = np.array([1, 0.25, 2, 0.5], np.float32)
    parameters = {"simulation": "clock-driven", "leak": 1, "feedback": "step", "loss": "log_loss"}
    assert_learns_as_the_oracle(problem, parameters, weights)
