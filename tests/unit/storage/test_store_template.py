"""What a store says of itself before any cycle is written."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from align_da.atmosphere import Grid, Layout, VerticalCoordinate
from align_da.storage.analysis_store import open_store
from align_da.storage.cycle_record import StoredField, StoreTemplate
from align_da.storage.digest import digest_of_file
from align_da.storage.ledger import read_ledger, write_ledger
from align_da.storage.manifest import manifest_of
from align_da.storage.store_places import ledger_path
from align_da.storage.stored_cycles import open_cycles

SIGMA = VerticalCoordinate("sigma", (0.3, 0.6, 0.9))
PRESSURE = VerticalCoordinate("pressure", (30000.0, 60000.0, 90000.0))
FIELDS = tuple(StoredField(name, "float32", {}) for name in ("value", "error", "b", "a"))
VARIABLES = ("v_component_of_wind", "temperature", "surface_pressure", "specific_humidity")


def template(
    vertical: VerticalCoordinate = SIGMA, variables: tuple[str, ...] = VARIABLES
) -> StoreTemplate:
    layout = Layout(Grid((-45.0, 45.0), (0.0, 180.0), vertical), variables)
    times = np.datetime64("2020-01-01", "ns") + np.arange(3) * np.timedelta64(6, "h")
    return StoreTemplate(layout, times, 2, 4, FIELDS, ())


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


OPENED: dict[str, Callable[[Path, str], xr.Dataset]] = {
    "open_cycles": open_cycles,
    "open_zarr": lambda path, group: xr.open_zarr(path, group=group),
    "open_zarr of the group": lambda path, group: xr.open_zarr(path / group),
    "open_dataset": lambda path, group: xr.open_dataset(path, engine="zarr", group=group),
    "open_datatree": lambda path, group: xr.open_datatree(path, engine="zarr")[group].to_dataset(),
}


@pytest.mark.parametrize("opened", OPENED)
@pytest.mark.parametrize("group", ["analysis", "background", "increment"])
def test_variables_come_as_in_the_layout_whatever_opens_them(
    group: str, opened: str, tmp_path: Path
) -> None:
    store = made(tmp_path / "run.zarr", template(PRESSURE))
    assert tuple(OPENED[opened](store, group).data_vars) == VARIABLES


@pytest.mark.parametrize("opened", OPENED)
def test_observations_come_as_they_are_recorded_whatever_opens_them(
    opened: str, tmp_path: Path
) -> None:
    found = OPENED[opened](made(tmp_path / "run.zarr", template()), "observations")
    assert list(found.data_vars) == ["value", "error", "b", "a"]


def as_of_before(store: Path) -> Path:
    """The store as earlier versions have made it, without consolidated metadata."""
    ledger = read_ledger(ledger_path(store))
    digests = dict(ledger.files)
    for file in store.rglob("zarr.json"):
        metadata = json.loads(file.read_text(encoding="utf-8"))
        metadata.pop("consolidated_metadata", None)
        file.write_text(json.dumps(metadata), encoding="utf-8")
        digests[file.relative_to(store.parent).as_posix()] = digest_of_file(file)
    write_ledger(ledger_path(store), replace(ledger, files=digests))
    return store


def test_a_store_of_before_is_read_in_a_stable_order_too_and_gone_on_with(tmp_path: Path) -> None:
    wanted = template(PRESSURE)
    store = as_of_before(made(tmp_path / "run.zarr", wanted))
    assert tuple(open_cycles(store).data_vars) == VARIABLES
    assert list(open_cycles(store, "observations").data_vars) == ["a", "b", "error", "value"]
    assert open_store(store, wanted, manifest_of({"name": "empty"}, 0, {})).complete == 0


def test_consolidated_metadata_are_those_of_the_arrays(tmp_path: Path) -> None:
    store = made(tmp_path / "run.zarr", template())
    for folder in (store, store / "analysis"):
        copies = json.loads((folder / "zarr.json").read_text())["consolidated_metadata"][
            "metadata"
        ]
        assert "analysis/temperature" in copies or "temperature" in copies
        for place, copy in copies.items():
            own = json.loads((folder / place / "zarr.json").read_text())
            own.pop("consolidated_metadata", None)
            assert copy == own
