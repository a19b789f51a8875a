"""A cycling run of Lorenz-96 that takes a second or two, for the tests that hurt it."""

import errno
import itertools
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from align_da.assimilation.contract import AnalysisDiagnostics
from align_da.atmosphere import State
from align_da.cycling.cycle import CycleParts
from align_da.cycling.driver import CyclingExperiment, run_experiment
from align_da.errors import AlignDAError
from align_da.forecast.lorenz96 import SIZE, Lorenz96ForecastModel
from align_da.observations.batch import Flag, ObservationBatch
from align_da.storage.manifest import manifest_of

MEMBERS = 3
OBSERVATIONS = 12
NOBODY = 65534
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
        used, value = np.asarray(observations.used), np.asarray(observations.value)
        point = np.round(np.asarray(observations.longitude) / 360 * SIZE).astype(int) % SIZE
        values = np.array(background.values)
        before = values[:, 0, point, 0]
        noise = 0.1 * np.asarray(jax.random.normal(key, before.shape))
        values[:, 0, point, 0] += np.where(used, 0.5 * (value - before) + noise, 0.0)
        before, after = before.mean(axis=0), values[:, 0, point, 0].mean(axis=0)
        chi_square = np.mean((value - after) ** 2)
        diagnostics = AnalysisDiagnostics(*map(jnp.asarray, (before, after, chi_square)))
        return State(jnp.asarray(values), background.layout), diagnostics


def observe(cycle: int) -> ObservationBatch:
    """Observations of a wave at every third point; none is used in cycle 2."""
    number = np.arange(OBSERVATIONS, dtype=np.int32)
    flag = Flag.PASSIVE if cycle == 2 else Flag.PASS
    arrays = {
        "value": 3 + 2 * np.sin(number + 0.1 * cycle),
        "error": np.ones(OBSERVATIONS),
        "latitude": np.zeros(OBSERVATIONS),
        "longitude": 27.0 * number,
        "level": np.ones(OBSERVATIONS),
        "vertical": 0 * number,
        "time": np.zeros(OBSERVATIONS),
        "variable": 0 * number,
        "station": number,
        "flag": np.full_like(number, int(flag)),
    }
    return ObservationBatch(**{name: jnp.asarray(array) for name, array in arrays.items()})


def accept(observations: ObservationBatch, background: State) -> ObservationBatch:
    """A quality control that finds nothing wrong."""
    return observations


def small_experiment(cycles: int = 8, seed: int = 0, seconds: float = 0.0) -> CyclingExperiment:
    """The experiment."""
    shape = (MEMBERS, *MODEL.layout.shape)
    initial = jnp.asarray(8 + np.sin(np.arange(np.prod(shape), dtype=np.float32)).reshape(shape))
    return CyclingExperiment(
        parts=CycleParts(MODEL, Nudging(seconds), 6, accept, seed),
        initial=State(initial, MODEL.layout),
        start=np.datetime64("2020-01-01T00:00"),
        cycles=cycles,
        observe=observe,
    )


def with_parts(experiment: CyclingExperiment, **changed: object) -> CyclingExperiment:
    """The experiment with other parts of its cycles."""
    return replace(experiment, parts=replace(experiment.parts, **changed))


def run_small(
    path: Path, experiment: CyclingExperiment | None = None, *, extend: bool = False
) -> int:
    """Run it into a store, which is extended if it has fewer cycles and that is asked for."""
    experiment = experiment or small_experiment()
    manifest = manifest_of({"name": "small run"}, experiment.parts.seed, {})
    return run_experiment(experiment, path, manifest, extend=extend)


def main(
    path: Path,
    *,
    cycles: int = 8,
    seconds: float = 0.0,
    kill_at_fsync: int | None = None,
    fail_at_fsync: int | None = None,
    file_limit: int | None = None,
    memory_limit_from: int | None = None,
    as_nobody: bool = False,
    extend: bool = False,
) -> None:
    """Run it as the command line would, ending the process with its exit code.

    Args:
        path: the store.
        cycles: number of cycles.
        seconds: time wasted in every analysis.
        kill_at_fsync: kill the process at this call of fsync, from 1.
        fail_at_fsync: this and all later calls of fsync find the disk full.
        file_limit: largest size of a file in bytes, which stands for a full disk.
        memory_limit_from: no more memory is given from this cycle on.
        as_nobody: without the rights of the superuser.
        extend: whether a store of fewer cycles is extended.
    """
    if as_nobody and os.geteuid() == 0:
        manifest_of({}, 0, {})  # loads what nobody may not read
        os.seteuid(NOBODY)
    if file_limit is not None:
        sys.dont_write_bytecode = True  # as `full_disk` of test_full_disk.py
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))
    if kill_at_fsync is not None:
        os.fsync = _at_call(os.fsync, kill_at_fsync, _kill)
    if fail_at_fsync is not None:
        os.fsync = _at_call(os.fsync, fail_at_fsync, _no_space)
    experiment = small_experiment(cycles, seconds=seconds)
    if memory_limit_from is not None:
        experiment = replace(experiment, observe=_starved(experiment.observe, memory_limit_from))
    try:
        code = run_small(path, experiment, extend=extend)
    except AlignDAError as error:
        with suppress(OSError):
            path.with_suffix(".error").write_text(str(error))
        code = error.exit_code
    sys.exit(code)


def _at_call(
    sync: Callable[[int], None], first: int, act: Callable[[], None]
) -> Callable[[int], None]:
    """A flush that does something else from its call number `first` on."""
    calls = itertools.count(1)

    def sync_or_act(descriptor: int) -> None:
        if next(calls) >= first:
            act()
        sync(descriptor)

    return sync_or_act


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _no_space() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _starved(
    observe: Callable[[int], ObservationBatch], first: int
) -> Callable[[int], ObservationBatch]:
    """Observations that ask for memory which the process does not get from cycle `first` on."""

    def observe_or_starve(cycle: int) -> ObservationBatch:
        if cycle >= first:
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + 2**26, used + 2**26))
            np.ones(2**28)
        return observe(cycle)

    return observe_or_starve
