"""What is drawn at random depends on seed and epoch alone."""
from collections import Counter

import numpy as np
import pytest

from helpers import DEEP, Core, assert_same_state, dyadic_problem, epoch_order, train_all


@pytest.mark.parametrize("key", [{"seed": 1}, {"epoch": 1}], ids=repr)
def test_seed_and_epoch_draw_other_units_to_drop(key):
    problem = dyadic_problem(DEEP)
    drawn, again, other = (Core(problem, dropout=0.5) for _ in range(3))
    train_all(problem, drawn, again)
    train_all(problem, other, **key)
    assert_same_state(drawn, again)
    assert np.any(drawn.coefs[0] != other.coefs[0])


def test_an_order_is_drawn_for_each_seed_and_epoch_and_every_order_as_often_as_another():
    rows = np.array([2, 3, 5, 7])
    orders = Counter(tuple(epoch_order(rows, seed, epoch).tolist()) for seed in range(60) for epoch in range(0, 15000, 150))
    assert {tuple(sorted(order)) for order in orders} == {(2, 3, 5, 7)}
    assert len(orders) == 24
    assert all(abs(n - 250) < 5 * 250**0.5 for n in orders.values())
    np.testing.assert_array_equal(epoch_order(rows, 3, 4), epoch_order(rows, 3, 4))
    assert rows.tolist() == [2, 3, 5, 7]
