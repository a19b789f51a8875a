"""The coarse map of a run, with errors that belong to its time alone."""

import numpy as np

from align_da.atmosphere import State
from align_da.keys import Purpose, key_for
from align_da.observations.batch import ObservationBatch
from align_da.observations.coarse_maps import CoarseMap, coarse_map
from align_da.runs.observation_errors import errors_of
from align_da.runs.run import Run

_OF_MAP = 1  # beside the errors of stations, whose keys end with the number of a cycle


def configured_map(run: Run) -> CoarseMap:
    """The map of the section [coarse_map].

    Raises:
        InputError: it is finer than the states of the run.
        ConfigError: a variable of the states has no error.
    """
    section = run.config.coarse_map
    shape = section.latitudes, section.longitudes
    return coarse_map(run.layout, run.surface_geopotential, shape, errors_of(section))


def reported_map(run: Run, maps: CoarseMap, truth: State, time: np.datetime64) -> ObservationBatch:
    """The map of `truth` at `time`, the same whenever it is asked for.

    Args:
        run: the run.
        maps: its map.
        truth: at that time, values [lat, lon, channel].
        time: on the time axis of the truth.
    """
    place = int(np.searchsorted(run.truth["time"].to_numpy(), time))
    key = key_for(run.config.seed, Purpose.OBSERVATION_ERROR, place, _OF_MAP)
    return maps.observe(truth, key)
