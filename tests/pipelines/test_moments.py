"""Streaming moments."""

from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_pipelines.moments import Moments, moments_of

WEIGHTS = np.array([[0.1, 0.2], [0.3, 0.4]])


@settings(deadline=None)
@given(cuts=st.lists(st.integers(1, 29), max_size=5, unique=True))
def test_the_cutting_into_blocks_does_not_matter(cuts: list[int]) -> None:
    values = 3e4 + np.random.default_rng(0).normal(size=(30, 2, 2, 3))
    blocks = np.split(values, sorted(cuts))
    joined = reduce(Moments.joined, (moments_of(block, WEIGHTS) for block in blocks))
    whole = moments_of(values, WEIGHTS)
    np.testing.assert_allclose(joined.mean, whole.mean, rtol=1e-13)
    np.testing.assert_allclose(joined.std, whole.std, rtol=1e-9)


def test_moments_are_weighted_by_area() -> None:
    values = np.array([[1.0, 2.0], [3.0, 4.0]])[None, :, :, None]
    found = moments_of(values, WEIGHTS)
    assert found.mean[0] == pytest.approx(3.0)
    assert found.std[0] == pytest.approx(1.0)
