"""The training of a correction of analyses on what cycles have met.

Cases are cycles: what each knew, the mean and the spread of its ensemble, and the truth. The loss
is the squared error that is left, in units of the error that there was; where the spread is
corrected too, the CRPS of a Gaussian of the corrected mean and spread (Gneiting et al. 2005, Mon.
Wea. Rev. 133, 1098-1118, equation 5), which has its minimum where both are right.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Int, PyTree

from align_da.assimilation.analysis_correction import EvidenceScaling, spread_factor
from align_da.training.batches import Cases
from align_da.training.step import Loss

_SMALLEST = 1e-6  # of a standard deviation that divides
_SAMPLED = 512  # cycles whose statistics stand for all
_RIDGE = 1e-6  # of the variance: increments that are the same have no shares of their own


@dataclass(frozen=True)
class MetCycles:
    """Cycles that a method has met, in host memory; all in standard deviations of the states.

    Attributes:
        evidence: see `align_da.assimilation.evidence`.
        error: truth − mean before the correction.
        spread: of the members about the mean before the correction.
    """

    evidence: Float[np.ndarray, "case lat lon input"]
    error: Float[np.ndarray, "case lat lon channel"]
    spread: Float[np.ndarray, "case lat lon channel"]

    def __len__(self) -> int:
        return len(self.error)

    def rows(self, rows: Int[np.ndarray, " row"]) -> "MetCycles":
        """Some of them, in this order."""
        return MetCycles(self.evidence[rows], self.error[rows], self.spread[rows])


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class CorrectionBatch:
    """Cases of order one, see `MetCycles`."""

    evidence: Float[Array, "batch lat lon input"]
    error: Float[Array, "batch lat lon channel"]
    spread: Float[Array, "batch lat lon channel"]


@runtime_checkable
class CycleSource(Protocol):
    """Cycles in memory or on disk."""

    def __len__(self) -> int:
        """Their number."""
        ...

    def rows(self, rows: Int[np.ndarray, " row"]) -> MetCycles:
        """Some of them, in this order."""
        ...


@dataclass(frozen=True)
class Aggregated:
    """The cycles of several rounds, one after the other."""

    sources: tuple[CycleSource, ...]

    def __len__(self) -> int:
        return sum(map(len, self.sources))

    def rows(self, rows: Int[np.ndarray, " row"]) -> MetCycles:
        """Some of them, in this order."""
        ends = np.cumsum([len(source) for source in self.sources])
        owner = np.searchsorted(ends, rows, side="right")
        parts, places = [], []
        for number in np.unique(owner):
            here = np.flatnonzero(owner == number)
            begin = ends[number] - len(self.sources[number])
            parts.append(self.sources[number].rows(rows[here] - begin))
            places.append(here)
        back = np.argsort(np.concatenate(places))
        columns = zip(*((part.evidence, part.error, part.spread) for part in parts), strict=True)
        return MetCycles(*(np.concatenate(column)[back] for column in columns))


def scaling_of(source: CycleSource) -> EvidenceScaling:
    """Statistics that bring cycles to order one, of some that are spread over all."""
    cycles, axes = _sample_of(source), (0, 1, 2)
    std = cycles.evidence.std(axis=axes, dtype=np.float64)
    error = np.sqrt(np.square(cycles.error).mean(axis=axes, dtype=np.float64))
    mean = cycles.evidence.mean(axis=axes, dtype=np.float64)
    return EvidenceScaling(
        jnp.asarray(mean, jnp.float32),
        jnp.asarray(np.maximum(std, _SMALLEST), jnp.float32),
        jnp.asarray(np.maximum(error, _SMALLEST), jnp.float32),
    )


def shares_of(
    source: CycleSource, scaling: EvidenceScaling, increments: tuple[slice, ...]
) -> Float[Array, "increment channel"]:
    """The shares of evidence that explain errors best, one of each variable and level.

    Least squares over space and cycles: what a network of few steps would not reach from zero.

    Args:
        source: cycles.
        scaling: of their evidence and errors; the shares are of scaled fields.
        increments: which fields of the evidence are an increment, as many as there are channels.
    """
    cycles = _sample_of(source)
    scaled = (cycles.evidence - np.asarray(scaling.mean)) / np.asarray(scaling.std)
    seen = np.stack([scaled[..., fields] for fields in increments])
    error = cycles.error / np.asarray(scaling.error_std)
    products = np.einsum("i...c,j...c->cij", seen, seen, dtype=np.float64, optimize=True)
    wanted = np.einsum("i...c,...c->ci", seen, error, dtype=np.float64, optimize=True)
    scale = np.trace(products, axis1=1, axis2=2)[:, None, None]
    products += (_RIDGE * scale + _SMALLEST) * np.eye(len(increments))
    found = np.linalg.solve(products, wanted[..., None])[..., 0]
    return jnp.asarray(found.T, jnp.float32)


def _sample_of(source: CycleSource) -> MetCycles:
    chosen = np.unique(np.linspace(0, len(source) - 1, _SAMPLED).round().astype(int))
    return source.rows(chosen)


def cases_of(source: CycleSource, scaling: EvidenceScaling) -> Cases:
    """Rows → batch, and how many rows there are."""

    def batch(rows: Int[np.ndarray, " batch"]) -> CorrectionBatch:
        return _scaled(source.rows(rows), scaling)

    return batch, len(source)


def _scaled(cycles: MetCycles, scaling: EvidenceScaling) -> CorrectionBatch:
    unit = scaling.error_std
    evidence = (jnp.asarray(cycles.evidence) - scaling.mean) / scaling.std
    return CorrectionBatch(
        evidence, jnp.asarray(cycles.error) / unit, jnp.asarray(cycles.spread) / unit
    )


def correction_loss(
    graph: nnx.GraphDef,
    weights: Float[Array, "lat lon 1"],
    *,
    scales_spread: bool,
    variables: Mapping[str, slice] = MappingProxyType({}),
) -> Loss:
    """The loss of a network, see above; `unexplained` is the share of the squared error left.

    Args:
        graph: structure of the network.
        weights: of the points, of mean one.
        scales_spread: whether the spread is corrected too.
        variables: channels of those whose share that is left is told too.
    """

    def loss(
        params: PyTree, batch: CorrectionBatch, key: jax.Array
    ) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        found = nnx.merge(graph, params)(batch.evidence)
        channels = batch.error.shape[-1]
        left = batch.error - found[..., :channels]
        mean = partial(_weighted_mean, weights=weights)
        square = mean(left**2)
        told = {"unexplained": square / mean(batch.error**2)}
        for name, of in variables.items():
            share = mean(left[..., of] ** 2) / mean(batch.error[..., of] ** 2)
            told[f"unexplained_{name}"] = share
        if not scales_spread:
            return square, {"loss": square, **told}
        spread = jnp.maximum(batch.spread * spread_factor(found[..., channels:]), _SMALLEST)
        crps = mean(gaussian_crps(left, spread))
        return crps, {"loss": crps, **told}

    return loss


def _weighted_mean(
    values: Float[Array, "batch lat lon channel"], weights: Float[Array, "lat lon 1"]
) -> Float[Array, ""]:
    return jnp.mean(values * weights)


def gaussian_crps(
    error: Float[Array, "*shape"], spread: Float[Array, "*shape"]
) -> Float[Array, "*shape"]:
    """CRPS of N(mean, spread²) with the truth `error` away from the mean, in their unit."""
    ratio = error / spread
    cdf = jax.scipy.stats.norm.cdf(ratio)
    pdf = jax.scipy.stats.norm.pdf(ratio)
    found: Float[Array, "*shape"] = spread * (ratio * (2 * cdf - 1) + 2 * pdf - jnp.pi**-0.5)
    return found
