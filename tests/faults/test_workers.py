"""Rows 14-17 of the table of faults: what may happen to the workers of the pipelines."""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from multiprocessing.context import ForkServerContext
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import numpy as np
import psutil
import pytest
import small_world
import xarray as xr
from distributed import Client
from forked_processes import forked_workers
from hurt import folder_digest
from pipelines.conftest import CONFIG, write_truth
from rich.progress import Progress

from align_da.alignment import score_cases
from align_da.atmosphere import Grid, Layout, VerticalCoordinate
from align_da.config import CycledBackgroundsConfig
from align_da.errors import WorkerError
from align_da.parallel.cluster import client_of
from align_da.runs.run import open_run
from align_da.storage.run_folder import RunFolder
from data_pipelines import backgrounds
from data_pipelines.cycled_backgrounds import _is_written
from data_pipelines.segments import Segment
from data_pipelines.statistics import write_statistics
from data_pipelines.template import write_region, write_template

SPLITS = ("train", "validation", "test")
Figure = Callable[[str], None]


@pytest.fixture(scope="module")
def two_workers() -> Iterator[Client]:
    """Two worker processes."""
    with forked_workers(), client_of(None, 2) as client:
        yield client


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing but the truth."""
    folder = tmp_path_factory.mktemp("truth")
    write_truth(folder)
    return folder


@pytest.fixture
def run(truth: Path, two_workers: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the truth; whatever asks for workers gets those that run already."""
    shared = nullcontext(two_workers.cluster)
    monkeypatch.setattr("align_da.parallel.cluster.LocalCluster", lambda **_: shared)
    return Path(shutil.copytree(truth, tmp_path / "run"))


