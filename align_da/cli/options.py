"""Options that every command shares."""

import shlex
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from align_da.storage.run_folder import checked_name


def checked_names(names: list[str] | None) -> list[str] | None:
    """`names`, if files may be called so.

    Raises:
        ConfigError: one is empty, hidden or leads out of its folder.
    """
    return names and [checked_name(name) for name in names]


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
