"""What a store says of itself before any cycle is written."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from align_da.atmosphere import Grid, Layout, VerticalCoordinate
from align_da.storage.analysis_store import open_cycles, open_store
from align_da.storage.cycle_record import StoreTemplate
from align_da.storage.manifest import manifest_of

SIGMA = VerticalCoordinate("sigma", (0.3, 0.6, 0.9))
PRESSURE = VerticalCoordinate("pressure", (30000.0, 60000.0, 90000.0))
VARIABLES = ("v_component_of_wind", "temperature", "surface_pressure", "specific_humidity")


def template(
    vertical: VerticalCoordinate = SIGMA, variables: tuple[str, ...] = VARIABLES
) -> StoreTemplate:
    layout = Layout(Grid((-45.0, 45.0), (0.0, 180.0), vertical), variables)
    times = np.datetime64("2020-01-01", "ns") + np.arange(3) * np.timedelta64(6, "h")
    return StoreTemplate(layout, times, 2, 4, (), ())


def made(path: Path, wanted: StoreTemplate) -> Path:
    """An empty store."""
    open_store(path, wanted, manifest_of({"name": "empty"}, 0, {}))
    return path


@pytest.mark.parametrize("group", ["analysis", "background"])
def test_sigma_levels_carry_the_formula_of_their_pressure(group: str, tmp_path: Path) -> None:
    found = open_cycles(made(tmp_path / "run.zarr", template()), group)
    terms = found["level"].attrs["formula_terms"]
    words = iter(terms.replace(":", "").split())
    names = dict(zip(words, words, strict=True))
    assert list(names) == ["sigma", "ps", "ptop"]
    assert set(names.values()) <= {*found.variables}
    assert found[names["ptop"]].item() == 0.0
    assert found[names["ps"]].attrs["standard_name"] == "surface_air_pressure"
    assert (tmp_path / "run.zarr" / group / "pressure_at_top" / "c").is_file()


@pytest.mark.parametrize(
    "wanted", [template(PRESSURE), template(SIGMA, ("temperature",))], ids=["pressure", "no ps"]
)
def test_no_formula_is_given_that_leads_nowhere(wanted: StoreTemplate, tmp_path: Path) -> None:
    found = open_cycles(made(tmp_path / "run.zarr", wanted))
    assert "formula_terms" not in found["level"].attrs
    assert "pressure_at_top" not in found


def test_an_increment_is_not_called_a_state(tmp_path: Path) -> None:
    found = open_cycles(made(tmp_path / "run.zarr", template()), "increment")
    assert [name for name in found.data_vars if "standard_name" in found[name].attrs] == []
    assert found["temperature"].attrs["units"] == "K"
    assert found["temperature"].attrs["units_metadata"] == "temperature: difference"
    told = found["surface_pressure"].attrs["long_name"]
    assert told == "increment of surface pressure (analysis minus background)"
    assert "formula_terms" not in found["level"].attrs
    assert found["latitude"].attrs["standard_name"] == "latitude"


def test_a_state_keeps_its_name(tmp_path: Path) -> None:
    found: xr.Dataset = open_cycles(made(tmp_path / "run.zarr", template()))
    assert found["temperature"].attrs["standard_name"] == "air_temperature"
