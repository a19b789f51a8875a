"""A correction of analyses that is learned from observations alone, by the commands."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import numpy as np
import pandas as pd
import pytest
from closed_loop_settings import CONFIG
from command_line import align_da as command
from cycled_world import LAYOUT, STEP, TYPICAL, make_world
from persistence import Persistence

from align_da.atmosphere import State
from align_da.config import CorrectionConfig, load_config
from align_da.errors import BadStateError, ConfigError, InputError, StorageError
from align_da.observations.interpolation import interpolation_operator
from align_da.observations.reports import checked_reports
from align_da.runs import observing_system
from align_da.runs.stage_graph import observations_stage
from align_da.storage import background_pairs
from align_da.storage.met_cycles import read_met
from align_da.storage.report_file import write_reports
from align_da.storage.run_folder import RunFolder
from align_da.storage.stages import run_stage
from align_da.storage.statistics import read_normalisation
from data_pipelines import closed_loop
from data_pipelines.segments import Segment, observations_of_segment, run_of, segments_of
from data_pipelines.withholding import Withholding

SPLITS = {"train": (0, 12), "validation": (13, 18), "test": (18, 20)}
TRUTH_FREE = ["correction.target=observations", "correction.withheld=0.4"]
REPORTS = "[reports]\npadded = 128\n"
WIDTH = LAYOUT.shape[-1]


@pytest.fixture(scope="module", autouse=True)
def _standing_still() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(closed_loop, "cycle_forecast_model", lambda _: Persistence(LAYOUT))
        yield


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run with two rounds of simulated observations, and its configuration."""
    root = tmp_path_factory.mktemp("truth_free")
    config = root / "config.toml"
    config.write_text(CONFIG)
    folder = make_world(root / "run", SPLITS)
    command("train covariance", folder.root, config)
    for number in (0, 1):
        changes = [*TRUTH_FREE, f"correction.round={number}"]
        command("data closed_loop --workers 1", folder.root, config, changes)
        command("train correction", folder.root, config, changes)
    return folder.root, config


def first_segment(world: tuple[Path, Path], *changes: str) -> Segment:
    root, config = world
    settings = load_config(config, [*TRUTH_FREE, "correction.round=0", *changes])
    return segments_of(settings, root, "train", closed_loop=True)[0]


def withholding(segment: Segment) -> Withholding:
    run = run_of(segment)
    reported, _ = observations_of_segment(segment, run)
    return Withholding(reported, run.config.correction.withheld, run.config.seed)


def test_a_cycle_keeps_the_departures_of_the_stations_that_it_hid(
    world: tuple[Path, Path],
) -> None:
    """What was observed is H of what was corrected and the departure, in units of its error."""
    folder, hidden = RunFolder(world[0]), withholding(first_segment(world))
    met = read_met(folder.closed_loop(0, "train")).isel(cycle=0).load()
    observed = hidden.observe(met["time"].to_numpy()[()], 0)
    counted = met["counted"].to_numpy()
    normal = read_normalisation(folder.statistics)
    mean = met["evidence"].to_numpy().astype(np.float32)
    mean = (mean[..., :WIDTH] + mean[..., 3 * WIDTH : 4 * WIDTH]) * normal.std + normal.mean
    equivalent = interpolation_operator(observed, LAYOUT)(State(mean, LAYOUT)) / observed.error
    found = equivalent + met["departure"].to_numpy()
    expected = np.asarray(observed.value / observed.error)
    assert counted.any()
    np.testing.assert_allclose(found[counted], expected[counted], atol=0.03)
    assert not np.asarray(observed.used)[counted].any()
    assert not any(met[name].to_numpy()[~counted].any() for name in ("departure", "weight"))
    kinds = {"departure": np.float16, "weight": np.float16, "index": np.int32, "counted": np.bool_}
    assert {name: met[name].dtype for name in kinds} == kinds


def test_the_weights_are_those_of_h_in_units_of_the_error(world: tuple[Path, Path]) -> None:
    folder, hidden = RunFolder(world[0]), withholding(first_segment(world))
    met = read_met(folder.closed_loop(0, "train")).isel(cycle=0).load()
    observed = hidden.observe(met["time"].to_numpy()[()], 0)
    increment = np.random.default_rng(0).normal(size=LAYOUT.shape).astype(np.float32)
    corners = increment.ravel()[met["index"].to_numpy()] * met["weight"].to_numpy()
    std = read_normalisation(folder.statistics).std
    expected = interpolation_operator(observed, LAYOUT)(State(increment * std, LAYOUT))
    counted = met["counted"].to_numpy()
    np.testing.assert_allclose(
        corners.sum(axis=-1)[counted], (expected / observed.error)[counted], rtol=0.01, atol=0.01
    )


