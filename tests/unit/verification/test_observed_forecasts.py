import jax.numpy as jnp
import numpy as np
import pandas as pd
import xarray as xr

from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from align_da.atmosphere.dataset import dataset_from_state
from align_da.observations.batch import Flag
from align_da.observations.interpolation import interpolation_operator
from align_da.verification.observed_forecasts import (
    background_departures,
    common_dates,
    forecast_departures,
)
from align_da.verification.score_table import ROW_COLUMNS

LAYOUT = Layout(
    Grid(
        tuple(np.linspace(-78.75, 78.75, 8)),
        tuple(np.arange(16) * 22.5),
        VerticalCoordinate("sigma", (0.5, 0.9)),
    ),
    ("temperature", "surface_pressure"),
)
TIMES = pd.date_range("1960-01-01", periods=3, freq="6h")
FLAGS = (Flag.PASS, Flag.PASSIVE, Flag.BACKGROUND, Flag.MISSING)


def observations(value: float, equivalent: float) -> xr.Dataset:
    """Four reports of temperature a cycle, one a flag; those that do not count are far off."""
    far = np.asarray([0.0, 0.0, 1e3, 1e4])
    columns = {
        "value": value + far,
        "background_equivalent": np.full(4, equivalent),
        "error": np.ones(4),
        "latitude": np.full(4, 10.0),
        "longitude": np.full(4, 20.0),
        "level": np.full(4, 0.5),
        "vertical": np.zeros(4, np.int32),
        "seconds_from_valid_time": np.zeros(4),
        "variable": np.zeros(4, np.int32),
        "station": np.zeros(4, np.int32),
        "flag": np.asarray(FLAGS, np.int32),
    }
    arrays = {
        name: (("time", "observation"), np.tile(it, (len(TIMES), 1)))
        for name, it in columns.items()
    }
    return xr.Dataset(arrays, coords={"time": TIMES})


def test_departures_of_backgrounds_are_of_reports_that_were_used_or_withheld() -> None:
    rows = background_departures(observations(283.0, 280.0), LAYOUT, "a")
    assert list(rows.columns) == list(ROW_COLUMNS)
    assert set(rows["variable"]) == {"T"}
    np.testing.assert_allclose(rows["value"], 3.0)
    assert list(rows["date"]) == list(TIMES)


def test_forecasts_are_compared_where_their_valid_times_are_observed() -> None:
    values = np.full((2, 2, *LAYOUT.shape), 280.0) + np.asarray([-1.0, 1.0])[:, None, None, None]
    forecast = dataset_from_state(
        State(jnp.asarray(values, jnp.float32), LAYOUT),
        {"time": TIMES[1:] + pd.Timedelta("6h"), "realization": np.arange(2)},
    )
    rows = forecast_departures(
        forecast, observations(284.0, 0.0), interpolation_operator, "a", "forecast 12 h"
    )
    assert list(rows["date"]) == [TIMES[2]]
    np.testing.assert_allclose(rows["value"], 4.0, rtol=1e-5)
    assert set(rows["product"]) == {"forecast 12 h"}


def test_departures_are_kept_at_dates_that_all_methods_have_and_other_scores_as_they_are() -> None:
    rows = pd.DataFrame(
        [
            (TIMES[0], "a", "background", "T", "departure", 1.0),
            (TIMES[1], "a", "background", "T", "departure", 1.0),
            (TIMES[1], "b", "background", "T", "departure", 1.0),
            (TIMES[0], "a", "background", "p_s", "departure", 1.0),  # b has none at all
            (TIMES[0], "a", "background", "T", "rmse", 1.0),
            (TIMES[1], "b", "background", "T", "rmse", 1.0),
        ],
        columns=list(ROW_COLUMNS),
    )
    pd.testing.assert_frame_equal(common_dates(rows), rows.iloc[1:])
