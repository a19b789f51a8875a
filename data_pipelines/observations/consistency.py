"""The variables of one report against each other, before any background is there.

A wind whose one component is rejected is rejected, and so are a temperature and a humidity that
together are more than saturated. Saturation over water (Bolton 1980) at a temperature 2 K higher
leaves room for the errors of both and for the supersaturation over ice.
"""

import numpy as np
import pandas as pd

from align_da.observations.companions import WINDS
from data_pipelines.observations.conversions import pressure_of_flight_level, specific_humidity

_PLACE = ["type", "station_id", "time", "latitude", "longitude", "vertical", "level"]
_ONE_OF_MANY = ("thinned", "superob", "duplicate")  # says nothing about the value
_ROOM = 2.0  # K


def consistent_reports(reports: pd.DataFrame) -> pd.DataFrame:
    """The checked reports, flagged where the variables of one report contradict each other."""
    place = reports.groupby(_PLACE, dropna=False, sort=False).ngroup().to_numpy()
    flag = reports["flag"].to_numpy(object)
    for pair in WINDS:
        flag = _together(place, flag, reports["variable"].isin(pair).to_numpy())
    supersaturated = _supersaturated(reports.assign(place=place))
    counts = np.isin(flag.astype(str), ("pass", "passive"))
    return reports.assign(flag=np.where(counts & supersaturated, "bounds", flag))


def _together(place: np.ndarray, flag: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Flags with the first one of a place that is not a pass on all of it."""
    counts = np.isin(flag.astype(str), ("pass", "passive"))
    rejected = own & ~counts & ~np.isin(flag.astype(str), _ONE_OF_MANY)
    reason = pd.Series(flag[rejected], place[rejected])
    reason = reason[~reason.index.duplicated()]
    taken = own & counts & np.isin(place, reason.index)
    return np.where(taken, reason.reindex(place).to_numpy(object), flag)


def _supersaturated(reports: pd.DataFrame) -> np.ndarray:
    """Whether a report is a temperature or humidity of a place that is more than saturated."""
    value = {
        name: reports[reports["variable"].isin(names)].drop_duplicates("place").set_index("place")
        for name, names in (
            ("temperature", ("temperature", "2m_temperature")),
            ("humidity", ("specific_humidity",)),
            ("pressure", ("surface_pressure",)),
        )
    }
    both = value["humidity"].join(value["temperature"]["value"].rename("temperature"), how="inner")
    station = value["pressure"]["value"].reindex(both.index).to_numpy()
    height = np.clip(both["elevation"].fillna(0.0).to_numpy(), 0.0, None)
    ground = np.where(station > 0, station, pressure_of_flight_level(height))
    pressure = np.where(both["vertical"] == "level", both["level"], ground)
    most = specific_humidity(both["temperature"].to_numpy() + _ROOM, pressure)
    wrong = both.index[both["value"].to_numpy() > most]
    variables = ("temperature", "2m_temperature", "specific_humidity")
    return (reports["place"].isin(wrong) & reports["variable"].isin(variables)).to_numpy()
