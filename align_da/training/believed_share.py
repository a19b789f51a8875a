"""How much of what a correction estimates is believed: what cycles bear out that it has not seen.

A network that trains on the cycles of a few rounds knows them too well, and of others it expects
too much: in new ones the error is s times the estimate, with s below one (0.5 to 0.7 where the
whole was taken for true). Such cycles come with every round, before anything is trained on them:

    s = <e p> / <p p>,

with the errors e that they had and the estimates p of what acted in them. It is the regression of
errors on estimates, and whatever share has acted does not enter it. One of each channel and row,
over all columns and cycles; rows that are near count too, since those at the poles are short.
"""

from collections.abc import Callable, Iterator

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from align_da.assimilation.contract import Evidence
from align_da.atmosphere import Grid
from align_da.training.analysis_correction import CycleSource

_LARGEST = 1.5
"""Of a share: more than an estimate is believed where estimates were too careful."""
_NEAR = 15.0  # degrees: half the base of the triangle that weighs rows
_CHUNK = 8  # cycles in memory at once
_SMALLEST = 1e-12  # of a sum of squares that divides

_Sum = Float[np.ndarray, "lat channel"]


def believed_share(
    source: CycleSource,
    estimate: Callable[[Evidence], Float[Array, "lat lon channel"]],
    grid: Grid,
) -> Float[np.ndarray, "lat channel"]:
    """The share of estimates that cycles bear out, from 0 to 1.5.

    Args:
        source: cycles whose truth is known, and that nothing was trained on.
        estimate: of the error of a cycle, in standard deviations of the states.
        grid: of the states.
    """
    products, squares = (
        sum(parts) for parts in zip(*_sums_of_cycles(source, estimate), strict=True)
    )
    latitude = np.asarray(grid.latitude)
    near = np.maximum(1 - np.abs(latitude[:, None] - latitude) / _NEAR, 0)
    near *= np.asarray(grid.area_weights)[:, 0]
    share = (near @ products) / np.maximum(near @ squares, _SMALLEST)
    found: Float[np.ndarray, "lat channel"] = np.clip(share, 0, _LARGEST).astype(np.float32)
    return found


def _sums_of_cycles(
    source: CycleSource, estimate: Callable[[Evidence], Float[Array, "lat lon channel"]]
) -> Iterator[tuple[_Sum, _Sum]]:
    """Of every cycle the sums over columns of e p and of p p."""
    for first in range(0, len(source), _CHUNK):
        cycles = source.rows(np.arange(first, min(first + _CHUNK, len(source))))
        for evidence, error in zip(cycles.evidence, cycles.target.error, strict=True):
            found = np.asarray(estimate(jnp.asarray(evidence, jnp.float32)), np.float64)
            yield (error * found).sum(axis=1), (found * found).sum(axis=1)
