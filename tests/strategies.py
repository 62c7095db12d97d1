"""Hypothesis' settings and strategies for the tests of the core."""
import itertools

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from helpers import Problem

few_examples = settings(max_examples=40, deadline=None, derandomize=True)


@st.composite
def small_problems(draw):
    """Networks of up to four layers of up to nine units, and up to four samples, in 16ths."""
    sizes = draw(st.lists(st.integers(1, 9), min_size=2, max_size=4))

    def grid(shape, largest):
        return draw(arrays(np.int8, shape, elements=st.integers(-largest, largest))).astype(np.float32) / 16

    shapes = list(itertools.pairwise(sizes))
    coefs = [grid(shape, 24) for shape in shapes]
    intercepts = [grid(n_out, 16) for _, n_out in shapes] if draw(st.booleans()) else None
    n_samples = draw(st.integers(1, 4))
    labels = draw(arrays(np.int32, n_samples, elements=st.integers(0, sizes[-1] - 1)))
    return Problem(coefs, intercepts, grid((n_samples, 1, sizes[0]), 48), labels)
