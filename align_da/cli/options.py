"""Options that every command shares."""

import re
import shlex
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

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


ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        help="TOML file; what the run has stored where none is given, else the defaults.",
    ),
]
RunOption = Annotated[
    Path, typer.Option("--run", "-r", help="Folder that holds everything of this run.")
]
RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="Override one key, e.g. --set denoiser.width=128. Repeatable."),
]
RunNameOption = Annotated[
    str, typer.Option(help="Name of the cycling run.", callback=checked_name)
]
JsonOption = Annotated[bool, typer.Option("--json", help="As JSON, for programs.")]
DryRunOption = Annotated[
    bool,
    typer.Option(
        "--dry-run", help="Tell what would be done, and its disk, time and memory; do nothing."
    ),
]
DEFAULT_RUN = Path("runs/embedded_world")
