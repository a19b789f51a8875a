"""Tell what a command would not find, before what does its work is imported."""

from collections.abc import Sequence
from pathlib import Path

from align_da.config import Config
from align_da.runs.standing import stale_below
from align_da.runs.work import check_needs, cycled, in_full, work_of
from align_da.storage.run_folder import RunFolder


def check_work(
    command: str,
    config: Config,
    folder: Path,
    options: str,
    cycles: Sequence[str] = (),
    rounds: int | None = None,
) -> list[str]:
    """Refuse to begin what would find nothing to read; see `work_of`.

    Returns:
        What is read as it is, although it would be made otherwise now, in words.

    Raises:
        StorageError: names what is missing, and the command that makes it.
        ConfigError: segments have no room for a further round, or cycles do not fit to the run.
    """
    run = RunFolder(folder)
    work = work_of(command, config, run, cycles, rounds)
    check_needs(work.needs, options)
    return [
        f"the stage {stage.name!r} of {folder} is stale: {stage.why}. It is read as it is; "
        f"{in_full(stage.command, options)} makes it anew where its product has been removed"
        for stage in stale_below(config, run, work.reads)
    ]


def check_cycles(folder: Path, name: str) -> None:
    """Refuse to read cycles that are not there.

    Raises:
        StorageError: says which command makes them.
    """
    check_needs([cycled(RunFolder(folder), name)], f"--run {folder}")
