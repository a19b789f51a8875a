"""Observations of one variable anywhere between 60 degrees south and north, of order one."""

import jax.numpy as jnp
import numpy as np

from align_da.observations.batch import Flag, ObservationBatch, Vertical


def scattered_observations(count: int, error: float) -> ObservationBatch:
    """So many of the first variable at sigma 0.5, always the same ones.

    Args:
        count: of them.
        error: their standard deviation.
    """
    place, full = np.random.default_rng(3), jnp.ones(count)
    return ObservationBatch(
        value=jnp.asarray(place.normal(size=count), jnp.float32),
        error=error * full,
        latitude=jnp.asarray(place.uniform(-60, 60, count), jnp.float32),
        longitude=jnp.asarray(place.uniform(0, 360, count), jnp.float32),
        level=0.5 * full,
        vertical=jnp.full(count, int(Vertical.LEVEL)),
        time=0 * full,
        variable=jnp.zeros(count, jnp.int32),
        station=jnp.arange(count, dtype=jnp.int32),
        flag=jnp.full(count, int(Flag.PASS)),
    )
