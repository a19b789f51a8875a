"""The observations of one cycle window out of the reports of many."""

import hashlib
import warnings

import numpy as np
import pandas as pd
from jaxtyping import Float

from align_da.atmosphere import Layout
from align_da.constants import (
    DRY_AIR_GAS_CONSTANT,
    GRAVITY,
    STANDARD_LAPSE_RATE,
    STANDARD_TEMPERATURE,
)
from align_da.observations.batch import ObservationBatch
from align_da.observations.frames import observations_from_frame
from align_da.observations.stations import number_of_station

_OF_HEIGHT = (
    ("surface_pressure",),
    ("2m_temperature", "temperature"),
    ("specific_humidity",),
)
_AFLOAT = ("ship", "buoy")


def reports_in_window(
    reports: pd.DataFrame, valid_time: np.datetime64, window_hours: int
) -> pd.DataFrame:
    """The reports with a value in [start, end) around `valid_time`; each is in one window only.

    What is flagged missing stays behind in the reports: there is nothing to keep of it.
    """
    half = np.timedelta64(window_hours * 1800, "s")
    time = reports["time"].to_numpy("datetime64[ns]")
    inside = (time >= valid_time - half) & (time < valid_time + half)
    return reports[inside & (reports["flag"] != "missing").to_numpy()].reset_index(drop=True)


def with_stations_withheld(reports: pd.DataFrame, share: float, seed: int) -> pd.DataFrame:
    """Flag a share of the stations passive, each decided on its own name and the seed."""
    drawn = {
        name: int.from_bytes(hashlib.sha256(f"{seed} {name}".encode()).digest()[:8], "big") / 2**64
        for name in reports["station_id"].unique()
    }
    withheld = (reports["station_id"].map(drawn) < share) & (reports["flag"] == "pass")
    return reports.assign(flag=reports["flag"].mask(withheld, "passive"))


def reduced_to_surface(
    reports: pd.DataFrame, surface: Float[np.ndarray, " report"], limit: float
) -> pd.DataFrame:
    """Reports at the surface of the model instead of that of the station.

    p' = p exp(g (z − z') / (R_d T)) with T of the ICAO standard atmosphere halfway between both,
    T' = T + Γ (z − z') with its lapse rate Γ; humidity stays as it is. What depends on height and
    has no elevation, or is further than `limit` from the surface, stays passive. Ships and buoys
    are at sea level.

    Args:
        reports: checked reports.
        surface: z', height of the surface of the model at each report, m.
        limit: m.
    """
    given = reports["elevation"].to_numpy(np.float64)
    afloat = np.isnan(given) & reports["type"].isin(_AFLOAT).to_numpy()
    elevation = np.where(afloat, 0.0, given)
    above = elevation - surface
    near = np.abs(above) <= limit
    halfway = STANDARD_TEMPERATURE - STANDARD_LAPSE_RATE * (elevation + surface) / 2
    factor = np.exp(GRAVITY * above / (DRY_AIR_GAS_CONSTANT * halfway))
    on_ground = (reports["vertical"] == "surface").to_numpy()
    pressure, temperature, humidity = (
        on_ground & reports["variable"].isin(names).to_numpy() for names in _OF_HEIGHT
    )
    far = (pressure | temperature | humidity) & ~near & (reports["flag"] == "pass").to_numpy()
    value = reports["value"].to_numpy(np.float64)
    value = np.where(pressure & near, value * factor, value)
    return reports.assign(
        value=np.where(temperature & near, value + STANDARD_LAPSE_RATE * above, value),
        flag=reports["flag"].mask(far, "passive"),
    )


def batch_of_reports(
    reports: pd.DataFrame, layout: Layout, valid_time: np.datetime64, padded: int
) -> ObservationBatch:
    """The batch of the reports of a window; levels stay pressures in Pa.

    A station is its number, or a checksum of its name. Variables that the state does not hold
    stay passive, what has no error is missing.

    Raises:
        InputError: there are more than `padded` reports.
    """
    known = reports.drop(columns=["station_id", "type", "elevation", "file"], errors="ignore")
    no_error = ~(reports["error"] > 0)
    table = known.assign(
        station=[number_of_station(name) for name in reports["station_id"]],
        error=reports["error"].mask(no_error, 1.0),
        flag=reports["flag"].mask(no_error & reports["flag"].isin(["pass", "passive"]), "missing"),
    )
    with warnings.catch_warnings():  # told once when the files are read, not in every cycle
        warnings.filterwarnings("ignore", message=".*the state does not hold")
        return observations_from_frame(table, layout, valid_time, padded, unknown="passive")
