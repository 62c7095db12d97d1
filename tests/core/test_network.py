"""The network borrows arrays of any layout: it reads nothing else and sees edits."""
import ctypes
import mmap
import sys

import numpy as np
import pytest

from helpers import (
    ARCHITECTURES,
    DEEP,
    SIMULATIONS,
    STEPPED,
    Core,
    Predictor,
    exit_code,
    instruction_sets,
    make_learner,
    named,
    padded_copy,
    padded_vector,
    parametrize_product,
    real_problem,
)


def test_edits_of_the_weights_reach_a_network_that_borrows_them():
    problem = real_problem(DEEP)
    network = Predictor.of(problem)
    network.outputs(problem.X)
    problem.coefs[1] *= 2
    problem.intercepts[0] -= 1
    np.testing.assert_array_equal(network.outputs(problem.X), Predictor.of(problem).outputs(problem.X))


def rows_apart(array, gap, first):
    base = np.full((len(array), array.shape[1] + gap), np.nan, np.float32)
    view = base[:, first : first + array.shape[1]]
    view[:] = array
    return view


def whole_cache_lines(array):
    """Rows lie as padded ones do, but with something behind them."""
    n_rows, n_columns = array.shape
    stride = -(-n_columns // 16) * 16
    view = np.full(n_rows * stride, np.nan, np.float32).reshape(n_rows, stride)[:, :n_columns]
    view[:] = array
    return view


def every_other_row(array):
    base = np.full((2 * len(array), array.shape[1]), np.nan, np.float32)
    base[::2] = array
    return base[::2]


LAYOUTS = {
    "packed": np.copy,
    "padded": padded_copy,
    "one entry apart": lambda array: rows_apart(array, 1, 1),
    "sixteen entries apart, unaligned": lambda array: rows_apart(array, 16, 3),
    "whole cache lines": whole_cache_lines,
    "every other row": every_other_row,
    "bottom up": lambda array: array[::-1].copy()[::-1],
}


@parametrize_product(
    sizes={named(sizes): sizes for sizes in ARCHITECTURES},
    layout=list(LAYOUTS),
    instruction_set=instruction_sets(),
)
def test_predictions_have_the_same_bits_for_every_layout_and_instruction_set(sizes, layout, instruction_set):
    # Between the rows there is NaN: none of it may be read.
    problem = real_problem(sizes)
    strided = [LAYOUTS[layout](c) for c in problem.coefs]
    for simulation in SIMULATIONS:
        parameters = {"simulation": simulation, "n_time_steps": 5}
        expected = Predictor.of(problem, instruction_set="baseline", **parameters)
        predictor = Predictor(strided, problem.intercepts, instruction_set=instruction_set, **parameters)
        assert predictor.network.instruction_set == instruction_set
        np.testing.assert_array_equal(predictor.outputs(problem.X), expected.outputs(problem.X))
        if simulation in STEPPED:
            np.testing.assert_array_equal(predictor.spikes(problem.X), expected.spikes(problem.X))


def before_forbidden_memory(array):
    """A copy of `array` whose end is the end of the memory that may be read."""
    n_pages = -(-array.nbytes // mmap.PAGESIZE)
    memory = np.frombuffer(mmap.mmap(-1, (n_pages + 1) * mmap.PAGESIZE), np.uint8)
    readable, forbidden = np.split(memory, [n_pages * mmap.PAGESIZE])
    copy = readable[len(readable) - array.nbytes :].view(array.dtype).reshape(array.shape)
    copy[:] = array
    protection_none = 0
    protect = ctypes.CDLL(None).mprotect
    assert protect(ctypes.c_void_p(forbidden.ctypes.data), ctypes.c_size_t(mmap.PAGESIZE), protection_none) == 0
    return copy


def predict_before_forbidden_memory(instruction_set):
    for width in range(1, 36):
        problem = real_problem((width, width, width), n_samples=9)
        coefs = [before_forbidden_memory(c) for c in problem.coefs]
        intercepts = [before_forbidden_memory(b) for b in problem.intercepts]
        X = before_forbidden_memory(problem.X)
        options = {"instruction_set": instruction_set, "n_time_steps": 2}
        for simulation in SIMULATIONS:
            Predictor(coefs, intercepts, simulation=simulation, **options).outputs(X)
        Predictor(coefs, intercepts, n_together=9, **options).outputs(X)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="protects memory by a call of Linux")
@pytest.mark.parametrize("instruction_set", instruction_sets())
def test_prediction_reads_nothing_past_the_end_of_an_array(instruction_set):
    # Such as the last page of a file that joblib maps.
    assert exit_code(predict_before_forbidden_memory, instruction_set) == 0


@pytest.mark.parametrize("simulation", SIMULATIONS)
def test_read_only_arrays_can_be_predicted_with_and_trained_on(simulation):
    problem = real_problem(DEEP)
    expected = Predictor.of(problem, simulation=simulation).outputs(problem.X)
    order = np.arange(len(problem.X))
    potentials = [np.zeros_like(b) for b in problem.intercepts]
    for array in [*problem.coefs, *problem.intercepts, *potentials, problem.X, problem.labels, order]:
        array.flags.writeable = False
    network = Predictor.of(problem, simulation=simulation)
    np.testing.assert_array_equal(network.outputs(problem.X, rows=order), expected)
    if simulation in STEPPED:
        network.spikes(problem.X)
    Core(problem, potentials, simulation=simulation).train(problem.X, problem.labels, order)


@pytest.mark.parametrize("read_only", ["coefs", "intercepts"])
def test_training_refuses_to_change_read_only_arrays(read_only):
    problem = real_problem(DEEP)
    model = {
        "coefs": [padded_copy(c) for c in problem.coefs],
        "intercepts": [padded_vector(b) for b in problem.intercepts],
    }
    for array in model[read_only]:
        array.flags.writeable = False
    with pytest.raises(ValueError, match=r"padded_zeros|read-only"):
        make_learner(**model, error_potentials=[np.zeros_like(b) for b in problem.intercepts])
