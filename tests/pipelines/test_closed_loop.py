"""A correction of analyses that is learned in cycles of its own, by the commands."""

from itertools import combinations
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from closed_loop_settings import CONFIG
from command_line import align_da as command
from cycled_world import LAYOUT, make_world
from flax import nnx
from persistence import Persistence

import align_da
from align_da.assimilation import AnalysisCorrection
from align_da.config import BEFORE_ROUNDS, load_config
from align_da.errors import ConfigError, StorageError
from align_da.runs import shipped_parts
from align_da.runs.corrections import load_correction, taught_correction
from align_da.runs.initial_ensemble import initial_ensemble
from align_da.runs.observing_system import observing_system
from align_da.runs.rounds import with_last_round, with_next_round
from align_da.runs.run import open_run
from align_da.stages import run_cycles
from align_da.storage.durable import copy_files
from align_da.storage.gridded import open_states, read_times
from align_da.storage.inspection import describe
from align_da.storage.met_cycles import read_end, read_met
from align_da.storage.run_folder import RunFolder
from align_da.storage.shipped import SHIPPED_CONFIG
from align_da.storage.stage_record import finished_stages
from align_da.storage.statistics import read_normalisation
from data_pipelines import closed_loop
from data_pipelines.segments import Segment, cycles_before, run_of, segments_of
from experiments.closed_loop import rounds

ROUND_1 = ["correction.round=1"]
SPLITS = {"train": (0, 12), "validation": (13, 18), "test": (18, 20)}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run with two rounds, and its configuration."""
    root = tmp_path_factory.mktemp("closed_loop")
    config = root / "config.toml"
    config.write_text(CONFIG)
    folder = make_world(root / "run", SPLITS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(closed_loop, "cycle_forecast_model", lambda _: Persistence(LAYOUT))
        command("train covariance", folder.root, config)
        command("data closed_loop --workers 1", folder.root, config)
        command("train correction", folder.root, config)
        command("data rounds 2 --workers 1", folder.root, config)
    return folder.root, config


def test_a_round_keeps_every_cycle_of_every_segment(world: tuple[Path, Path]) -> None:
    channels = LAYOUT.shape[-1]
    for number, split, count in ((0, "train", 2), (0, "validation", 1), (1, "train", 2)):
        met = read_met(RunFolder(world[0]).closed_loop(number, split))
        assert met["evidence"].shape == (count, *LAYOUT.shape[:2], 6 * channels)
        assert met["error"].shape == met["spread"].shape == (count, *LAYOUT.shape)
        assert all(bool(np.isfinite(met[name]).all()) for name in ("evidence", "error", "spread"))


def test_a_round_goes_on_where_the_one_before_has_ended(world: tuple[Path, Path]) -> None:
    """The model of these cycles changes nothing: backgrounds are the analyses before."""
    folder = RunFolder(world[0])
    first, second = (folder.closed_loop(number, "train") for number in (0, 1))
    std = read_normalisation(folder.statistics).std
    mean = read_normalisation(folder.statistics).mean
    for segment in (0, 1):
        ended, time = read_end(first, segment)
        met = read_met(second).isel(cycle=segment)
        assert met["time"].to_numpy() == time + np.timedelta64(6, "h")
        background = met["evidence"].to_numpy()[..., : LAYOUT.shape[-1]]
        expected = (ended[0].mean(axis=0) - mean) / std
        np.testing.assert_allclose(background, expected, rtol=2e-3, atol=2e-3)


def test_a_round_of_other_cycles_than_the_one_before_is_refused(world: tuple[Path, Path]) -> None:
    changes = ["correction.round=2", "correction.spin_up=1", "correction.rounds=3"]
    with pytest.raises(ConfigError, match="leave correction"):
        command("data closed_loop --workers 1", *world, changes)


def test_a_round_beyond_the_room_of_the_segments_is_refused(world: tuple[Path, Path]) -> None:
    with pytest.raises(ConfigError, match="expected a round from 0 to 3, got 4"):
        command("data closed_loop --workers 1", *world, ["correction.round=4"])


def test_background_and_increment_and_error_are_the_truth(world: tuple[Path, Path]) -> None:
    """In standard deviations of the states, to the three digits that are kept."""
    folder, channels = RunFolder(world[0]), LAYOUT.shape[-1]
    met = read_met(folder.closed_loop(0, "train"))
    normal = read_normalisation(folder.statistics)
    truth = read_times(open_states(folder.truth), LAYOUT, met["time"].to_numpy())
    evidence = met["evidence"].to_numpy().astype(np.float32)
    background, increment = evidence[..., :channels], evidence[..., 3 * channels : 4 * channels]
    found = background + increment + met["error"].to_numpy()
    np.testing.assert_allclose(found, normal.normalise(truth), atol=0.02)


def test_the_second_round_meets_other_cycles_in_which_the_first_acts(
    world: tuple[Path, Path],
) -> None:
    first, second = (read_met(RunFolder(world[0]).closed_loop(n, "train")) for n in (0, 1))
    assert not np.allclose(first["error"], second["error"])


def test_more_members_than_there_are_backgrounds_to_make_them_of_are_refused(
    world: tuple[Path, Path],
) -> None:
    run = open_run(load_config(world[1], ["cycle.members=13"]), world[0])
    with pytest.raises(ConfigError, match=r"at most 12 members.*got cycle.members = 13"):
        initial_ensemble(run)


@pytest.fixture(scope="module")
def without(world: tuple[Path, Path]) -> str:
    """The name of cycles without a correction."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_cycles, "cycle_forecast_model", lambda _: Persistence(LAYOUT))
        command("cycle --name without", *world)
    return "without"


