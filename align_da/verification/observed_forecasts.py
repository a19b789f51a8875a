"""Forecasts against what was observed when they became true.

    departure = √ mean (y − H x_f)²

over the reports of a variable that the analysis of that time has used or withheld. Unlike the
error against the truth it contains that of the observations, and it can be had of real ones. The
forecast has seen none of them; where those of a later cycle are checked against its background,
what a forecast is far from is rejected a little too often.
"""

from collections.abc import Iterator
from dataclasses import fields

import jax.numpy as jnp
import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Float

from align_da.atmosphere import Layout, State, variable_named
from align_da.atmosphere.dataset import layout_from_dataset, state_from_dataset
from align_da.observations.batch import Flag, ObservationBatch
from align_da.observations.contract import Bind
from align_da.verification.score_table import ROW_COLUMNS

_COMPARED = ("value", "variable", "flag")


def background_departures(observations: xr.Dataset, layout: Layout, method: str) -> pd.DataFrame:
    """Departures of the background means, whose equivalents are stored.

    Args:
        observations: of the cycles, [time, observation].
        layout: of the states.
        method: name of the method.

    Returns:
        Rows with the columns of `ROW_COLUMNS`, score "departure", SI units.
    """
    rows: list[tuple[object, ...]] = []
    for date in observations["time"].to_numpy():
        of_date = observations[[*_COMPARED, "background_equivalent"]].sel(time=date).load()
        equivalent = of_date["background_equivalent"].to_numpy()
        rows += [(date, method, "background", *it) for it in _found(of_date, equivalent, layout)]
    return pd.DataFrame(rows, columns=list(ROW_COLUMNS))


def forecast_departures(
    forecast: xr.Dataset,
    observations: xr.Dataset,
    operator_for: Bind,
    method: str,
    product: str,
) -> pd.DataFrame:
    """Departures of the means of forecasts whose valid times have observations.

    Args:
        forecast: [time, realization, level, latitude, longitude], `time` being the valid time.
        observations: of the cycles, [time, observation].
        operator_for: makes H of a batch; observations are taken as of the valid time.
        method: name of the method.
        product: name of the forecast.

    Returns:
        Rows as of `background_departures`.
    """
    layout = layout_from_dataset(forecast)
    rows: list[tuple[object, ...]] = []
    for date in np.intersect1d(forecast["time"].to_numpy(), observations["time"].to_numpy()):
        of_date = observations.sel(time=date).load()
        members = state_from_dataset(forecast.sel(time=[date]), layout).values[0]
        operator = operator_for(stored_batch(of_date), layout)
        equivalent = np.asarray(operator(State(members.mean(axis=0), layout)))
        rows += [(date, method, product, *it) for it in _found(of_date, equivalent, layout)]
    return pd.DataFrame(rows, columns=list(ROW_COLUMNS))


def _found(
    observed: xr.Dataset, equivalent: Float[np.ndarray, " observation"], layout: Layout
) -> Iterator[tuple[str, str, float]]:
    """Symbol, score and departure of every variable that has reports at one time."""
    counted = np.isin(observed["flag"].to_numpy(), [Flag.PASS, Flag.PASSIVE])
    departure = observed["value"].to_numpy().astype(np.float64) - equivalent
    for index, name in enumerate(layout.variables):
        own = departure[counted & (observed["variable"].to_numpy() == index)]
        if own.size:
            yield variable_named(name).symbol, "departure", float(np.sqrt(np.mean(own**2)))


def stored_batch(observed: xr.Dataset) -> ObservationBatch:
    """The stored observations of one time."""
    names = (field.name for field in fields(ObservationBatch))
    stored = {name: "seconds_from_valid_time" if name == "time" else name for name in names}
    return ObservationBatch(
        **{name: jnp.asarray(observed[column].to_numpy()) for name, column in stored.items()}
    )


def common_dates(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows whose departures are of dates that all methods of their kind have, others as they are.

    A network that reports now and then, or a check that rejects all of it in one run, leaves dates
    without a departure: those of the other runs cannot be compared there.
    """
    place = ["product", "variable"]
    departures = rows["score"] == "departure"
    methods = rows.groupby([*place, "score"])["method"].transform("nunique")
    there = rows.groupby([*place, "score", "date"])["method"].transform("nunique")
    return rows[~departures | (methods == there)]
