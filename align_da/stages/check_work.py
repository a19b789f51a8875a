"""Tell what a command would not find, before what does its work is imported."""

from collections.abc import Sequence
from pathlib import Path

from align_da.config import Config
from align_da.runs.work import check_needs, cycled, work_of
from align_da.storage.run_folder import RunFolder


def check_work(
    command: str,
    config: Config,
    folder: Path,
    options: str,
    cycles: Sequence[str] = (),
    rounds: int | None = None,
) -> None:
    """Refuse to begin what would find nothing to read; see `work_of`.

    Raises:
        StorageError: names what is missing, and the command that makes it.
        ConfigError: segments have no room for a further round.
    """
    check_needs(work_of(command, config, RunFolder(folder), cycles, rounds).needs, options)


def check_cycles(folder: Path, name: str) -> None:
    """Refuse to read cycles that are not there.

    Raises:
        StorageError: says which command makes them.
    """
    check_needs([cycled(RunFolder(folder), name)], f"--run {folder}")
