"""What other programs are given: netCDF by the CF conventions, judged by a second library."""

import os
import subprocess
import sys
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from align_da.atmosphere.dataset import dataset_from_state
from align_da.errors import StorageError
from align_da.storage.netcdf_export import cf_dataset, export_netcdf

SIGMA = VerticalCoordinate("sigma", (0.3, 0.9))
PRESSURE = VerticalCoordinate("pressure", (50000.0, 85000.0))
CHECKER = Path(sys.executable).with_name("compliance-checker")
HISTORY = "2000-01-01: made by a test"


def states(vertical: VerticalCoordinate, variables: tuple[str, ...]) -> xr.Dataset:
    """Two times of three members."""
    grid = Grid(tuple(np.linspace(-75, 75, 6)), tuple(np.arange(8) * 45.0), vertical)
    layout = Layout(grid, variables)
    times = np.array(["2000-01-01T00", "2000-01-01T06"], "datetime64[ns]")
    leading = {"time": times, "realization": np.arange(3)}
    found = dataset_from_state(State(jnp.ones((2, 3, *layout.shape)), layout), leading)
    return found.assign_attrs(title="analysis", source="align-da", history=HISTORY)


def checked(file: Path) -> subprocess.CompletedProcess[str]:
    """What the checker says, which imports from its own folder."""
    command = [str(CHECKER), "--test", "cf:1.11", "--criteria", "strict", str(file)]
    environment = {name: os.environ[name] for name in os.environ if name != "PYTHONSAFEPATH"}
    return subprocess.run(command, check=False, capture_output=True, text=True, env=environment)


@pytest.mark.parametrize(
    ("vertical", "variables"),
    [
        (SIGMA, ("temperature", "specific_humidity", "surface_pressure")),
        (PRESSURE, ("geopotential", "temperature", "2m_temperature", "mean_sea_level_pressure")),
    ],
)
def test_the_file_passes_the_checker_of_cf(
    vertical: VerticalCoordinate, variables: tuple[str, ...], tmp_path: Path
) -> None:
    file = tmp_path / "states.nc"
    cf_dataset(states(vertical, variables), increments=False).to_netcdf(file, engine="netcdf4")
    told = checked(file)
    assert told.returncode == 0, told.stdout


def test_increments_pass_the_checker_of_cf_and_are_not_called_states(tmp_path: Path) -> None:
    file = tmp_path / "increment.nc"
    wrong = states(SIGMA, ("temperature", "2m_temperature", "surface_pressure"))
    found = cf_dataset(wrong.isel(realization=0, drop=True), increments=True)
    found.to_netcdf(file, engine="netcdf4")
    told = checked(file)
    assert told.returncode == 0, told.stdout
    assert [name for name in found.data_vars if "standard_name" in found[name].attrs] == []
    assert found["at_2m_temperature"].attrs == {
        "long_name": "increment of 2m temperature (analysis minus background)",
        "units": "K",
        "units_metadata": "temperature: difference",
    }
    assert {"formula_terms", "standard_name"}.isdisjoint(found["level"].attrs)
    assert wrong["level"].attrs["standard_name"] == "atmosphere_sigma_coordinate"
    assert wrong["temperature"].attrs["standard_name"] == "air_temperature"


def test_the_checker_finds_what_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "states.nc"
    wrong = cf_dataset(states(SIGMA, ("temperature", "surface_pressure")), increments=False)
    wrong["temperature"].attrs["units"] = "m s-1"
    wrong.to_netcdf(file, engine="netcdf4")
    told = checked(file)
    assert told.returncode != 0


def test_nothing_is_left_where_the_store_is_missing(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        export_netcdf(tmp_path / "run.zarr", "analysis", tmp_path / "states.nc", HISTORY)
    assert not list(tmp_path.glob("states*"))
