"""What a command would do and what that takes is told, and nothing is done."""

import shutil
from dataclasses import replace
from pathlib import Path

import jax
import pytest
import xarray as xr
from command_line import with_data
from cycled_world import CONFIG, LAYOUT, WORLD, make_cycled_world
from flax import nnx
from typer.testing import CliRunner

from align_da.config.table import with_overrides
from align_da.runs.priors import untrained_autoencoder
from align_da.runs.stage_graph import backgrounds_stage, covariance_stage
from align_da.stages.disk_of_work import disk_of_work
from align_da.stages.foretell import foretell
from align_da.storage.cycle_costs import CycleCost, append_cost, begin_costs
from align_da.storage.machine import Machine
from align_da.storage.run_folder import RunFolder
from align_da.storage.stage_record import read_stage_record, write_stage_record
from align_da.storage.stages import run_stage
from align_da.storage.store_places import costs_path
from data_pipelines.disk import disk_of_data

COMMANDS = (
    *("data truth", "data backgrounds", "data coarse", "data closed_loop"),
    "data cycled --set cycled_backgrounds.segments=1 --set backgrounds.lead_hours=[12]",
    *("data rounds 2", "data statistics", "train autoencoder", "train denoiser"),
    *("train covariance", "train correction", "align candidates", "align aligned"),
    *("cycle --name main", "cycle --name other", "verify"),
)
SMALL = ("autoencoder.width=4", "autoencoder.depth=1", "autoencoder.latent_channels=4")
STARTS = tuple(
    f"backgrounds.{split}_starts={count}"
    for split, count in (("train", 8), ("validation", 2), ("test", 4))
)
GROUPS = ("background", "analysis", "increment", "observations", "diagnostics", "members")


@pytest.fixture(scope="module")
def cycled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose stages and two cycles are done."""
    return make_cycled_world(tmp_path_factory.mktemp("run")).root


@pytest.fixture
def run(cycled: Path, tmp_path: Path) -> RunFolder:
    """A copy, to be changed."""
    return RunFolder(shutil.copytree(cycled, tmp_path / "run"))


def content_of(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file with its content and its time."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in files
    }


def told(run: RunFolder, command: str, *overrides: str, cycles: tuple[str, ...] = ()) -> str:
    config = with_overrides(CONFIG, [*SMALL, *overrides])
    return foretell(command, config, run.root, "--run here", cycles)


def test_a_dry_run_of_any_command_leaves_every_file_as_it_was(
    cycled: Path, tmp_path: Path
) -> None:
    before, file = content_of(cycled), tmp_path / "world.toml"
    file.write_text(WORLD)
    shared = ["--run", str(cycled), "--config", str(file), "--dry-run"]
    keys = (*SMALL, *STARTS, "cycle.method=three_d_var", "cycle.members=2")
    shared += [part for key in keys for part in ("--set", key)]
    for command in COMMANDS:
        result = CliRunner().invoke(with_data(), [*command.split(), *shared])
        assert result.exit_code == 0, (command, result.output)
        assert "nothing is done, this is what would be" in result.stdout
    assert content_of(cycled) == before
    assert [path.name for path in tmp_path.iterdir()] == ["world.toml"]


def test_a_run_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    text = told(RunFolder(tmp_path / "run"), "train autoencoder")
    assert "truth.zarr: MISSING, align-da data truth --run here" in text
    assert "disk    not known" in text
    assert list(tmp_path.iterdir()) == []


def test_the_disk_of_a_cycle_is_that_of_its_arrays(run: RunFolder) -> None:
    found = 0
    for group in GROUPS:
        with xr.open_zarr(run.cycles("main"), group=group, consolidated=False) as stored:
            arrays = [it for it in stored.data_vars.values() if "time" in it.dims]
            found += sum(it.size * it.dtype.itemsize for it in arrays)
    assert disk_of_work("cycle", CONFIG, run.root, 2) == {"2 cycles": found}


def test_the_disk_of_a_training_is_that_of_its_parameters(run: RunFolder) -> None:
    config = with_overrides(CONFIG, SMALL)
    network = untrained_autoencoder(config.autoencoder, LAYOUT, config.seed)
    weights = sum(leaf.nbytes for leaf in jax.tree.leaves(nnx.state(network)))
    found = disk_of_work("train autoencoder", config, run.root, 0)
    assert found["weights"] == weights
    # Parameters, their average, the best of it and two moments; the rest are a few counters.
    assert found["3 checkpoints"] == pytest.approx(3 * 5 * weights, abs=3 * 64)


def test_the_disk_of_backgrounds_is_that_of_their_arrays(run: RunFolder) -> None:
    starts = ("train", 12), ("validation", 2), ("test", 4)
    counts = [f"backgrounds.{split}_starts={count}" for split, count in starts]
    days = ("train_days=4", "validation_days=2", "test_days=2")
    config = with_overrides(CONFIG, [*counts, *(f"world.{item}" for item in days)])
    found = disk_of_data("data backgrounds", config, run.root)
    with xr.open_zarr(run.backgrounds("train"), consolidated=False) as stored:
        assert found["24 states, train"] == sum(it.nbytes for it in stored.data_vars.values())


def test_time_and_memory_are_those_that_the_stage_has_recorded(run: RunFolder) -> None:
    run_stage(run, covariance_stage(with_overrides(CONFIG, SMALL), run), lambda: None)
    record = read_stage_record(run, "covariance")
    assert record.peak_bytes > 2**20
    known = replace(record, wall_seconds=7000.0, peak_bytes=3 * 10**9)
    write_stage_record(run, known)
    text = told(run, "train covariance", "three_d_var.modes=3")
    assert "makes   covariance, which is stale" in text
    assert "time    about 1 h 57 min: an estimate, what covariance took" in text
    assert "memory  about 3 GB: an estimate, the largest process of covariance" in text


def test_what_is_not_recorded_is_not_known(run: RunFolder) -> None:
    text = told(run, "train autoencoder")
    assert "makes   autoencoder, which is missing" in text
    assert "time    not known: this run has recorded none" in text
    assert "memory  not known: this run has recorded none" in text


def test_a_stage_that_is_done_leaves_nothing_to_do(run: RunFolder) -> None:
    config = with_overrides(CONFIG, SMALL)
    run_stage(run, backgrounds_stage(config, run), lambda: None)
    assert "nothing is left to do" in told(run, "data backgrounds")


def test_cycles_that_are_left_are_counted_and_complete_ones_are_not_made_again(
    run: RunFolder,
) -> None:
    assert "nothing is left to do" in told(run, "cycle", cycles=("main",))
    text = told(run, "cycle", "cycle.cycles=5", cycles=("main",))
    assert "makes   3 cycles of main, 2 are complete" in text


def test_time_and_memory_of_cycles_are_those_of_the_cycles_before(run: RunFolder) -> None:
    store = run.cycles("main")
    begin_costs(store, 0)
    for number, seconds in enumerate((60.0, 100.0)):
        machine = Machine("a processor", 2, "cpu")
        append_cost(store, CycleCost(number, seconds, 1.0, 3 * 10**9, number == 0, machine))
    text = told(run, "cycle", "cycle.cycles=5", cycles=("main",))
    assert "time    about 5 min: an estimate, 100 s a cycle as those before" in text
    assert "memory  about 3 GB: an estimate, the largest process of the cycles before" in text
    costs_path(store).unlink()
    text = told(run, "cycle", "cycle.cycles=5", cycles=("main",))
    assert "time    not known: this run has recorded none" in text
    assert "memory  not known: this run has recorded none" in text
