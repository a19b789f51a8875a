"""Reports from files in a cycle: positions differ from cycle to cycle."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import netCDF4
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from faults.observed_world import LAYOUT, METHOD, atmosphere
from persistence import Persistence

from align_da.assimilation import letkf
from align_da.atmosphere import State
from align_da.config import Config, ObservationsConfig, ReportsConfig
from align_da.cycling.cycle import CycleParts
from align_da.cycling.driver import CyclingExperiment, run_experiment
from align_da.errors import ConfigError, InputError
from align_da.observations import Flag, ObservationBatch
from align_da.observations.quality_control import quality_controlled
from align_da.observations.reports import checked_reports
from align_da.runs import observing_system as observing
from align_da.runs.filed_reports import (
    FiledObservations,
    on_levels_of,
    quality_control_of_reports,
)
from align_da.runs.run import Run
from align_da.storage.manifest import manifest_of
from align_da.storage.report_file import read_reports, write_reports
from align_da.storage.run_folder import RunFolder
from data_pipelines.observations.export import export_observations
from data_pipelines.observations.ioda import read_ioda

START = np.datetime64("2020-01-01T00:00:00", "ns")


def soundings(time: np.datetime64, seed: int, count: int) -> pd.DataFrame:
    """Reports of temperature near those of the atmosphere, at random places."""
    rng = np.random.default_rng(seed)
    latitude, longitude = rng.uniform(-80, 80, count), rng.uniform(0, 360, count)
    # T = 220 + 75 sigma cos(latitude), at sigma 0.5 of the pressure that `atmosphere` has there.
    pressure = 9.7e4 + 1500 * np.cos(2 * np.deg2rad(latitude))
    return pd.DataFrame(
        {
            "value": 220 + 37.5 * np.cos(np.deg2rad(latitude)),
            "error": 3.0,
            "latitude": latitude,
            "longitude": longitude,
            "level": 0.5 * pressure,
            "elevation": 100.0,
            "time": time,
            "vertical": "level",
            "variable": "temperature",
            "station_id": [f"{seed}_{number}" for number in range(count)],
            "type": "radiosonde",
            "flag": "pass",
        }
    )


@pytest.fixture
def make_world(tmp_path: Path) -> Callable[..., Run]:
    reports = pd.concat(
        [
            soundings(START + cycle * np.timedelta64(6, "h"), cycle, 40 + cycle)
            for cycle in range(3)
        ]
    )
    write_reports(tmp_path / "observations.parquet", checked_reports(reports))
    surface = np.full(LAYOUT.grid.shape, 0.0, np.float32)
    truth = xr.Dataset({"geopotential_at_surface": (("latitude", "longitude"), surface)})

    def make(withheld: float = 0.1, **changes: object) -> Run:
        reports = ReportsConfig(padded=64, **changes)
        config = Config(observations=ObservationsConfig(withheld=withheld), reports=reports)
        assert config.cycle.window_hours == 6
        return Run(config, RunFolder(tmp_path), truth, LAYOUT)

    return make


def filed(run: Run) -> FiledObservations:
    assert run.config.reports is not None
    return FiledObservations(run, run.config.reports)


@pytest.fixture
def ensemble() -> State:
    noise = jax.random.normal(jax.random.key(3), (8, *LAYOUT.shape)) * jnp.asarray(
        [1.0] * 15 + [1e-5] * 5 + [50.0]
    )
    return State(atmosphere().values + noise, LAYOUT)


def test_other_positions_in_every_cycle_compile_nothing_again(
    make_world: Callable[..., Run], ensemble: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    variance = jnp.broadcast_to(jnp.asarray([4.0] * 15 + [1e-8] * 5 + [1e4]), LAYOUT.shape)
    monkeypatch.setattr(observing, "background_variance", lambda _: variance)
    world = make_world()
    system, quality_control = filed(world), quality_control_of_reports(world)
    sizes, used = [], []
    for cycle in range(3):
        reported = system.observe(START + cycle * np.timedelta64(6, "h"))
        checked = quality_control(reported, ensemble)
        analysis, _ = METHOD(ensemble, checked, 6.0, jax.random.key(cycle))
        assert np.all(np.isfinite(analysis.values))
        sizes.append(quality_controlled._cache_size() + letkf._update._cache_size())
        used.append(int(checked.used.sum()) + int((checked.flag == Flag.PASSIVE).sum()))
    assert sizes[0] == sizes[1] == sizes[2]
    assert used == [40, 41, 42]


def test_pressures_become_sigma_by_the_background(
    make_world: Callable[..., Run], ensemble: State
) -> None:
    reported = filed(make_world()).observe(START)
    level = np.asarray(on_levels_of(reported, ensemble).level)[:40]
    np.testing.assert_allclose(level, 0.5, atol=0.02)


def test_sigma_levels_without_a_surface_pressure_are_refused(
    make_world: Callable[..., Run],
) -> None:
    layout = replace(LAYOUT, variables=("temperature", "specific_humidity"))
    with pytest.raises(ConfigError, match="expected surface_pressure among the variables"):
        quality_control_of_reports(replace(make_world(), layout=layout))


def test_a_window_without_reports_is_padding_alone(make_world: Callable[..., Run]) -> None:
    batch = filed(make_world()).observe(START + np.timedelta64(90, "D"))
    assert batch.flag.tolist() == [Flag.MISSING] * 64


@pytest.fixture
def past_variance(monkeypatch: pytest.MonkeyPatch) -> None:
    variance = jnp.broadcast_to(jnp.asarray([4.0] * 15 + [1e-8] * 5 + [1e4]), LAYOUT.shape)
    monkeypatch.setattr(observing, "background_variance", lambda _: variance)


@pytest.mark.usefixtures("past_variance")
@pytest.mark.parametrize("thinning", ["thin", "superob"])
def test_large_boxes_thin_the_reports(
    make_world: Callable[..., Run], thinning: str, ensemble: State
) -> None:
    world = make_world(thinning=thinning, box_degrees=40.0, withheld=0.0, box_pascal=1e5)
    reported = filed(world).observe(START)
    assert (np.asarray(reported.flag) == Flag.PASS).sum() == 40
    checked = quality_control_of_reports(world)(reported, ensemble)
    assert type(checked) is ObservationBatch
    flags = np.asarray(checked.flag)
    assert 5 < (flags == Flag.PASS).sum() < 30
    assert (flags == Flag.PASS).sum() + (flags == Flag.THINNED).sum() == 40


def in_one_box() -> pd.DataFrame:
    """Good soundings of one box, one of 30 K too little in its middle and 31 copies of another."""
    few = soundings(START, 5, 6).assign(
        latitude=[10.6, 10.8, 11.3, 11.4, 11.0, 10.7],
        longitude=[21.1, 21.3, 21.6, 21.2, 21.4, 21.8],
        level=49000.0,
    )
    few["value"] = [257.0, 256.8, 257.2, 257.0, 227.0, 259.0]
    copies = [few.iloc[[5]].assign(station_id=f"copy_{number}") for number in range(31)]
    near = few.iloc[[5]].assign(station_id="inexact", latitude=10.705, value=259.04)
    return pd.concat([few, *copies, near])


@pytest.mark.usefixtures("past_variance")
@pytest.mark.parametrize("thinning", ["thin", "superob"])
def test_a_gross_error_and_copies_have_no_part_in_a_box(
    make_world: Callable[..., Run], thinning: str, ensemble: State
) -> None:
    world = make_world(thinning=thinning, withheld=0.0)
    write_reports(world.folder.observations, checked_reports(in_one_box()))
    checked = quality_control_of_reports(world)(filed(world).observe(START), ensemble)
    value = float(np.asarray(checked.value)[np.asarray(checked.used)].item())
    mean = (257.0 + 256.8 + 257.2 + 257.0 + 259.0) / 5
    # The report nearest to the middle of the box that is no gross error.
    assert value == pytest.approx(mean if thinning == "superob" else 256.8, abs=1e-4)
    counts = checked.counts()
    assert (counts["background"], counts["duplicate"]) == (1, 32)


def test_reports_of_another_year_are_told_before_the_first_cycle(
    make_world: Callable[..., Run],
) -> None:
    world = make_world(required=("radiosonde",), optional=("ship",))
    period = START - np.timedelta64(3, "h"), START + np.timedelta64(21, "h")
    assert filed(world).told(period) == [
        "no report of the type ship can be used from 2019-12-31T21:00:00 to 2020-01-01T21:00:00"
    ]
    with pytest.raises(InputError, match="expected reports of the required types radiosonde"):
        filed(world).told((START + np.timedelta64(365, "D"), START + np.timedelta64(366, "D")))


def export_of_cycles(run: Run, ensemble: State, cycles: int, target: Path) -> int:
    """Cycle with the reports of `world`, and write its observations."""
    system, window = filed(run), np.timedelta64(6, "h")
    experiment = CyclingExperiment(
        parts=CycleParts(Persistence(LAYOUT), METHOD, 6, quality_control_of_reports(run)),
        initial=ensemble,
        start=START - window,
        cycles=cycles,
        observe=lambda cycle: system.observe(START + cycle * window),
    )
    store = target.with_suffix(".zarr")
    assert run_experiment(experiment, store, manifest_of(run.config, 0, {})) == 0
    return export_observations(store, LAYOUT, run.surface_geopotential, target)


def test_a_cycled_store_becomes_an_ioda_file_that_is_read_back(
    make_world: Callable[..., Run],
    ensemble: State,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    variance = jnp.broadcast_to(jnp.asarray([4.0] * 15 + [1e-8] * 5 + [1e4]), LAYOUT.shape)
    monkeypatch.setattr(observing, "background_variance", lambda _: variance)
    world, target = make_world(), tmp_path / "main.nc"
    assert export_of_cycles(world, ensemble, 3, target) == 40 + 41 + 42
    found = checked_reports(read_ioda(target).table)
    given = read_reports(world.folder.observations)
    assert found["time"].tolist() == given["time"].tolist()
    order = ["time", "latitude"]
    found, given = found.sort_values(order), given.sort_values(order)
    for name in ("value", "latitude", "longitude"):
        np.testing.assert_array_equal(found[name].astype("float32"), given[name].astype("float32"))
    # Down to sigma of that background in single precision and back.
    np.testing.assert_allclose(found["level"], given["level"], rtol=1e-5)
    assert set(found["flag"]) == {"pass", "passive"}
    with netCDF4.Dataset(target) as file:
        departure = {
            name: np.asarray(
                file["ObsValue/airTemperature"][:] - file[f"{name}/airTemperature"][:]
            )
            for name in ("hofx0", "hofx1")
        }
        used = np.asarray(file["EffectiveQC/airTemperature"][:]) == int(Flag.PASS)
    rms = {name: np.sqrt(np.mean(values[used] ** 2)) for name, values in departure.items()}
    assert 0 < rms["hofx1"] < rms["hofx0"]


def test_pressures_of_an_exported_run_are_used_again(
    make_world: Callable[..., Run],
    ensemble: State,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    variance = jnp.broadcast_to(jnp.asarray([4.0] * 15 + [1e-8] * 5 + [1e4]), LAYOUT.shape)
    monkeypatch.setattr(observing, "background_variance", lambda _: variance)
    given = soundings(START, 0, 40).assign(
        variable="surface_pressure", vertical="surface", level=np.nan, error=100.0
    )
    # Half of the stations stand 100 m above the surface of the model, at 0 m; one far too high.
    given["elevation"] = np.where(np.arange(40) % 2, 100.0, 0.0)
    given.loc[7, "elevation"] = 2000.0
    at_zero = 9.7e4 + 1500 * np.cos(2 * np.deg2rad(given["latitude"]))
    given["value"] = at_zero * np.exp(-given["elevation"] / 8430.0)
    world, target = make_world(withheld=0.0), tmp_path / "main.nc"
    write_reports(world.folder.observations, checked_reports(given))
    first = filed(world).observe(START)
    export_of_cycles(world, ensemble, 1, target)
    write_reports(world.folder.observations, checked_reports(read_ioda(target).table))
    again = filed(world).observe(START)
    for batch in (first, again):
        assert (np.asarray(batch.flag) == Flag.PASS).sum() == 39
    np.testing.assert_allclose(np.sort(again.value[:40]), np.sort(first.value[:40]), rtol=1e-7)
