"""Fields of gains: how much of every part of an analysis reaches the state.

With x̄_b the mean of the background, δ the increment of a method, μ what its network has learned of
the error that is left, X the departures of its members and F_k bands of zonal wavenumbers,

    x̄_a = x̄_b + g_δ ∘ δ + Σ_k g_k ∘ F_k μ,      X_a = g_X ∘ X.

Gains have one value a class of numbers of a state: levels, rows, or places beside stations. They
are few, and are learned from returns over cycles, which no single analysis knows: with all of them
one this is the method itself. Learned gains of a filter: arXiv:2406.18066.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from align_da.assimilation.analysis_correction import CorrectedAnalysis
from align_da.assimilation.contract import AnalysisDiagnostics
from align_da.assimilation.diagnostics import diagnose
from align_da.atmosphere import Layout, State
from align_da.errors import InputError
from align_da.observations.batch import ObservationBatch
from align_da.observations.contract import ObservationOperator


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Gains:
    """One number a class, dimensionless.

    Attributes:
        update: g_δ, of the increment of the method.
        learned: g_k, of every band of the learned increment.
        spread: g_X, of the departures of the members.
    """

    update: Float[Array, " class"]
    learned: Float[Array, "band class"]
    spread: Float[Array, " class"]

    @classmethod
    def neutral(cls, classes: int, bands: int) -> "Gains":
        """Those that leave a method as it is."""
        return cls(jnp.ones(classes), jnp.ones((bands, classes)), jnp.ones(classes))


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class GainedAnalysis:
    """A corrected analysis whose parts have gains.

    Attributes:
        method: with the correction after the analysis, of which its share acts.
        gains: of its parts.
        classes: of every number of a state, from 0.
        edges: zonal wavenumbers at which bands begin, increasing, after the first, which begins
            at 0; as many as there are bands, less one.
    """

    method: CorrectedAnalysis
    gains: Gains
    classes: Int[Array, "lat lon channel"]
    edges: tuple[int, ...] = field(default=(), metadata={"static": True})

    def __post_init__(self) -> None:
        if self.method.acts != "after":
            message = f"gains are of a correction after the analysis, got {self.method.acts!r}"
            raise InputError(message)
        if any(high <= low for low, high in pairwise((0, *self.edges))):
            message = f"expected increasing wavenumbers above 0 as edges, got {self.edges}"
            raise InputError(message)

    @property
    def operator_for(self) -> Callable[[ObservationBatch, Layout], ObservationOperator]:
        """H for the observations of a cycle."""
        return self.method.operator_for

    def __call__(
        self,
        background: State,
        observations: ObservationBatch,
        lead_hours: float,
        key: jax.Array,
    ) -> tuple[State, AnalysisDiagnostics]:
        """One analysis; see `align_da.assimilation.contract.Analysis`."""
        corrected, report = self.method(background, observations, lead_hours, key)
        analysis = replace(corrected, values=self._gained(background, corrected, report))
        operator = self.operator_for(observations, background.layout)
        again = diagnose(
            operator, observations, background, analysis, report.background_factor, report.effort
        )
        return analysis, replace(again, learned=report.learned, learned_share=report.learned_share)

    def _gained(
        self, background: State, corrected: State, report: AnalysisDiagnostics
    ) -> Float[Array, "member lat lon channel"]:
        learned = report.learned
        if learned is None:  # a corrected analysis always tells
            message = "expected a method that reports what it has learned, got none"
            raise TypeError(message)
        before, mean = background.values.mean(axis=0), corrected.values.mean(axis=0)
        bands = zonal_bands(mean - learned.mean, self.edges)
        shares = self.gains.learned[:, self.classes]
        moved = self.gains.update[self.classes] * (learned.mean - before)
        moved += jnp.sum(shares * bands, axis=0)
        if self.method.correction.truncation is not None:
            moved = self.method.correction.truncation(moved)
        found: Float[Array, "member lat lon channel"] = (
            before + moved + self.gains.spread[self.classes] * (corrected.values - mean)
        )
        return found


def zonal_bands(
    fields: Float[Array, "lat lon channel"], edges: tuple[int, ...]
) -> Float[Array, "band lat lon channel"]:
    """The parts of fields in bands of zonal wavenumbers; their sum is the fields.

    Args:
        fields: on whole circles of latitude.
        edges: wavenumbers at which bands begin, after the first, which begins at 0.
    """
    count = fields.shape[1]
    spectrum = jnp.fft.rfft(fields, axis=1)
    band = jnp.searchsorted(jnp.asarray(edges), jnp.arange(spectrum.shape[1]), side="right")
    chosen = band == jnp.arange(len(edges) + 1)[:, None]
    parts: Float[Array, "band lat lon channel"] = jnp.fft.irfft(
        jnp.where(chosen[:, None, :, None], spectrum, 0.0), n=count, axis=2
    )
    return parts
