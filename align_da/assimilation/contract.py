"""The contract of an analysis method: the learned method and every peer fulfil it."""

import math
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import jax
from jaxtyping import Array, Float

from align_da.atmosphere import State
from align_da.diffusion.effort import Effort
from align_da.observations.batch import ObservationBatch

Evidence = Float[Array, "lat lon input"]
"""Fields that a learned correction sees, see `align_da.assimilation.evidence`."""


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class LearnedIncrement:
    """What a learned correction made of a cycle, and all that it learns from.

    Attributes:
        evidence: what it saw.
        mean: ensemble mean that was corrected, SI units.
        spread: standard deviation of the members about it (ddof 1), SI units.
        equivalent: H of the ensemble that was corrected, its mean, [observation], SI units.
        equivalent_spread: likewise, its standard deviation (ddof 1).
        estimate: of the error of `mean`, with its sign turned: what the network says, SI units.
        share: of `estimate` that has reached the state, by projection: 1 is all of it.
    """

    evidence: Evidence
    mean: Float[Array, "lat lon channel"]
    spread: Float[Array, "lat lon channel"]
    equivalent: Float[Array, " observation"]
    equivalent_spread: Float[Array, " observation"]
    estimate: Float[Array, "lat lon channel"]
    share: Float[Array, ""]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class AnalysisDiagnostics:
    """What an analysis reports in observation space.

    Attributes:
        background_equivalent: H of the background ensemble mean, [observation], SI units.
        analysis_equivalent: H of the analysis ensemble mean, [observation], SI units.
        chi_square: mean over used observations of (y − H x_a)² / R, dimensionless.
        background_factor: what the assumed variance of background errors was multiplied by; see
            `align_da.prior.calibration`.
        background_spread: standard deviation of H x_b over the members, [observation], SI units;
            NaN where it is not known, as with one member.
        effort: of the hardest linear system that was solved; NaN where there was none.
        learned_share: of what a network expects of the error of the mean, how much has reached the
            analysis; NaN where there is none.
        learned: what a learned correction did; None where there is none.
    """

    background_equivalent: Float[Array, " observation"]
    analysis_equivalent: Float[Array, " observation"]
    chi_square: Float[Array, ""]
    background_factor: Float[Array, ""] | float = 1.0
    background_spread: Float[Array, " observation"] | float = math.nan
    effort: Effort = field(default_factory=Effort.unknown)
    learned_share: Float[Array, ""] | float = math.nan
    learned: LearnedIncrement | None = None


@runtime_checkable
class Analysis(Protocol):
    """One assimilation step: background ensemble and observations in, analysis ensemble out."""

    def __call__(
        self,
        background: State,
        observations: ObservationBatch,
        lead_hours: float,
        key: jax.Array,
    ) -> tuple[State, AnalysisDiagnostics]:
        """Assimilate.

        Args:
            background: ensemble, values [member, lat, lon, channel]; one member is allowed. It has
                a drift where observations are compared with it at their own times: states that H
                is applied to are made of it by `dataclasses.replace`.
            observations: of this cycle window, quality controlled.
            lead_hours: age of the background forecast in hours.
            key: randomness of this analysis; member m uses fold_in(key, m).

        Returns:
            The analysis ensemble, same shape, and its diagnostics. With no used observation a peer
            returns the background itself, and a cycle keeps the background whatever comes.
        """
        ...
