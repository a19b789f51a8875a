"""The free run: observations are looked at and not used. The floor of every comparison."""

from collections.abc import Callable
from dataclasses import dataclass

import jax

from align_da.assimilation.contract import AnalysisDiagnostics
from align_da.assimilation.diagnostics import diagnose
from align_da.atmosphere import Layout, State
from align_da.observations.batch import ObservationBatch
from align_da.observations.contract import ObservationOperator


@dataclass(frozen=True)
class FreeRun:
    """Analysis = background.

    Attributes:
        operator_for: gives H for the observations of a cycle.
    """

    operator_for: Callable[[ObservationBatch, Layout], ObservationOperator]

    def __call__(
        self,
        background: State,
        observations: ObservationBatch,
        lead_hours: float,
        key: jax.Array,
    ) -> tuple[State, AnalysisDiagnostics]:
        """One analysis; see `align_da.assimilation.contract.Analysis`."""
        operator = self.operator_for(observations, background.layout)
        return background, diagnose(operator, observations, background, background)
