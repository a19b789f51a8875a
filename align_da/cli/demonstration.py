"""The demonstration: the commands a user would type, one after another, with the shipped weights.

The truth starts where the test period of the shipped weights has ended, so that nothing it shows
has been seen in training or in any published figure. Beside the learned method run a free run, its
rivals 3D-Var and LETKF, and the method itself without what it has learned.
"""

import shlex
from pathlib import Path

import typer
from rich.console import Console

from align_da.storage.durable import copy_files
from align_da.storage.shipped import SHIPPED_CONFIG, shipped_folder
from align_da.terminal.messages import options_given

_UNLEARNED = "--set cycle.correction_share=0 --set cycle.model_error_share=0"
_COMMANDS = (
    "data truth",
    "data backgrounds --workers 1",  # in this process, so that its model is compiled once
    f"cycle --name free_run --set cycle.method=free_run {_UNLEARNED}",
    f"cycle --name three_d_var --set cycle.method=three_d_var {_UNLEARNED}",
    f"cycle --name letkf --set cycle.method=letkf {_UNLEARNED}",
    f"cycle --name hybrid_gain {_UNLEARNED}",
    "cycle --name align_da",
    "verify --name free_run --name three_d_var --name letkf --name hybrid_gain --name align_da",
)


def demonstrate(folder: Path, app: typer.Typer) -> None:
    """Run every command of `app` in `folder` and say where the results lie.

    Raises:
        StorageError: the shipped weights are missing, or the folder cannot be written.
    """
    console = Console()
    _install(shipped_folder(), folder)
    shared = (
        f"--run {shlex.quote(str(folder))} --config {shlex.quote(str(folder / SHIPPED_CONFIG))}"
    )
    for command in _COMMANDS:
        console.rule(f"align-da {command}")
        code = app([*options_given(), *shlex.split(f"{command} {shared}")], standalone_mode=False)
        if code:  # a signal ended the cycle: the same command goes on from there
            raise typer.Exit(code)
    console.rule("done")
    console.print(f"report: {folder / 'report' / 'report.html'}")
    for store in sorted((folder / "cycles").glob("*.zarr")):
        console.print(f"store:  {store}   (xarray.open_zarr(path, group='analysis'))")


def _install(shipped: Path, folder: Path) -> None:
    """Copy configuration, weights and their records into the run folder."""
    copy_files(shipped, folder)
