"""A cycling run of Lorenz-96 that takes a second or two, for the tests that hurt it.

Run as a program: `python small_run.py STORE [--cycles N] [--seed N] [--slow SECONDS]`.
"""

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from align_da.assimilation.contract import AnalysisDiagnostics
from align_da.atmosphere import State
from align_da.cycling.driver import CyclingExperiment, run_experiment
from align_da.forecast.lorenz96 import SIZE, Lorenz96ForecastModel
from align_da.keys import Purpose, key_for
from align_da.observations.batch import Flag, ObservationBatch
from align_da.storage.manifest import manifest_of

MEMBERS = 3
OBSERVATIONS = 12
MODEL = Lorenz96ForecastModel()


@dataclass(frozen=True)
class Nudging:
    """Half way to the observation at observed points, and a little noise from the key.

    Attributes:
        seconds: time that the analysis wastes.
    """

    seconds: float = 0.0

    def __call__(
        self,
        background: State,
        observations: ObservationBatch,
        lead_hours: float,
        key: jax.Array,
    ) -> tuple[State, AnalysisDiagnostics]:
        time.sleep(self.seconds)
        point = jnp.round(observations.longitude / 360 * SIZE).astype(int) % SIZE
        before = background.values[:, 0, point, 0]
        innovation = jnp.where(observations.used, observations.value - before, 0.0)
        noise = 0.1 * jax.random.normal(key, innovation.shape)
        step = jnp.where(observations.used, 0.5 * innovation + noise, 0.0)
        values = background.values.at[:, 0, point, 0].add(step)
        after = values[:, 0, point, 0].mean(axis=0)
        chi_square = jnp.mean((observations.value - after) ** 2)
        return State(values, background.layout), AnalysisDiagnostics(
            before.mean(axis=0), after, chi_square
        )


def observe(cycle: int) -> ObservationBatch:
    """Observations of a wave at random points; none is used in cycle 2."""
    key = key_for(1, Purpose.OBSERVATION_ERROR, cycle)
    longitude = jnp.arange(OBSERVATIONS) * 27.0
    number = jnp.arange(OBSERVATIONS)
    flag = Flag.PASSIVE if cycle == 2 else Flag.PASS
    return ObservationBatch(
        value=3 + 2 * jnp.sin(longitude) + jax.random.normal(key, longitude.shape),
        error=jnp.ones(OBSERVATIONS),
        latitude=jnp.zeros(OBSERVATIONS),
        longitude=longitude,
        level=jnp.ones(OBSERVATIONS),
        vertical=jnp.zeros_like(number),
        time=jnp.zeros(OBSERVATIONS),
        variable=jnp.zeros_like(number),
        station=number,
        flag=jnp.full_like(number, int(flag)),
    )


def small_experiment(cycles: int = 8, seed: int = 0, seconds: float = 0.0) -> CyclingExperiment:
    """The experiment."""
    key = key_for(seed, Purpose.INITIAL_ENSEMBLE)
    initial = 8 + jax.random.normal(key, (MEMBERS, *MODEL.layout.shape))
    return CyclingExperiment(
        initial=State(initial, MODEL.layout),
        start=np.datetime64("2020-01-01T00:00"),
        window_hours=6,
        cycles=cycles,
        forecast_model=MODEL,
        observe=observe,
        quality_control=lambda observations, background: observations,
        analysis=Nudging(seconds),
        seed=seed,
    )


def run_small(path: Path, experiment: CyclingExperiment | None = None) -> int:
    """Run it into a store."""
    experiment = experiment or small_experiment()
    manifest = manifest_of({"name": "small run"}, experiment.seed, {})
    return run_experiment(experiment, path, manifest)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("store", type=Path)
    parser.add_argument("--cycles", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--slow", type=float, default=0.0)
    options = parser.parse_args()
    chosen = small_experiment(options.cycles, options.seed, options.slow)
    sys.exit(run_small(options.store, chosen))
