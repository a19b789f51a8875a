"""Rounds of learning in cycles: each cycles with what those before have taught, then trains."""

from pathlib import Path

from align_da.config import Config
from align_da.parallel.progress import progress_bar
from align_da.runs.rounds import with_round
from align_da.runs.stage_graph import closed_loop_stage
from align_da.stages.train_correction import train_correction
from align_da.storage.compiled_programs import use_compilation_cache
from align_da.storage.run_folder import RunFolder
from align_da.storage.stages import run_stage
from data_pipelines.closed_loop import make_closed_loop


def make_rounds(config: Config, folder: Path, count: int, workers: int) -> None:
    """The first `count` rounds; what is done of them is not done again.

    Args:
        config: the configuration; which round it names does not matter.
        folder: of the run.
        count: how many.
        workers: processes that cycle.

    Raises:
        ConfigError: segments have no room for so many.
        StorageError: an input is missing or damaged, or a round belongs to another configuration.
        WorkerError: a segment has ended every worker that tried it.
    """
    use_compilation_cache()
    with_round(config, count - 1)  # before hours of work
    for number in range(count):
        settings = with_round(config, number)
        make_round(settings, folder, workers)
        train_correction(settings, folder, mesh=None)


def make_round(config: Config, folder: Path, workers: int) -> None:
    """The cycles of the round that the configuration names, unless they are done.

    Raises:
        ConfigError, StorageError, WorkerError: see `make_rounds`.
    """

    def meet() -> None:
        with progress_bar() as progress:
            make_closed_loop(config, folder, workers, progress)

    place = RunFolder(folder)
    run_stage(place, closed_loop_stage(config, place), meet)
