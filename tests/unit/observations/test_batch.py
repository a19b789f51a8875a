"""Padding."""

import jax
import numpy as np
import pytest

from align_da.atmosphere import Layout, State
from align_da.config import ObservationsConfig
from align_da.errors import InputError
from align_da.keys import Purpose, key_for
from align_da.observations import (
    Flag,
    ObservationBatch,
    interpolation_operator,
    padded,
    planned_observations,
)
from align_da.runs.observation_errors import errors_of
from align_da.runs.observing_system import configured_network


@pytest.fixture
def batch(layout: Layout) -> ObservationBatch:
    config = ObservationsConfig()
    network = configured_network(config, layout.grid, key_for(0, Purpose.OBSERVATION_NETWORK))
    return planned_observations(network, layout, errors_of(config))


def test_padding_keeps_the_observations_and_flags_the_rest_missing(
    batch: ObservationBatch,
) -> None:
    count = batch.value.size
    longer = padded(batch, count + 5)
    for name, array in vars(longer).items():
        assert array.shape == (count + 5,)
        assert array.dtype == getattr(batch, name).dtype
        np.testing.assert_array_equal(array[:count], getattr(batch, name))
    assert np.all(longer.flag[count:] == Flag.MISSING)
    assert not longer.used[count:].any()
    assert np.all(longer.error > 0)


def test_more_observations_than_the_padded_size_are_refused(batch: ObservationBatch) -> None:
    with pytest.raises(InputError, match="at most 3"):
        padded(batch, 3)


def test_gradients_of_a_cost_with_padded_entries_are_finite_and_unchanged(
    batch: ObservationBatch, layout: Layout, truth: State
) -> None:
    def gradient(observations: ObservationBatch) -> jax.Array:
        operator = interpolation_operator(observations, layout)

        def cost(values: jax.Array) -> jax.Array:
            departure = (observations.value - operator(State(values, layout))) / observations.error
            return (observations.used * departure**2).sum()

        return jax.grad(cost)(truth.values)

    alone, with_padding = gradient(batch), gradient(padded(batch, batch.value.size + 7))
    assert np.isfinite(with_padding).all()
    np.testing.assert_allclose(with_padding, alone, rtol=1e-5)
