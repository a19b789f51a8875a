"""One assimilation cycle, as functions: forecast, quality control, analysis."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from align_da.assimilation.contract import Analysis, AnalysisDiagnostics
from align_da.atmosphere import State
from align_da.atmosphere.plausibility import check_plausible
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
        previous: the ensemble one window before, member by member; None where the cycling starts.
    """

    analysis: State
    valid_time: np.datetime64
    cycle: int
    previous: State | None = None


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
    """Advance by one cycle window: `make_background`, then `assimilate`, which see.

    Returns:
        The new analysis with the number of the next cycle, and the report of this one.

    Raises:
        BadStateError: the background is not finite or not plausible.
    """
    background = make_background(state, forecast_model, window_hours)
    return assimilate(
        state, background, quality_control, analysis, observations, window_hours, key
    )


def make_background(state: CycleState, forecast_model: ForecastModel, window_hours: int) -> State:
    """The background of the cycle to come.

    It is judged here, before anything is computed from it: a NaN would flag every observation, and
    the cycle would go on as if its window were empty.

    Args:
        state: the last analysis.
        forecast_model: advances all members in one batch.
        window_hours: length of the cycle window, the lead time of the background.

    Raises:
        BadStateError: a value is not finite or not plausible; names member and variable.
    """
    # An ensemble of another window than the step of the model is no frame for it.
    frame = state.previous if window_hours == forecast_model.step_hours else None
    background = forecast_model.forecast(state.analysis, state.valid_time, window_hours, frame)
    what = f"background of cycle {state.cycle}"
    check_plausible(np.asarray(background.values), background.layout, what)
    return background


def assimilate(
    state: CycleState,
    background: State,
    quality_control: QualityControl,
    analysis: Analysis,
    observations: ObservationBatch,
    window_hours: int,
    key: jax.Array,
) -> tuple[CycleState, CycleDiagnostics]:
    """The analysis of the cycle to come; the background itself if no observation is used.

    Args:
        state: the last analysis.
        background: ensemble, values [member, lat, lon, channel], SI units.
        quality_control: flags the observations.
        analysis: the assimilation method.
        observations: of this cycle, their times relative to the new valid time.
        window_hours: length of the cycle window.
        key: randomness of this analysis.

    Returns:
        The new analysis with the number of the next cycle, and the report of this one.
    """
    checked = quality_control(observations, background)
    ensemble, report = analysis(background, checked, float(window_hours), key)
    if not jnp.any(checked.used):  # also where a method would draw from its prior
        ensemble, report = background, _nothing_learned(report)
    valid_time = state.valid_time + np.timedelta64(window_hours, "h")
    following = CycleState(ensemble, valid_time, state.cycle + 1, state.analysis)
    return following, CycleDiagnostics(background, checked, report)


def _nothing_learned(report: AnalysisDiagnostics) -> AnalysisDiagnostics:
    """The report of an analysis that is its background."""
    return replace(
        report,
        analysis_equivalent=report.background_equivalent,
        chi_square=jnp.zeros_like(report.chi_square),
        background_factor=1.0,
    )
