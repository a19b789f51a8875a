"""What options are given as: looked at before a command begins, and written as in a shell."""

import re
import shlex
from importlib.metadata import version
from pathlib import Path

import typer

from align_da.errors import ConfigError
from align_da.storage.run_folder import checked_name

_SPAN = re.compile(r"(\d*):(\d*)")


def checked_names(names: list[str] | None) -> list[str] | None:
    """`names`, if files may be called so.

    Raises:
        ConfigError: one is empty, hidden or leads out of its folder.
    """
    return names and [checked_name(name) for name in names]


def span_of(cycles: str | None) -> tuple[int, int | None]:
    """Number of the first cycle and of that behind the last one, None without an end.

    Args:
        cycles: such as "8:40", "8:" or ":40"; None is all.

    Raises:
        ConfigError: it is not of this form, or holds no cycle.
    """
    found = _SPAN.fullmatch(":" if cycles is None else cycles)
    first, end = found.groups() if found else ("0", "0")
    span = int(first or 0), int(end) if end else None
    if span[1] is not None and span[1] <= span[0]:
        message = f"expected --cycles FIRST:END such as 8:40, END behind FIRST, got {cycles!r}"
        raise ConfigError(message)
    return span


def tell_version(asked: bool) -> bool:  # noqa: FBT001 (as Typer calls it)
    """Tell the version and end, where that is asked for."""
    if asked:
        typer.echo(f"align-da {version('align-da')}")
        raise typer.Exit
    return asked


def as_given(run: Path, config: Path | None, override: list[str] | None) -> str:
    """The options of a run and its configuration as one writes them in a shell."""
    given = ["--run", str(run), *([] if config is None else ["--config", str(config)])]
    given += [part for item in override or () for part in ("--set", item)]
    return shlex.join(given)
