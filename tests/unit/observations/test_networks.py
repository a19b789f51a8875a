"""Observing networks."""

from dataclasses import replace

import numpy as np
import pytest

from align_da.atmosphere import Grid, Layout, VerticalCoordinate, limited_area, periodic_line
from align_da.config import ObservationsConfig
from align_da.errors import InputError
from align_da.keys import Purpose, key_for
from align_da.observations.networks import NETWORKS
from align_da.runs.observing_system import configured_network

KEY = key_for(0, Purpose.OBSERVATION_NETWORK)


@pytest.fixture
def big_grid() -> Grid:
    latitude = tuple(np.linspace(-88, 88, 45).tolist())
    longitude = tuple((np.arange(90) * 4.0).tolist())
    return Grid(latitude, longitude, VerticalCoordinate("sigma", (0.5,)))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_is_the_same_for_the_same_key_and_on_the_sphere(
    name: str, big_grid: Grid
) -> None:
    config = ObservationsConfig(network=name, density=0.05)
    network = configured_network(config, big_grid, KEY)
    again = configured_network(config, big_grid, KEY)
    other = configured_network(config, big_grid, key_for(1, Purpose.OBSERVATION_NETWORK))
    assert network.station.size == round(0.05 * 45 * 90)
    assert network.kind == ("surface" if name == "surface" else "column")
    np.testing.assert_array_equal(network.latitude, again.latitude)
    assert not np.array_equal(network.longitude, other.longitude)
    assert np.all(np.abs(network.latitude) <= 90)
    assert np.all((network.longitude >= 0) & (network.longitude < 360))


def test_random_stations_are_uniform_in_area(big_grid: Grid) -> None:
    network = NETWORKS["random"](big_grid, 1.0, KEY)
    # Half of the sphere lies within 30 degrees of the equator; 4050 draws, 4 standard errors.
    share = np.mean(np.abs(network.latitude) < 30)
    assert share == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(4050))


@pytest.mark.parametrize("kind", ["random", "surface"])
@pytest.mark.parametrize(
    "grid",
    [periodic_line(40), limited_area((40.0, 50.0, 60.0), (-10.0, 0.0, 10.0, 20.0))],
    ids=["line", "area"],
)
def test_random_stations_lie_on_a_grid_that_is_no_sphere(grid: Grid, kind: str) -> None:
    network = NETWORKS[kind](grid, 0.5, key_for(0, Purpose.OBSERVATION_NETWORK))
    rows, columns = grid.shape
    assert network.station.size == rows * columns // 2
    assert (network.latitude >= min(grid.latitude)).all()
    assert (network.latitude <= max(grid.latitude)).all()
    first = 0.0 if grid.periodic else grid.longitude[0]
    last = 360.0 if grid.periodic else grid.longitude[-1]
    east = first + (network.longitude - first) % 360
    assert ((east >= first) & (east <= last)).all()
    assert np.ptp(east) > 0.4 * (last - first)


def test_all_420_radiosonde_stations_are_used_when_the_density_allows(big_grid: Grid) -> None:
    network = NETWORKS["radiosonde"](big_grid, 1.0, KEY)
    assert network.station.size == 420
    # Counts of the TEMP sample at 500 hPa: 314 stations north of 20 N, 29 south of 20 S.
    assert np.sum(network.latitude > 20) > 5 * np.sum(network.latitude < -20)
    assert np.isnan(network.elevation).sum() == 3  # not reported
    # Jan Mayen, WMO 01001.
    first = int(np.flatnonzero(network.station == 1001)[0])
    assert network.latitude[first] == pytest.approx(70.93)
    assert network.longitude[first] == pytest.approx(351.33)


def test_thinned_radiosondes_are_some_of_the_real_ones(big_grid: Grid) -> None:
    everything = NETWORKS["radiosonde"](big_grid, 1.0, KEY)
    few = NETWORKS["radiosonde"](big_grid, 0.01, KEY)
    assert few.station.size == 40
    assert set(few.station) < set(everything.station)


def test_a_network_has_a_station_at_least(layout: Layout) -> None:
    assert NETWORKS["random"](layout.grid, 1e-6, KEY).station.size == 1


def test_stations_with_the_same_number_are_refused(layout: Layout) -> None:
    network = NETWORKS["random"](layout.grid, 0.1, KEY)
    with pytest.raises(InputError, match="unique stations"):
        replace(network, station=np.zeros_like(network.station))
