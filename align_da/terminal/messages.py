"""What a command tells beside its results, on the standard error.

A warning is one line and told once, with whose it is: ours, or of a library that we call. Notes
of ours (which configuration, how long, what is next) and bars are left out by `--quiet`, warnings
never; with `--verbose` libraries tell what they else keep to themselves.
"""

import logging
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import typer

from align_da.parallel.progress import hide_bars

_OURS = ("align_da", "data_pipelines", "experiments")


@dataclass
class _Telling:
    """What this process tells.

    Attributes:
        options: of the program, that say how much.
        told: warnings that were.
    """

    options: tuple[str, ...] = ()
    told: set[str] = field(default_factory=set)


_TELLING = _Telling()


def tell_warnings() -> None:
    """Tell warnings as this module says, for the rest of the process."""
    warnings.showwarning = _show
    logging.getLogger().addHandler(_OneLine())


def tell_as_asked(*, verbose: bool, quiet: bool) -> None:
    """Tell as much as the options of the program ask for."""
    asked = {"--verbose": verbose, "--quiet": quiet}
    _TELLING.options = tuple(option for option, given in asked.items() if given)
    hide_bars(hidden=quiet)
    if verbose:
        warnings.simplefilter("default")
        logging.getLogger().setLevel(logging.INFO)


def options_given() -> tuple[str, ...]:
    """The options by which a command within this one tells as much."""
    return _TELLING.options


def note(text: str) -> None:
    """Tell what is no warning, unless little is to be told."""
    if "--quiet" not in _TELLING.options:
        typer.echo(text, err=True)


class _OneLine(logging.Handler):
    """Tells what is logged, at whatever level."""

    def emit(self, record: logging.LogRecord) -> None:
        """Tell it, if it has not been told."""
        _tell(record.name.partition(".")[0], record.getMessage())


def _show(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Takes the place of `warnings.showwarning`."""
    del category, lineno, file, line
    _tell(_package_of(Path(filename)), str(message))


def _package_of(file: Path) -> str:
    """The package that a file belongs to."""
    parts = file.parts
    if "site-packages" in parts:
        return parts[parts.index("site-packages") + 1].removesuffix(".py")
    ours = [name for name in _OURS if name in parts]
    return ours[0] if ours else file.stem


def _tell(package: str, text: str) -> None:
    """A warning in one line, once."""
    whose = "" if package in _OURS else f"{package} warns: "
    line = f"align-da: {whose}{' '.join(text.split())}"
    if line not in _TELLING.told:
        _TELLING.told.add(line)
        typer.echo(line, err=True)
