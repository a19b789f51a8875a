"""Map and stations in one batch."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.assimilation.letkf import LETKF, Localisation
from align_da.assimilation.optimal_interpolation import OptimalInterpolation
from align_da.atmosphere import Grid, Layout, State
from align_da.config import CoarseMapConfig
from align_da.errors import InputError
from align_da.observations import ObservationBatch, interpolation_operator, padded
from align_da.observations.coarse_maps import every_value
from align_da.observations.coarsening import coarsening_operator
from align_da.observations.contract import Bind
from align_da.observations.error_model import InstrumentErrors
from align_da.observations.sources import joined_batches, stacked_operator
from align_da.runs.observation_errors import errors_of


@pytest.fixture
def cells(layout: Layout) -> ObservationBatch:
    return every_value(Layout(coarse(layout), layout.variables), errors_of(CoarseMapConfig()))


@pytest.fixture
def stations(layout: Layout) -> ObservationBatch:
    points = every_value(layout, InstrumentErrors())
    some: ObservationBatch = jax.tree.map(lambda array: array[::7], points)
    return some


def coarse(layout: Layout) -> Grid:
    return Grid((-45.0, 45.0), (0.0, 90.0, 180.0, 270.0), layout.grid.vertical)


def both(cells: ObservationBatch, stations: ObservationBatch, layout: Layout) -> Bind:
    of_map = coarsening_operator(coarse(layout))
    sizes = cells.value.shape[0], stations.value.shape[0]
    return stacked_operator([(sizes[0], of_map), (sizes[1], interpolation_operator)])


def test_equivalents_of_two_sources_are_those_of_each(
    layout: Layout, truth: State, cells: ObservationBatch, stations: ObservationBatch
) -> None:
    together = both(cells, stations, layout)(joined_batches([cells, stations]), layout)(truth)
    of_map = coarsening_operator(coarse(layout))(cells, layout)(truth)
    of_stations = interpolation_operator(stations, layout)(truth)
    np.testing.assert_array_equal(together, jnp.concatenate([of_map, of_stations]))


def test_another_number_of_observations_is_refused(
    layout: Layout, cells: ObservationBatch, stations: ObservationBatch
) -> None:
    longer = padded(stations, stations.value.shape[0] + 1)
    with pytest.raises(InputError, match=r"104 \+ 238 observations.*got 343"):
        both(cells, stations, layout)(joined_batches([cells, longer]), layout)


def broad(layout: Layout, seed: int, members: int) -> State:
    """States of two waves that a coarse map can see."""
    lat, lon = (
        np.deg2rad(np.asarray(axis)) for axis in (layout.grid.latitude, layout.grid.longitude)
    )
    waves = jnp.asarray([np.sin(lat)[:, None] + 0 * lon, np.cos(lat)[:, None] * np.cos(lon)])
    amplitude = jax.random.normal(jax.random.key(seed), (members, 2, layout.shape[-1]))
    return State(jnp.einsum("mwc,wij->mijc", amplitude, waves), layout)


def test_linear_peers_take_both_sources_and_each_moves_the_analysis(
    layout: Layout, cells: ObservationBatch, stations: ObservationBatch
) -> None:
    bind = both(cells, stations, layout)
    observed = joined_batches([cells, stations])
    value = bind(observed, layout)(State(broad(layout, 4, 1).values[0], layout))
    observed = replace(observed, value=value, error=0.3 + 0 * observed.error)
    members = State(broad(layout, 3, 12).values, layout)
    errors = State(members.values - members.values.mean(axis=0), layout)
    methods = (
        LETKF(bind, Localisation(3e6, 1.0)),
        OptimalInterpolation(errors, 1.0, 3e6, bind),
    )
    rows = jnp.arange(observed.value.shape[0]) < cells.value.shape[0]
    for method in methods:
        residuals = []
        for used in (rows, ~rows, rows | ~rows):
            seen = replace(observed, flag=jnp.where(used, 0, 1))
            analysis, _ = method(members, seen, 6.0, jax.random.key(0))
            mean = State(analysis.values.mean(axis=0), layout)
            departure = jnp.abs(bind(observed, layout)(mean) - observed.value)
            residuals.append([float(departure[part].mean()) for part in (rows, ~rows)])
        mean = State(members.values.mean(axis=0), layout)
        before = jnp.abs(bind(observed, layout)(mean) - observed.value)
        of_map, of_stations, of_both = residuals
        assert of_map[0] < 0.9 * float(before[rows].mean())
        assert of_stations[1] < 0.9 * float(before[~rows].mean())
        assert of_both[0] < of_stations[0]
        assert of_both[1] < of_map[1]
