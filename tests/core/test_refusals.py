"""Arrays and settings that do not fit raise ValueError, before any memory is read."""
import itertools

import numpy as np
import pytest

from helpers import (
    exit_code,
    make_learner,
    make_network,
    outputs,
    padded_copy,
    spike_counts,
    train_epoch,
)


def ones(*shape):
    return np.ones(shape, np.float32)


def trainable(shape=(3, 5, 2)):
    return [padded_copy(ones(n_in, n_out)) for n_in, n_out in itertools.pairwise(shape)]


def learner_of(coefs=None, intercepts=None, error_potentials=None, **options):
    return make_learner(coefs or trainable(), intercepts, error_potentials or [ones(5), ones(2)], **options)


def train_with(X=None, labels=None, Y=None, order=None, learner=None, **options):
    return train_epoch(
        learner or learner_of(),
        ones(4, 1, 3) if X is None else X,
        np.zeros(4, np.int32) if labels is None and Y is None else labels,
        Y,
        np.arange(4) if order is None else order,
        **{"rate_first": 1, "rate_last": 1, "seed": 0, "epoch": 0} | options,
    )


def predict_with(X=None, out=None, rows=None, **exits):
    network = make_network([ones(3, 5), ones(5, 2)])
    X = ones(4, 1, 3) if X is None else X
    return outputs(network, X, ones(4, 4, 2) if out is None else out, rows=rows, **exits)


def count_with(X=None, out=(4, 4, 2), units=None, simulation="clock-driven", **options):
    network = make_network([ones(3, 5), ones(5, 2)], simulation=simulation, **options)
    units = None if units is None else np.zeros(units, np.int32)
    return spike_counts(network, ones(4, 1, 3) if X is None else X, np.zeros(out, np.int64), units)


MISFITS = {
    "no layers": lambda: make_network([]),
    "totals of other layers": lambda: train_with(totals=np.zeros((2, 2), np.int64)),
    "layers that do not chain": lambda: make_network([ones(3, 5), ones(4, 2)]),
    "weights of one dimension": lambda: make_network([ones(3)]),
    "weights in float64": lambda: make_network([np.ones((3, 5))]),
    "weights by column": lambda: make_network([np.asfortranarray(ones(3, 5))]),
    "too few biases": lambda: make_network([ones(3, 5)], [ones(4)]),
    "too many biases": lambda: make_network([ones(3, 5)], [ones(6)]),
    "strided biases": lambda: make_network([ones(3, 5)], [ones(10)[::2]]),
    "biases for too few layers": lambda: make_network([ones(3, 5), ones(5, 2)], [ones(5)]),
    "biases for too many layers": lambda: make_network([ones(3, 5)], [ones(5), ones(2)]),
    "unknown instruction set": lambda: make_network([ones(3, 5)], instruction_set="abacus"),
    "no samples side by side": lambda: make_network([ones(3, 5)], n_together=0),
    "too few error potentials": lambda: learner_of(error_potentials=[ones(5), ones(1)]),
    "error potentials for too few layers": lambda: learner_of(error_potentials=[ones(5)]),
    "potentials for too few layers": lambda: learner_of(
        potentials=[ones(5)], neuron="rectifying", forward_reset="keep", simulation="clock-driven"
    ),
    "packed weights to train": lambda: learner_of(coefs=[ones(3, 5), ones(5, 2)]),
    "packed biases to train": lambda: learner_of(intercepts=[ones(5), ones(2)]),
    "negative labels": lambda: train_with(labels=np.full(4, -1, np.int32)),
    "a negative order": lambda: train_with(order=np.array([0, -1])),
    "training on too wide X": lambda: train_with(X=ones(4, 1, 4)),
    "training on too narrow X": lambda: train_with(X=ones(4, 1, 2)),
    "training on streams of another length": lambda: train_with(X=ones(4, 3, 3)),
    "fewer labels than rows": lambda: train_with(labels=np.zeros(3, np.int32)),
    "more labels than rows": lambda: train_with(labels=np.zeros(5, np.int32)),
    "labels past the outputs": lambda: train_with(labels=np.full(4, 2, np.int32)),
    "fewer targets than rows": lambda: train_with(Y=ones(3, 2)),
    "targets of the wrong width": lambda: train_with(Y=ones(4, 3)),
    "an order past the rows": lambda: train_with(order=np.array([0, 4])),
    "fewer weights than rows": lambda: train_with(weights=ones(3)),
    "counts of too few samples": lambda: train_with(counts=np.zeros((3, 10), np.int64)),
    "counts of too few layers": lambda: train_with(counts=np.zeros((4, 7), np.int64)),
    "outputs of too wide X": lambda: predict_with(X=ones(4, 1, 4)),
    "outputs of negative rows": lambda: predict_with(rows=np.arange(-1, 3)),
    "outputs for too few rows": lambda: predict_with(out=ones(4, 3, 2)),
    "outputs for too many rows": lambda: predict_with(out=ones(4, 5, 2)),
    "outputs of the wrong width": lambda: predict_with(out=ones(4, 4, 3)),
    "outputs of more steps than there are": lambda: predict_with(out=ones(5, 4, 2)),
    "outputs for other rows": lambda: predict_with(rows=np.arange(3)),
    "exits from several steps": lambda: predict_with(exit_margin=1.0, exit_steps=np.zeros(4, np.int64)),
    "exits without room for their steps": lambda: predict_with(out=ones(1, 4, 2), exit_margin=1.0),
    "exits of too few rows": lambda: predict_with(
        out=ones(1, 4, 2), exit_margin=1.0, exit_steps=np.zeros(3, np.int64)
    ),
    "spikes of too wide X": lambda: count_with(X=ones(4, 1, 4)),
    "spikes of too few rows": lambda: count_with(out=(3, 4, 2)),
    "spikes of too few steps": lambda: count_with(out=(4, 3, 2)),
    "spikes of too few layers": lambda: count_with(out=(4, 4, 1)),
    "spikes of too many layers": lambda: count_with(out=(4, 4, 3)),
    "spikes of too few units": lambda: count_with(units=(4, 4, 7, 2)),
    "spikes of too many units": lambda: count_with(units=(4, 4, 10, 2)),
    "spikes of units at too few steps": lambda: count_with(units=(4, 3, 8, 2)),
    "spikes of one sign": lambda: count_with(units=(4, 4, 8, 1)),
    "spikes of units without a tally": lambda: count_with(units=(4, 4, 8, 2), simulation="event-driven"),
    "spikes of single steps by counting": lambda: count_with(simulation="counting"),
}


