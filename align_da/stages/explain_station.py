"""What the observations of one station were worth in one stored cycle, and why."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Bool

from align_da.assimilation.letkf import LETKF, Localisation
from align_da.atmosphere import State
from align_da.config import Config
from align_da.cycling.cycle import Cycle, CycleParts
from align_da.cycling.stored_cycle import (
    StoredCycle,
    made_again,
    members_again,
    open_stored_cycles,
)
from align_da.errors import InputError
from align_da.observations.batch import Flag, ObservationBatch
from align_da.observations.stations import named_station
from align_da.runs.analysis_methods import filter_of_cycles
from align_da.runs.observing_system import expected_variance_for
from align_da.runs.run import Run, open_run
from align_da.stages.read_results import json_rows
from align_da.stages.run_cycles import cycle_parts
from align_da.stages.stored_background import background_of
from align_da.verification.increment_in_words import (
    FLAGS,
    Reach,
    leading_observation,
    sentences_of,
)
from align_da.verification.left_out import in_spreads, largest_differences
from align_da.verification.observation_neighbours import nearest_column, neighbours_of
from align_da.verification.observation_worth import (
    ObservedCycle,
    influence_of,
    reported_by,
    worth_of,
)

_SAME = 1e-2  # spreads: an analysis that is made again no further from the stored one is the same
_SHOWN = 5  # stations in a message
_EQUIVALENTS = ("value", "background", "analysis", "without")
_TABLE = (
    *("variable", "level", "value", "background", "innovation", "error", "spread"),
    *("background_error", "weight", "analysis", "without", "share", "influence", "flag"),
)


@dataclass(frozen=True)
class StationExplained:
    """What was found out about a station in a cycle.

    Attributes:
        about: what it is about, by name, as JSON has it.
        worth: of `worth_of`.
        neighbours: of `neighbours_of`.
        without: largest differences to the analysis without the station; empty where nothing
            changes or the analysis was not made again.
        made_again: what became of that, in words.
        words: the numbers in sentences.
    """

    about: dict[str, Any]
    worth: pd.DataFrame
    neighbours: pd.DataFrame
    without: pd.DataFrame
    made_again: str
    words: list[str]

    @property
    def table(self) -> dict[str, Any]:
        """All of it as JSON has it."""
        return {
            **self.about,
            "observations": json_rows(self.worth),
            "neighbours": json_rows(self.neighbours),
            "without": {"made_again": self.made_again, "largest": json_rows(self.without)},
            "words": self.words,
        }

    @property
    def text(self) -> str:
        """All of it in lines; of the neighbours those of the observation that asked for most."""
        leading = leading_observation(self.worth)
        own = self.neighbours[self.neighbours["observation"] == leading]
        flags = self.worth["flag"].map(lambda flag: FLAGS[Flag[flag.upper()]])
        parts = [
            "{run}, cycle {cycle} of {cycles} ({valid_time}), {method}: station {station} at "
            "{latitude:.2f} N {longitude:.2f} E".format(**self.about),
            _lines(self.worth.assign(flag=flags)[[name for name in _TABLE if name in self.worth]]),
            f"neighbours of {self.worth['variable'][leading]}, nearest first",
            _lines(own.drop(columns="observation")) if len(own) else "    none within reach",
            f"without the station: {self.made_again}",
            *([_lines(self.without)] if len(self.without) else []),
            *self.words,
        ]
        return "\n".join(parts)


def explain_station(
    config: Config, folder: Path, name: str, number: int, station: str
) -> StationExplained:
    """What the observations of a station were worth.

    Args:
        config: the configuration that the cycles were made with.
        folder: of the run.
        name: of the cycles.
        number: of the cycle, from 0.
        station: its number, as the store has it, or its name, as files of reports have it.

    Raises:
        StorageError: the store is missing or damaged, or what the run has learned is.
        InputError: there is no such cycle, or no such station in it.
    """
    run = open_run(config, folder)
    cycles = open_stored_cycles(run.folder.cycles(name), run.layout)
    stored = cycles.cycle(number)
    rows = _rows_of(stored, station)
    parts = cycle_parts(run, None)
    background = background_of(run, parts, cycles, stored)
    ensemble_filter = filter_of_cycles(run)
    observed = _observed(run, parts, stored, background, ensemble_filter)
    localisation = Localisation() if ensemble_filter is None else ensemble_filter.localisation
    worth, neighbours = worth_of(observed, rows), neighbours_of(observed, rows, localisation)
    latitude, longitude = _place(stored.observations, rows)
    reach = Reach(
        localisation.radius,
        nearest_column(latitude, longitude, run.layout.grid),
        config.quality_control.background_threshold,
    )
    equivalent, without, told = _without(parts, stored, background, rows)
    if equivalent is not None:
        worth["without"] = equivalent[np.flatnonzero(rows)]
    about = {
        "run": str(folder),
        "cycles": name,
        "cycle": number,
        "valid_time": str(stored.valid_time.astype("datetime64[m]")),
        "method": config.cycle.method,
        "station": int(np.asarray(stored.observations.station)[rows][0]),
        "latitude": latitude,
        "longitude": longitude,
        "nearest_column_km": reach.nearest / 1e3,
        "radius_km": None if reach.radius is None else reach.radius / 1e3,
    }
    words = sentences_of(worth, neighbours, reach)
    return StationExplained(about, worth, neighbours, without, told, words)


def _rows_of(stored: StoredCycle, station: str) -> Bool[np.ndarray, " observation"]:
    """Which observations of a cycle are of a station.

    Raises:
        InputError: none is.
    """
    batch = stored.observations
    there = np.unique(np.asarray(batch.station)[np.asarray(batch.flag) != Flag.MISSING]).tolist()
    number = named_station(station, there)
    if number is None:
        some = ", ".join(map(str, there[:_SHOWN])) + (", ..." if len(there) > _SHOWN else "")
        message = (
            f"expected one of the {len(there)} stations of cycle {stored.number} ({some}), got "
            f"{station!r}: align-da monitor and align-da data export-observations name them"
        )
        raise InputError(message)
    return reported_by(batch, number)


def _observed(
    run: Run,
    parts: CycleParts,
    stored: StoredCycle,
    background: State,
    ensemble_filter: LETKF | None,
) -> ObservedCycle:
    """What is known of the observations of a cycle."""
    batch = stored.observations
    operator = run.operator_for(batch, run.layout)
    members = np.asarray(operator(background), np.float64)
    single = members.shape[0] == 1
    spread = np.full(members.shape[1], np.nan) if single else members.std(axis=0, ddof=1)
    assumed = np.sqrt(np.asarray(expected_variance_for(run)(operator, background), np.float64))
    error, used = np.asarray(batch.error, np.float64), np.asarray(batch.used)
    background_error, influence = assumed, np.full_like(spread, np.nan)
    if ensemble_filter is not None:
        background_error = spread * ensemble_filter.inflation * np.sqrt(stored.background_factor)
        kept = members_again(parts, stored, background, ensemble_filter)
        influence = influence_of(np.asarray(operator(kept)), error, used)
    return ObservedCycle(
        batch,
        run.layout,
        np.asarray(stored.background_equivalent, np.float64),
        np.asarray(stored.analysis_equivalent, np.float64),
        spread,
        background_error,
        np.sqrt(error**2 + assumed**2),
        influence,
    )


def _without(
    parts: CycleParts,
    stored: StoredCycle,
    background: State,
    rows: Bool[np.ndarray, " observation"],
) -> tuple[np.ndarray | None, pd.DataFrame, str]:
    """H of the analysis without a station, where it differs most, and how sure that is.

    There is no such analysis if the station was not used, or if one with all observations is not
    the stored one: then something has changed since.
    """
    batch, nothing = stored.observations, pd.DataFrame()
    if not np.any(np.asarray(batch.used) & rows):
        return None, nothing, "the same analysis, none of its observations was used"
    again = made_again(parts, stored, background, batch)
    apart = in_spreads(np.asarray(again.analysis.values), np.asarray(stored.analysis.values))
    if apart > _SAME:
        told = (
            f"not known: with all observations an analysis that is made again is {apart:.2g} "
            "spreads from the stored one, so that settings or what was learned have changed"
        )
        return None, nothing, told
    flag = jnp.where(jnp.asarray(rows), int(Flag.PASSIVE), batch.flag)
    less = made_again(parts, stored, background, replace(batch, flag=flag))
    difference = _mean(again) - _mean(less)
    largest = largest_differences(State(difference, background.layout), _place(batch, rows))
    bits = "the same bits" if apart == 0 else f"{apart:.1g} spreads away at most"
    told = f"made again; with it an analysis made again is the stored one ({bits})"
    return np.asarray(less.report.analysis_equivalent, np.float64), largest, told


def _mean(cycle: Cycle) -> jnp.ndarray:
    """The ensemble mean of an analysis."""
    return cycle.analysis.values.mean(axis=0)


def _place(batch: ObservationBatch, rows: Bool[np.ndarray, " observation"]) -> tuple[float, float]:
    """Degrees north and east of a station, where it has reported first."""
    first = int(np.argmax(rows))
    return float(batch.latitude[first]), float(batch.longitude[first])


def _lines(table: pd.DataFrame) -> str:
    """A table as text; equivalents with the digits that pressures need."""
    digits = {name: "{:.6g}".format for name in _EQUIVALENTS if name in table}
    text = table.to_string(index=False, na_rep="", float_format="{:.4g}".format, formatters=digits)
    return "\n".join(f"    {line}" for line in text.splitlines())
