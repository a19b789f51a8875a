"""NeuralGCM by the configuration: files as they are published, the package a stand-in."""

import hashlib
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray as xr
from neuralgcm_stand_in import LATITUDE, LONGITUDE, TIME, StandIn, sea
from small_graphs import random_states

from align_da.config import Config, config_from_table
from align_da.digests import digest_of
from align_da.errors import ConfigError, InputError, StorageError
from align_da.forecast.neuralgcm_checkpoint import checkpoint_values
from align_da.runs.forecast_model_files import forecast_model_digests
from align_da.runs.forecast_models import configured_forecast_model

CHECKPOINT: dict[str, Any] = {
    "model_config_str": "NUM_BLOCKS = 2\nADVANCE = @gelu\n",
    "aux_ds_dict": {"coords": {}, "data_vars": {"mask": {"dims": (), "data": 1.0}}},
    "params": {"layer": {"w": np.arange(6, dtype=np.float32).reshape(2, 3)}},
}


@pytest.fixture
def made_of(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the package was asked to make models of."""
    found: list[dict[str, Any]] = []

    def from_checkpoint(checkpoint: dict[str, Any]) -> StandIn:
        found.append(checkpoint)
        return StandIn()

    package = SimpleNamespace(PressureLevelModel=SimpleNamespace(from_checkpoint=from_checkpoint))
    monkeypatch.setitem(sys.modules, "neuralgcm", package)
    return found


@pytest.fixture
def configured(tmp_path: Path) -> Callable[..., Config]:
    """The configuration with files in place, some of it changed."""
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(CHECKPOINT, protocol=4))
    sea().assign_coords(latitude=LATITUDE, longitude=LONGITUDE).to_netcdf(
        tmp_path / "sea.nc", engine="h5netcdf"
    )

    def make(**changes: Any) -> Config:
        files = {"path": str(tmp_path / "model.pkl"), "forcings": str(tmp_path / "sea.nc")}
        return config_from_table({"world": {"model": "neuralgcm"}, "neuralgcm": files | changes})

    return make


def test_the_named_checkpoint_forecasts(
    configured: Callable[..., Config], made_of: list[dict[str, Any]]
) -> None:
    config = configured()
    model = configured_forecast_model(config)
    assert configured_forecast_model(config) is model
    (checkpoint,) = made_of
    assert checkpoint["model_config_str"] == CHECKPOINT["model_config_str"]
    np.testing.assert_array_equal(checkpoint["params"]["layer"]["w"], [[0, 1, 2], [3, 4, 5]])
    states = random_states(model.layout)
    found = np.asarray(model.forecast(states, TIME, 6).values)
    expected = np.roll(np.asarray(states.values), 1, axis=2)
    expected[..., model.layout.channels_of("temperature")] += 2.81
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_seed_makes_a_model_stochastic(
    configured: Callable[..., Config], made_of: list[dict[str, Any]]
) -> None:
    drawn = configured_forecast_model(configured(seed=3))
    assert drawn._key is not None  # type: ignore[attr-defined]
    assert configured_forecast_model(configured())._key is None  # type: ignore[attr-defined]
    assert len(made_of) == 2


def test_section_and_choice_belong_together_and_change_no_digest_where_absent() -> None:
    with pytest.raises(ConfigError, match=r"world.model = 'neuralgcm' and the section"):
        config_from_table({"world": {"model": "neuralgcm"}})
    with pytest.raises(ConfigError, match=r"world.model = 'neuralgcm' and the section"):
        config_from_table({"neuralgcm": {"path": "a.pkl", "forcings": "b.nc"}})
    assert "neuralgcm" not in Config().model_dump()
    assert digest_of(Config()) == digest_of(config_from_table({}))


def test_both_files_define_the_forecasts(
    configured: Callable[..., Config], tmp_path: Path
) -> None:
    digests = forecast_model_digests(configured())
    expected = {
        f"neuralgcm.{key}": hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
        for key, name in (("path", "model.pkl"), ("forcings", "sea.nc"))
    }
    assert digests == expected


def test_without_the_package_it_is_named(
    configured: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "neuralgcm", None)
    with pytest.raises(ConfigError, match=r"needs a package that is missing \(neuralgcm\): pip"):
        configured_forecast_model(configured())


@pytest.mark.usefixtures("made_of")
def test_another_checkpoint_than_the_named_is_refused(configured: Callable[..., Config]) -> None:
    with pytest.raises(StorageError, match="it is another file, or damaged"):
        configured_forecast_model(configured(sha256="0" * 64))
    with pytest.raises(StorageError, match=r"nowhere\.pkl"):
        configured_forecast_model(configured(path="nowhere.pkl"))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"model_config_str": "import os\nNUM_BLOCKS = 2"}, "wants 'import os', which could run"),
        ({"model_config_str": "A = 1\n  include '/tmp/a.gin'"}, "wants \"include '/tmp/a.gin'"),
        ({"params": None}, "wrong or missing: params"),
        ({"aux_ds_dict": np.zeros(2), "params": 1}, "wrong or missing: aux_ds_dict, params"),
    ],
)
def test_a_checkpoint_that_is_none_is_refused(changes: dict[str, Any], problem: str) -> None:
    content = pickle.dumps(CHECKPOINT | changes, protocol=4)
    with pytest.raises(InputError, match=f"it: .*{problem}"):
        checkpoint_values(content, "it")
    with pytest.raises(InputError, match="model_config_str, aux_ds_dict, params"):
        checkpoint_values(pickle.dumps([1]), "it")


@pytest.mark.usefixtures("made_of")
def test_forcings_that_are_none_are_refused(
    configured: Callable[..., Config], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="expected a netCDF-4 file"):
        configured_forecast_model(configured(forcings=str(tmp_path / "model.pkl")))
    coarse = sea().isel(latitude=slice(None, None, 2))
    coarse.to_netcdf(tmp_path / "coarse.nc", engine="h5netcdf")
    with pytest.raises(InputError, match=r"on \(6, 8\) latitudes and longitudes, got \(3, 8\)"):
        configured_forecast_model(configured(forcings=str(tmp_path / "coarse.nc")))


def test_forcings_of_other_latitudes_are_refused_before_a_forecast(
    configured: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Strict(StandIn):
        def forcings_from_xarray(self, dataset: xr.Dataset) -> dict[str, Any]:
            if not np.allclose(dataset["latitude"], LATITUDE[::-1]):
                message = "latitude coordinate mismatch"
                raise ValueError(message)
            return super().forcings_from_xarray(dataset)

    package = SimpleNamespace(
        PressureLevelModel=SimpleNamespace(from_checkpoint=lambda _: Strict())
    )
    monkeypatch.setitem(sys.modules, "neuralgcm", package)
    with pytest.raises(InputError, match=r"neuralgcm\.forcings = .*latitude coordinate mismatch"):
        configured_forecast_model(configured())


def test_a_checkpoint_of_which_the_package_makes_nothing_is_told(
    configured: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(checkpoint: dict[str, Any]) -> None:
        del checkpoint["GridTL63"]

    package = SimpleNamespace(PressureLevelModel=SimpleNamespace(from_checkpoint=fails))
    monkeypatch.setitem(sys.modules, "neuralgcm", package)
    with pytest.raises(InputError, match=r"makes no model of it .*GridTL63"):
        configured_forecast_model(configured())


def test_a_sea_surface_of_another_year_is_refused(
    configured: Callable[..., Config], made_of: list[dict[str, Any]]
) -> None:
    model = configured_forecast_model(configured())
    states = random_states(model.layout)
    with pytest.raises(InputError, match="expected forcings within 31 days of 1960"):
        model.forecast(states, TIME + np.timedelta64(365, "D"), 6)