def expect_value_error(call):
    with pytest.raises(ValueError):  # noqa: PT011
        call()


@pytest.mark.parametrize("misfit", MISFITS)
def test_arrays_that_do_not_fit_raise_value_error(misfit):
    assert exit_code(expect_value_error, MISFITS[misfit]) == 0


@pytest.mark.parametrize("options", [{"tallied": True}, {"simulation": "clock-driven"}], ids=str)
def test_units_of_the_right_shape_are_accepted(options):
    assert count_with(units=(4, 4, 8, 2), **{"simulation": "event-driven"} | options) == -1


@pytest.mark.parametrize("make", [make_network, make_learner])
def test_too_many_layers_for_depth_first_are_refused(make):
    """A spike takes a frame of the stack for each layer."""

    def made(n_layers):
        coefs = [padded_copy(ones(1, 1)) for _ in range(n_layers - 1)]
        learning = {"error_potentials": [ones(1)] * (n_layers - 1)} if make is make_learner else {}
        return make(coefs, None, **learning, simulation="event-driven-depth-first", n_time_steps=1)

    made(1000)
    with pytest.raises(ValueError, match=r"at most 1000 layers.*got 1001; set simulation='event-driven'"):
        made(1001)


def predict_and_train_deep():
    coefs = [padded_copy(ones(1, 1)) for _ in range(999)]
    X = ones(1, 1, 1)
    out = np.empty((1, 1, 1), np.float32)
    assert outputs(make_network(coefs, None, simulation="event-driven-depth-first", n_time_steps=1), X, out) == -1
    assert out[0, 0, 0] == 1
    learner = learner_of(coefs, error_potentials=[ones(1)] * 999, simulation="event-driven-depth-first", n_time_steps=1)
    train_with(X, np.zeros(1, np.int32), order=np.arange(1), learner=learner)


def test_the_most_layers_run_depth_first():
    assert exit_code(predict_and_train_deep) == 0
