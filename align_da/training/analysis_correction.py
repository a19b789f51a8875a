"""The training of a correction of analyses on what cycles have met.

Cases are cycles: what each knew, and what is known of the error of its mean: the truth
(`truth_target`), or observations that it has not seen (`withheld_target`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Int, PyTree

from align_da.assimilation.analysis_correction import EvidenceScaling, spread_factor
from align_da.training.batches import Cases
from align_da.training.step import Loss, Metrics

_SMALLEST = 1e-6  # of a standard deviation that divides
_SAMPLED = 512  # cycles whose statistics stand for all
_RIDGE = 1e-6  # of the variance: increments that are the same have no shares of their own

Scores = tuple[Float[Array, ""], Metrics]
"""A loss, and `unexplained`, the share of the squared error that is left, also by variable."""
Increments = Float[Array, "case lat lon channel"]
"""Increments of the mean, or factors on the spread."""
Judgement = Callable[[Any, Increments, Increments | None], Scores]
"""(target, increments, factors or None) → scores; increments in the unit of `Target.over`."""


@runtime_checkable
class Target(Protocol):
    """What is known of the errors of cycles, a pytree of arrays with a leading axis of cases."""

    def typical(self, channels: int) -> Float[np.ndarray, " channel"]:
        """How large errors are, by channel, in standard deviations of the states."""
        ...

    def over(self, unit: Float[Array, " channel"]) -> "Target":
        """The same for increments in units of these standard deviations."""
        ...


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class MetCycles:
    """Cycles that a method has met.

    Attributes:
        evidence: see `align_da.assimilation.evidence`.
        target: what is known of their errors.
    """

    evidence: Float[Array | np.ndarray, "case lat lon input"]
    target: Any

    def __len__(self) -> int:
        return len(self.evidence)

    def rows(self, rows: Int[np.ndarray, " row"]) -> "MetCycles":
        """Some of them, in this order."""
        chosen: MetCycles = jax.tree.map(lambda column: column[rows], self)
        return chosen


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
        joined: MetCycles = jax.tree.map(lambda *columns: np.concatenate(columns)[back], *parts)
        return joined


def scaling_of(source: CycleSource, channels: int) -> EvidenceScaling:
    """Statistics that bring cycles to order one, of some that are spread over all.

    Args:
        source: of the cycles.
        channels: of the states.
    """
    cycles, axes = _sample_of(source), (0, 1, 2)
    evidence = np.asarray(cycles.evidence)
    std = evidence.std(axis=axes, dtype=np.float64)
    mean = evidence.mean(axis=axes, dtype=np.float64)
    error = cycles.target.typical(channels)
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
        source: cycles whose truth is known.
        scaling: of their evidence and errors; the shares are of scaled fields.
        increments: which fields of the evidence are an increment, as many as there are channels.
    """
    cycles = _sample_of(source)
    scaled = (cycles.evidence - np.asarray(scaling.mean)) / np.asarray(scaling.std)
    seen = np.stack([scaled[..., fields] for fields in increments])
    error = cycles.target.error / np.asarray(scaling.error_std)
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
    """Rows → batch of order one, and how many rows there are."""

    def batch(rows: Int[np.ndarray, " batch"]) -> MetCycles:
        cycles = source.rows(rows)
        evidence = (jnp.asarray(cycles.evidence) - scaling.mean) / scaling.std
        return MetCycles(evidence, cycles.target.over(scaling.error_std))

    return batch, len(source)


def correction_loss(graph: nnx.GraphDef, judged: Judgement, *, scales_spread: bool) -> Loss:
    """The loss of a network.

    Args:
        graph: structure of the network.
        judged: by the truth or by withheld observations.
        scales_spread: whether the spread is corrected too.
    """

    def loss(params: PyTree, batch: MetCycles, key: jax.Array) -> Scores:
        found, factor = nnx.merge(graph, params)(batch.evidence), None
        if scales_spread:
            found, output = jnp.split(found, 2, axis=-1)
            factor = spread_factor(output)
        value, told = judged(batch.target, found, factor)
        return value, {"loss": value, **told}

    return loss
