"""Thinning and superobbing: one report a box, so that errors of neighbours do not add up.

Boxes hold the reports of one type and variable within some degrees of latitude, as many kilometres
of longitude, and some Pa of pressure. Used and withheld reports have boxes of their own. Nothing
is deleted: all but one report of a box are flagged thinned. Which one stays, and the mean of a
superob, depend on what the reports say and not on the order in which they come.
"""

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

_KINDS = ["type", "variable", "vertical", "flag"]
_MEANS = ("value", "error", "latitude", "longitude", "level")  # no box lies across 0 E
_ORDER = ["station_id", "time", "latitude", "longitude", "level", "value", "error"]


def thinned(reports: pd.DataFrame, degrees: float, pascal: float) -> pd.DataFrame:
    """Keep the report of every box that is nearest to its centre.

    Args:
        reports: checked reports; only those flagged pass or passive take part.
        degrees: size of a box, degrees of latitude.
        pascal: height of a box, Pa.

    Returns:
        The reports in their order, flags changed.
    """
    box = _boxes(reports, degrees, pascal)
    kept = _kept(reports, box, degrees)
    flag = np.where((box >= 0) & ~kept, "thinned", reports["flag"])
    return reports.assign(flag=flag)


def superobbed(reports: pd.DataFrame, degrees: float, pascal: float) -> pd.DataFrame:
    """Replace the kept report of every box by the mean of the box, as `thinned` keeps them.

    Value, position and error are means, the time is that of the report which is kept. That of the
    error is what it is if errors within a box are the same for all, as those of
    representation are: a superob is not taken for more precise than its reports.
    """
    box, found = _boxes(reports, degrees, pascal), thinned(reports, degrees, pascal)
    kept = np.flatnonzero((box >= 0) & (found["flag"] != "thinned").to_numpy())
    columns = {name: reports[name].to_numpy(np.float64).copy() for name in _MEANS}
    for values in columns.values():
        values[kept] = _means(values, box)[box[kept]]
    return found.assign(**columns)


def _boxes(reports: pd.DataFrame, degrees: float, pascal: float) -> Int[np.ndarray, " report"]:
    """Number of the box of every report, -1 for those that do not take part."""
    latitude = reports["latitude"].to_numpy(np.float64)
    row = np.floor((latitude + 90) / degrees)
    middle = np.clip((row + 0.5) * degrees - 90, -90, 90)
    count = np.maximum(1, np.floor(360 * np.cos(np.deg2rad(middle)) / degrees))
    column = np.floor(reports["longitude"].to_numpy(np.float64) % 360 * count / 360)
    layer = np.floor(np.nan_to_num(reports["level"].to_numpy(np.float64)) / pascal)
    keys = reports[_KINDS].assign(row=row, column=column, layer=layer)
    box = keys.groupby(list(keys.columns), dropna=False).ngroup().to_numpy(np.int64)
    return np.where(reports["flag"].isin(["pass", "passive"]), box, -1)


def _kept(
    reports: pd.DataFrame, box: Int[np.ndarray, " report"], degrees: float
) -> Bool[np.ndarray, " report"]:
    """Whether each report is the one of its box that is nearest to its middle."""
    latitude = reports["latitude"].to_numpy(np.float64)
    middle = (np.floor((latitude + 90) / degrees) + 0.5) * degrees - 90
    keys = reports[_ORDER].assign(distance=np.abs(latitude - middle), box=box)
    ordered = keys.reset_index(drop=True).sort_values(["box", "distance", *_ORDER], kind="stable")
    first = ordered.drop_duplicates("box").index.to_numpy()
    kept = np.zeros(len(reports), dtype=bool)
    kept[first] = True
    return kept & (box >= 0)


def _means(
    values: Float[np.ndarray, " report"], box: Int[np.ndarray, " report"]
) -> Float[np.ndarray, " box"]:
    """Mean over every box; sums run over sorted numbers, so that the order changes no bit."""
    place = np.flatnonzero(box >= 0)
    place = place[np.lexsort((values[place], box[place]))]
    boxes = int(box.max(initial=-1)) + 1
    total = np.bincount(box[place], weights=values[place], minlength=boxes)
    return np.asarray(total / np.maximum(np.bincount(box[place], minlength=boxes), 1))
