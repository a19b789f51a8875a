"""How near columns are to observations."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from scipy.spatial import KDTree

from align_da.assimilation.nearness import nearness
from align_da.atmosphere import Grid, VerticalCoordinate
from align_da.atmosphere.localisation import column_positions, unit_vectors
from align_da.constants import EARTH_RADIUS
from align_da.observations.batch import Flag, ObservationBatch, Vertical

LATITUDES = tuple(np.linspace(-84.0, 84.0, 15))
GRID = Grid(LATITUDES, tuple(np.arange(30) * 12.0), VerticalCoordinate("sigma", (0.5,)))
COUNT = 20
REACH = 1.0e6


def batch() -> ObservationBatch:
    place, ones = np.random.default_rng(0), jnp.ones(COUNT)
    return ObservationBatch(
        ones,
        ones,
        jnp.asarray(np.degrees(np.arcsin(place.uniform(-1, 1, COUNT))), jnp.float32),
        jnp.asarray(place.uniform(0, 360, COUNT), jnp.float32),
        0.5 * ones,
        jnp.full(COUNT, int(Vertical.LEVEL)),
        0 * ones,
        jnp.zeros(COUNT, jnp.int32),
        jnp.arange(COUNT, dtype=jnp.int32),
        jnp.where(jnp.arange(COUNT) < 12, int(Flag.PASS), int(Flag.MISSING)),
    )


def test_it_is_full_within_reach_of_a_used_observation_and_nothing_from_twice_that_on() -> None:
    """Distances are those of another library, of the twelve that are used."""
    observed = batch()
    places = unit_vectors(np.asarray(observed.latitude)[:12], np.asarray(observed.longitude)[:12])
    positions = column_positions(GRID.latitude, GRID.longitude)
    columns = unit_vectors(*(np.asarray(axis) for axis in positions))
    chord = KDTree(places).query(columns)[0]
    distance = (2 * EARTH_RADIUS * np.arcsin(chord / 2)).reshape(GRID.shape[:2])
    found = np.asarray(jax.jit(nearness, static_argnums=(1, 2))(observed, GRID, REACH))
    np.testing.assert_allclose(found[distance < 0.999 * REACH], 1.0, atol=1e-5)
    np.testing.assert_allclose(found[distance > 2.001 * REACH], 0.0, atol=1e-6)
    between = (distance > REACH) & (distance < 2 * REACH)
    assert between.sum() > 20
    order = np.argsort(distance[between])
    assert (np.diff(found[between][order]) <= 1e-5).all()
    middle = np.abs(distance - 1.5 * REACH).argmin()
    assert 0.1 < found.ravel()[middle] < 0.4  # Gaspari and Cohn at their half width: 5/24


def test_without_a_used_observation_nothing_is_near() -> None:
    observed = batch()
    none = replace(observed, flag=jnp.full(COUNT, int(Flag.MISSING)))
    np.testing.assert_array_equal(nearness(none, GRID, REACH), 0.0)
