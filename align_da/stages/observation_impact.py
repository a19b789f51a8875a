"""Which observations have made the forecasts of a cycling run better, and which worse."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Array, Float
from rich.console import Console

from align_da.assimilation.letkf import LETKF, Localisation
from align_da.atmosphere import State
from align_da.config import Config
from align_da.cycling.cycle import CycleParts
from align_da.cycling.stored_cycle import (
    StoredCycle,
    StoredCycles,
    members_again,
    open_stored_cycles,
)
from align_da.errors import BadStateError, InputError
from align_da.forecast.contract import ForecastModel
from align_da.forecast.leads import forecasts_at
from align_da.observations.stations import number_of_station
from align_da.parallel.progress import progress_bar
from align_da.runs.analysis_methods import filter_of_cycles
from align_da.runs.forecast_models import configured_forecast_model, frame_before
from align_da.runs.run import Run, open_run
from align_da.stages.read_results import json_rows
from align_da.stages.run_cycles import cycle_parts
from align_da.stages.stored_background import background_of
from align_da.storage.durable import write_durably
from align_da.storage.gridded import read_times
from align_da.storage.lock import lock_beside, owned
from align_da.storage.report_file import read_reports
from align_da.storage.tables import write_table
from align_da.verification.energy_norm import energy_weights
from align_da.verification.figure_style import to_png
from align_da.verification.impact_chart import impact_chart
from align_da.verification.observation_impact import ForecastErrors, impacts_of, table_by
from align_da.verification.table_format import to_markdown

Against = Literal["truth", "analysis"]
FOLDER = "impact"
"""Within the report; a table by type, one by station, a picture and a summary a cycling run."""
BY_TYPE = "_by_type.csv"
_SHOWN = 10  # stations, the worst


@dataclass(frozen=True)
class ImpactPlan:
    """Which forecasts are judged, and how.

    Attributes:
        lead_hours: from the analysis to the time at which errors are compared.
        first: number of the first cycle.
        end: number behind the last one; None is all.
        against: what is taken for the truth: the nature run, or later analyses of the run.
    """

    lead_hours: int = 24
    first: int = 0
    end: int | None = None
    against: Against = "truth"


def observation_impact(config: Config, folder: Path, name: str, plan: ImpactPlan) -> Path:
    """Write tables by type and by station, a picture and a summary into the report.

    Args:
        config: the configuration that the cycles were made with.
        folder: of the run.
        name: of the cycles.
        plan: which forecasts.

    Returns:
        The path of the summary.

    Raises:
        StorageError: the store is missing or damaged, or another process writes the tables.
        InputError: there is one member, the lead is none of the forecast model, or no forecast
            that long can be verified.
    """
    run = open_run(config, folder)
    target = run.folder.report / FOLDER / f"{name}.json"
    with owned(lock_beside(target)):
        _write(run, name, plan, target)
    return target


def _write(run: Run, name: str, plan: ImpactPlan, target: Path) -> None:
    """Write all tables of a cycling run, the summary last, and tell it."""
    judge = _judge_of(run, name, plan)
    numbers = _verifiable(judge)
    with progress_bar() as progress:
        told = f"impact on {plan.lead_hours} h"
        found = [_impacts(judge, it) for it in progress.track(numbers, description=told)]
    table = pd.concat([impacts for impacts, _ in found], ignore_index=True)
    if table.empty:
        message = f"expected observations, none was used in cycles {numbers[0]} to {numbers[-1]}"
        raise InputError(message)
    by_type = table_by(table, ["type", "variable"], len(numbers))
    places = table.groupby("station")[["latitude", "longitude"]].first().reset_index()
    by_station = table_by(table, ["station", "type"], len(numbers)).merge(places, on="station")
    summary = {
        "cycles": name,
        "first": numbers[0],
        "last": numbers[-1],
        "lead_hours": plan.lead_hours,
        "against": plan.against,
        "unit": "J kg-1",
        "change_per_cycle": float(np.mean([change for _, change in found])),
        "impact_per_cycle": float(table["impact"].sum() / len(numbers)),
    }
    stem = target.with_suffix("")
    write_table(stem.with_name(f"{stem.name}{BY_TYPE}"), by_type)
    write_table(stem.with_name(f"{stem.name}_by_station.csv"), by_station)
    write_durably(target.with_suffix(".png"), to_png(impact_chart(by_type)))
    whole = {**summary, "by_type": json_rows(by_type), "by_station": json_rows(by_station)}
    write_durably(target, json.dumps(whole, indent=1).encode())
    _tell(summary, by_type, by_station, target)


def _tell(
    summary: dict[str, Any], by_type: pd.DataFrame, by_station: pd.DataFrame, target: Path
) -> None:
    """Print what was found."""
    console = Console()
    worst = by_station[by_station["impact_per_cycle"] > 0].tail(_SHOWN).iloc[::-1]
    for line in (
        "{cycles}, cycles {first} to {last}: observations have changed the squared error of "
        "{lead_hours} h forecasts by {change_per_cycle:.4g} {unit} a cycle; the impacts add up to "
        "{impact_per_cycle:.4g} (negative is good)".format(**summary),
        to_markdown(by_type),
        f"stations that have made it worse: {len(worst)} shown" if len(worst) else "",
        to_markdown(worst) if len(worst) else "",
        f"impacts: {target}",
    ):
        if line:
            console.print(line, highlight=False, soft_wrap=True)


@dataclass(frozen=True)
class _Judge:
    """What is needed to find the impacts in a cycle.

    Attributes:
        run: the run.
        cycles: its cycles.
        plan: which forecasts.
        parts: what the cycles are made of.
        ensemble_filter: says what the members are as the gain leaves them; None where there is
            none, and the members of the analysis have to do.
        model: of the forecasts.
        types: what observed, by the number of the station; others are of the network.
    """

    run: Run
    cycles: StoredCycles
    plan: ImpactPlan
    parts: CycleParts
    ensemble_filter: LETKF | None
    model: ForecastModel
    types: Mapping[int, str]

    @property
    def known(self) -> np.ndarray:
        """Times at which a forecast can be verified."""
        if self.plan.against == "truth":
            return np.asarray(self.run.truth["time"])
        return self.cycles.times

    def verifying(self, time: np.datetime64) -> Float[Array, "lat lon channel"]:
        """What is taken for the truth at a time, SI units."""
        if self.plan.against == "truth":
            return read_times(self.run.truth, self.run.layout, np.asarray([time])).values[0]
        number = int(np.flatnonzero(self.cycles.times == time)[0])
        return self.cycles.ensemble("analysis", number).values.mean(axis=0)


def _judge_of(run: Run, name: str, plan: ImpactPlan) -> _Judge:
    """The judge of a cycling run.

    Raises:
        InputError: there is one member, or the lead is none of the forecast model.
    """
    cycles = open_stored_cycles(run.folder.cycles(name), run.layout)
    model = configured_forecast_model(run.config)
    if plan.lead_hours % model.step_hours:
        message = (
            f"expected a lead that is a multiple of the step of the forecast model, "
            f"{model.step_hours} hours, got {plan.lead_hours}: choose another --lead"
        )
        raise InputError(message)
    if run.config.cycle.members < 2:
        message = (
            f"expected an ensemble, which says what an analysis would have been without an "
            f"observation, got cycles of one member: {name} has no impacts"
        )
        raise InputError(message)
    return _Judge(
        run, cycles, plan, cycle_parts(run, None), filter_of_cycles(run), model, _types_of(run)
    )


def _verifiable(judge: _Judge) -> list[int]:
    """The cycles of the plan whose forecasts can be verified.

    Raises:
        InputError: there is none.
    """
    plan, times = judge.plan, judge.cycles.times
    ends = times + np.timedelta64(plan.lead_hours, "h")
    numbers = np.flatnonzero(np.isin(ends, judge.known))
    last = times.size if plan.end is None else plan.end
    chosen = [int(number) for number in numbers if plan.first <= number < last]
    if not chosen:
        message = (
            f"expected a cycle from {plan.first} to {last - 1} whose forecast of "
            f"{plan.lead_hours} hours ends within the {plan.against}, found none of "
            f"{times.size} cycles: choose other --cycles, a shorter --lead or another --against"
        )
        raise InputError(message)
    return chosen


def _impacts(judge: _Judge, number: int) -> tuple[pd.DataFrame, float]:
    """A row a used observation of a cycle, and what all have changed of the error."""
    run, stored = judge.run, judge.cycles.cycle(number)
    kept = _members(judge, stored)
    batch = stored.observations
    equivalents = run.operator_for(batch, run.layout)(kept)
    localisation = (
        Localisation() if judge.ensemble_filter is None else judge.ensemble_filter.localisation
    )
    innovation = np.asarray(batch.value, np.float64) - stored.background_equivalent
    errors = _forecast_errors(judge, stored, kept)
    impact = impacts_of(errors, equivalents, innovation, batch, localisation)
    used = np.asarray(batch.used)
    station = np.asarray(batch.station)[used]
    network = run.config.observations.network
    table = pd.DataFrame(
        {
            "type": [judge.types.get(number, network) for number in station.tolist()],
            "variable": [
                run.layout.variables[index] for index in np.asarray(batch.variable)[used]
            ],
            "station": station,
            "latitude": np.asarray(batch.latitude)[used],
            "longitude": np.asarray(batch.longitude)[used],
            "impact": impact[used],
        }
    )
    return table, errors.change


def _members(judge: _Judge, stored: StoredCycle) -> State:
    """The members of an analysis as its gain leaves them, before their spread is relaxed."""
    if judge.ensemble_filter is None:
        return stored.analysis
    background = background_of(judge.run, judge.parts, judge.cycles, stored)
    return members_again(judge.parts, stored, background, judge.ensemble_filter)


def _forecast_errors(judge: _Judge, stored: StoredCycle, kept: State) -> ForecastErrors:
    """Forecasts of the members about the stored mean, and of both means, all in one batch.

    Raises:
        BadStateError: a forecast is not finite.
    """
    layout, time, lead = judge.run.layout, stored.valid_time, judge.plan.lead_hours
    mean = stored.analysis.values.mean(axis=0)
    about = kept.values - kept.values.mean(axis=0) + mean
    start = _with_means(about, mean, stored.background.values.mean(axis=0))
    before = frame_before(judge.model, judge.cycles.groups["analysis"], layout, time)
    previous = None
    if before is not None:
        earlier = before.values[0]
        centre = earlier.mean(axis=0)
        previous = State(_with_means(earlier, centre, centre), layout)
    (made,) = forecasts_at(judge.model, State(start, layout), time, [lead], previous)
    if not bool(jnp.isfinite(made.values).all()):
        message = (
            f"cycle {stored.number}: a forecast of {lead} hours from its analysis or background "
            "is not finite: leave the cycle out, or choose a shorter --lead"
        )
        raise BadStateError(message)
    truth = judge.verifying(time + np.timedelta64(lead, "h"))
    return ForecastErrors(
        State(made.values[:-2], layout),
        made.values[-2] - truth,
        made.values[-1] - truth,
        energy_weights(layout),
    )


def _with_means(
    members: Float[Array, "member lat lon channel"], *means: Float[Array, "lat lon channel"]
) -> Float[Array, "batch lat lon channel"]:
    """Members and means in one batch."""
    return jnp.concatenate([members, jnp.stack(means)])


def _types_of(run: Run) -> dict[int, str]:
    """What observed, by the number of the station, where the observations come from files."""
    if run.config.reports is None:
        return {}
    reports = read_reports(run.folder.observations)
    kinds = reports.groupby("station_id")["type"].unique()
    return {number_of_station(str(name)): "/".join(sorted(own)) for name, own in kinds.items()}
