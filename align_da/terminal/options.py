"""Options that every command shares."""

from pathlib import Path
from typing import Annotated

import typer

from align_da.storage.run_folder import checked_name

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
