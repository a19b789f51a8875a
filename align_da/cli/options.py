"""Options that every command shares."""

from pathlib import Path
from typing import Annotated

import typer

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="TOML file; the defaults where none is given."),
]
RunOption = Annotated[
    Path, typer.Option("--run", "-r", help="Folder that holds everything of this run.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="Override one key, e.g. --set denoiser.width=128. Repeatable."),
]
DEFAULT_RUN = Path("runs/embedded_world")
