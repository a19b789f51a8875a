"""The mean of one method with the perturbations of another.

Draws of a posterior with static errors forget, cycle by cycle, what the ensemble knows of errors
that grow where nothing is observed; an ensemble filter remembers. A learned or variational method
has the better mean. The analysis is the ensemble of the filter moved to that mean, as operational
hybrids do (Penny 2014, Mon. Wea. Rev. 142, 1752-1764; Bonavita, Hamrud and Isaksen 2015, Mon. Wea.
Rev. 143, 4865-4882).
"""

from dataclasses import dataclass, replace

import jax

from align_da.assimilation.contract import Analysis, AnalysisDiagnostics
from align_da.atmosphere import State
from align_da.observations.batch import ObservationBatch


@dataclass(frozen=True)
class Recentred:
    """Both methods see the whole background ensemble.

    Attributes:
        centre: gives the mean; its ensemble may have another size.
        perturbations: gives the ensemble about it.
    """

    centre: Analysis
    perturbations: Analysis

    def __call__(
        self,
        background: State,
        observations: ObservationBatch,
        lead_hours: float,
        key: jax.Array,
    ) -> tuple[State, AnalysisDiagnostics]:
        """One analysis; see `align_da.assimilation.contract.Analysis`."""
        around, _ = self.perturbations(
            background, observations, lead_hours, jax.random.fold_in(key, 0)
        )
        centre, report = self.centre(
            background, observations, lead_hours, jax.random.fold_in(key, 1)
        )
        shift = centre.values.mean(axis=0) - around.values.mean(axis=0)
        return replace(background, values=around.values + shift), report
