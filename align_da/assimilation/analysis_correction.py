"""A correction of analyses that a network has learned in cycles.

The mean of the ensemble is moved by the whole of what the network expects of its error, and the
spread about it multiplied by what the network expects of that: location and scale apart. A
distribution whose amplitude is tied to its mean can act at full strength on neither.

The method learns from cycles in which its own correction acts. What is learned from cycles without
it is wrong within it, since a background does not say which corrections are in it already.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.assimilation.contract import (
    Analysis,
    AnalysisDiagnostics,
    Evidence,
    LearnedIncrement,
)
from align_da.assimilation.diagnostics import diagnose
from align_da.assimilation.evidence import gather_evidence
from align_da.assimilation.hybrid_gain import static_increment
from align_da.assimilation.nearness import nearness
from align_da.atmosphere import Layout, Normalisation, State
from align_da.atmosphere.truncation import SpectralTruncation
from align_da.errors import InputError
from align_da.observations.batch import ObservationBatch
from align_da.observations.contract import ObservationOperator

_WIDEST = 0.25  # of the logarithm of the factor on the spread: 0.78 to 1.28 a cycle


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class EvidenceScaling:
    """Statistics that bring evidence and estimates to order one.

    Attributes:
        mean: of the evidence, by field.
        std: likewise.
        error_std: standard deviation of the errors that are estimated, by channel, in standard
            deviations of the states.
        share: of the estimates that is believed, of their zonal means and of what departs from
            them, by row and channel; None believes them all.
    """

    mean: Float[Array, " input"]
    std: Float[Array, " input"]
    error_std: Float[Array, " channel"]
    share: Float[Array, "2 lat channel"] | None = None

    def believed(
        self, estimate: Float[Array, "lat lon channel"]
    ) -> Float[Array, "lat lon channel"]:
        """What is believed of an estimate."""
        if self.share is None:
            return estimate
        zonal = estimate.mean(axis=1, keepdims=True)
        of_mean, of_rest = self.share[:, :, None]
        found: Float[Array, "lat lon channel"] = of_mean * zonal + of_rest * (estimate - zonal)
        return found


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class AnalysisCorrection:
    """What a network has learned of the errors of a cycle.

    Attributes:
        network: [batch, lat, lon, input] → [batch, lat, lon, output], of order one; the outputs
            are the increments of all channels, and with `scales_spread` as many logarithms.
        scaling: of its inputs and outputs.
        normalisation: statistics of the states.
        kinds: of the evidence, in the order of the inputs; see `EVIDENCE`.
        scales_spread: whether the spread is corrected too.
        truncation: what of an increment the forecast model can hold; None keeps it all.
    """

    network: Any
    scaling: EvidenceScaling
    normalisation: Normalisation
    kinds: tuple[str, ...] = field(metadata={"static": True})
    scales_spread: bool = field(default=False, metadata={"static": True})
    truncation: SpectralTruncation | None = None

    def estimate(
        self, evidence: Evidence
    ) -> tuple[Float[Array, "lat lon channel"], Float[Array, "lat lon channel"] | None]:
        """Increment of the mean in SI units, and factor on the spread where that is corrected."""
        scaled = (evidence - self.scaling.mean) / self.scaling.std
        found = self.network(scaled[None])[0]
        channels = self.normalisation.std.shape[0]
        unit = self.normalisation.std * self.scaling.error_std
        increment = unit * found[..., :channels]
        if not self.scales_spread:
            return increment, None
        return increment, spread_factor(found[..., channels:])

    def applied_to(
        self,
        ensemble: State,
        evidence: Evidence,
        share: float | Float[Array, "lat lon 1"],
        operator: ObservationOperator,
    ) -> tuple[State, LearnedIncrement]:
        """The ensemble with so much of the correction, and what was done.

        Args:
            ensemble: values [member, lat, lon, channel], SI units.
            evidence: of the kinds `kinds`.
            share: of the increment and of the logarithm of the factor, everywhere or by column.
            operator: H, bound to the observations of the cycle.
        """
        mean = ensemble.values.mean(axis=0)
        apart = ensemble.values - mean
        increment, factor = self.estimate(evidence)
        moved = share * self.scaling.believed(increment)
        if self.truncation is not None:
            moved = self.truncation(moved)
        wider = apart if factor is None else self._narrowed(apart * factor**share)
        reached = jnp.sum(moved * increment / self.normalisation.std**2)
        whole = jnp.sum((increment / self.normalisation.std) ** 2)
        equivalents = operator(ensemble)
        report = LearnedIncrement(
            evidence,
            mean,
            ensemble.values.std(axis=0, ddof=1),
            equivalents.mean(axis=0),
            equivalents.std(axis=0, ddof=1),
            increment,
            jnp.where(whole > 0, reached / jnp.where(whole > 0, whole, 1.0), jnp.mean(share)),
        )
        return replace(ensemble, values=mean + moved + wider), report

    def _narrowed(
        self, apart: Float[Array, "member lat lon channel"]
    ) -> Float[Array, "member lat lon channel"]:
        """Perturbations, narrowed where they have become wider than the climate.

        Where observations hardly tell of a variable, as of humidity in the stratosphere, nothing
        else ends the growth of a spread that is inflated and widened in every cycle.
        """
        spread, widest = apart.std(axis=0, ddof=1), self.normalisation.std
        return apart * jnp.where(spread > widest, widest / spread, 1.0)


def spread_factor(output: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Exp of a bounded logarithm: no output can end an ensemble."""
    return jnp.exp(_WIDEST * jnp.tanh(output))


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class CorrectedAnalysis:
    """An analysis method with a learned correction before or after it.

    Attributes:
        base: the method; where it is a pytree, so is this.
        correction: of its ensemble.
        operator_for: gives H for the observations of a cycle.
        share: of the correction that acts; 1 is what it was trained for.
        acts: after the method, on its analysis, or before it, on its background.
        static: gives the evidence "static", where that is seen; it is given one member.
        reach: metres from a used observation, up to which it acts by the whole share; from twice
            that on not at all (see `align_da.assimilation.nearness`). None is everywhere.
    """

    base: Analysis = field(metadata={"static": True})
    correction: AnalysisCorrection
    operator_for: Callable[[ObservationBatch, Layout], ObservationOperator] = field(
        metadata={"static": True}
    )
    share: float = field(default=1.0, metadata={"static": True})
    acts: Literal["before", "after"] = field(default="after", metadata={"static": True})
    static: Analysis | None = field(default=None, metadata={"static": True})
    reach: float | None = field(default=None, metadata={"static": True})

    def __call__(
        self,
        background: State,
        observations: ObservationBatch,
        lead_hours: float,
        key: jax.Array,
    ) -> tuple[State, AnalysisDiagnostics]:
        """One analysis; see `align_da.assimilation.contract.Analysis`.

        Raises:
            InputError: the ensemble has one member only, and so no spread to learn from.
        """
        if background.values.shape[0] < 2:
            message = (
                "expected an ensemble of at least two members for a learned correction, which "
                "looks at its spread, got 1: raise cycle.members or set cycle.correction_share = 0"
            )
            raise InputError(message)
        operator = self.operator_for(observations, background.layout)

        def corrected(ensemble: State) -> tuple[State, LearnedIncrement]:
            static = self._static_increment(ensemble, observations, lead_hours, key)
            met = background, ensemble, observations, operator
            found: tuple[State, LearnedIncrement] = _corrected(
                self.correction, *met, static, self.share, self.reach
            )
            return found

        if self.acts == "before":
            background, learned = corrected(background)
            analysis, report = self.base(background, observations, lead_hours, key)
            return analysis, replace(report, learned=learned, learned_share=learned.share)
        analysis, report = self.base(background, observations, lead_hours, key)
        analysis, learned = corrected(analysis)
        again = diagnose(
            operator, observations, background, analysis, report.background_factor, report.effort
        )
        return analysis, replace(again, learned=learned, learned_share=learned.share)

    def _static_increment(
        self, ensemble: State, observations: ObservationBatch, lead_hours: float, key: jax.Array
    ) -> Float[Array, "lat lon channel"] | None:
        if self.static is None or "static" not in self.correction.kinds:
            return None
        return static_increment(self.static, ensemble, observations, lead_hours, key)


@partial(jax.jit, static_argnames=("share", "reach"))
def _corrected(
    correction: AnalysisCorrection,
    background: State,
    ensemble: State,
    observations: ObservationBatch,
    operator: ObservationOperator,
    static: Float[Array, "lat lon channel"] | None,
    share: float,
    reach: float | None,
) -> tuple[State, LearnedIncrement]:
    """The ensemble with so much of the correction, and what was done."""
    evidence = gather_evidence(
        correction.kinds,
        correction.normalisation,
        background,
        ensemble,
        observations,
        operator,
        static,
    )
    if reach is None:
        return correction.applied_to(ensemble, evidence, share, operator)
    near = nearness(observations, background.layout.grid, reach)
    return correction.applied_to(ensemble, evidence, share * near[..., None], operator)
