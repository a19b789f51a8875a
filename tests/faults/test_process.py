"""Rows 1-5 and 10-13 of the table of faults: what may happen to the process."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from time import monotonic, sleep

import numpy as np
import pytest
from hurt import complete_cycles, copied, folder_digest, struck_at_flushes, wait_for_cycles
from small_run import run_small, small_experiment

from align_da.errors import StorageError
from align_da.storage.durable import remove_unfinished
from align_da.storage.lock import owned
from align_da.storage.store_places import lock_path
from align_da.storage.verification import verify_store

Start = Callable[..., ForkServerProcess]
Figure = Callable[[str], None]


@pytest.mark.parametrize(
    ("cycles", "wanted"), [(8, 5), pytest.param(60, 50, marks=pytest.mark.long)]
)
@pytest.mark.timeout(600)
def test_row_1_killed_at_random_times_the_run_ends_with_the_same_bits(
    cycles: int, wanted: int, start: Start, tmp_path: Path, figure: Figure
) -> None:
    chance, store, kills = np.random.default_rng(1), tmp_path / "killed" / "run.zarr", 0
    while kills < wanted and complete_cycles(store) < cycles:
        child = start(store, cycles=cycles, seconds=0.15)
        wait_for_cycles(store, complete_cycles(store) + int(chance.integers(2)))
        sleep(chance.uniform(0.0, 0.4))
        child.kill()
        child.join()
        kills += child.exitcode == -signal.SIGKILL
        if store.exists():
            assert verify_store(store) == ()
    assert kills >= wanted // 2
    assert run_small(store, small_experiment(cycles)) == 0
    assert run_small(tmp_path / "quiet" / "run.zarr", small_experiment(cycles)) == 0
    assert folder_digest(store.parent) == folder_digest(tmp_path / "quiet")
    figure(f"{kills} kills in {cycles} cycles, same bits")


@pytest.mark.parametrize(
    ("cycles", "every"), [(3, 30), pytest.param(8, 5, marks=pytest.mark.long)]
)
@pytest.mark.timeout(600)
def test_row_2_killed_at_any_flush_the_run_ends_with_the_same_bits(
    cycles: int,
    every: int,
    start: Start,
    digest_after: Callable[[int], str],
    tmp_path: Path,
    figure: Figure,
) -> None:
    killed = 0
    for store, child in struck_at_flushes(start, tmp_path, cycles, "kill_at_fsync", every):
        assert child.exitcode == -signal.SIGKILL
        if store.exists():
            assert verify_store(store) == ()
        assert run_small(store, small_experiment(cycles)) == 0
        assert folder_digest(store.parent) == digest_after(cycles)
        killed += 1
    assert killed >= 4
    figure(f"killed at {killed} flushes, {every} apart, same bits")


@pytest.mark.parametrize("every", [50, pytest.param(5, marks=pytest.mark.long)])
@pytest.mark.timeout(600)
def test_row_70_killed_at_any_flush_of_an_extension_the_run_is_the_one_made_so_long(
    every: int,
    start: Start,
    uninterrupted: Path,
    digest_after: Callable[[int], str],
    tmp_path: Path,
    figure: Figure,
) -> None:
    def extended(store: Path, **options: int) -> ForkServerProcess:
        return start(copied(uninterrupted, store.parent), extend=True, **options)

    killed = 0
    for store, child in struck_at_flushes(extended, tmp_path, 9, "kill_at_fsync", every):
        assert child.exitcode == -signal.SIGKILL
        assert run_small(store, small_experiment(9), extend=True) == 0
        assert verify_store(store) == ()
        assert folder_digest(store.parent) == digest_after(9)
        killed += 1
    assert killed >= 2
    figure(f"killed at {killed} flushes, {every} apart, same bits")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_row_3_a_signal_ends_the_run_after_the_cycle_in_hand(
    number: int, code: int, start: Start, expected_digest: str, tmp_path: Path
) -> None:
    store = tmp_path / "run.zarr"
    child = start(store, seconds=0.5)
    wait_for_cycles(store, 1)
    os.kill(child.pid, number)
    child.join(30)
    assert child.exitcode == code
    assert 1 <= complete_cycles(store) < 8
    assert verify_store(store) == ()
    assert run_small(store) == 0
    assert folder_digest(tmp_path) == expected_digest


def test_row_3_a_second_signal_ends_the_process_at_once(start: Start, tmp_path: Path) -> None:
    store = tmp_path / "run.zarr"
    child = start(store, seconds=3.0)
    wait_for_cycles(store, 1)  # nothing is compiled any more: an analysis is in hand, and not over
    sleep(0.5)
    for _ in range(2):
        os.kill(child.pid, signal.SIGTERM)
        sleep(0.2)
    begin = monotonic()
    child.join(30)
    assert monotonic() - begin < 1
    assert child.exitcode == -signal.SIGTERM
    assert verify_store(store) == ()


@pytest.mark.parametrize("seconds", [1, pytest.param(20, marks=pytest.mark.long)])
def test_row_4_a_process_that_slept_goes_on_with_the_same_bits(
    seconds: int, start: Start, expected_digest: str, tmp_path: Path, figure: Figure
) -> None:
    store = tmp_path / "run.zarr"
    child = start(store, seconds=0.2)
    wait_for_cycles(store, 2)
    os.kill(child.pid, signal.SIGSTOP)
    sleep(seconds)
    os.kill(child.pid, signal.SIGCONT)
    child.join()
    assert child.exitcode == 0
    assert folder_digest(tmp_path) == expected_digest
    figure(f"stopped for {seconds} s, same bits")


def test_row_5_out_of_memory_the_run_ends_and_complete_cycles_are_kept(
    start: Start, expected_digest: str, tmp_path: Path
) -> None:
    store = tmp_path / "run.zarr"
    child = start(store, memory_limit_from=3)
    child.join(60)
    assert child.exitcode not in (None, 0)
    assert complete_cycles(store) == 3
    assert verify_store(store) == ()
    assert run_small(store) == 0
    assert folder_digest(tmp_path) == expected_digest


def test_row_10_a_second_driver_is_refused_at_once(uninterrupted: Path, tmp_path: Path) -> None:
    store = copied(uninterrupted, tmp_path)
    with owned(lock_path(store)):
        before, begin = folder_digest(tmp_path), monotonic()
        with pytest.raises(StorageError, match="owned by another process"):
            run_small(store)
        assert monotonic() - begin < 1
        assert folder_digest(tmp_path) == before


def test_row_10_the_owner_is_named_and_a_dead_one_is_taken_over(
    start: Start, tmp_path: Path
) -> None:
    store = tmp_path / "run.zarr"
    child = start(store, seconds=60.0)
    wait_for_cycles(store, 0)
    with pytest.raises(StorageError, match=f'"pid": {child.pid}'):
        run_small(store)
    child.kill()
    child.join()
    with owned(lock_path(store)):
        pass


def test_row_11_leftovers_of_dead_writers_are_removed(
    start: Start, expected_digest: str, tmp_path: Path
) -> None:
    store = tmp_path / "run.zarr"
    child = start(store, kill_at_fsync=250)
    child.join()
    strays = [
        store / "analysis/lorenz_96/c.3.0.0.0.0.0b5c.partial",
        tmp_path / "run.ledger.jsonl.partial",
    ]
    for stray in strays:
        stray.write_bytes(b"half")
    assert run_small(store) == 0
    assert folder_digest(tmp_path) == expected_digest


@pytest.mark.parametrize(
    "surroundings",
    [
        {"TZ": "Asia/Kathmandu", "LC_ALL": "C", "PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "1"},
        *(
            pytest.param(change, marks=pytest.mark.long)
            for change in (
                {"TZ": "America/St_Johns"},
                {"LC_ALL": "de_DE.UTF-8", "LANG": "tr_TR"},
                {"PYTHONHASHSEED": "123"},
            )
        ),
    ],
)
def test_row_12_the_surroundings_of_a_process_do_not_change_a_byte(
    surroundings: dict[str, str], expected_digest: str, tmp_path: Path, figure: Figure
) -> None:
    code = "import os, pathlib, sys; os.umask(0o077); sys.path.insert(0, sys.argv[1])\n"
    code += "import small_run; small_run.main(pathlib.Path(sys.argv[2]))"
    command = [sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path / "run.zarr")]
    environment = os.environ | surroundings
    subprocess.run(command, env=environment, cwd="/", check=True, timeout=200)
    assert folder_digest(tmp_path) == expected_digest
    figure(", ".join(surroundings))


def test_row_13_a_finished_run_started_again_changes_no_byte(
    uninterrupted: Path, expected_digest: str
) -> None:
    times = {file: file.stat().st_mtime_ns for file in uninterrupted.rglob("*")}
    assert run_small(uninterrupted) == 0
    assert folder_digest(uninterrupted.parent) == expected_digest
    assert times == {file: file.stat().st_mtime_ns for file in uninterrupted.rglob("*")}


def test_row_13_a_lost_store_is_not_replaced_while_its_ledger_names_cycles(
    uninterrupted: Path, tmp_path: Path
) -> None:
    store = copied(uninterrupted, tmp_path)
    shutil.rmtree(store)
    with pytest.raises(StorageError, match="is gone but"):
        run_small(store)


def test_the_undisturbed_run_leaves_nothing_unfinished(uninterrupted: Path) -> None:
    before = folder_digest(uninterrupted.parent)
    remove_unfinished(uninterrupted.parent)
    assert folder_digest(uninterrupted.parent) == before
    assert small_experiment().cycles == complete_cycles(uninterrupted)
