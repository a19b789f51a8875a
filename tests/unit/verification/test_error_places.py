import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from align_da.atmosphere.dataset import dataset_from_state
from align_da.observations.batch import Flag
from align_da.verification.error_places import errors_by_place
from align_da.verification.verified_fields import default_fields

GRID = Grid(
    tuple(np.linspace(-78.75, 78.75, 8)),
    tuple(np.arange(16) * 22.5),
    VerticalCoordinate("sigma", (0.5, 0.9)),
)
LAYOUT = Layout(GRID, ("temperature", "surface_pressure"))
TIMES = pd.date_range("1960-01-01", periods=3, freq="6h")
NORTH = np.asarray(GRID.latitude)[:, None, None] > 20


def dataset(values: np.ndarray) -> xr.Dataset:
    leading = {"time": TIMES, "realization": np.arange(values.shape[1])}
    names = list(leading)[: values.ndim - 3]
    state = State(jnp.asarray(values, jnp.float32), LAYOUT)
    return dataset_from_state(state, {name: leading[name] for name in names})


def observed(latitude: float, longitude: float, flag: Flag = Flag.PASS) -> xr.Dataset:
    columns = {"latitude": latitude, "longitude": longitude, "flag": int(flag)}
    shape = (len(TIMES), 1)
    arrays = {name: (("time", "observation"), np.full(shape, it)) for name, it in columns.items()}
    return xr.Dataset(arrays, coords={"time": TIMES})


@pytest.fixture
def truth() -> np.ndarray:
    return np.full((len(TIMES), *LAYOUT.shape), 300.0)


def places_of(truth: np.ndarray, error: np.ndarray | float, station: xr.Dataset) -> pd.DataFrame:
    members = truth[:, None] + error + np.asarray([-1.0, 1.0])[:, None, None, None]
    products = {"analysis": dataset(members)}
    return errors_by_place(products, dataset(truth), station, "a", default_fields(LAYOUT))


def test_an_error_that_is_everywhere_the_same_is_found_in_every_part(truth: np.ndarray) -> None:
    table = places_of(truth, 2.0, observed(0.0, 0.0))
    np.testing.assert_allclose(table["rmse"], 2.0)
    np.testing.assert_allclose(table["spread"], np.sqrt(3 / 2 * 2.0))  # (M + 1) / M · variance
    shares = table[table["variable"] == "T"].groupby("by")["share"].sum()
    np.testing.assert_allclose(shares, 1.0)


def test_an_error_of_the_north_stays_there(truth: np.ndarray) -> None:
    table = places_of(truth, np.where(NORTH, 3.0, 0.0), observed(0.0, 0.0))
    regions = table[(table["by"] == "region") & (table["variable"] == "p_s")].set_index("place")
    assert regions["rmse"].to_dict() == pytest.approx(
        {"southern extratropics": 0.0, "tropics": 0.0, "northern extratropics": 3.0}
    )
    rows = table[(table["by"] == "latitude") & (table["variable"] == "T")]
    np.testing.assert_allclose(rows["rmse"], np.where(NORTH[:, 0, 0], 3.0, 0.0))


def test_the_cell_of_a_station_is_the_nearest_to_it(truth: np.ndarray) -> None:
    latitude, longitude = GRID.latitude[5], GRID.longitude[3]
    error = np.zeros(LAYOUT.shape)
    error[5, 3] = 4.0
    table = places_of(truth, error, observed(latitude, longitude))
    distances = table[(table["by"] == "distance") & (table["variable"] == "T")]
    nearest = distances.iloc[0]
    assert nearest["place"] == "0 to 250"
    assert nearest["rmse"] == pytest.approx(4.0)
    np.testing.assert_allclose(distances["rmse"].iloc[1:], 0.0)


def test_what_was_not_assimilated_is_far(truth: np.ndarray) -> None:
    table = places_of(truth, 1.0, observed(0.0, 0.0, Flag.PASSIVE))
    assert set(table.loc[table["by"] == "distance", "place"]) == {"over 3000"}


def test_one_member_has_errors_and_no_spread(truth: np.ndarray) -> None:
    products = {"analysis": dataset(truth[:, None] + 1.0)}
    table = errors_by_place(
        products, dataset(truth), observed(0.0, 0.0), "a", default_fields(LAYOUT)
    )
    np.testing.assert_allclose(table["rmse"], 1.0)
    assert table["spread"].isna().all()
