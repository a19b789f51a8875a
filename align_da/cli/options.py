"""Options that every command shares."""

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
DEFAULT_RUN = Path("runs/embedded_world")
