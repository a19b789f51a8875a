"""One assimilation cycle, as functions: forecast, quality control, analysis."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from align_da.assimilation.contract import Analysis, AnalysisDiagnostics
from align_da.atmosphere import State
from align_da.atmosphere.plausibility import check_plausible
from align_da.atmosphere.state import check_state
from align_da.checks import check_count, check_kind
from align_da.diffusion.effort import Effort
from align_da.forecast.contract import ForecastModel
from align_da.keys import Purpose, key_for
from align_da.observations.batch import ObservationBatch
from align_da.observations.quality_control import quality_controlled

QualityControl = Callable[[ObservationBatch, State], ObservationBatch]
"""Flags observations, given the background ensemble."""


@dataclass(frozen=True)
class CycleParts:
    """What every cycle of a run is made of.

    Attributes:
        forecast_model: makes the backgrounds, all members in one batch.
        analysis: the assimilation method.
        window_hours: length of the cycle window, the lead time of the backgrounds.
        quality_control: flags the observations; by the checks that need no background if None.
        seed: of every random draw; cycle c draws with the key of (seed, ANALYSIS, c).
    """

    forecast_model: ForecastModel
    analysis: Analysis
    window_hours: int
    quality_control: QualityControl | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        check_kind("forecast_model", self.forecast_model, ForecastModel, "a ForecastModel")
        check_kind("analysis", self.analysis, Analysis, "an Analysis such as LETKF(...)")
        check_count("window_hours", self.window_hours)

    @property
    def window(self) -> np.timedelta64:
        """Length of the cycle window."""
        return np.timedelta64(self.window_hours, "h")

    def checked(self, observations: ObservationBatch, background: State) -> ObservationBatch:
        """The observations of a cycle after quality control."""
        if self.quality_control is not None:
            return self.quality_control(observations, background)
        seconds = 3600.0 * self.window_hours
        checked: ObservationBatch = quality_controlled(observations, background.layout, seconds)
        return checked


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
    cycle: int = 0
    previous: State | None = None

    def __post_init__(self) -> None:
        check_state("the analysis that a cycle starts from", self.analysis)
        time = "a numpy.datetime64 (of a pandas.Timestamp: its to_datetime64())"
        check_kind("valid_time of a cycle", self.valid_time, np.datetime64, time)


@dataclass(frozen=True)
class Cycle:
    """A cycle that is done.

    Attributes:
        number: of the cycle, from 0.
        background: ensemble, values [member, lat, lon, channel], SI units.
        observations: of the cycle window, quality controlled.
        report: of the analysis in observation space.
        following: what the next cycle starts from.
    """

    number: int
    background: State
    observations: ObservationBatch
    report: AnalysisDiagnostics
    following: CycleState

    @property
    def analysis(self) -> State:
        """The analysis ensemble, values [member, lat, lon, channel], SI units."""
        return self.following.analysis

    @property
    def valid_time(self) -> np.datetime64:
        """Of background and analysis."""
        return self.following.valid_time

    @property
    def used(self) -> Int[Array, ""]:
        """Number of assimilated observations; 0 says that the window was empty."""
        return jnp.sum(self.observations.used)


def make_background(parts: CycleParts, state: CycleState) -> State:
    """The background of the cycle to come.

    It is judged here, before anything is computed from it: a NaN would flag every observation, and
    the cycle would go on as if its window were empty.

    Raises:
        BadStateError: a value is not finite or not plausible; names member and variable.
    """
    model, hours = parts.forecast_model, parts.window_hours
    # An ensemble of another window than the step of the model is no frame for it.
    frame = state.previous if hours == model.step_hours else None
    background = model.forecast(state.analysis, state.valid_time, hours, frame)
    what = f"background of cycle {state.cycle}"
    check_plausible(np.asarray(background.values), background.layout, what)
    return background


def assimilate(
    parts: CycleParts, state: CycleState, background: State, observations: ObservationBatch
) -> Cycle:
    """The analysis of the cycle to come; the background itself if no observation is used.

    Args:
        parts: what the cycle is made of.
        state: the last analysis.
        background: ensemble, values [member, lat, lon, channel], SI units.
        observations: of this cycle, their times relative to the new valid time.
    """
    checked = parts.checked(observations, background)
    key = key_for(parts.seed, Purpose.ANALYSIS, state.cycle)
    ensemble, report = parts.analysis(background, checked, float(parts.window_hours), key)
    if not jnp.any(checked.used):  # also where a method would draw from its prior
        ensemble, report = background, _nothing_learned(report)
    valid_time = state.valid_time + parts.window
    following = CycleState(ensemble, valid_time, state.cycle + 1, state.analysis)
    return Cycle(state.cycle, background, checked, report, following)


def _nothing_learned(report: AnalysisDiagnostics) -> AnalysisDiagnostics:
    """The report of an analysis that is its background."""
    return replace(
        report,
        analysis_equivalent=report.background_equivalent,
        chi_square=jnp.zeros_like(report.chi_square),
        background_factor=1.0,
        effort=Effort.unknown(),
    )
