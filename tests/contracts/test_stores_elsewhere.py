"""What other libraries find in a store: xarray as a tree, MetPy by the CF conventions."""

import subprocess
import sys
from pathlib import Path

import jax.numpy as jnp
import metpy.calc
import numpy as np
import pytest
import xarray as xr
from metpy.units import units

from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate, pressure_of
from align_da.cycling.record import SCALAR_FIELDS, member_fields, observation_fields
from align_da.storage.analysis_store import open_store, write_cycle
from align_da.storage.cycle_record import CycleRecord, StoreTemplate
from align_da.storage.manifest import manifest_of
from align_da.storage.stored_cycles import open_cycles

LAYOUT = Layout(
    Grid(
        (-60.0, -20.0, 20.0, 60.0),
        (0.0, 90.0, 180.0, 270.0),
        VerticalCoordinate("sigma", (0.2, 0.5, 0.9)),
    ),
    ("u_component_of_wind", "temperature", "surface_pressure"),
)
MEMBERS, OBSERVATIONS = 2, 3


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """One cycle of two."""
    times = np.datetime64("2020-01-01", "ns") + np.arange(2) * np.timedelta64(6, "h")
    fields = observation_fields(LAYOUT), SCALAR_FIELDS, member_fields(LAYOUT)
    template = StoreTemplate(LAYOUT, times, MEMBERS, OBSERVATIONS, *fields)
    mean = jnp.asarray([10.0, 11, 12, 220, 260, 285, 1e5])
    values = mean * (1 + 0.01 * jnp.arange(4.0)[:, None, None])  # from south to north
    states = State(jnp.broadcast_to(values, (MEMBERS, *LAYOUT.shape)), LAYOUT)
    record = CycleRecord(
        background=states,
        analysis=State(states.values + 0.25, LAYOUT),
        observations={
            field.name: np.arange(OBSERVATIONS) - 1 for field in template.observation_fields
        },
        scalars={field.name: 1 for field in template.scalar_fields},
        members={field.name: np.zeros(MEMBERS) for field in template.member_fields},
    )
    path = tmp_path / "run.zarr"
    write_cycle(open_store(path, template, manifest_of({"name": "elsewhere"}, 0, {})), record)
    return path


def test_a_store_is_one_tree(store: Path) -> None:
    with xr.open_datatree(store, engine="zarr") as tree:
        assert list(tree.children) == [
            "background",
            "analysis",
            "increment",
            "observations",
            "diagnostics",
            "members",
        ]
        assert tree["analysis"].sizes["realization"] == MEMBERS
        increment = tree["increment"]["temperature"].isel(time=0)
        difference = (tree["analysis"] - tree["background"])["temperature"].isel(time=0)
        np.testing.assert_allclose(increment, difference.mean("realization"), rtol=1e-6)


def test_numbers_are_turned_into_names_by_what_the_store_says(store: Path) -> None:
    variable = xr.open_zarr(store, group="observations")["variable"].isel(time=0)
    meanings = variable.attrs["flag_meanings"].split()
    names = dict(zip(variable.attrs["flag_values"], meanings, strict=True))
    assert [names[number] for number in variable.to_numpy()] == [
        "not_in_state",
        "u_component_of_wind",
        "temperature",
    ]


def test_metpy_finds_axes_units_and_the_pressure_of_sigma(store: Path) -> None:
    analysis = xr.open_zarr(store, group="analysis").isel(time=[0]).metpy.parse_cf()
    temperature = analysis["temperature"]
    axes = {name: getattr(temperature.metpy, name).name for name in ("time", "vertical", "x", "y")}
    assert axes == {"time": "time", "vertical": "level", "x": "longitude", "y": "latitude"}
    assert temperature.metpy.units == units("K")
    words = iter(analysis["level"].attrs["formula_terms"].replace(":", "").split())
    terms = dict(zip(words, words, strict=True))
    pressure = metpy.calc.sigma_to_pressure(
        analysis[terms["sigma"]].to_numpy() * units(""),
        analysis[terms["ps"]].isel(time=0, realization=0).to_numpy()[0, 0] * units("Pa"),
        analysis[terms["ptop"]].item() * units("Pa"),
    )
    ours = pressure_of(open_cycles(store)).isel(time=0, realization=0, latitude=0, longitude=0)
    np.testing.assert_allclose(ours, pressure.to("Pa").magnitude, rtol=1e-6)


def test_metpy_calculates_with_what_is_read(store: Path) -> None:
    analysis = open_cycles(store).load()
    pressure = pressure_of(analysis)
    found = metpy.calc.potential_temperature(pressure, analysis["temperature"])
    wanted = analysis["temperature"] * (1e5 / pressure) ** (2 / 7)
    np.testing.assert_allclose(found.metpy.dequantify(), wanted, rtol=1e-3)


def test_a_store_is_inspected_without_what_computes(store: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from align_da.storage.inspection import describe;"
        "found = describe(Path(sys.argv[1])); assert found.whole, found.text;"
        "sys.exit(', '.join({'jax', 'orbax', 'xarray', 'matplotlib'} & {*sys.modules}))"
    )
    call = [sys.executable, "-c", code, str(store)]
    ended = subprocess.run(call, capture_output=True, text=True, check=False)
    assert not ended.stderr.strip()
