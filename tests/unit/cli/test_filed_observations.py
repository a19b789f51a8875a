"""Reports from files in a cycle: positions differ from cycle to cycle."""

from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from faults.observed_world import LAYOUT, METHOD, atmosphere

from align_da.assimilation import letkf
from align_da.atmosphere import State
from align_da.cli import filed_observations
from align_da.cli.assembly import World
from align_da.cli.filed_observations import (
    FiledObservations,
    on_levels_of,
    quality_control_of_reports,
)
from align_da.config import Config, ObservationsConfig
from align_da.observations import Flag
from align_da.observations.quality_control import quality_controlled
from align_da.observations.reports import checked_reports
from align_da.storage.report_file import write_reports
from align_da.storage.run_folder import RunFolder

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
def make_world(tmp_path: Path) -> Callable[..., World]:
    reports = pd.concat(
        [
            soundings(START + cycle * np.timedelta64(6, "h"), cycle, 40 + cycle)
            for cycle in range(3)
        ]
    )
    write_reports(tmp_path / "observations.parquet", checked_reports(reports))
    surface = np.full(LAYOUT.grid.shape, 0.0, np.float32)
    truth = xr.Dataset({"geopotential_at_surface": (("latitude", "longitude"), surface)})

    def make(**changes: object) -> World:
        settings = ObservationsConfig(source="files", padded=64, **changes)
        config = Config(observations=settings)
        assert config.cycle.window_hours == 6
        return World(config, RunFolder(tmp_path), truth, LAYOUT)

    return make


@pytest.fixture
def ensemble() -> State:
    noise = jax.random.normal(jax.random.key(3), (8, *LAYOUT.shape)) * jnp.asarray(
        [1.0] * 15 + [1e-5] * 5 + [50.0]
    )
    return State(atmosphere().values + noise, LAYOUT)


def test_other_positions_in_every_cycle_compile_nothing_again(
    make_world: Callable[..., World], ensemble: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    variance = jnp.broadcast_to(jnp.asarray([4.0] * 15 + [1e-8] * 5 + [1e4]), LAYOUT.shape)
    monkeypatch.setattr(filed_observations, "background_variance", lambda _: variance)
    world = make_world()
    system, quality_control = FiledObservations(world), quality_control_of_reports(world)
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
    make_world: Callable[..., World], ensemble: State
) -> None:
    reported = FiledObservations(make_world()).observe(START)
    level = np.asarray(on_levels_of(reported, ensemble).level)[:40]
    np.testing.assert_allclose(level, 0.5, atol=0.02)


def test_a_window_without_reports_is_padding_alone(make_world: Callable[..., World]) -> None:
    batch = FiledObservations(make_world()).observe(START + np.timedelta64(90, "D"))
    assert batch.flag.tolist() == [Flag.MISSING] * 64


@pytest.mark.parametrize("thinning", ["thin", "superob"])
def test_large_boxes_thin_the_reports(make_world: Callable[..., World], thinning: str) -> None:
    world = make_world(thinning=thinning, box_degrees=40.0, withheld=0.0, box_pascal=1e5)
    flags = np.asarray(FiledObservations(world).observe(START).flag)
    assert 5 < (flags == Flag.PASS).sum() < 30
    assert (flags == Flag.PASS).sum() + (flags == Flag.THINNED).sum() == 40
