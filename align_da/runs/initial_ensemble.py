"""The members that a cycle starts with."""

import jax
import numpy as np

from align_da.atmosphere import State
from align_da.keys import Purpose, key_for
from align_da.runs.fitting_cycles import check_members
from align_da.runs.run import Run


def initial_ensemble(run: Run) -> tuple[State, np.datetime64]:
    """The oldest first background of the period, with errors of training backgrounds added.

    Returns:
        Values [member, lat, lon, channel], whose mean is the background, and their time.

    Raises:
        ConfigError: there are fewer training backgrounds than members.
    """
    pairs = run.pairs(run.config.cycle.split)
    lead = max(pairs.lead_hours)
    _, background = pairs.read(lead, slice(0, 1))
    return ensemble_around(run, background), pairs.valid_times(lead)[0]


def ensemble_around(run: Run, centre: State) -> State:
    """The members of a cycle around one state: errors of the oldest training backgrounds added.

    Args:
        run: the run; its seed chooses the errors.
        centre: values [1, lat, lon, channel], the mean of the result.

    Returns:
        Values [member, lat, lon, channel].

    Raises:
        ConfigError: there are fewer training backgrounds than members.
    """
    past, members = run.pairs("train"), run.config.cycle.members
    check_members(members, past.starts.size)
    key = key_for(run.config.seed, Purpose.INITIAL_ENSEMBLE)
    first = int(jax.random.randint(key, (), 0, past.starts.size - members + 1))
    truth, forecast = past.read(max(past.lead_hours), slice(first, first + members))
    errors = forecast.values - truth.values
    return State(centre.values + errors - errors.mean(axis=0), run.layout)
