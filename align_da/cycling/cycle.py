"""One assimilation cycle, as functions: forecast, quality control, analysis."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from align_da.assimilation.contract import Analysis, AnalysisDiagnostics
from align_da.assimilation.diagnostics import diagnose
from align_da.assimilation.physical_bounds import Moved, PhysicalBounds, within_physical_bounds
from align_da.atmosphere import Layout, State
from align_da.atmosphere.state import check_state
from align_da.checks import check_count, check_kind
from align_da.cycling.replacement import (
    NONE_REPLACED,
    Product,
    Replaced,
    ReplacementRule,
    with_plausible_members,
)
from align_da.diffusion.effort import Effort
from align_da.errors import InputError
from align_da.forecast.contract import ForecastModel
from align_da.forecast.leads import forecast_through
from align_da.keys import Purpose, key_for
from align_da.observations.batch import ObservationBatch
from align_da.observations.contract import ObservationOperator
from align_da.observations.own_times import slots_of_window
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
        physical_bounds: what becomes of values of an analysis that a variable cannot have.
        replacement: how many members that are not plausible may be replaced.
        operator_for: gives H, with which an analysis that was changed after its method is
            reported; if None, the report stays that of the method.
        trajectory_hours: between the times of the window for which backgrounds are known, so that
            observations are compared with them at their own times; the operators of the parts have
            to be `at_own_times`. 0 knows the valid time alone. Forecasts then go on to the end of
            the window, half of it beyond the valid time.
    """

    forecast_model: ForecastModel
    analysis: Analysis
    window_hours: int
    quality_control: QualityControl | None = None
    seed: int = 0
    physical_bounds: PhysicalBounds = "none"
    replacement: ReplacementRule = NONE_REPLACED
    operator_for: Callable[[ObservationBatch, Layout], ObservationOperator] | None = None
    trajectory_hours: int = 0

    def __post_init__(self) -> None:
        check_kind("forecast_model", self.forecast_model, ForecastModel, "a ForecastModel")
        check_kind("analysis", self.analysis, Analysis, "an Analysis such as LETKF(...)")
        check_count("window_hours", self.window_hours)
        step = self.forecast_model.step_hours
        if any(slot % step for slot in self.slots):
            message = (
                f"trajectory_hours = {self.trajectory_hours} is no multiple of the step of the "
                f"forecast model, {step} hours: a model that gives finer steps is needed, or 0"
            )
            raise InputError(message)

    @property
    def slots(self) -> tuple[int, ...]:
        """Hours from the valid time to the times of the trajectories; none without them."""
        return slots_of_window(self.window_hours, self.trajectory_hours)

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
        replaced: how many members of backgrounds and analyses have been replaced so far.
    """

    analysis: State
    valid_time: np.datetime64
    cycle: int = 0
    previous: State | None = None
    replaced: int = 0

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
        replaced: members of background and analysis that were not plausible.
        moved: what of the analysis lay beyond physical limits.
    """

    number: int
    background: State
    observations: ObservationBatch
    report: AnalysisDiagnostics
    following: CycleState
    replaced: tuple[Replaced, ...] = ()
    moved: Moved = field(default_factory=Moved)

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


def make_background(
    parts: CycleParts,
    state: CycleState,
    adjusted: Callable[[State], State] = lambda background: background,
) -> tuple[State, tuple[Replaced, ...]]:
    """The background of the cycle to come, and its members that were replaced.

    It is judged here, before anything is computed from it: a NaN would flag every observation, and
    the cycle would go on as if its window were empty. A member that was replaced keeps the past of
    the one whose place it takes, which a model of two frames sees.

    Args:
        parts: what the cycle is made of.
        state: the last analysis.
        adjusted: what becomes of the background before it is used.

    Raises:
        BadStateError: more members than may be replaced are not finite or not plausible; names the
            first, and its variable.
    """
    background, replaced = _plausible(parts, state, "background", _forecast(parts, state))
    changed = adjusted(background)
    if changed is background:
        return background, replaced
    return _plausible(parts, state, "background", changed, replaced)


def _forecast(parts: CycleParts, state: CycleState) -> State:
    """The ensemble a window after the last analysis, with its drift if there are trajectories."""
    model, hours = parts.forecast_model, parts.window_hours
    if parts.slots:
        return forecast_through(model, state.analysis, state.valid_time, hours, parts.slots)
    # An ensemble of another window than the step of the model is no frame for it.
    frame = state.previous if hours == model.step_hours else None
    return model.forecast(state.analysis, state.valid_time, hours, frame)


def assimilate(
    parts: CycleParts,
    state: CycleState,
    background: State,
    observations: ObservationBatch,
    replaced: tuple[Replaced, ...] = (),
) -> Cycle:
    """The analysis of the cycle to come; the background itself if no observation is used.

    Args:
        parts: what the cycle is made of.
        state: the last analysis.
        background: ensemble, values [member, lat, lon, channel], SI units; with a drift where
            observations are to be compared with it at their own times.
        observations: of this cycle, their times relative to the new valid time.
        replaced: members of the background that were replaced.

    Raises:
        BadStateError: more members of the analysis than may be replaced are not plausible.
    """
    checked = parts.checked(observations, background)
    key = key_for(parts.seed, Purpose.ANALYSIS, state.cycle)
    made, report = parts.analysis(background, checked, float(parts.window_hours), key)
    if jnp.any(checked.used):
        drawn = replace(made, drift=None)  # the next forecast starts from the valid time
        whole, replaced = _plausible(parts, state, "analysis", drawn, replaced)
        ensemble, moved = within_physical_bounds(whole, parts.physical_bounds)
        if ensemble is not drawn:
            at_times = replace(background, values=ensemble.values)
            report = _reported(parts, report, background, checked, at_times)
    else:  # also where a method would draw from its prior
        ensemble, moved = replace(background, drift=None), Moved()
        report = _nothing_learned(report)
    following = CycleState(
        ensemble,
        state.valid_time + parts.window,
        state.cycle + 1,
        state.analysis,
        state.replaced + len(replaced),
    )
    return Cycle(state.cycle, background, checked, report, following, replaced, moved)


def _plausible(
    parts: CycleParts,
    state: CycleState,
    product: Product,
    ensemble: State,
    replaced: tuple[Replaced, ...] = (),
) -> tuple[State, tuple[Replaced, ...]]:
    """An ensemble without members that are not plausible, and all that the cycle has replaced."""
    key = key_for(parts.seed, Purpose.REPLACEMENT, state.cycle, int(product == "analysis"))
    before = state.replaced + len(replaced)
    whole, found = with_plausible_members(
        ensemble, product, state.cycle, key, parts.replacement, before
    )
    return whole, (*replaced, *found)


def _reported(
    parts: CycleParts,
    report: AnalysisDiagnostics,
    background: State,
    observations: ObservationBatch,
    analysis: State,
) -> AnalysisDiagnostics:
    """The report of an analysis that is not what its method made."""
    if parts.operator_for is None:
        return report
    operator = parts.operator_for(observations, background.layout)
    return diagnose(
        operator, observations, background, analysis, report.background_factor, report.effort
    )


def _nothing_learned(report: AnalysisDiagnostics) -> AnalysisDiagnostics:
    """The report of an analysis that is its background."""
    return replace(
        report,
        analysis_equivalent=report.background_equivalent,
        chi_square=jnp.zeros_like(report.chi_square),
        background_factor=1.0,
        effort=Effort.unknown(),
        learned_share=math.nan,
        learned=None,
    )
