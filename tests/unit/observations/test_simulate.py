"""Observations of a simulated truth."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from align_da.config import ObservationsConfig
from align_da.errors import InputError
from align_da.keys import Purpose, key_for
from align_da.observations import (
    Flag,
    Vertical,
    interpolation_operator,
    planned_observations,
    simulate_observations,
    split_withheld,
)
from align_da.observations.quality_control import quality_controlled
from align_da.runs.observation_errors import errors_of
from align_da.runs.observing_system import configured_network

NETWORK_KEY = key_for(0, Purpose.OBSERVATION_NETWORK)


def error_key(cycle: int) -> jax.Array:
    return key_for(0, Purpose.OBSERVATION_ERROR, cycle)


def test_a_column_reports_every_level_and_the_surface(layout: Layout) -> None:
    config = ObservationsConfig(network="radiosonde", density=0.1)
    network = configured_network(config, layout.grid, NETWORK_KEY)
    planned = planned_observations(network, layout, errors_of(config))
    assert planned.value.size == network.station.size * len(layout.channels)
    first = planned.station == network.station[0]
    assert np.sum(first) == len(layout.channels)
    temperature = first & (planned.variable == layout.variables.index("temperature"))
    np.testing.assert_allclose(planned.level[temperature], layout.grid.vertical.levels)
    pressure = first & (planned.variable == layout.variables.index("surface_pressure"))
    assert np.all(planned.vertical[pressure] == Vertical.SURFACE)
    assert np.all(planned.error[pressure] == 100.0)


def test_a_surface_station_reports_pressure_and_the_lowest_level(
    layout: Layout, truth: State
) -> None:
    config = ObservationsConfig(network="surface")
    network = configured_network(config, layout.grid, NETWORK_KEY)
    planned = planned_observations(network, layout, errors_of(config))
    assert planned.value.size == 5 * network.station.size
    assert np.all(planned.vertical == Vertical.SURFACE)
    only_bottom = truth.values.at[..., layout.channels_of("temperature").start].set(jnp.nan)
    equivalents = interpolation_operator(planned, layout)(State(only_bottom, layout))
    assert np.isfinite(equivalents).all()


ERA5 = (
    *("geopotential", "temperature", "u_component_of_wind"),
    *("2m_temperature", "10m_u_component_of_wind", "mean_sea_level_pressure"),
)


@pytest.fixture(scope="module")
def on_pressure(layout: Layout) -> Layout:
    levels = VerticalCoordinate("pressure", (5.0e4, 8.5e4, 1.0e5))
    return Layout(Grid(layout.grid.latitude, layout.grid.longitude, levels), ERA5)


def test_a_column_on_pressure_levels_reports_geopotential_and_all_of_the_surface(
    on_pressure: Layout,
) -> None:
    config = ObservationsConfig(geopotential_error=50.0)
    network = configured_network(config, on_pressure.grid, NETWORK_KEY)
    planned = planned_observations(network, on_pressure, errors_of(config))
    assert planned.value.size == network.station.size * len(on_pressure.channels)
    height = planned.variable == ERA5.index("geopotential")
    assert np.all(planned.error[height] == 50.0)
    assert np.all(planned.vertical[height] == Vertical.LEVEL)
    states = State(jnp.broadcast_to(jnp.arange(12.0), on_pressure.shape), on_pressure)
    values = interpolation_operator(planned, on_pressure)(states).reshape(-1, 12)
    # Winds of the network lie on both sides of the row that a pole reflects; scalars do not.
    np.testing.assert_allclose(values[:, :6], np.tile(np.arange(6.0), (len(values), 1)), atol=1e-5)
    assert np.all(quality_controlled(planned, on_pressure, 21600.0).used[height])


def test_a_surface_station_on_pressure_levels_reports_what_is_near_the_ground(
    on_pressure: Layout,
) -> None:
    """The lowest level of pressure may lie kilometres below the ground."""
    config = ObservationsConfig(network="surface")
    network = configured_network(config, on_pressure.grid, NETWORK_KEY)
    planned = planned_observations(network, on_pressure, errors_of(config))
    observed = {ERA5[index] for index in np.unique(planned.variable)}
    assert observed == set(ERA5[3:])


def test_states_without_any_reported_variable_are_refused(layout: Layout) -> None:
    config = ObservationsConfig()
    network = configured_network(config, layout.grid, NETWORK_KEY)
    with pytest.raises(InputError, match="geopotential"):
        planned_observations(network, Layout(layout.grid, ("geopotential",)), errors_of(config))


def test_errors_are_gaussian_with_the_stated_deviation_and_new_in_each_cycle(
    layout: Layout, truth: State
) -> None:
    config = ObservationsConfig(density=1.0, humidity_error=0.5)
    network = configured_network(config, layout.grid, NETWORK_KEY)
    planned = planned_observations(network, layout, errors_of(config))
    operator = interpolation_operator(planned, layout)
    cycles = [simulate_observations(planned, operator, truth, error_key(c)) for c in (0, 1, 0)]
    error = [np.asarray((c.value - operator(truth)) / c.error) for c in cycles]
    count = planned.value.size
    assert abs(error[0].mean()) < 4 / np.sqrt(count)
    assert error[0].std() == pytest.approx(1, abs=4 / np.sqrt(2 * count))
    assert abs(np.corrcoef(error[0], error[1])[0, 1]) < 4 / np.sqrt(count)
    np.testing.assert_array_equal(error[0], error[2])


def test_perfect_observations_equal_the_model_equivalents(layout: Layout, truth: State) -> None:
    config = ObservationsConfig()
    network = configured_network(config, layout.grid, NETWORK_KEY)
    planned = planned_observations(network, layout, errors_of(config))
    operator = interpolation_operator(planned, layout)
    exact = replace(planned, error=jnp.zeros_like(planned.error))
    observed = simulate_observations(exact, operator, truth, error_key(0))
    np.testing.assert_array_equal(observed.value, operator(truth))


def test_planned_positions_pass_the_domain_and_duplicate_checks(layout: Layout) -> None:
    config = ObservationsConfig(network="radiosonde")
    network = configured_network(config, layout.grid, NETWORK_KEY)
    planned = planned_observations(network, layout, errors_of(config))
    values = jnp.asarray([0.0, 0.0, 250.0, 0.001, 1e5])[planned.variable]
    checked = quality_controlled(replace(planned, value=values), layout, 6 * 3600.0)
    assert checked.used.all()


def test_withheld_stations_are_whole_and_the_same_whatever_else_reports(layout: Layout) -> None:
    config = ObservationsConfig(density=1.0)
    network = configured_network(config, layout.grid, NETWORK_KEY)
    planned = planned_observations(network, layout, errors_of(config))
    split = split_withheld(planned, 0.2, NETWORK_KEY)
    passive = np.asarray(split.flag == Flag.PASSIVE)
    withheld = set(np.asarray(split.station)[passive])
    assert len(withheld) / network.station.size == pytest.approx(0.2, abs=0.15)
    assert all(int(s) in withheld for s in np.asarray(split.station)[passive])
    assert not withheld & set(np.asarray(split.station)[~passive])
    half = jax.tree.map(lambda array: array[::-2], planned)
    np.testing.assert_array_equal(split_withheld(half, 0.2, NETWORK_KEY).flag, split.flag[::-2])


def test_withholding_leaves_other_flags_alone(layout: Layout) -> None:
    config = ObservationsConfig()
    network = configured_network(config, layout.grid, NETWORK_KEY)
    planned = planned_observations(network, layout, errors_of(config))
    flagged = replace(planned, flag=planned.flag.at[:4].set(int(Flag.BOUNDS)))
    split = split_withheld(flagged, 1.0, NETWORK_KEY)
    assert np.all(split.flag[:4] == Flag.BOUNDS)
    assert np.all(split.flag[4:] == Flag.PASSIVE)
    assert split_withheld(planned, 0.0, NETWORK_KEY).used.all()
