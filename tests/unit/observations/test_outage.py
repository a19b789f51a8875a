"""Stations that fall silent for some cycles."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.atmosphere import Layout
from align_da.config import ObservationsConfig
from align_da.keys import Purpose, key_for
from align_da.observations import Flag, planned_observations
from align_da.observations.batch import ObservationBatch
from align_da.observations.outage import Outage
from align_da.observations.simulate import split_withheld
from align_da.runs.observation_errors import errors_of
from align_da.runs.observing_system import configured_network

KEY = key_for(0, Purpose.OUTAGE)


@pytest.fixture
def batch(layout: Layout) -> ObservationBatch:
    config = ObservationsConfig(density=0.5)
    network = configured_network(config, layout.grid, key_for(0, Purpose.OBSERVATION_NETWORK))
    planned = planned_observations(network, layout, errors_of(config))
    return split_withheld(planned, 0.2, jax.random.key(1))


def silent(batch: ObservationBatch) -> set[int]:
    return set(np.asarray(batch.station)[np.asarray(batch.flag) == int(Flag.MISSING)].tolist())


def test_some_stations_are_silent_as_a_whole_while_it_lasts_and_no_longer(
    batch: ObservationBatch,
) -> None:
    outage = Outage(0.4, first=3, cycles=2, key=KEY)
    met = [outage.applied_to(batch, cycle) for cycle in range(7)]
    assert [bool(silent(one)) for one in met] == [False, False, False, True, True, False, False]
    assert silent(met[3]) == silent(met[4])
    stations = np.asarray(batch.station)
    assert 0.2 < len(silent(met[3])) / len(set(stations.tolist())) < 0.6
    of_silent = np.isin(stations, list(silent(met[3])))
    np.testing.assert_array_equal(np.asarray(met[3].flag)[of_silent], int(Flag.MISSING))
    np.testing.assert_array_equal(met[3].flag[~of_silent], batch.flag[~of_silent])
    np.testing.assert_array_equal(met[5].flag, batch.flag)


def test_a_larger_share_silences_the_same_stations_and_more(batch: ObservationBatch) -> None:
    few, many, all_of_them = (
        silent(Outage(share, 0, 1, KEY).applied_to(batch, 0)) for share in (0.2, 0.6, 1.0)
    )
    assert few < many < all_of_them
    assert all_of_them == set(np.asarray(batch.station).tolist())


def test_without_a_share_nothing_is_silent(batch: ObservationBatch) -> None:
    assert jnp.array_equal(Outage(0.0, 0, 9, KEY).applied_to(batch, 0).flag, batch.flag)
