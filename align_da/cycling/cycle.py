"""One assimilation cycle, as a function: forecast, quality control, analysis."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from align_da.assimilation.contract import Analysis, AnalysisDiagnostics
from align_da.atmosphere import State
from align_da.forecast.contract import ForecastModel
from align_da.observations.batch import ObservationBatch

QualityControl = Callable[[ObservationBatch, State], ObservationBatch]
"""Flags observations, given the background ensemble."""


@dataclass(frozen=True)
class CycleState:
    """What is carried from cycle to cycle.

    Attributes:
        analysis: ensemble, values [member, lat, lon, channel], SI units.
        valid_time: of `analysis`.
        cycle: number of the cycle to come, from 0.
    """

    analysis: State
    valid_time: np.datetime64
    cycle: int


@dataclass(frozen=True)
class CycleDiagnostics:
    """What one cycle reports.

    Attributes:
        background: ensemble, values [member, lat, lon, channel], SI units.
        observations: of the cycle window, quality controlled.
        analysis: the report of the analysis in observation space.
    """

    background: State
    observations: ObservationBatch
    analysis: AnalysisDiagnostics

    @property
    def used(self) -> Int[Array, ""]:
        """Number of assimilated observations; 0 says that the window was empty."""
        return jnp.sum(self.observations.used)


def run_cycle(
    state: CycleState,
    forecast_model: ForecastModel,
    quality_control: QualityControl,
    analysis: Analysis,
    observations: ObservationBatch,
    window_hours: int,
    key: jax.Array,
) -> tuple[CycleState, CycleDiagnostics]:
    """Advance by one cycle window.

    Args:
        state: the last analysis.
        forecast_model: makes the background, all members in one batch.
        quality_control: flags the observations.
        analysis: the assimilation method.
        observations: of this cycle, their times relative to the new valid time.
        window_hours: length of the cycle window, the lead time of the background.
        key: randomness of this analysis.

    Returns:
        The new analysis with the number of the next cycle, and the report of this one.
    """
    background = forecast_model.forecast(state.analysis, state.valid_time, window_hours)
    checked = quality_control(observations, background)
    ensemble, report = analysis(background, checked, float(window_hours), key)
    valid_time = state.valid_time + np.timedelta64(window_hours, "h")
    following = CycleState(ensemble, valid_time, state.cycle + 1)
    return following, CycleDiagnostics(background, checked, report)
