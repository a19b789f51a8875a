"""How a command on a run begins: with its configuration, and with all that it reads in place.

Both are looked at before anything that computes is imported, so that a mistake is told at once.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import typer

from align_da.config import Config
from align_da.terminal.last_line import begin
from align_da.terminal.messages import note
from align_da.terminal.option_values import as_given

DiskOf = Callable[[Config, Path], Mapping[str, int]]
"""Bytes that a command writes in the folder of a run, by what takes them."""


def told_settings(
    run: Path,
    config: Path | None,
    override: list[str] | None,
    cycles: Sequence[str] = (),
    alike: Sequence[str] = (),
) -> Config:
    """The configuration of a command, told on the standard error where it comes from the run.

    See `align_da.stages.settings_of_run`.
    """
    from align_da.stages.settings_of_run import settings_of_run

    found = settings_of_run(run, config, override, cycles, alike)
    if found.warning:
        typer.echo(f"align-da: {found.warning}", err=True)
    for text in found.notes:
        note(f"align-da: {text}")
    return found.config


def begin_work(
    command: str,
    run: Path,
    config: Path | None,
    override: list[str] | None,
    cycles: Sequence[str] = (),
    alike: Sequence[str] = (),
    rounds: int | None = None,
    *,
    dry_run: bool = False,
    disk_of: DiskOf | None = None,
) -> Config:
    """The configuration of a command that finds what it reads and begins its work.

    Args:
        command: without "align-da" and its options.
        run: folder of the run.
        config: TOML file; see `align_da.stages.settings_of_run`.
        override: items "section.key=value".
        cycles: cycling runs that the command is about.
        alike: sections that all of these have to agree in.
        rounds: of "data rounds".
        dry_run: whether to tell what the command would do instead, and to end it.
        disk_of: the disk that it takes, where the package that brings it knows.

    Raises:
        typer.Exit: it was told.
        ConfigError: the configuration is wrong, see `align_da.stages.settings_of_run`.
        StorageError: something that the command reads has not been made, or is damaged.
    """
    settings = told_settings(run, config, override, cycles, alike)
    options = as_given(run, config, override)
    if dry_run:
        from align_da.stages.foretell import foretell

        typer.echo(foretell(command, settings, run, options, cycles, rounds, disk_of))
        raise typer.Exit
    from align_da.stages.check_work import check_work

    for text in check_work(command, settings, run, options, cycles, rounds):
        typer.echo(f"align-da: {text}", err=True)
    begin(settings, run, as_given(run, config, None), cycles[0] if command == "cycle" else "")
    return settings


def settings_to_compute(
    command: str,
    run: Path,
    config: Path | None,
    override: list[str] | None,
    cycles: Sequence[str] = (),
    alike: Sequence[str] = (),
    *,
    dry_run: bool = False,
) -> Config:
    """That of `begin_work`, for a command which then uses what others have compiled."""
    settings = begin_work(command, run, config, override, cycles, alike, dry_run=dry_run)
    from align_da.storage.compiled_programs import use_compilation_cache

    use_compilation_cache()
    return settings