@pytest.fixture(scope="module")
def finished(truth: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of one worker, a thread of this process, that nothing disturbs; never changed."""
    folder = Path(shutil.copytree(truth, tmp_path_factory.mktemp("finished") / "run"))
    small_world.make(folder, workers=1)
    return folder


@pytest.fixture(scope="module")
def expected(finished: Path) -> list[str]:
    return stores(finished)


def amplitudes(store: Path) -> np.ndarray:
    """Those of the perturbations, NaN where the forecast is still to do."""
    return xr.open_zarr(store, consolidated=False)["amplitude"].to_numpy()


def stores(folder: Path) -> list[str]:
    """Digest of every file of each store."""
    return [folder_digest(RunFolder(folder).backgrounds(split)) for split in SPLITS]


@pytest.mark.parametrize("kills", [1, pytest.param(2, marks=pytest.mark.long)])
def test_row_14_killed_in_the_middle_of_tasks_workers_are_replaced(
    kills: int,
    run: Path,
    expected: list[str],
    monkeypatch: pytest.MonkeyPatch,
    figure: Figure,
) -> None:
    """Killed (-9) when the forecasts of a block are written and their mark is not."""
    begin = undisturbed = 0.0
    for name in ("cold", "warm"):  # the first time the models are compiled
        whole, begin = shutil.copytree(run, run.with_name(name)), monotonic()
        small_world.make(whole)
        undisturbed = monotonic() - begin
    begin = monotonic()
    monkeypatch.setattr(backgrounds, "forecast_block", small_world.DieOnce(kills))
    small_world.make(run)
    disturbed = monotonic() - begin
    assert len(list(run.glob("*.killed"))) == kills
    assert stores(run) == expected
    figure(f"{kills} of 4 tasks killed: {disturbed:.1f} s for {undisturbed:.1f} s")


@pytest.mark.parametrize("others", ["done", pytest.param("open", marks=pytest.mark.long)])
def test_row_15_a_task_that_ends_every_worker_is_named_and_the_others_are_kept(
    others: str,
    run: Path,
    finished: Path,
    monkeypatch: pytest.MonkeyPatch,
    figure: Figure,
) -> None:
    if others == "done":
        shutil.copytree(finished, run, dirs_exist_ok=True)
        shutil.rmtree(RunFolder(run).backgrounds("test"))
    begin = monotonic()
    with monkeypatch.context() as patch:
        patch.setattr(backgrounds, "forecast_block", small_world.die_of_one)
        with pytest.raises(WorkerError, match=f"4 workers died .* {small_world.FATAL}"):
            small_world.make(run)
    passed = monotonic() - begin
    assert passed < 30  # 15 where the cores are idle
    assert stores(run)[:2] == stores(finished)[:2]
    small_world.make(run)
    assert stores(run) == stores(finished)
    figure(f"told after {passed:.1f} s")


@pytest.mark.long
def test_row_16_the_driver_with_its_scheduler_is_killed_and_the_same_command_goes_on(
    children: ForkServerContext, run: Path, expected: list[str], figure: Figure
) -> None:
    driver = children.Process(target=small_world.make_all_but_one, args=(run,))
    driver.start()
    store = RunFolder(run).backgrounds("train")
    while not (store.exists() and np.isfinite(amplitudes(store)).all()):
        assert driver.is_alive()
        sleep(0.02)
    done = store / "amplitude" / "c"
    processes = psutil.Process(driver.pid).children(recursive=True)
    driver.kill()
    driver.join()
    begin = monotonic()
    _, left = psutil.wait_procs(processes, timeout=30)
    figure(f"{len(processes)} processes gone {monotonic() - begin:.1f} s after their driver")
    assert (len(processes) >= 2, left) == (True, [])
    written = (done / "0").stat().st_mtime_ns
    small_world.make(run)
    assert (done / "0").stat().st_mtime_ns == written
    assert stores(run) == expected


def test_row_16_a_segment_killed_between_variables_is_not_taken_for_written(truth: Path) -> None:
    """Zarr lists variables in any order: the first may have been written and the others not."""
    settings = CycledBackgroundsConfig(segments=1, cycles=2)
    config = CONFIG.model_copy(update={"cycled_backgrounds": settings})
    layout = Layout(
        Grid((-45.0, 45.0), (0.0, 180.0), VerticalCoordinate("sigma", (0.5,))),
        ("temperature", "surface_pressure"),
    )
    times = np.array(["2000-01-01", "2000-01-02"], "datetime64[ns]")
    leading = {"time": times, "prediction_timedelta": np.array([6], "timedelta64[h]")}
    leading["prediction_timedelta"] = leading["prediction_timedelta"].astype("timedelta64[ns]")
    world, segment = open_run(config, truth), Segment(config, truth, "train", 0, 1)
    store = RunFolder(truth).backgrounds("cycled_train")
    values = np.ones((2, 1, *layout.shape), np.float32)
    for lost in layout.variables:
        write_template(store, layout, leading, 2, xr.Dataset())
        write_region(store, values, layout, leading, 0)
        assert _is_written(world.folder, segment)
        shutil.rmtree(store / lost / "c")
        assert not _is_written(world.folder, segment)


def test_row_16_killed_while_a_store_is_laid_out_the_same_command_goes_on(
    run: Path, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class PowerCutError(Exception):
        """Stands for a kill."""

    def cut(*_: Any) -> None:
        raise PowerCutError

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", cut)
        with pytest.raises(PowerCutError):
            small_world.make(run)
    assert not RunFolder(run).backgrounds("train").exists()
    small_world.make(run)
    assert stores(run) == expected


def test_row_17_workers_threads_and_chunks_change_no_bit(
    run: Path, truth: Path, expected: list[str], monkeypatch: pytest.MonkeyPatch, figure: Figure
) -> None:
    """`expected` is of one worker that is a thread."""
    small_world.make(run)
    assert stores(run) == expected
    statistics = statistics_of(run, workers=1)
    assert statistics_of(run, workers=2) == statistics
    monkeypatch.setattr(backgrounds, "run_tasks", in_two_threads)
    found = {(values_of(run), statistics)}
    for block in (20, 7):
        monkeypatch.setattr(backgrounds, "BLOCK", block)
        other = shutil.copytree(truth, run.with_name(f"blocks_of_{block}"))
        small_world.make(other)
        found.add((values_of(other), statistics_of(other, workers=1)))
    assert len(found) == 1
    figure("1 thread, 2 processes, 2 threads, chunks of 20 and 7: 1 set of bits")


def test_row_17_candidates_that_are_sent_to_workers_are_scored_with_the_same_bits(
    two_workers: Client, figure: Figure
) -> None:
    """Numpy sums an array that is not aligned in another order."""
    work = small_world.cases(), small_world.draw, small_world.build_sums
    here = score_cases(*work, seed=0)
    there = score_cases(*work, seed=0, executor=two_workers.get_executor(pure=False))
    xr.testing.assert_identical(here, there)
    figure(f"{here.sizes['case']} of {here.sizes['case']} sums in float32 as without workers")


def in_two_threads(work: Callable[[Any], None], tasks: list[Any], *_: object) -> None:
    """Stands for `run_tasks`."""
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, tasks))


def statistics_of(folder: Path, workers: int) -> bytes:
    """The file that some workers write."""
    with Progress(disable=True) as bar:
        write_statistics(CONFIG.world, folder, workers, bar)
    return RunFolder(folder).statistics.read_bytes()


def values_of(folder: Path) -> str:
    """Digest of all values of the stores, whatever their chunks."""
    found = hashlib.sha256()
    for split in SPLITS:
        path = RunFolder(folder).backgrounds(split)
        with xr.open_zarr(path, consolidated=False) as store:
            for name in sorted(map(str, store.variables)):
                found.update(store[name].to_numpy().tobytes())
    return found.hexdigest()