def learned_share(root: Path, name: str) -> np.ndarray:
    return align_da.open_cycles(root, name, "diagnostics")["learned_share"].to_numpy()


def test_a_cycle_uses_the_correction_and_tells_how_much_of_it_has_acted(
    world: tuple[Path, Path], without: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, config = world
    monkeypatch.setattr(run_cycles, "cycle_forecast_model", lambda _: Persistence(LAYOUT))
    for share, named in ((0.5, ROUND_1), (1.0, [])):  # the last one where none is named
        changes = [*named, f"cycle.correction_share={share}"]
        command(f"cycle --name share_{share}", root, config, changes)
    half, whole = (learned_share(root, f"share_{share}") for share in (0.5, 1.0))
    assert half[0] == pytest.approx(0.5 * whole[0], rel=1e-3)  # what is believed acts in both
    first = ["correction.round=0", "cycle.correction_share=0.5"]
    command("cycle --name first", root, config, first)  # of which all is believed
    np.testing.assert_allclose(learned_share(root, "first"), 0.5, atol=1e-4)
    told = describe(RunFolder(root).cycles("first")).text
    assert "learned: 50 % of the estimate reaches the analysis" in told
    assert np.isnan(learned_share(root, without)).all()
    assert "learned" not in describe(RunFolder(root).cycles(without)).text


def segment(world: tuple[Path, Path], which: int, number: int, network_rounds: int) -> Segment:
    rounds = [f"correction.round={number}", f"correction.network_rounds={network_rounds}"]
    config = load_config(world[1], [*rounds, "correction.spin_up=3"])
    return segments_of(config, world[0], "train", closed_loop=True)[which]


@pytest.mark.parametrize(
    ("which", "stays", "new_in", "begun"),
    [(0, 2, [2], [0, 4, 0, 1]), (1, 2, [1, 3], [0, 0, 1, 0]), (1, 1, [1, 2, 3], [0, 0, 0, 0])],
)
def test_segments_get_new_stations_in_turn_and_new_errors_always(
    world: tuple[Path, Path], which: int, stays: int, new_in: list[int], begun: list[int]
) -> None:
    segments = [segment(world, which, number, stays) for number in range(4)]
    assert [cycles_before(one) for one in segments] == begun
    places, errors = [], []
    for one in segments:
        system = observing_system(run_of(one))
        places.append(np.asarray(system.planned.latitude))
        errors.append(np.asarray(system.observe(times_of(world)[0], cycles_before(one)).value))
    moved = [not np.array_equal(*places[number - 1 : number + 1]) for number in (1, 2, 3)]
    assert [number for number, new in enumerate(moved, 1) if new] == new_in
    assert not any(np.array_equal(one, other) for one, other in combinations(errors, 2))


def times_of(world: tuple[Path, Path]) -> np.ndarray:
    return read_met(RunFolder(world[0]).closed_loop(0, "train"))["time"].to_numpy()


def parameters(correction: AnalysisCorrection) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in jax.tree.leaves(nnx.state(correction.network))]


