"""What a run takes from the weights that come with the library."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest
import xarray as xr
from flax import nnx

from align_da.atmosphere import Grid, Layout, VerticalCoordinate
from align_da.config import BEFORE_ROUNDS, Config, load_config
from align_da.errors import ConfigError, StorageError
from align_da.runs.priors import load_model_error
from align_da.runs.rounds import with_last_round, with_next_round
from align_da.runs.run import Run
from align_da.runs.shipped_parts import digests_of_shipped
from align_da.runs.stage_graph import closed_loop_stage, inputs_of_cycles
from align_da.runs.work import work_of
from align_da.storage.run_folder import RunFolder
from align_da.storage.shipped import SHIPPED_CONFIG, shipped_folder

LATITUDES = np.degrees(np.arcsin(np.polynomial.legendre.leggauss(32)[0]))
LEVELS = tuple((np.arange(8) + 0.5) / 8)
LAYOUT = Layout(
    Grid(tuple(LATITUDES), tuple(np.arange(64) * 360 / 64), VerticalCoordinate("sigma", LEVELS)),
    (
        *("u_component_of_wind", "v_component_of_wind", "temperature", "specific_humidity"),
        "surface_pressure",
    ),
)
"""The shape of states of the embedded world."""
CORRECTED = ("cycle.method=letkf", "cycle.model_error_share=0.3", "correction.round=0")
SHIPPED = (*CORRECTED, "model_error.taken_from=shipped")


def config_of(overrides: Sequence[str]) -> Config:
    return load_config(None, overrides)


def names_read(overrides: Sequence[str], folder: Path) -> list[str]:
    needs = work_of("cycle", config_of(overrides), RunFolder(folder)).needs
    return [need.path.stem for need in needs]


def test_cycles_with_the_shipped_model_error_need_none_of_their_own(tmp_path: Path) -> None:
    assert "model_error" in names_read(CORRECTED, tmp_path)
    assert "model_error" not in names_read(SHIPPED, tmp_path)


def test_what_is_shipped_stands_by_its_digest_among_what_cycles_and_rounds_are_made_of(
    tmp_path: Path,
) -> None:
    assert digests_of_shipped(config_of(CORRECTED)) == {}
    (item,) = digests_of_shipped(config_of(SHIPPED)).items()
    assert item[0] == "shipped model_error"
    stage = closed_loop_stage(config_of(SHIPPED), RunFolder(tmp_path))
    assert item in stage.defined_by


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("world.truth_truncation=21", "world.truth_truncation 31, here 21"),
        ("world.model=lorenz96", "world.model 'jcm', here 'lorenz96'"),
        ("cycle.window_hours=3", "cycle.window_hours 6, here 3"),
    ],
)
def test_of_other_forecasts_the_shipped_model_error_is_refused(setting: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        digests_of_shipped(config_of([*SHIPPED, setting]))


def test_other_periods_of_the_same_world_take_the_shipped_model_error() -> None:
    assert digests_of_shipped(config_of([*SHIPPED, "world.train_days=900"]))


def test_the_shipped_model_error_is_loaded_into_a_run_that_has_none(tmp_path: Path) -> None:
    folder = shipped_folder()
    config = load_config(folder / SHIPPED_CONFIG, ["cycle.model_error_share=0.3"])
    shipped = Run(config, RunFolder(folder), xr.Dataset(), LAYOUT)
    own = replace(shipped, folder=RunFolder(tmp_path), config=config_of(SHIPPED))
    expected, found = load_model_error(shipped), load_model_error(own)
    assert found.share == 0.3
    learned = [[one.scaling, nnx.state(one.network)] for one in (found, expected)]
    for one, other in zip(*map(jax.tree.leaves, learned), strict=True):
        np.testing.assert_array_equal(one, other)


def test_before_any_round_the_shipped_correction_acts_where_rounds_start_from_it(
    tmp_path: Path,
) -> None:
    acts = ["cycle.method=hybrid_gain", "cycle.correction_share=1"]
    with pytest.raises(StorageError, match="starts_from = "):
        with_last_round(config_of(acts), RunFolder(tmp_path))
    found = with_last_round(
        config_of([*acts, "correction.starts_from=shipped"]), RunFolder(tmp_path)
    )
    assert found.correction.round == BEFORE_ROUNDS
    assert inputs_of_cycles(found) == ["backgrounds", "covariance"]
    assert [name.rstrip("0123456789") for name in digests_of_shipped(found)] == [
        "shipped correction_"
    ]


def test_what_rounds_start_from_is_no_round_to_make(tmp_path: Path) -> None:
    named = config_of(["correction.starts_from=shipped", "correction.round=-1"])
    with pytest.raises(ConfigError, match="from 0 on"):
        with_next_round(named, RunFolder(tmp_path))
    with pytest.raises(ConfigError, match="start from nothing"):
        config_of(["correction.round=-1"])


def test_where_nothing_says_what_corrects_cycles_it_is_what_is_shipped(tmp_path: Path) -> None:
    found = with_last_round(config_of([]), RunFolder(tmp_path))
    assert (found.cycle.correction_share, found.cycle.model_error_share) == (0.5, 0.3)
    assert found.correction.round == BEFORE_ROUNDS
    assert len(digests_of_shipped(found)) == 2
    assert found.cycle.correction_reach_km is None
    assert with_last_round(found, RunFolder(tmp_path)) == found


@pytest.mark.parametrize("network", ["radiosonde", "surface"])
def test_at_other_stations_than_those_it_was_learned_with_it_acts_near_them(
    network: str, tmp_path: Path
) -> None:
    given = [f"observations.network={network}"]
    found = with_last_round(config_of(given), RunFolder(tmp_path))
    assert (found.cycle.correction_share, found.cycle.correction_reach_km) == (0.5, 1000)
    named = with_last_round(
        config_of([*given, "cycle.correction_reach_km=700"]), RunFolder(tmp_path)
    )
    assert named.cycle.correction_reach_km == 700


@pytest.mark.parametrize(
    "setting",
    [
        "cycle.method=letkf",
        "cycle.trajectory_hours=3",
        "cycle.window_hours=12",
        "world.truth_truncation=21",
        "world.model=lorenz96",
        "correction.width=32",
        "correction.acts=before",
        "correction.round=3",
        "cycle.correction_share=0",
        "cycle.model_error_share=0",
        "reports.padded=100",
    ],
)
def test_where_cycles_are_others_than_those_it_has_learned_in_nothing_shipped_acts(
    setting: str, tmp_path: Path
) -> None:
    changes = [setting]
    if setting == "correction.acts=before":
        changes.append('correction.evidence=["background", "spread"]')
    found = with_last_round(config_of(changes), RunFolder(tmp_path))
    assert (found.cycle.correction_share, found.cycle.model_error_share) == (0, 0)
    assert digests_of_shipped(found) == {}


def test_rounds_are_cycled_with_nothing_that_they_do_not_name(tmp_path: Path) -> None:
    found = with_next_round(config_of([]), RunFolder(tmp_path))
    assert (found.cycle.correction_share, found.cycle.model_error_share) == (0, 0)
    named = with_next_round(config_of(["correction.round=1"]), RunFolder(tmp_path))
    assert named.cycle.model_error_share == 0


def test_what_a_run_of_its_own_has_learned_is_not_replaced_by_what_is_shipped(
    tmp_path: Path,
) -> None:
    folder = RunFolder(tmp_path)
    folder.stages.mkdir(parents=True)
    (folder.stages / "correction_0.json").write_text("{}")
    found = with_last_round(config_of([]), folder)
    assert (found.cycle.correction_share, found.cycle.model_error_share) == (0, 0)
