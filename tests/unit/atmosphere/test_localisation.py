"""The taper and the distances it is applied to."""

import jax.numpy as jnp
import numpy as np
import pytest

from align_da.atmosphere.localisation import gaspari_cohn, great_circle_distance
from align_da.constants import EARTH_RADIUS


@pytest.mark.parametrize(
    ("first", "second", "share_of_circle"),
    [
        ((0.0, 0.0), (0.0, 90.0), 0.25),
        ((90.0, 13.0), (-90.0, 200.0), 0.5),
        ((10.0, 359.5), (10.0, 359.5), 0.0),
        ((0.0, 359.5), (0.0, 0.5), 1 / 360),
    ],
)
def test_distances_follow_great_circles(
    first: tuple[float, float], second: tuple[float, float], share_of_circle: float
) -> None:
    points = [jnp.asarray([value]) for value in (*first, *second)]
    expected = share_of_circle * 2 * np.pi * EARTH_RADIUS
    np.testing.assert_allclose(great_circle_distance(*points)[0, 0], expected, rtol=1e-4, atol=1)


def test_the_taper_falls_from_one_to_zero_at_twice_the_radius() -> None:
    distance = jnp.linspace(0, 3e6, 301)
    taper = np.asarray(gaspari_cohn(distance, 1e6))
    assert taper[0] == 1
    np.testing.assert_allclose(taper[100], 5 / 24, rtol=1e-5)  # Gaspari and Cohn 1999, at r = 1
    assert np.all(np.diff(taper) <= 1e-6)
    assert np.all(taper[200:] == 0)


def test_the_taper_is_a_correlation_on_the_sphere() -> None:
    turn = jnp.arange(0, 360, 10.0)
    latitude = jnp.repeat(jnp.asarray([-60.0, 0.0, 45.0]), turn.size)
    longitude = jnp.tile(turn, 3)
    taper = gaspari_cohn(great_circle_distance(latitude, longitude, latitude, longitude), 2e6)
    assert np.linalg.eigvalsh(np.asarray(taper, dtype=np.float64)).min() > -1e-5
