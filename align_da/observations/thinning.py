"""Thinning and superobbing: one report a box, so that errors of neighbours do not add up.

Boxes hold the reports of one type and variable within some degrees of latitude, as many kilometres
of longitude, and some Pa of pressure. Boxes are found where reports are read, for they know types
and pressures; which report of a box stays is decided after quality control, among those that have
passed it: a gross error has no part in a superob, and copies are one report. Used and withheld
reports have boxes of their own. Nothing is deleted: all but one report of a box are flagged
thinned. Which one stays, and the mean of a superob, depend on what the reports say and not on the
order in which they come.
"""

from dataclasses import dataclass, fields

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Array, Bool, Float, Int

from align_da.observations.batch import Flag, ObservationBatch

_KINDS = ["type", "variable", "vertical"]
_MEANS = ("value", "error", "latitude", "longitude", "level")  # no box lies across 0 E
_ORDER = ("station", "time", "latitude", "longitude", "level", "value", "error")


@jax.tree_util.register_dataclass
@dataclass(frozen=True, repr=False)
class BoxedObservations(ObservationBatch):
    """Observations that know their box.

    Attributes:
        box: number of the box.
        distance: from the middle of the box, degrees of latitude.
    """

    box: Int[Array, " observation"]
    distance: Float[Array, " observation"]


def boxed(
    batch: ObservationBatch, reports: pd.DataFrame, degrees: float, pascal: float
) -> BoxedObservations:
    """The observations of these reports with their boxes.

    Args:
        batch: of the reports in their order, and padding.
        reports: checked reports.
        degrees: size of a box, degrees of latitude.
        pascal: height of a box, Pa.
    """
    extra = (0, batch.value.size - len(reports))
    box, distance = _boxes(reports, degrees, pascal)
    return BoxedObservations(
        **vars(batch),
        box=jnp.asarray(np.pad(box, extra, constant_values=-1)),
        distance=jnp.asarray(np.pad(distance, extra)),
    )


def thinned(batch: BoxedObservations) -> ObservationBatch:
    """Keep the observation of every box that is nearest to its middle.

    Args:
        batch: concrete and quality controlled; only those flagged pass or passive take part.
    """
    columns, group = _columns(batch), _groups(batch)
    flag = np.where((group >= 0) & ~_kept(columns, group), int(Flag.THINNED), columns["flag"])
    return _plain(columns | {"flag": flag.astype(np.int32)})


def superobbed(batch: BoxedObservations) -> ObservationBatch:
    """Replace the kept observation of every box by the mean of the box, as `thinned` keeps them.

    Value, position and error are means, the time is that of the observation which is kept. That of
    the error is what it is if errors within a box are the same for all, as those of
    representation are: a superob is not taken for more precise than its reports.
    """
    columns, group = _columns(batch), _groups(batch)
    kept = _kept(columns, group)
    flag = np.where((group >= 0) & ~kept, int(Flag.THINNED), columns["flag"])
    columns |= {"flag": flag.astype(np.int32)}
    for name in _MEANS:
        values = columns[name].copy()
        values[kept] = _means(values.astype(np.float64), group)[group[kept]]
        columns |= {name: values}
    return _plain(columns)


def _boxes(
    reports: pd.DataFrame, degrees: float, pascal: float
) -> tuple[Int[np.ndarray, " report"], Float[np.ndarray, " report"]]:
    """Number of the box of every report, and its distance in latitude from the middle."""
    latitude = reports["latitude"].to_numpy(np.float64)
    row = np.floor((latitude + 90) / degrees)
    middle = (row + 0.5) * degrees - 90
    width = np.cos(np.deg2rad(np.clip(middle, -90, 90)))
    count = np.maximum(1, np.floor(360 * width / degrees))
    column = np.floor(reports["longitude"].to_numpy(np.float64) % 360 * count / 360)
    layer = np.floor(np.nan_to_num(reports["level"].to_numpy(np.float64)) / pascal)
    keys = reports[_KINDS].assign(row=row, column=column, layer=layer)
    box = keys.groupby(list(keys.columns), dropna=False).ngroup().to_numpy(np.int32)
    return box, np.abs(latitude - middle).astype(np.float32)


def _columns(batch: BoxedObservations) -> dict[str, np.ndarray]:
    return {name: np.asarray(array) for name, array in vars(batch).items()}


def _plain(columns: dict[str, np.ndarray]) -> ObservationBatch:
    """The observations without their boxes."""
    names = [field.name for field in fields(ObservationBatch)]
    return ObservationBatch(**{name: jnp.asarray(columns[name]) for name in names})


def _groups(batch: BoxedObservations) -> Int[np.ndarray, " observation"]:
    """Number of the box, another one for what is withheld; -1 for what does not take part."""
    flag, box = np.asarray(batch.flag), np.asarray(batch.box)
    counts = np.isin(flag, (Flag.PASS, Flag.PASSIVE)) & (box >= 0)
    return np.where(counts, 2 * box + (flag == Flag.PASSIVE), -1)


def _kept(
    columns: dict[str, np.ndarray], group: Int[np.ndarray, " observation"]
) -> Bool[np.ndarray, " observation"]:
    """Whether each observation is the one of its box that is nearest to its middle."""
    keys = [columns[name] for name in reversed(_ORDER)]
    order = np.lexsort((*keys, columns["distance"], group))
    _, first = np.unique(group[order], return_index=True)
    kept = np.zeros(group.size, dtype=bool)
    kept[order[first]] = True
    return kept & (group >= 0)


def _means(
    values: Float[np.ndarray, " observation"], group: Int[np.ndarray, " observation"]
) -> Float[np.ndarray, " group"]:
    """Mean over every group; sums run over sorted numbers, so that the order changes no bit."""
    place = np.flatnonzero(group >= 0)
    place = place[np.lexsort((values[place], group[place]))]
    groups = int(group.max(initial=-1)) + 1
    total = np.bincount(group[place], weights=values[place], minlength=groups)
    return np.asarray(total / np.maximum(np.bincount(group[place], minlength=groups), 1))
