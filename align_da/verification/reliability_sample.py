"""Whether the spread says how large errors are: ranks of the truth, and errors by spread.

Of the later half of the cycles, at most 120 of them, at every seventh point, as neighbours are not
independent.
"""

import math
from dataclasses import dataclass

import jax
import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Float, Int

from align_da.atmosphere import Layout, variable_named
from align_da.atmosphere.dataset import layout_from_dataset
from align_da.verification.ensemble_scores import (
    comparable_spread,
    ensemble_variance,
    rank_histogram,
)
from align_da.verification.verify_cycles import paired_cycles

_STRIDE = 7  # of grid points
_MOST = 120  # cycles, equally far apart: what is held in memory does not grow with the run
_BINS = 10


@dataclass(frozen=True)
class ReliabilitySample:
    """Ensembles and the truth at thinned places.

    Attributes:
        members: [member, time, lat, lon, channel], SI units.
        truth: [time, lat, lon, channel], SI units.
        layout: of the channels.
    """

    members: Float[np.ndarray, "member time lat lon channel"]
    truth: Float[np.ndarray, "time lat lon channel"]
    layout: Layout

    def ranks(self, key: jax.Array) -> dict[str, Int[np.ndarray, " rank"]]:
        """Counts of the ranks of the truth among the members, by symbol of the variable.

        Args:
            key: breaks ties, see `rank_histogram`.
        """
        return {
            variable_named(name).symbol: rank_histogram(
                self.members[..., channels], self.truth[..., channels], key
            )
            for name in self.layout.variables
            for channels in [self.layout.channels_of(name)]
        }

    def errors_by_spread(self, *, centred: bool) -> pd.DataFrame:
        """Root mean squares of spread and error of points that are equally many in every row.

        Args:
            centred: the mean of the members has no sampling error, see `ensemble_scores`.

        Returns:
            Columns variable (symbol), spread and error, SI units; where the ensemble is reliable
            they are equal. No row of one member.
        """
        rows = []
        variance = ensemble_variance(self.members)
        if variance is not None:
            squares = (self.members.astype(np.float64).mean(axis=0) - self.truth) ** 2
            for name in self.layout.variables:
                channels = self.layout.channels_of(name)
                own = variance[..., channels].ravel()
                order = np.array_split(np.argsort(own, kind="stable"), min(_BINS, own.size))
                rows += [
                    {
                        "variable": variable_named(name).symbol,
                        "spread": comparable_spread(
                            float(own[chosen].mean()), len(self.members), centred=centred
                        ),
                        "error": float(np.sqrt(squares[..., channels].ravel()[chosen].mean())),
                    }
                    for chosen in order
                ]
        return pd.DataFrame(rows, columns=["variable", "spread", "error"])


def reliability_sample(dataset: xr.Dataset, truth: xr.Dataset) -> ReliabilitySample:
    """What is read of cycles to judge their spread.

    Args:
        dataset: [time, realization, level, latitude, longitude].
        truth: at least at the same times, on the same grid.

    Raises:
        InputError: see `paired_cycles`.
    """
    begin = dataset.sizes["time"] // 2
    apart = math.ceil((dataset.sizes["time"] - begin) / _MOST)
    later = dataset.isel(time=slice(begin, None, max(apart, 1)))
    layout = layout_from_dataset(dataset)
    points = (slice(None, None, _STRIDE),) * 2
    pairs = [
        (np.asarray(ensemble.values)[:, *points], np.asarray(true_state.values)[*points])
        for _, ensemble, true_state in paired_cycles(later, truth, layout)
    ]
    members, truths = zip(*pairs, strict=True)
    return ReliabilitySample(np.stack(members, axis=1), np.stack(truths), layout)
