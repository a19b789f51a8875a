"""The contract of an analysis method: the learned method and every peer fulfil it."""

import math
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import jax
from jaxtyping import Array, Float

from align_da.atmosphere import State
from align_da.diffusion.effort import Effort
from align_da.observations.batch import ObservationBatch


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
    """

    background_equivalent: Float[Array, " observation"]
    analysis_equivalent: Float[Array, " observation"]
    chi_square: Float[Array, ""]
    background_factor: Float[Array, ""] | float = 1.0
    background_spread: Float[Array, " observation"] | float = math.nan
    effort: Effort = field(default_factory=Effort.unknown)


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
            background: ensemble, values [member, lat, lon, channel]; one member is allowed.
            observations: of this cycle window, quality controlled.
            lead_hours: age of the background forecast in hours.
            key: randomness of this analysis; member m uses fold_in(key, m).

        Returns:
            The analysis ensemble, same shape, and its diagnostics. With no used observation a peer
            returns the background itself, and a cycle keeps the background whatever comes.
        """
        ...