@pytest.mark.parametrize("averaged", [1, 2, 5])
def test_what_acts_is_the_mean_of_the_last_networks(
    world: tuple[Path, Path], averaged: int
) -> None:
    config = load_config(world[1], [*ROUND_1, f"correction.averaged={averaged}"])
    run = open_run(config, world[0])
    first, second = (parameters(taught_correction(run, number)) for number in (0, 1))
    found = parameters(load_correction(run, 1))
    assert any(not np.allclose(one, two) for one, two in zip(first, second, strict=True))
    for leaf, one, two in zip(found, first, second, strict=True):
        expected = two if averaged == 1 else (one + two) / 2
        np.testing.assert_allclose(leaf, expected, atol=1e-6)


def test_rounds_can_start_from_the_shipped_correction(
    world: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = tmp_path / "shipped"
    copy_files(world[0], shipped)
    (shipped / SHIPPED_CONFIG).write_text(
        CONFIG.replace("[correction]", "[correction]\nround = 1")
    )
    monkeypatch.setattr(shipped_parts, "shipped_folder", lambda: shipped)
    monkeypatch.setattr(closed_loop, "cycle_forecast_model", lambda _: Persistence(LAYOUT))
    root = make_world(tmp_path / "run", SPLITS).root
    start = ["correction.starts_from=shipped"]
    command("train covariance", root, world[1])
    command("data rounds 2 --workers 1", root, world[1], start)
    known = open_run(load_config(world[1], ROUND_1), world[0])
    run = open_run(load_config(world[1], [*start, "correction.round=0"]), root)
    acted, taught = load_correction(run, BEFORE_ROUNDS), taught_correction(run, 0)
    before = parameters(taught_correction(known, 1))
    for leaf, one in zip(parameters(acted), before, strict=True):
        np.testing.assert_allclose(leaf, one, atol=1e-6)
    assert not np.array_equal(taught.scaling.share, np.ones_like(taught.scaling.share))
    means = [(one + two) / 2 for one, two in zip(before, parameters(taught), strict=True)]
    for leaf, one in zip(parameters(load_correction(run, 0)), means, strict=True):
        np.testing.assert_allclose(leaf, one, atol=1e-6)


def test_of_a_correction_that_share_acts_which_the_next_cycles_bear_out(
    world: tuple[Path, Path],
) -> None:
    run = open_run(load_config(world[1], ROUND_1), world[0])
    first, second = (taught_correction(run, number) for number in (0, 1))
    np.testing.assert_array_equal(first.scaling.share, 1.0)
    met = read_met(run.folder.closed_loop(1, "train"))
    products, squares = np.zeros((2, 2, LAYOUT.shape[0], LAYOUT.shape[-1]))
    for evidence, error in zip(met["evidence"], met["error"], strict=True):
        increment, _ = first.estimate(jnp.asarray(evidence.to_numpy(), jnp.float32))
        estimate = np.asarray(increment / first.normalisation.std)
        products += parts(error.to_numpy(), estimate)
        squares += parts(estimate, estimate)
    weights = np.asarray(LAYOUT.grid.area_weights)[:, :1]
    of_all = (products * weights).sum(axis=1) / (squares * weights).sum(axis=1)
    # Every row is between what rows say by themselves, and so is their mean.
    share = np.asarray(second.scaling.share)
    assert share.shape == (2, LAYOUT.shape[0], LAYOUT.shape[-1])
    assert (share >= 0).all()
    for part, expected, largest in zip(share, of_all, (1.0, 1.5), strict=True):
        assert (part <= largest).all()
        np.testing.assert_allclose(part.mean(axis=0), np.clip(expected, 0, largest), atol=0.3)


def parts(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Sums over columns of the products of zonal means and of what departs from them."""
    means = [field.mean(axis=1, keepdims=True) for field in (one, other)]
    apart = (one - means[0]) * (other - means[1])
    return np.stack([means[0][:, 0] * means[1][:, 0] * one.shape[1], apart.sum(axis=1)])


def test_the_table_of_rounds_holds_the_errors_that_they_have_met(world: tuple[Path, Path]) -> None:
    run = open_run(load_config(world[1]), world[0])
    table = pd.DataFrame(rounds.errors_of_rounds(run))
    met = read_met(run.folder.closed_loop(1, "train"))
    weights = run.layout.grid.area_weights
    of_wind = run.layout.channels_of("u_component_of_wind")
    square = (met["error"].to_numpy()[..., of_wind].astype(np.float32) ** 2).mean(axis=(0, 3))
    told = table.query("round == 1 and split == 'train' and variable == 'u_component_of_wind'")
    assert told["cycle"].tolist() == [2]
    assert told["error"].iloc[0] == pytest.approx(
        float(np.sqrt((square * weights).mean() / weights.mean())), rel=1e-4
    )
    left = pd.DataFrame(rounds.unexplained_of_rounds(run))
    assert left["round"].tolist() == [0, 0, 1, 1]
    assert (left["temperature"] > 0).all()
    assert rounds.show(table, "error").startswith("| round | u_component_of_wind | v_component")
    assert rounds.show(table, "error").count("\n| ") == 3


def test_of_a_hybrid_gain_without_share_the_filter_is_left(
    world: tuple[Path, Path], without: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, config = world
    monkeypatch.setattr(run_cycles, "cycle_forecast_model", lambda _: Persistence(LAYOUT))
    hybrid = "cycle.method=hybrid_gain"
    command("cycle --name no_share", root, config, [hybrid, "hybrid_gain.share=0.0"])
    command("cycle --name half", root, config, [hybrid])
    alone, none, half = (
        align_da.open_cycles(root, name, "analysis")["temperature"].to_numpy()
        for name in (without, "no_share", "half")
    )
    np.testing.assert_allclose(none, alone, atol=1e-4)
    assert np.abs(half - alone).max() > 0.01


def test_a_round_that_is_done_is_not_done_again(world: tuple[Path, Path]) -> None:
    store = RunFolder(world[0]).closed_loop(0, "train")
    before = {path: path.stat().st_mtime_ns for path in store.rglob("*") if path.is_file()}
    stages = finished_stages(RunFolder(world[0]))
    command("data closed_loop --workers 1", *world, ["correction.round=0"])
    command("train correction", *world, ["correction.round=0"])
    command("data rounds 2 --workers 1", *world)
    assert {p: p.stat().st_mtime_ns for p in store.rglob("*") if p.is_file()} == before
    assert finished_stages(RunFolder(world[0])) == stages


def test_the_round_that_is_meant_is_the_next_to_make_and_the_last_to_act(
    world: tuple[Path, Path],
) -> None:
    folder = RunFolder(world[0])
    config = load_config(world[1], ["cycle.correction_share=1"])
    assert with_next_round(config, folder).correction.number == 2
    assert with_last_round(config, folder).correction.number == 1
    for choose in (with_next_round, with_last_round):
        assert choose(load_config(world[1], ["correction.round=3"]), folder).correction.number == 3
    without = load_config(world[1], ["correction.averaged=1", "correction.network_rounds=2"])
    found = with_last_round(without, folder).correction
    assert (found.averaged, found.network_rounds) == (1, 2)
    assert with_last_round(without, folder).correction.number == 0
    with pytest.raises(ConfigError, match=r"expected correction\.round"):
        _ = without.correction.number


def test_more_rounds_than_there_is_room_for_are_refused_before_the_first(
    world: tuple[Path, Path], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="expected a round from 0 to 3, got 4"):
        command("data rounds 5", tmp_path / "run", world[1])


def test_a_correction_that_no_round_has_taught_is_refused(
    world: tuple[Path, Path], tmp_path: Path
) -> None:
    with pytest.raises(StorageError, match="run align-da data rounds"):
        command("cycle", tmp_path / "run", world[1], ["cycle.correction_share=1"])


def test_a_round_without_the_one_before_is_refused(world: tuple[Path, Path]) -> None:
    with pytest.raises(StorageError, match="correction_2"):
        command("data closed_loop --workers 1", *world, ["correction.round=3"])


def test_a_cycle_with_a_correction_that_was_not_learned_is_refused(
    world: tuple[Path, Path],
) -> None:
    changes = ["correction.round=2", "cycle.correction_share=1"]
    with pytest.raises(StorageError, match=r"correction\.round=2"):
        command("cycle --name unlearned", *world, changes)


def test_evidence_that_is_known_too_late_is_refused(world: tuple[Path, Path]) -> None:
    with pytest.raises(ConfigError, match="known before the analysis"):
        command("train correction", *world, ["correction.acts=before"])