def test_other_stations_are_hidden_in_every_cycle_and_never_those_of_verification(
    world: tuple[Path, Path],
) -> None:
    hidden = withholding(first_segment(world))
    time = np.datetime64("2000-01-01T12", "ns")
    before = np.asarray(hidden.reported(time, 0).used)
    first, again, second = (np.asarray(hidden.observe(time, n).used) for n in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != second).any()
    assert not (first & ~before).any()
    assert 0.1 < 1 - first.sum() / before.sum() < 0.7
    met = read_met(RunFolder(world[0]).closed_loop(0, "train"))
    assert not (met["counted"].to_numpy()[0] & ~before).any()


def test_both_rounds_are_learned_from(world: tuple[Path, Path]) -> None:
    rounds = [read_met(RunFolder(world[0]).closed_loop(n, "train")) for n in (0, 1)]
    assert all(met.sizes["cycle"] == 2 for met in rounds)
    assert all(RunFolder(world[0]).weights(f"correction_{n}").exists() for n in (0, 1))
    assert not np.allclose(rounds[0]["departure"], rounds[1]["departure"])


def reports(times: np.ndarray) -> pd.DataFrame:
    """Temperatures of the lower level, of thirty stations that are the same at all times."""
    draw, count = np.random.default_rng(0), 30
    table = pd.DataFrame(
        {
            "latitude": draw.uniform(-70, 70, count),
            "longitude": draw.uniform(0, 360, count),
            "error": 1.0,
            "level": 0.8e5,
            "elevation": 0.0,
            "vertical": "level",
            "variable": "temperature",
            "station_id": [f"S{number}" for number in range(count)],
            "type": "radiosonde",
            "flag": "pass",
        }
    )
    every = pd.concat([table.assign(time=time) for time in times], ignore_index=True)
    value = TYPICAL[5] + draw.normal(0, 2, len(every))
    return checked_reports(every.assign(value=value))


def refused(*_: object, **__: object) -> NoReturn:
    message = "the truth was read"
    raise AssertionError(message)


def test_with_reports_no_truth_is_read_for_a_cycle_and_none_at_all_to_learn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The members start around old backgrounds, with errors that these had in the archive."""
    config = tmp_path / "config.toml"
    config.write_text(CONFIG + REPORTS)
    folder = make_world(tmp_path / "run", SPLITS)
    command("train covariance", folder.root, config)
    filed = reports(np.datetime64("2000-01-01", "ns") + STEP * np.arange(24))
    stage = observations_stage("test", [], folder)
    stage = replace(stage, products=[folder.observations])
    run_stage(folder, stage, lambda: write_reports(folder.observations, filed))
    monkeypatch.setattr(closed_loop, "read_times", refused)
    monkeypatch.setattr(observing_system, "read_times", refused)
    command("data closed_loop --workers 1", folder.root, config, TRUTH_FREE)
    monkeypatch.setattr(background_pairs, "read_times", refused)
    command("train correction", folder.root, config, TRUTH_FREE)
    met = read_met(folder.closed_loop(0, "train"))
    assert met.sizes["observation"] == 128
    hidden = met["counted"].to_numpy().sum(axis=1)
    assert ((hidden > 0) & (hidden < 30)).all()
    assert folder.weights("correction_0").exists()


def test_a_share_that_leaves_no_observation_is_refused(world: tuple[Path, Path]) -> None:
    with pytest.raises(BadStateError, match="used no observation: take denser observations, or"):
        closed_loop.cycle_segment(first_segment(world, "correction.withheld=0.9999"))


def test_a_share_that_hides_no_observation_is_refused(world: tuple[Path, Path]) -> None:
    with pytest.raises(InputError, match=r"got none in 1 cycles: raise correction\.withheld from"):
        closed_loop.cycle_segment(first_segment(world, "correction.withheld=1e-6"))


def test_an_operator_that_is_not_linear_is_refused(world: tuple[Path, Path]) -> None:
    segment = first_segment(world)
    run = run_of(segment)
    bent = replace(run, operator=lambda batch, layout: lambda state: state.values)
    with pytest.raises(ConfigError, match="needs a linear observation operator"):
        closed_loop.linear_operator(bent, withholding(segment).observe(run.last_time, 0))


def test_cycles_of_the_other_target_are_refused(world: tuple[Path, Path]) -> None:
    with pytest.raises(StorageError, match=r"made for another correction\.target"):
        command("train correction", *world, ["correction.round=0"])


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_all_and_nothing_cannot_be_withheld(world: tuple[Path, Path], share: float) -> None:
    with pytest.raises(ConfigError, match="withheld"):
        first_segment(world, f"correction.withheld={share}")


def test_rounds_that_learned_from_the_truth_before_there_was_a_choice_go_on() -> None:
    assert not {"target", "withheld"} & set(CorrectionConfig().model_dump())
