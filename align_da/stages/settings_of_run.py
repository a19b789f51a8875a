"""The configuration of a command that is given a run: its own, or the one that the run has stored.

Where no file is given a run goes on as it was begun. What is given and differs is told.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from align_da.config import Config, config_from_table, load_config
from align_da.config.table import config_from_digested, table_of, with_overrides
from align_da.errors import ConfigError, StorageError
from align_da.runs.rounds import with_last_round
from align_da.storage.manifest import differences_of
from align_da.storage.run_folder import RunFolder
from align_da.storage.stored_configuration import (
    configuration_of_cycles,
    configuration_of_stages,
    of_this_version,
)

_TOLD = 20  # differences


@dataclass(frozen=True)
class SettingsOfRun:
    """The configuration of a command, and what its user is told about it.

    Attributes:
        config: the configuration.
        notes: where it comes from, and how it differs from what is stored.
        warning: what has to be told in any case; empty for nothing.
    """

    config: Config
    notes: tuple[str, ...] = ()
    warning: str = ""


@dataclass(frozen=True)
class _Stored:
    """A configuration that a run has stored, and what was made with it."""

    config: Config
    source: str


def settings_of_run(
    run: Path,
    path: Path | None,
    overrides: Sequence[str] | None,
    cycles: Sequence[str] = (),
    alike: Sequence[str] = (),
) -> SettingsOfRun:
    """The configuration of a command that is given a run.

    Args:
        run: folder of the run.
        path: TOML file; where none is given the configuration is what the run has stored, or the
            defaults where it has stored none.
        overrides: items "section.key=value".
        cycles: cycling runs that the command is about: what the first of them was made with comes
            before what the stages were, and what a file says is compared with it.
        alike: sections that all of these have to agree in; the command follows from no other, so
            that only here a file that differs is told. Empty: from all.

    Raises:
        ConfigError: the configuration is wrong, or that of the run was written by another version,
            or cycling runs do not agree and no file was given.
        StorageError: what the run has stored is damaged, and no file was given.
    """
    if path is not None:
        given = load_config(path, overrides or ())
        differences: tuple[str, ...] = ()
        with suppress(ConfigError, StorageError):  # told by whatever reads it
            of_cycles = _stored_by_cycles(run, cycles)
            # What cycles were made with says too what had been left to the run.
            now = with_last_round(given, RunFolder(run)) if of_cycles else given
            differences = _differences(_first_stored(run, of_cycles), now, alike)
        return SettingsOfRun(given, differences)
    of_cycles = _stored_by_cycles(run, cycles)
    stored = _first_stored(run, of_cycles)
    if stored is None:
        return SettingsOfRun(load_config(None, overrides or ()), warning=_nothing_stored(run))
    settings = with_overrides(stored.config, overrides or ())
    for other in of_cycles[1:]:
        _check_alike(stored, settings, other, with_overrides(other.config, overrides or ()), alike)
    source = f"the configuration is that of {stored.source}"
    return SettingsOfRun(settings, (source, *_differences(stored, settings)))


def _nothing_stored(run: Path) -> str:
    """What is told of a run that has no configuration; nothing where it has not begun."""
    if not any(RunFolder(run).stages.glob("*.json")):
        return ""
    return (
        f"{run} has stages of an earlier version, which stored no configuration: the defaults are "
        "taken, say by --config which it was made with"
    )


def _stored_by_cycles(run: Path, names: Sequence[str]) -> list[_Stored]:
    """What each of these cycling runs that is there was made with."""
    if not names or not (run / "cycles").is_dir():
        return []
    told = []
    for name in names:
        found = configuration_of_cycles(RunFolder(run), name)
        if found is not None:
            with of_this_version(found.source):
                told.append(_Stored(config_from_digested(found.table), found.source))
    return told


def _first_stored(run: Path, of_cycles: Sequence[_Stored]) -> _Stored | None:
    """What a command that is about these cycles goes on with."""
    return of_cycles[0] if of_cycles else _stored_by_stages(run)


def _check_alike(
    stored: _Stored, settings: Config, other: _Stored, of_other: Config, alike: Sequence[str]
) -> None:
    """Refuse to take what one cycling run was made with for another that was made otherwise."""
    one, two = table_of(settings), table_of(of_other)
    lines = differences_of(
        {name: one[name] for name in alike}, {name: two[name] for name in alike}
    )
    if lines:
        message = (
            f"{stored.source} and {other.source} were made with different settings that this "
            f"depends on: say by --config or --set which are meant\n  "
        )
        raise ConfigError(message + "\n  ".join(lines))


def _stored_by_stages(run: Path) -> _Stored | None:
    """What the stage that was finished last was made with."""
    folder = RunFolder(run)
    if not folder.stages.is_dir():
        return None
    found = configuration_of_stages(folder)
    if found is None:
        return None
    with of_this_version(found.source):
        return _Stored(config_from_table(found.table), found.source)


def _differences(
    stored: _Stored | None, now: Config, sections: Sequence[str] = ()
) -> tuple[str, ...]:
    """What is other than a run has stored, in these sections, as one note; none where nothing is.

    No sections are all of them.
    """
    if stored is None:
        return ()
    was, is_now = table_of(stored.config), table_of(now)
    names = [name for name in is_now if name in sections or not sections]
    lines = differences_of({n: was[n] for n in names}, {n: is_now[n] for n in names})
    if not lines:
        return ()
    more = [f"and {len(lines) - _TOLD} more"] if len(lines) > _TOLD else []
    first = f"other than the configuration of {stored.source}:"
    return ("\n  ".join([first, *lines[:_TOLD], *more]),)
