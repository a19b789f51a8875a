"""A cycling run of Lorenz-96 with a real filter, whose truth is known."""

from functools import cache
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from align_da.assimilation.letkf import LETKF, Localisation
from align_da.atmosphere import State
from align_da.cycling.cycle import Cycle, CycleParts, CycleState
from align_da.cycling.cycles import cycles
from align_da.cycling.driver import CyclingExperiment, run_experiment
from align_da.cycling.twin_experiment import observe_everything
from align_da.cycling.watchdog import AlarmRule
from align_da.forecast.lorenz96 import Lorenz96ForecastModel
from align_da.keys import Purpose, key_for
from align_da.observations.batch import ObservationBatch
from align_da.observations.interpolation import interpolation_operator
from align_da.observations.simulate import simulate_observations
from align_da.storage.array_digest import digest_of_array
from align_da.storage.manifest import manifest_of

MEMBERS = 20
WINDOW = 6
START = np.datetime64("2020-02-28T00:00")
MODEL = Lorenz96ForecastModel()
PLANNED = observe_everything(MODEL.layout, 1.0)
OPERATOR = interpolation_operator(PLANNED, MODEL.layout)
CLIMATOLOGY = 3.64  # standard deviation of a variable of the free model


@cache
def truth(time: int) -> State:
    """The truth `time` windows after the start, values [1, lat, lon, channel]."""
    if time == 0:
        # Not long from numbers that are given: rounding grows by a hundred in a month.
        noise = np.random.default_rng(0).normal(2.3, CLIMATOLOGY, (1, *MODEL.layout.shape))
        return MODEL.forecast(State(jnp.asarray(noise), MODEL.layout), START, 12 * WINDOW)
    return MODEL.forecast(truth(time - 1), START, WINDOW)


def observe(cycle: int) -> ObservationBatch:
    """Every variable, with errors of variance 1."""
    state = State(truth(cycle + 1).values[0], MODEL.layout)
    key = key_for(0, Purpose.OBSERVATION_ERROR, cycle)
    return simulate_observations(PLANNED, OPERATOR, state, key)


def accept(observations: ObservationBatch, background: State) -> ObservationBatch:
    """A quality control that finds nothing wrong."""
    return observations


def filter_experiment(
    count: int,
    inflation: float = 1.05,
    error: float = 1.0,
    spread: float = 1.0,
    watchdog: AlarmRule | None = None,
) -> CyclingExperiment:
    """A localised LETKF; its first members have this error in common, and this spread."""
    shift, noise = (
        jax.random.normal(key_for(0, Purpose.INITIAL_ENSEMBLE, i), (size, *MODEL.layout.shape))
        for i, size in enumerate((1, MEMBERS))
    )
    first = truth(0).values + error * shift + spread * noise
    method = LETKF(interpolation_operator, Localisation(3.0e6), inflation)
    return CyclingExperiment(
        parts=CycleParts(MODEL, method, WINDOW, accept),
        initial=State(first, MODEL.layout),
        start=START,
        cycles=count,
        observe=observe,
        watchdog=watchdog or AlarmRule(),
    )


def run_filter(path: Path, experiment: CyclingExperiment, told: list[str] | None = None) -> int:
    """Run it into a store; warnings are appended to `told`."""
    manifest = manifest_of({"name": "filter run"}, experiment.parts.seed, {})
    return run_experiment(experiment, path, manifest, warn=None if told is None else told.append)


def cycled(experiment: CyclingExperiment) -> list[Cycle]:
    """Every cycle without a store."""
    observed = map(experiment.observe, range(experiment.cycles))
    start = CycleState(experiment.initial, experiment.start)
    return list(cycles(experiment.parts, start, observed))


def error_of(values: np.ndarray | jax.Array, time: int) -> float:
    """Root mean square error of an ensemble mean `time` windows after the start."""
    mean = np.asarray(values).mean(axis=0)
    return float(np.sqrt(np.mean((mean - np.asarray(truth(time).values[0])) ** 2)))


def digest_of_run(count: int) -> str:
    """Digest of the last analysis."""
    last = cycled(filter_experiment(count))[-1]
    return digest_of_array(np.asarray(last.analysis.values))
