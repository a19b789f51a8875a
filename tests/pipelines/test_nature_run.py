"""The nature run, at T21 and over a few days."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from rich.progress import Progress

from align_da.config import WorldConfig
from align_da.errors import StorageError
from align_da.storage.run_folder import RunFolder

pytest.importorskip("jcm")
from data_pipelines import nature_run

pytestmark = pytest.mark.slow
WORLD = WorldConfig(truth_truncation=21, spin_up_days=1)
TIMES = (np.datetime64("1959-01-03T00") + 6 * np.arange(3)).astype("datetime64[ns]")


def test_a_lost_store_is_not_written_on_from_the_middle(tmp_path: Path) -> None:
    store, restart = tmp_path / "truth.zarr", tmp_path / "truth_restart.npz"
    nature_run._check_there(store, restart, 0)
    with pytest.raises(StorageError, match=r"truth\.zarr is gone.*40 states.*remove"):
        nature_run._check_there(store, restart, 40)
    store.mkdir()
    nature_run._check_there(store, restart, 40)


class PowerCutError(Exception):
    """Stands for a run that is killed."""


def simulate(world: WorldConfig, folder: Path) -> None:
    with Progress(disable=True) as progress:
        nature_run.run_nature(world, folder, progress)


def test_a_killed_run_goes_on_with_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = nature_run.JcmForecastModel(WORLD.truth_truncation)
    # One object, so that it is compiled once.
    monkeypatch.setattr(nature_run, "JcmForecastModel", lambda *_, **__: model)
    # Nor is the spin-up made twice: every step of the model takes half a second.
    with Progress(disable=True) as progress:
        spun_up = nature_run._spun_up(model, WORLD, progress)
    monkeypatch.setattr(nature_run, "_spun_up", lambda *_: spun_up)
    monkeypatch.setattr(nature_run, "times_of_truth", lambda *_: TIMES)
    monkeypatch.setattr(nature_run, "BLOCK", 2)
    written = nature_run.write_region

    def cut_at_the_second_block(*arguments: object) -> None:
        if arguments[-1]:
            raise PowerCutError
        written(*arguments)

    monkeypatch.setattr(nature_run, "write_region", cut_at_the_second_block)
    with pytest.raises(PowerCutError):
        simulate(WORLD, tmp_path / "killed")
    monkeypatch.setattr(nature_run, "write_region", written)
    simulate(WORLD, tmp_path / "killed")
    simulate(WORLD, tmp_path / "whole")

    opened = [
        xr.open_zarr(RunFolder(tmp_path / name).truth, consolidated=False).load()
        for name in ("killed", "whole")
    ]
    xr.testing.assert_identical(*opened)
    np.testing.assert_array_equal(opened[0]["time"], TIMES)
    assert bool(np.isfinite(opened[0]["temperature"]).all())
    with pytest.raises(StorageError, match="another"):
        simulate(WORLD.model_copy(update={"test_days": 2}), tmp_path / "whole")
