"""Runs as a script or a notebook opens them: by a folder, or as they are shipped."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import xarray as xr

from align_da.config import config_from_table, load_config
from align_da.config.table import with_overrides
from align_da.runs import run as runs
from align_da.runs.forecast_models import configured_forecast_model
from align_da.runs.run import Run
from align_da.storage import stored_cycles
from align_da.storage.run_folder import RunFolder
from align_da.storage.shipped import SHIPPED_CONFIG, shipped_folder
from align_da.storage.stored_configuration import configuration_of_stages, of_this_version


def open_run(
    folder: str | PathLike[str],
    config: str | PathLike[str] | None = None,
    overrides: Sequence[str] = (),
) -> Run:
    """A run with its truth, given as to any command of `align-da`.

    Args:
        folder: of the run.
        config: TOML file of the run; where None it is what the stage was given that was finished
            last, as commands do it, and the defaults where no stage says so.
        overrides: items "section.key=value", such as "cycle.members=20".

    Raises:
        ConfigError: the configuration is wrong, or what is stored is of another version.
        StorageError: there is no such folder or no truth in it, or the record of a stage is
            damaged.
    """
    run = RunFolder(Path(folder))
    run.check_there()
    stored = None if config is not None else configuration_of_stages(run)
    if stored is None:
        settings = load_config(None if config is None else Path(config), overrides)
    else:
        with of_this_version(stored.source):
            settings = config_from_table(stored.table)
        settings = with_overrides(settings, overrides)
    return runs.open_run(settings, run.root)


def open_cycles(
    run: Run | str | PathLike[str], name: str = "main", group: str = "analysis"
) -> xr.Dataset:
    """The complete cycles of a run, verified: nothing else is ever shown.

    Metadata and coordinates are compared with the ledger here, and no chunk may be missing. The
    values of a cycle are compared when they are read, at next to no cost; what is not what the
    run has written at that place is never returned.

    Args:
        run: a run, or its folder.
        name: of the cycles.
        group: "analysis", "background", "increment", "observations", "diagnostics" or "members".

    Returns:
        A lazy dataset, one chunk a cycle; a later load, too, can raise the StorageError.

    Raises:
        StorageError: there is no such folder, there are no such cycles or groups, or they are
            damaged; names cycle and variable.
        ConfigError: the name leads out of the folder.
    """
    folder = run.folder if isinstance(run, Run) else RunFolder(Path(run))
    return stored_cycles.open_cycles(folder.cycles(name), group)


def open_shipped(overrides: Sequence[str] = ()) -> Run:
    """The shipped weights as a run that has no truth: what needs one says so.

    Args:
        overrides: items "section.key=value" over the configuration that they are shipped with.

    Raises:
        ConfigError: the configuration is wrong, or the embedded model is not installed.
        StorageError: the weights are missing.
    """
    folder = shipped_folder()
    config = load_config(folder / SHIPPED_CONFIG, overrides)
    layout = configured_forecast_model(config).layout
    return Run(config, RunFolder(folder), xr.Dataset(), layout)
