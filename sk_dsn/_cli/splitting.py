"""Holding out samples to test on."""
from dataclasses import replace

import numpy as np
from sklearn.model_selection import train_test_split

from .messages import CommandError, value_errors_reported
from .targets import CLASSIFICATION

DEFAULT_TEST_FRACTION = 0.25


def with_test_part(data, test_fraction):
    """The data with rows held out to test on, the same whatever the seed of the networks."""
    if data.X_test is not None:
        if test_fraction is not None:
            raise CommandError(f"--test-fraction does not go with {data.name}, which has a test part of its own.")
        return data
    share = test_fraction or DEFAULT_TEST_FRACTION
    if data.task == CLASSIFICATION:
        train, test = stratified_split(data.y, share, np.random.RandomState(0))
    else:
        with value_errors_reported():
            train, test = train_test_split(np.arange(len(data.y)), test_size=share, random_state=0)
    return replace(data, X=data.X[train], y=data.y[train], X_test=data.X[test], y_test=data.y[test])


def stratified_split(y, share, random_state):
    """Indices to train and to test on: each class is held out by about `share`, and keeps a sample to train on.

    (scikit-learn's `stratify` refuses classes of one sample, and with a large share leaves none of small classes.)
    """
    classes, members, sizes = np.unique(y, return_inverse=True, return_counts=True)
    if len(y) == len(classes):
        raise CommandError(
            f"as many classes as samples ({len(y)}) leave no sample to test on, since each class keeps one to train on. "
            "Give more samples, or an NPZ file with a test part (X_test, y_test)."
        )
    shares = sizes * share
    n_test = np.minimum(np.floor(shares).astype(int), sizes - 1)
    # The rest goes, sample by sample, to the classes whose share is missed most.
    n_missing = min(int(np.ceil(len(y) * share)), len(y) - len(classes)) - n_test.sum()
    for _ in range(n_missing):
        room = np.where(n_test < sizes - 1, shares - n_test, -np.inf)
        n_test[np.argmax(room)] += 1
    order = random_state.permutation(len(y))
    held_out = np.zeros(len(y), dtype=bool)
    for k, n in enumerate(n_test):
        held_out[order[members[order] == k][:n]] = True
    return order[~held_out[order]], order[held_out[order]]
