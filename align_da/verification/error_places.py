"""Where errors lie: by latitude, by region, and by the distance to the next observation.

The cells of the grid are parted, anew in every cycle where the observations move. Over the cells c
of a part and the cycles t, with the weight w of the area of a cell,

    error² = Σ_tc w_c e_tc² / Σ_tc w_c,      spread² = κ Σ_tc w_c s²_tc / Σ_tc w_c,

e the error of the ensemble mean, s² the variance of the members, and κ what makes a spread
comparable with an error (`ensemble_scores.comparable_spread`). Levels count alike. Distances
go along the surface to the next place where anything was assimilated, of any variable and level.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Float, Int
from scipy.sparse import csr_array
from scipy.spatial import KDTree

from align_da.atmosphere import Grid, Layout, State
from align_da.atmosphere.dataset import layout_from_dataset
from align_da.atmosphere.localisation import unit_vectors
from align_da.constants import EARTH_RADIUS
from align_da.observations.batch import Flag
from align_da.verification.ensemble_scores import comparable_spread, ensemble_variance
from align_da.verification.verified_fields import VerifiedField
from align_da.verification.verify_cycles import paired_cycles

REGIONS = ("southern extratropics", "tropics", "northern extratropics")
_TROPICS = 20.0  # degrees, as in WeatherBench 2
_EDGES = (250, 500, 750, 1000, 1500, 2000, 3000)  # km
DISTANCES = (
    *(f"{low} to {high}" for low, high in pairwise((0, *_EDGES))),
    f"over {_EDGES[-1]}",
)


_USED_AT = ["latitude", "longitude", "flag"]


@dataclass(frozen=True)
class Partition:
    """The cells of a grid in parts.

    Attributes:
        by: what parts them: "latitude", "region" or "distance".
        places: name of every part: degrees north, a region, or kilometres.
        part: index of the part that each cell belongs to.
    """

    by: str
    places: Sequence[str]
    part: Int[np.ndarray, "lat lon"]


def errors_by_place(
    products: Mapping[str, xr.Dataset],
    truth: xr.Dataset,
    observations: xr.Dataset,
    method: str,
    fields: Sequence[VerifiedField],
    *,
    centred: bool = False,
) -> pd.DataFrame:
    """Errors and spread of each product in every part of the globe, over all cycles.

    Args:
        products: as in `verify_cycles`.
        truth: as in `verify_cycles`.
        observations: of the same cycles: latitude, longitude and flag [time, observation].
        method: name of the method.
        fields: what to score.
        centred: the mean of the members has no sampling error, see `ensemble_scores`.

    Returns:
        Columns method, product, variable (label of the field), by, place, rmse, spread (NaN of one
        member; both in SI units) and share (of area and time). Parts without a cell are left out.

    Raises:
        InputError: as in `verify_cycles`.
    """
    tables = []
    for product, dataset in products.items():
        layout, sums = layout_from_dataset(dataset), _Sums()
        for date, ensemble, true_state in paired_cycles(dataset, truth, layout):
            partitions = (
                *_still(layout.grid),
                _by_distance(layout.grid, observations[_USED_AT].sel(time=date).load()),
            )
            sums.add(partitions, ensemble, true_state)
        members = dataset.sizes["realization"]
        rows = list(sums.rows(layout, fields, members, centred=centred))
        tables.append(pd.DataFrame(rows).assign(method=method, product=product))
    return pd.concat(tables, ignore_index=True)


class _Sums:
    """Weighted sums of squared errors and variances of every part, over cycles."""

    def __init__(self) -> None:
        self.of: dict[tuple[str, str], Float[np.ndarray, "channel sum"]] = {}

    def add(self, partitions: Sequence[Partition], ensemble: State, truth: State) -> None:
        """Take one more cycle in."""
        members = np.asarray(ensemble.values, np.float64)
        squares = (members.mean(axis=0) - np.asarray(truth.values, np.float64)) ** 2
        variance = ensemble_variance(members)
        known = np.full_like(squares, np.nan) if variance is None else variance
        weights = np.broadcast_to(ensemble.layout.grid.area_weights[..., None], squares.shape)
        cells = np.stack([weights * squares, weights * known, weights], axis=-1)
        for partition in partitions:
            found = _summed(partition, cells)
            for place, sums in zip(partition.places, found, strict=True):
                key = (partition.by, place)
                self.of[key] = self.of.get(key, 0.0) + sums

    def rows(
        self, layout: Layout, fields: Sequence[VerifiedField], members: int, *, centred: bool
    ) -> Iterator[dict[str, object]]:
        """The table, a row a part and field."""
        whole = sum(float(sums[0, 2]) for (by, _), sums in self.of.items() if by == "region")
        there = {key: sums for key, sums in self.of.items() if sums[0, 2] > 0}
        for (by, place), sums in there.items():
            squares, variances = (sums[:, index] / sums[:, 2] for index in (0, 1))
            for field in fields:
                channels = np.arange(layout.shape[-1])[layout.channels_of(field.variable)]
                own = channels[list(field.levels)]
                variance = float(variances[own].mean())
                spread = (
                    float("nan")
                    if members == 1
                    else comparable_spread(variance, members, centred=centred)
                )
                yield {
                    "variable": field.label,
                    "by": by,
                    "place": place,
                    "rmse": float(np.sqrt(squares[own].mean())),
                    "spread": spread,
                    "share": float(sums[0, 2]) / whole,
                }


def _summed(
    partition: Partition, cells: Float[np.ndarray, "lat lon channel sum"]
) -> Float[np.ndarray, "part channel sum"]:
    """Sums over the cells of every part."""
    part = partition.part.ravel()
    belongs = csr_array(
        (np.ones(part.size), (part, np.arange(part.size))),
        shape=(len(partition.places), part.size),
    )
    sums = belongs @ cells.reshape(part.size, -1)
    return np.asarray(sums.reshape(-1, *cells.shape[2:]))


def _still(grid: Grid) -> tuple[Partition, Partition]:
    """Rows and regions, which are where they are."""
    latitude = np.asarray(grid.latitude)
    rows = np.broadcast_to(np.arange(latitude.size)[:, None], grid.shape)
    region = np.digitize(latitude, [-_TROPICS, _TROPICS])
    return (
        Partition("latitude", [f"{degrees:.4g}" for degrees in latitude], rows),
        Partition("region", REGIONS, np.broadcast_to(region[:, None], grid.shape)),
    )


def _by_distance(grid: Grid, observed: xr.Dataset) -> Partition:
    """By the distance to the next assimilated observation; far from all where there is none."""
    used = observed["flag"].to_numpy() == Flag.PASS
    places = (observed[name].to_numpy()[used] for name in ("latitude", "longitude"))
    there = unit_vectors(*places)
    if not len(there):
        return Partition("distance", DISTANCES, np.full(grid.shape, len(_EDGES)))
    here = unit_vectors(*np.meshgrid(grid.latitude, grid.longitude, indexing="ij"))
    chord = KDTree(there).query(here)[0]
    arc = 2 * np.arcsin(np.minimum(chord / 2, 1.0)) * EARTH_RADIUS / 1000
    return Partition("distance", DISTANCES, np.digitize(arc, _EDGES))
