"""Throughput of one and of more workers of dask on one machine."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import xarray as xr
from distributed import Client

from align_da.alignment import AlignmentCase
from align_da.alignment.candidates import reward_score
from align_da.alignment.rewards import ForecastReward
from align_da.atmosphere import State
from align_da.config import WorldConfig
from align_da.parallel.cluster import client_of
from align_da.storage.run_folder import RunFolder
from align_da.verification.cost import Cost, measured
from data_pipelines.statistics import STATES, StatisticsTask, moments_of_block
from data_pipelines.template import write_region, write_template
from experiments.costs.measured import START, jfps_program, model_of, perturbed, shared
from experiments.costs.paper_size import Program, compile_program
from experiments.costs.synthetic import Size, noise_states

BLOCKS, BLOCK = 8, 40
NOTHING = 400
CASES, CANDIDATES = 4, 8
ANALYSES = 8
WORLD = WorldConfig(spin_up_days=0, train_days=BLOCKS * BLOCK // 4)


def throughput(
    work: Callable[[Any], object], tasks: Sequence[object], size: Size, repeat: int
) -> Cost:
    """Seconds a task, of workers that have done one before; their memory is not counted."""
    with client_of(None, size.workers) as client:
        for worker in client.scheduler_info()["workers"]:
            client.submit(work, tasks[0], workers=[worker], pure=False).result()
        costs = [measured(lambda: _done(client, work, tasks))[1] for _ in range(repeat)]
    seconds = float(np.median([cost.seconds for cost in costs]))
    return shared(Cost(seconds, float("nan")), len(tasks))


def _done(client: Client, work: Callable[[Any], object], tasks: Sequence[object]) -> None:
    client.gather(client.map(work, tasks, pure=False))


def workers(size: Size, repeat: int) -> dict[str, Cost]:
    """A task of each kind."""
    with TemporaryDirectory() as folder:
        blocks = write_training_truth(Path(folder), size)
        return {
            "empty task": throughput(_nothing, range(NOTHING), size, repeat),
            "statistics of 40 states": throughput(moments_of_block, blocks, size, repeat),
            "forecast reward of 8": throughput(_reward, range(CASES), size, repeat),
            "analysis, JFPS": throughput(_analyse, range(ANALYSES), size, repeat),
        }


def write_training_truth(folder: Path, size: Size) -> list[StatisticsTask]:
    """Truth, and backgrounds that hold one start, of noise; the blocks of the statistics."""
    layout, files = size.layout, RunFolder(folder)
    start = np.datetime64(WORLD.start, "ns")
    times = start + np.arange(BLOCKS * BLOCK) * np.timedelta64(6, "h")
    leads = np.array([np.timedelta64(6, "h")], "timedelta64[ns]")
    values = np.asarray(noise_states(layout, BLOCK).values)
    write_template(files.truth, layout, {"time": times}, BLOCK, xr.Dataset())
    firsts = range(0, times.size, BLOCK)
    for first in firsts:
        write_region(files.truth, values, layout, {"time": times[first : first + BLOCK]}, first)
    leading = {"time": times[:1], "prediction_timedelta": leads}
    write_template(files.backgrounds("train"), layout, leading, 1, xr.Dataset())
    return [StatisticsTask(WORLD, folder, STATES, 0, first, BLOCK) for first in firsts]


def _nothing(number: int) -> int:
    return number


def _reward(_: int) -> None:
    """The forecast reward of a group, as `align-da align candidates` scores it."""
    model = model_of(21)
    group = perturbed(model, CANDIDATES)
    one = State(group.values[0], group.layout)
    score = reward_score({"forecast": ForecastReward(model, 6)})
    score(group, AlignmentCase(one, one, START, one, 6.0))


def _analyse(_: int) -> None:
    """An analysis of one member."""
    program, executable = _compiled_analysis()
    np.asarray(executable(*program.arguments))


@lru_cache
def _compiled_analysis() -> tuple[Program, Any]:
    program = jfps_program(Size())
    return program, compile_program(program)[0]
