"""How much of what a correction estimates is believed: what cycles bear out that it has not seen.

A network that trains on the cycles of a few rounds knows them too well, and of others it expects
too much: in new ones the error is s times the estimate, with s below one (0.5 to 0.7 where the
whole was taken for true). Such cycles come with every round, before anything is trained on them:

    s = <e p> / <p p>,

with the errors e that they had and the estimates p of what acted in them. It is the regression of
errors on estimates, and whatever share has acted does not enter it. There is one of each channel
and row for the zonal means of e and p and one for what departs from them: what a network says of
the mean of a row stays in the state for weeks where little is observed, and it has learned it from
few of them. Rows that are near count too, since those at the poles are short.
"""

from collections.abc import Callable, Iterator

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from align_da.assimilation.contract import Evidence
from align_da.atmosphere import Grid
from align_da.training.analysis_correction import CycleSource

_LARGEST = np.asarray([1.0, 1.5], np.float32)[:, None, None]
"""Of the shares. More than an estimate is believed where estimates were too careful, but not of a
zonal mean, of which there is one where there are many departures."""
_NEAR = np.asarray([45.0, 15.0])[:, None, None]  # degrees: half the base of the triangle of rows
_CHUNK = 8  # cycles in memory at once
_SMALLEST = 1e-12  # of a sum of squares that divides

_Sum = Float[np.ndarray, "2 lat channel"]


def believed_share(
    source: CycleSource,
    estimate: Callable[[Evidence], Float[Array, "lat lon channel"]],
    grid: Grid,
) -> Float[np.ndarray, "2 lat channel"]:
    """The shares of estimates that cycles bear out: of zonal means, from 0 to 1, and of the rest.

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
    found: Float[np.ndarray, "2 lat channel"] = np.clip(share, 0, _LARGEST).astype(np.float32)
    return found


def _sums_of_cycles(
    source: CycleSource, estimate: Callable[[Evidence], Float[Array, "lat lon channel"]]
) -> Iterator[tuple[_Sum, _Sum]]:
    """Of every cycle the sums over columns of e p and of p p."""
    for first in range(0, len(source), _CHUNK):
        cycles = source.rows(np.arange(first, min(first + _CHUNK, len(source))))
        for evidence, error in zip(cycles.evidence, cycles.target.error, strict=True):
            found = np.asarray(estimate(jnp.asarray(evidence, jnp.float32)), np.float64)
            yield _of_parts(error, found), _of_parts(found, found)


def _of_parts(
    one: Float[np.ndarray, "lat lon channel"], other: Float[np.ndarray, "lat lon channel"]
) -> _Sum:
    """The sums over columns of the product of zonal means, and of that of the rest."""
    of_means = one.mean(axis=1) * other.mean(axis=1) * one.shape[1]
    return np.stack([of_means, (one * other).sum(axis=1) - of_means])
