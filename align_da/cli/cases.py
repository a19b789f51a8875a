"""Cases with their truth, read from the pairs of a split."""

from collections.abc import Iterator

import numpy as np

from align_da.alignment.contract import Case
from align_da.atmosphere import State
from align_da.cli.assembly import World
from align_da.storage.gridded import read_times


def cases_of(
    world: World, split: str, count: int, forecast_lead_hours: int, leads: tuple[int, ...]
) -> Iterator[Case]:
    """`count` cases spread evenly over a split, their lead times taken in turn from `leads`."""
    shares = np.linspace(0, 1, count)
    pairs_at = {lead: world.pairs_of_lead(split, lead) for lead in leads}
    for number, share in enumerate(shares):
        lead = leads[number % len(leads)]
        pairs = pairs_at[lead]
        place = round(share * (pairs.starts.size - 1))
        truth, background = pairs.read(lead, slice(place, place + 1))
        valid_time = pairs.valid_times(lead)[place]
        later = valid_time + np.timedelta64(forecast_lead_hours, "h")
        at_lead = read_times(world.truth, world.layout, np.asarray([later]))
        first = (State(states.values[0], world.layout) for states in (background, truth, at_lead))
        background_state, truth_state, state_at_lead = first
        yield Case(background_state, truth_state, valid_time, state_at_lead, float(lead))


def alignment_cases(world: World) -> Iterator[Case]:
    """The training cases whose candidates are drawn, scored and preferred, always the same."""
    settings = world.config.alignment
    return cases_of(
        world,
        "train",
        settings.backgrounds,
        settings.forecast_lead_hours,
        world.config.learned_lead_hours,
    )
