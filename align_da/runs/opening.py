"""Runs as a script or a notebook opens them: by a folder, or as they are shipped."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import xarray as xr

from align_da.config import load_config
from align_da.runs import run as runs
from align_da.runs.forecast_models import configured_forecast_model
from align_da.runs.run import Run
from align_da.storage.run_folder import RunFolder
from align_da.storage.shipped import SHIPPED_CONFIG, shipped_folder


def open_run(
    folder: str | PathLike[str],
    config: str | PathLike[str] | None = None,
    overrides: Sequence[str] = (),
) -> Run:
    """A run with its truth, given as to any command of `align-da`.

    Args:
        folder: of the run.
        config: TOML file of the run; the defaults where None.
        overrides: items "section.key=value", such as "cycle.members=20".

    Raises:
        ConfigError: the configuration is wrong.
        StorageError: there is no truth in the folder.
    """
    settings = load_config(None if config is None else Path(config), overrides)
    return runs.open_run(settings, Path(folder))


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
