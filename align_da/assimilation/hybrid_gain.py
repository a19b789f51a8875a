"""The hybrid gain: what 3D-Var would still change of the mean that an ensemble filter has found.

The filter knows the errors of the day in the directions of its members, static errors know all
directions a little. The observations are used twice, so that only a share of the second increment
is taken:

    x̄_a = x̄_f + α K_b (y − H x̄_f),    members stay where they are about it.

Penny 2014, Mon. Wea. Rev. 142, 1752-1764; α is tuned.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import jax
from jaxtyping import Array, Float

from align_da.assimilation.contract import Analysis, AnalysisDiagnostics
from align_da.assimilation.diagnostics import diagnose
from align_da.atmosphere import Layout, State
from align_da.atmosphere.state import ensemble_of_mean
from align_da.observations.batch import ObservationBatch
from align_da.observations.contract import ObservationOperator


@dataclass(frozen=True)
class HybridGain:
    """A filter, and a share of what static errors would add.

    Attributes:
        ensemble: the filter.
        static: is given the mean of its analysis as one member.
        share: α of the increment of `static`.
        operator_for: gives H for the observations of a cycle.
    """

    ensemble: Analysis
    static: Analysis
    share: float
    operator_for: Callable[[ObservationBatch, Layout], ObservationOperator]

    def __call__(
        self,
        background: State,
        observations: ObservationBatch,
        lead_hours: float,
        key: jax.Array,
    ) -> tuple[State, AnalysisDiagnostics]:
        """One analysis; see `align_da.assimilation.contract.Analysis`."""
        filtered, report = self.ensemble(background, observations, lead_hours, key)
        added = static_increment(self.static, filtered, observations, lead_hours, key)
        analysis = replace(filtered, values=filtered.values + self.share * added)
        operator = self.operator_for(observations, background.layout)
        again = diagnose(
            operator, observations, background, analysis, report.background_factor, report.effort
        )
        return analysis, again


def static_increment(
    static: Analysis,
    ensemble: State,
    observations: ObservationBatch,
    lead_hours: float,
    key: jax.Array,
) -> Float[Array, "lat lon channel"]:
    """What a method with static errors changes of the mean of an ensemble, SI units."""
    mean = ensemble_of_mean(ensemble)
    moved, _ = static(mean, observations, lead_hours, key)
    return moved.values[0] - mean.values[0]
