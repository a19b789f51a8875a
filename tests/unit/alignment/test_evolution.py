"""Slopes of losses along random directions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.alignment.evolution import directions_of, slope
from align_da.errors import InputError

KEY = jax.random.key(0)


def test_directions_are_orthogonal_and_as_long_as_normal_ones() -> None:
    found = directions_of(KEY, 3, 5)
    np.testing.assert_allclose(found @ found.T, 5 * np.eye(3), atol=1e-5)


@pytest.mark.parametrize("pairs", [0, 6])
def test_more_pairs_than_gains_are_refused(pairs: int) -> None:
    with pytest.raises(InputError, match=f"expected 1 to 5 pairs for 5 gains, got {pairs}"):
        directions_of(KEY, pairs, 5)


def test_all_directions_give_the_gradient_of_a_parabola() -> None:
    curvature = jnp.asarray([1.0, 2.0, 3.0, 4.0])
    gains = jnp.asarray([0.5, -1.0, 0.0, 2.0])
    found = slope(lambda x: jnp.sum(curvature * x**2), gains, directions_of(KEY, 4, 4), 0.1)
    np.testing.assert_allclose(found, 2 * curvature * gains, atol=1e-4)


def test_few_directions_give_it_in_the_mean() -> None:
    gains = jnp.asarray([1.0, -2.0, 0.5])
    found = [
        slope(lambda x: jnp.sum(x**2), gains, directions_of(key, 1, 3), 0.1)
        for key in jax.random.split(KEY, 200)
    ]
    np.testing.assert_allclose(np.mean(found, axis=0), 2 * gains, atol=0.6)


def test_chances_that_both_ends_of_a_pair_share_leave_their_difference() -> None:
    """Of a loss that is noise alone the slope is zero; with noise of each call it is not."""
    shared = jax.random.normal(KEY)
    found = slope(lambda _: shared, jnp.ones(3), directions_of(KEY, 2, 3), 0.1)
    np.testing.assert_array_equal(found, np.zeros(3))


def test_a_filter_that_diverges_under_perturbed_gains_is_told() -> None:
    with pytest.raises(InputError, match="a filter has diverged; choose a radius below"):
        slope(lambda x: jnp.log(x).sum(), jnp.ones(2) * 0.1, directions_of(KEY, 2, 2), 0.5)


def test_perturbations_of_no_size_are_refused() -> None:
    with pytest.raises(InputError, match="the radius of perturbations: expected a number > 0"):
        slope(jnp.sum, jnp.ones(2), directions_of(KEY, 1, 2), 0.0)
