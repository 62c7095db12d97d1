"""Where memory is short: MemoryError, or the right answer, and never another."""
import os
import sys

import numpy as np
import pytest

from helpers import Core, Predictor, Problem, exit_code, parametrize_product, real_problem

resource = pytest.importorskip("resource", reason="limits memory by a call of Unix")
MEGABYTE = 2**20
pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the memory in use as Linux tells it"),
    pytest.mark.skipif("asan" in os.environ.get("LD_PRELOAD", ""), reason="the address sanitizer reserves all addresses"),
]


def limit_memory(headroom):
    """Allows so many more bytes than are in use."""
    with open("/proc/self/statm") as numbers:
        used = int(numbers.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + headroom, resource.RLIM_INFINITY))


def chain(first, n_layers=3):
    """A network of one unit a layer, of weights 1."""
    coefs = [np.ones((1, 1), np.float32) for _ in range(n_layers - 1)]
    return Problem(coefs, None, np.full((1, 1, 1), first, np.float32), np.zeros(1, np.int32))


def predict_many_spikes(simulation):
    problem = chain(2.0**23)
    limit_memory(50 * MEGABYTE)
    with pytest.raises(MemoryError, match="spikes of a sample"):
        Predictor.of(problem, simulation=simulation, n_time_steps=1).outputs(problem.X)


def train_on_many_spikes(simulation):
    problem = chain(2.0**23)
    core = Core(problem, simulation=simulation, n_time_steps=1)
    limit_memory(50 * MEGABYTE)
    with pytest.raises(MemoryError, match="spikes of a sample"):
        core.train(problem.X, problem.labels)


def train_on_many_errors(simulation):
    problem = chain(1.0)
    core = Core(problem, simulation=simulation, n_time_steps=1, error_resolution=1.0)
    limit_memory(50 * MEGABYTE)
    with pytest.raises(MemoryError, match="error spikes of a sample"):
        core.train(problem.X, np.full((1, 1), 2.0**23, np.float32))


@parametrize_product(
    work=[predict_many_spikes, train_on_many_spikes, train_on_many_errors],
    simulation=["event-driven", "event-driven-depth-first"],
)
def test_spikes_without_memory_are_not_taken_for_too_many(work, simulation):
    assert exit_code(work, simulation) == 0


def build_with_less_and_less(simulation):
    problem = real_problem((1, 3_000_000, 1), n_samples=1)
    expected = Predictor.of(problem, simulation=simulation).outputs(problem.X)
    ended = {"MemoryError": 0, "answer": 0}
    for headroom in np.geomspace(1, 400, 20):
        limit_memory(int(headroom * MEGABYTE))
        try:
            answer = Predictor.of(problem, simulation=simulation).outputs(problem.X)
        except MemoryError:
            ended["MemoryError"] += 1
        else:
            np.testing.assert_array_equal(answer, expected)
            ended["answer"] += 1
    assert min(ended.values()) > 0, ended


@pytest.mark.parametrize("simulation", ["counting", "clock-driven", "event-driven"])
def test_a_network_that_finds_no_memory_says_so(simulation):
    assert exit_code(build_with_less_and_less, simulation) == 0
