"""Cases with their truth, read from the pairs of a split."""

from collections.abc import Iterator

import numpy as np

from align_da.alignment.contract import AlignmentCase
from align_da.atmosphere import State
from align_da.errors import InputError
from align_da.runs.forecast_models import configured_forecast_model, frame_before
from align_da.runs.run import Run
from align_da.storage.background_pairs import BackgroundPairs
from align_da.storage.gridded import read_times


def cases_of(
    run: Run, split: str, count: int, forecast_lead_hours: int, leads: tuple[int, ...]
) -> Iterator[AlignmentCase]:
    """`count` cases spread evenly over a split, their lead times taken in turn from `leads`."""
    model = configured_forecast_model(run.config)
    pairs_at = {lead: run.pairs_of_lead(split, lead) for lead in leads}
    places_at = {
        lead: verifiable_places(run.last_time, pairs, lead, forecast_lead_hours, count)
        for lead, pairs in pairs_at.items()
    }
    for number in range(count):
        lead = leads[number % len(leads)]
        pairs, place = pairs_at[lead], places_at[lead][number]
        truth, background = pairs.read(lead, slice(place, place + 1))
        valid_time = pairs.valid_times(lead)[place]
        later = valid_time + np.timedelta64(forecast_lead_hours, "h")
        at_lead = read_times(run.truth, run.layout, np.asarray([later]))
        before = frame_before(model, run.truth, run.layout, valid_time)
        yield AlignmentCase(
            background=_first(background),
            truth=_first(truth),
            valid_time=valid_time,
            truth_at_lead=_first(at_lead),
            background_lead_hours=float(lead),
            truth_before=None if before is None else _first(before),
        )


def _first(states: State) -> State:
    """The first of several states, values [lat, lon, channel]."""
    return State(states.values[0], states.layout)


def verifiable_places(
    last: np.datetime64, pairs: BackgroundPairs, lead_hours: int, ahead_hours: int, count: int
) -> list[int]:
    """`count` starts spread evenly over those whose truth is known `ahead_hours` after analysis.

    Args:
        last: time of the last state of the truth.
        pairs: backgrounds that start there.
        lead_hours: age of the backgrounds at analysis time.
        ahead_hours: hours of the forecast that is verified.
        count: how many.

    Raises:
        InputError: the truth ends before any of them.
    """
    ahead = pairs.valid_times(lead_hours) + np.timedelta64(ahead_hours, "h")
    place = int(np.searchsorted(ahead, last, side="right")) - 1
    if place < 0:
        message = f"the truth ends before {ahead[0]}, {ahead_hours} h after the first analysis"
        raise InputError(message)
    return [int(start) for start in np.linspace(0, place, count).round()]


def alignment_cases(run: Run) -> Iterator[AlignmentCase]:
    """The training cases whose candidates are drawn, scored and preferred, always the same."""
    settings = run.config.alignment
    return cases_of(
        run,
        "train",
        settings.backgrounds,
        settings.forecast_lead_hours,
        run.config.learned_lead_hours,
    )
