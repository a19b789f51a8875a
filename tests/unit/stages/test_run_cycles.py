"""A run of cycles is defined by what it has loaded, whatever records say."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from cycled_world import CONFIG, LAYOUT, make_world
from persistence import Persistence

from align_da.config.table import with_overrides
from align_da.errors import ConfigError, StorageError
from align_da.observations.batch import Flag
from align_da.runs.priors import load_model_space_prior, model_space
from align_da.runs.run import Run, open_run
from align_da.runs.weight_names import MODEL_SPACE_SCALING
from align_da.stages import run_cycles
from align_da.storage.datasets import write_dataset
from align_da.storage.digest import digests_of_files
from align_da.storage.inspection import describe
from align_da.storage.manifest import read_manifest, write_manifest
from align_da.storage.run_folder import RunFolder
from align_da.storage.stage_record import (
    finished_stages,
    read_stage_record,
    write_stage_record,
)
from align_da.storage.statistics import write_statistics
from align_da.storage.store_places import costs_path, manifest_path
from align_da.storage.stored_cycles import open_cycles
from align_da.storage.verified_arrays import read_arrays, write_arrays


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return make_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module", params=["records", "records without products"])
def cycled(
    world: RunFolder, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """A finished run; its records name no products where those of shipped weights name none."""
    folder = RunFolder(tmp_path_factory.mktemp("run") / "run")
    shutil.copytree(world.root, folder.root)
    if request.param != "records":
        for name in finished_stages(folder):
            record = read_stage_record(folder, name)
            write_stage_record(folder, replace(record, products={}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_cycles, "cycle_forecast_model", lambda _: Persistence(LAYOUT))
        assert cycle(folder.root) == 0
        yield folder.root


@pytest.fixture
def run(cycled: Path, tmp_path: Path) -> Path:
    """A copy, to be hurt."""
    return shutil.copytree(cycled, tmp_path / "run")


def cycle(run: Path) -> int:
    return run_cycles.run_cycles(CONFIG, run, "main")


def test_the_manifest_holds_the_digest_of_everything_that_was_loaded(cycled: Path) -> None:
    loaded = read_manifest(manifest_path(RunFolder(cycled).cycles("main"))).loaded
    assert sorted(loaded) == [
        "backgrounds_test.zarr",
        "backgrounds_train.zarr",
        "statistics.json",
        "truth.zarr",
        f"weights/{MODEL_SPACE_SCALING}",
    ]


def test_a_run_whose_inputs_are_as_they_were_is_whole_and_goes_on(run: Path) -> None:
    assert cycle(run) == 0
    assert describe(RunFolder(run).cycles("main")).whole


def test_costs_that_are_damaged_or_lost_leave_a_run_whole(run: Path) -> None:
    store = RunFolder(run).cycles("main")
    assert "cost of 2 cycles that were recorded: " in describe(store).text
    path = costs_path(store)
    path.write_bytes(b"hurt\n" + path.read_bytes())
    found = describe(store)
    assert found.whole
    assert f"COSTS DAMAGED: 1 lines of {path} are passed over" in found.text
    assert describe(run).whole
    path.unlink()
    assert "CPU time" not in describe(store).text
    assert cycle(run) == 0


def other_weights(path: Path) -> None:
    """Of equal shape, with digests that hold."""
    arrays, _ = read_arrays(path)
    write_arrays(path, {name: 2 * array for name, array in arrays.items()}, {"name": "other"})


def other_statistics(path: Path) -> None:
    content = json.loads(path.read_text())
    content["states"]["mean"][0] += 1.0
    write_statistics(path, {"states": content["states"]})


def other_states(path: Path) -> None:
    with xr.open_zarr(path, consolidated=False) as dataset:
        write_dataset(path, dataset.load() + 1.0)


EXCHANGES: dict[str, Callable[[Path], None]] = {
    f"weights/{MODEL_SPACE_SCALING}": other_weights,
    "statistics.json": other_statistics,
    "truth.zarr": other_states,
    "backgrounds_train.zarr": other_states,
}


@pytest.mark.parametrize("place", EXCHANGES)
def test_what_was_exchanged_is_told_by_name_and_the_run_does_not_go_on(
    place: str, run: Path
) -> None:
    EXCHANGES[place](run / place)
    with pytest.raises(
        StorageError, match=rf"(?s)restore what.*{place}: stored|{place} has changed.*Restore it"
    ):
        cycle(run)
    found = describe(RunFolder(run).cycles("main"))
    assert not found.whole
    assert f"NOT WHAT THE RUN HAS LOADED: {run / place}: restore" in found.text


def test_a_run_that_does_not_say_what_it_has_loaded_is_not_gone_on_with(run: Path) -> None:
    store = RunFolder(run).cycles("main")
    manifest = replace(read_manifest(manifest_path(store)), loaded={})
    write_manifest(manifest_path(store), manifest)
    with pytest.raises(StorageError, match=r"earlier version.*choose another name"):
        cycle(run)


@pytest.mark.parametrize("load", [load_model_space_prior, model_space])
def test_whoever_loads_it_is_told_of_what_is_not_as_a_stage_made_it(
    load: Callable[[Run], object], world: RunFolder, tmp_path: Path
) -> None:
    run = open_run(CONFIG, shutil.copytree(world.root, tmp_path / "run"))
    load(run)
    other_weights(run.folder.weights(MODEL_SPACE_SCALING))
    other_statistics(run.folder.statistics)
    with pytest.raises(StorageError, match=r"has changed since the stage '\w+' made it"):
        load(run)


def test_a_run_is_extended_to_what_it_would_have_been_at_that_length(
    run: Path, tmp_path: Path
) -> None:
    at_once = shutil.copytree(run, tmp_path / "at_once")
    shutil.rmtree(at_once / "cycles")
    longer = with_overrides(CONFIG, ["cycle.cycles=4"])
    with pytest.raises(StorageError, match=r"config\.cycle\.cycles: stored 2, now 4"):
        run_cycles.run_cycles(longer, run, "main")
    assert run_cycles.run_cycles(longer, run, "main", extend=True) == 0
    assert run_cycles.run_cycles(longer, at_once, "main") == 0
    for folder in (run, at_once):  # costs are never the same twice
        costs_path(RunFolder(folder).cycles("main")).unlink()
    assert digests_of_files(run / "cycles") == digests_of_files(at_once / "cycles")
    with pytest.raises(ConfigError, match="has 4 cycles, 4 of them complete: expected at least"):
        run_cycles.run_cycles(CONFIG, run, "main", extend=True)


def test_cycles_that_the_truth_has_no_room_for_are_refused_before_the_first(run: Path) -> None:
    with pytest.raises(ConfigError, match=r"at most (\d+) cycles.*cycle.cycles = 1000") as refused:
        run_cycles.run_cycles(with_overrides(CONFIG, ["cycle.cycles=1000"]), run, "long")
    assert not RunFolder(run).cycles("long").exists()
    room = int(re.search(r"at most (\d+)", str(refused.value))[1])
    assert room > 4
    whole = with_overrides(CONFIG, [f"cycle.cycles={room}"])
    assert run_cycles.run_cycles(whole, run, "whole") == 0


def test_windows_that_end_between_states_of_the_truth_are_refused_with_the_keys(run: Path) -> None:
    told = r"cycle\.window_hours = 3 needs .* 6 hours apart.*world\.step_hours"
    short = with_overrides(CONFIG, ["cycle.window_hours=3", "world.step_hours=3"])
    with pytest.raises(ConfigError, match=told):
        run_cycles.run_cycles(short, run, "short")
    assert not RunFolder(run).cycles("short").exists()


def test_in_an_outage_of_every_station_the_analysis_is_the_background(run: Path) -> None:
    silent = with_overrides(CONFIG, ["cycle.outage.share=1", "cycle.outage.first=1"])
    assert run_cycles.run_cycles(silent, run, "silent") == 0
    store = RunFolder(run).cycles("silent")
    changed = [
        float(np.abs(field).max())
        for field in open_cycles(store, "increment")["temperature"].to_numpy()
    ]
    assert changed[0] > 0
    assert changed[1] == 0
    flags = open_cycles(store, "observations")["flag"].to_numpy()
    assert (flags[1] == int(Flag.MISSING)).all()
    assert (flags[0] == int(Flag.PASS)).any()


def test_columns_that_see_no_observation_are_told_once_before_the_cycles(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    narrow = with_overrides(CONFIG, ["cycle.method=letkf", "letkf.radius_km=100"])
    assert run_cycles.run_cycles(narrow, run, "narrow") == 0
    told = " ".join(capsys.readouterr().out.split())
    assert told.count("letkf.radius_km = 100: no observation is within twice that of") == 1
