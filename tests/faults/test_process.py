"""Rows 1-3, 7, 10, 11, 13 of the table of faults: what may happen to the process."""

import os
import shutil
import signal
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from time import monotonic, sleep

import numpy as np
import pytest
from hurt import complete_cycles, copied, folder_digest, wait_for_cycles
from small_run import run_small, small_experiment

from align_da.errors import StorageError
from align_da.storage.durable import remove_unfinished
from align_da.storage.lock import owned
from align_da.storage.store_files import lock_path
from align_da.storage.verification import verify_store

Start = Callable[..., ForkServerProcess]
KILLS = 5


def test_row_1_killed_at_random_times_the_run_ends_with_the_same_bits(
    start: Start, expected_digest: str, tmp_path: Path
) -> None:
    chance, store, kills = np.random.default_rng(1), tmp_path / "run.zarr", 0
    while kills < KILLS:
        child = start(store, seconds=0.15)
        wait_for_cycles(store, complete_cycles(store) + int(chance.integers(2)))
        sleep(chance.uniform(0.0, 0.4))
        child.kill()
        child.join()
        kills += child.exitcode == -signal.SIGKILL
        if store.exists():
            assert verify_store(store) == ()
        if complete_cycles(store) == 8:
            break
    assert kills >= 2
    assert run_small(store) == 0
    assert folder_digest(tmp_path) == expected_digest


@pytest.mark.parametrize("call", [1, 60, 115, 137, 180])
def test_row_2_killed_while_flushing_the_run_ends_with_the_same_bits(
    call: int, start: Start, expected_digest: str, tmp_path: Path
) -> None:
    store = tmp_path / "run.zarr"
    child = start(store, kill_at_fsync=call)
    child.join()
    assert child.exitcode == -signal.SIGKILL
    if store.exists():
        assert verify_store(store) == ()
    assert run_small(store) == 0
    assert folder_digest(tmp_path) == expected_digest


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


def test_row_7_a_full_disk_is_told_and_complete_cycles_are_kept(
    start: Start, expected_digest: str, tmp_path: Path
) -> None:
    store = tmp_path / "run.zarr"
    child = start(store, file_limit=15_000)  # the ledger outgrows it after some cycles
    child.join()
    assert child.exitcode == StorageError.exit_code
    told = store.with_suffix(".error")
    assert "bytes free" in told.read_text()
    assert str(store.with_suffix("")) in told.read_text()
    told.unlink()
    assert 0 < complete_cycles(store) < 8
    assert verify_store(store) == ()
    assert run_small(store) == 0
    assert folder_digest(tmp_path) == expected_digest


def test_row_8_a_disk_too_small_is_refused_before_anything_is_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("align_da.storage.store_template.free_bytes", lambda path: 5_000)
    with pytest.raises(StorageError, match=r"8 cycles need about .* 5000 are free"):
        run_small(tmp_path / "run.zarr")
    assert [file.name for file in tmp_path.iterdir()] == ["run.lock"]


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
    child = start(store, kill_at_fsync=150)
    child.join()
    strays = [
        store / "analysis/lorenz_96/c.3.0.0.0.0.0b5c.partial",
        tmp_path / "run.ledger.jsonl.partial",
    ]
    for stray in strays:
        stray.write_bytes(b"half")
    assert run_small(store) == 0
    assert folder_digest(tmp_path) == expected_digest


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
