"""What every analysis reports in observation space."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.assimilation.contract import AnalysisDiagnostics
from align_da.atmosphere import State
from align_da.diffusion.effort import Effort
from align_da.observations.batch import ObservationBatch
from align_da.observations.contract import ObservationOperator


def diagnose(
    operator: ObservationOperator,
    observations: ObservationBatch,
    background: State,
    analysis: State,
    background_factor: Float[Array, ""] | float = 1.0,
    effort: Effort | None = None,
) -> AnalysisDiagnostics:
    """Equivalents of the ensembles and the residual chi-square per used observation.

    Args:
        operator: H, bound to `observations`.
        observations: of the cycle window.
        background: ensemble, values [member, lat, lon, channel].
        analysis: ensemble; it may have another number of members.
        background_factor: see `AnalysisDiagnostics`.
        effort: of the systems of all members; None where there were none.
    """
    equivalents = operator(background)
    before = equivalents.mean(axis=0)
    after = operator(analysis).mean(axis=0)
    used = observations.used
    value = jnp.where(used, observations.value, 0.0)
    residual = (value - jnp.where(used, after, 0.0)) / jnp.where(used, observations.error, 1.0)
    chi_square = (residual**2).sum() / jnp.maximum(used.sum(), 1)
    known = equivalents.shape[0] > 1
    spread = equivalents.std(axis=0, ddof=1) if known else jnp.full_like(before, jnp.nan)
    hardest = Effort.unknown() if effort is None else effort.hardest()
    return AnalysisDiagnostics(before, after, chi_square, background_factor, spread, hardest)
