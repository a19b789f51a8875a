"""Segments of a period that are cycled by themselves, each with an observing system of its own.

The work of one worker is one segment; where they lie and what they observe follows from the
configuration alone, so that their number of workers changes nothing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from align_da.assimilation.contract import Analysis
from align_da.config import Config, CorrectionConfig, CycledBackgroundsConfig
from align_da.cycling.cycle import Cycle, CycleParts, CycleState, QualityControl
from align_da.cycling.cycles import cycles
from align_da.cycling.replacement import ReplacementRule
from align_da.errors import ConfigError
from align_da.forecast import ForecastModel
from align_da.runs.filed_reports import FiledObservations, Observe, observations_of
from align_da.runs.forecast_models import configured_forecast_model
from align_da.runs.initial_ensemble import ensemble_around
from align_da.runs.observing_system import observing_system
from align_da.runs.run import Run, open_run
from align_da.runs.stage_graph import learned_from_reports
from align_da.storage.background_pairs import BackgroundPairs
from data_pipelines.splits import SplitName, periods_of

_ROUND = 10_000  # seeds between two networks: more than there are segments
_ERRORS = ("wind", "temperature", "humidity", "surface_pressure", "geopotential")


@dataclass(frozen=True)
class Segment:
    """Consecutive cycles of one period, computed by one worker.

    Attributes:
        config: the run.
        folder: holds truth and backgrounds, receives the store.
        split: which period.
        number: of the segment in the period.
        of: segments of the period.
        closed_loop: a segment of [correction], of an ensemble, and not of [cycled_backgrounds].
    """

    config: Config
    folder: Path
    split: SplitName
    number: int
    of: int
    closed_loop: bool = False

    def __str__(self) -> str:
        return f"segment {self.number} of the {self.split} period"

    @property
    def plan(self) -> CorrectionConfig | CycledBackgroundsConfig:
        """The section that says how long segments are, and what they observe."""
        return self.config.correction if self.closed_loop else self.config.cycled_backgrounds


def segments_of(
    config: Config, folder: Path, split: SplitName, *, closed_loop: bool = False
) -> list[Segment]:
    """The segments of a period."""
    plan = config.correction if closed_loop else config.cycled_backgrounds
    of_validation = config.correction.validation_segments if closed_loop else 1
    count = plan.segments if split == "train" else of_validation
    return [Segment(config, folder, split, number, count, closed_loop) for number in range(count)]


def observations_of_segment(segment: Segment, run: Run) -> tuple[Observe, QualityControl]:
    """The observations of a segment and their checks: simulated, or reports to learn from.

    Args:
        segment: the segment.
        run: that of `run_of`.
    """
    config = segment.config
    if not segment.closed_loop or config.reports is None or not learned_from_reports(config):
        return observations_of(run, None)
    # Stations that are for verification are those of the run, in every segment.
    filed = FiledObservations(open_run(config, segment.folder), config.reports)
    return observations_of(run, filed)


def observations_at_most(segment: Segment) -> int:
    """The most observations of a cycle in any segment of the period of one of them."""
    if segment.config.reports is not None and learned_from_reports(segment.config):
        return segment.config.reports.padded
    every = (replace(segment, number=number) for number in range(segment.of))
    return max(observing_system(run_of(one)).planned.value.size for one in every)


def cycles_of(
    segment: Segment,
    method: Analysis,
    forecast_model: ForecastModel | None = None,
    state: CycleState | None = None,
    changed: Callable[[Observe], Observe] = lambda observe: observe,
) -> Iterator[Cycle]:
    """The cycles of `segment` with an analysis method.

    They go on from `state`; without one they start from a background, and the first `spin_up` of
    them are left out.

    Args:
        segment: the segment.
        method: of the analysis.
        forecast_model: that of the configuration if None.
        state: what the first cycle starts from.
        changed: what becomes of the observations before they are used.
    """
    run, plan = run_of(segment), segment.plan
    observe, quality_control = observations_of_segment(segment, run)
    parts = CycleParts(
        forecast_model or configured_forecast_model(segment.config),
        method,
        segment.config.cycle.window_hours,
        quality_control,
        run.config.seed,
        trajectory_hours=segment.config.cycle.trajectory_hours,
    )
    if segment.closed_loop:
        parts = replace(
            parts,
            physical_bounds=run.config.cycle.physical_bounds,
            replacement=ReplacementRule(**dict(run.config.cycle.replacement)),
        )
    first = plan.spin_up if state is None else 0
    state = state or _first_state(segment, run)
    count = first + plan.cycles
    times = state.valid_time + np.arange(1, count + 1) * parts.window
    observed = map(changed(observe), times, range(state.cycle, state.cycle + count))
    return islice(cycles(parts, state, observed), first, None)


def cycles_before(segment: Segment) -> int:
    """How many cycles it had with the network of this round before the round began."""
    plan = segment.config.correction
    network, rounds = _network(segment)
    if network:
        return rounds * plan.cycles
    return plan.number * plan.cycles + (plan.spin_up if plan.number else 0)


def _network(segment: Segment) -> tuple[int, int]:
    """Which of its networks a segment has in this round, and for how many rounds already.

    Segments get new ones in turn, so that every round has stations of every age.
    """
    plan = segment.config.correction
    return divmod(plan.number + segment.number % plan.network_rounds, plan.network_rounds)


def run_of(segment: Segment) -> Run:
    """The run with the network, density and errors of this segment."""
    config, plan = segment.config, segment.plan
    place = segment.number if segment.split == "train" else segment.number + segment.of + 1000
    changed: dict[str, float] = {"density": plan.densities[segment.number % len(plan.densities)]}
    if isinstance(plan, CorrectionConfig):
        network, _ = _network(segment)
        place += _ROUND * (1 + network)
        turn = segment.number // len(plan.densities) + network
        factor = plan.error_factors[turn % len(plan.error_factors)]
        errors = (f"{name}_error" for name in _ERRORS)
        changed |= {name: factor * getattr(config.observations, name) for name in errors}
    # A seed of its own keeps the network of the experiments out of the training data.
    changes = {
        "seed": config.seed + 1 + place,
        "observations": config.observations.model_copy(update=changed),
    }
    return replace(open_run(config, segment.folder), config=config.model_copy(update=changes))


def _first_state(segment: Segment, run: Run) -> CycleState:
    """The oldest background at the start of the segment, or members about it."""
    pairs = run.pairs(segment.split)
    lead = max(pairs.lead_hours)
    place = places(segment, pairs)[segment.number]
    _, background = pairs.read(lead, slice(place, place + 1))
    first = ensemble_around(run, background) if segment.closed_loop else background
    return CycleState(first, pairs.valid_times(lead)[place])


def places(segment: Segment, pairs: BackgroundPairs) -> list[int]:
    """Which starts of the backgrounds begin the segments of the period of one of them.

    They are evenly spread, each with room to its end. Those of ensembles may overlap: others
    observe the same weather with another network.

    Raises:
        ConfigError: the segments do not fit into the period.
    """
    config, plan, count = segment.config, segment.plan, segment.of
    valid = pairs.valid_times(max(pairs.lead_hours))
    rounds = plan.rounds if isinstance(plan, CorrectionConfig) else 1
    length = np.timedelta64((plan.spin_up + rounds * plan.cycles) * config.cycle.window_hours, "h")
    latest = valid[-1] - length
    first = valid[0] + np.arange(count) * (latest - valid[0]) / max(count - 1, 1)
    # The next start may be hours after `first`, too late for the cycles to end in the period.
    end = periods_of(config.world)[segment.split].end
    fitting = np.searchsorted(valid, end - length, side="right") - 1
    found = np.minimum(np.searchsorted(valid, first), fitting)
    apart = np.timedelta64(0, "h") if segment.closed_loop else length
    if latest < valid[0] or np.any(np.diff(valid[found]) < apart):
        section = "correction" if segment.closed_loop else "cycled_backgrounds"
        message = (
            f"{count} segments of {length} do not fit into the {segment.split} period, whose "
            f"backgrounds are valid from {valid[0]} to {valid[-1]}: lower {section}.cycles or "
            f"{section}.{'rounds' if segment.closed_loop else 'segments'}"
        )
        raise ConfigError(message)
    return [int(place) for place in found]


def starts_of(segment: Segment, pairs: BackgroundPairs) -> Shaped[np.ndarray, " cycle"]:
    """Times of the analyses before the kept cycles of every segment of the period of one of them.

    Segment after segment; a window later they have been cycled.
    """
    plan, valid = segment.plan, pairs.valid_times(max(pairs.lead_hours))
    before = plan.number * plan.cycles if isinstance(plan, CorrectionConfig) else 0
    offset = plan.spin_up + before + np.arange(plan.cycles)
    apart = offset * np.timedelta64(segment.config.cycle.window_hours, "h")
    times = [valid[place] + apart for place in places(segment, pairs)]
    return np.concatenate(times).astype("datetime64[ns]")
