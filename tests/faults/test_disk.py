"""Rows 7-9 of the table of faults: what may happen to the disk."""

import errno
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest
from hurt import complete_cycles, folder_digest, struck_at_flushes
from small_run import run_small, small_experiment

from align_da.errors import StorageError
from align_da.storage.verification import verify_store

Start = Callable[..., ForkServerProcess]
Figure = Callable[[str], None]


def check_told_and_completed(
    store: Path, child: ForkServerProcess, expected: str, cycles: int = 8
) -> None:
    """The child has told of the full disk, and the run goes on where it stopped."""
    assert child.exitcode == StorageError.exit_code
    told = store.with_suffix(".error")
    assert "bytes free" in told.read_text()
    told.unlink()
    if store.exists():
        assert verify_store(store) == ()
    assert run_small(store, small_experiment(cycles)) == 0
    assert folder_digest(store.parent) == expected


def test_row_7_a_full_disk_is_told_and_complete_cycles_are_kept(
    start: Start, expected_digest: str, tmp_path: Path
) -> None:
    store = tmp_path / "run.zarr"
    child = start(store, file_limit=32_000)  # the ledger outgrows it after some cycles
    child.join()
    assert str(store.with_suffix("")) in store.with_suffix(".error").read_text()
    assert 0 < complete_cycles(store) < 8
    check_told_and_completed(store, child, expected_digest)


@pytest.mark.parametrize(
    ("cycles", "every"), [(3, 50), pytest.param(8, 12, marks=pytest.mark.long)]
)
@pytest.mark.timeout(600)
def test_row_7_at_whatever_flush_the_disk_is_full_nothing_is_lost(
    cycles: int,
    every: int,
    start: Start,
    digest_after: Callable[[int], str],
    tmp_path: Path,
    figure: Figure,
) -> None:
    full = 0
    for store, child in struck_at_flushes(start, tmp_path, cycles, "fail_at_fsync", every):
        check_told_and_completed(store, child, digest_after(cycles), cycles)
        full += 1
    assert full > 2
    figure(f"full at {full} flushes, {every} apart, same bits after")


@pytest.mark.long
def test_row_7_a_small_disk_that_fills_up_loses_nothing(
    start: Start, expected_digest: str, tmp_path: Path, figure: Figure
) -> None:
    with small_disk(tmp_path / "disk", "3m") as disk:
        store, ballast = disk / "run.zarr", disk / "ballast"
        told = 0
        for left in (250_000, 330_000, 400_000):
            free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
            ballast.write_bytes(bytes(max(0, free - left)))
            child = start(store, cycles=8)
            child.join()
            ballast.unlink()
            store.with_suffix(".error").unlink(missing_ok=True)
            told += child.exitcode == StorageError.exit_code
            if store.exists():
                assert verify_store(store) == ()
        assert told
        assert run_small(store) == 0
        assert folder_digest(disk) == expected_digest
        figure(f"disk of 3 MB filled {told} times, same bits after")


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of its own in memory."""
    folder.mkdir()
    mount, unmount = shutil.which("mount"), shutil.which("umount")
    command = [str(mount), "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if not mount or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("no right to mount a file system; limits of the process stand in")
    try:
        yield folder
    finally:
        subprocess.run([str(unmount), str(folder)], check=True)


def test_row_8_a_disk_too_small_is_refused_before_anything_is_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("align_da.storage.store_template.free_bytes", lambda path: 5_000)
    with pytest.raises(StorageError, match=r"8 cycles need about .* 5000 are free"):
        run_small(tmp_path / "run.zarr")
    assert [file.name for file in tmp_path.iterdir()] == []


def test_row_9_a_failing_disk_is_told_before_the_first_cycle(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(StorageError, match=r"Input/output error \(\d+ bytes free"):
        run_small(tmp_path / "run.zarr")
    assert not (tmp_path / "run.zarr").exists()


def test_row_9_a_folder_that_may_not_be_written_is_told_and_left_alone(
    start: Start, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("mine")
    for parent in (folder, *folder.parents[:3]):  # only the folder itself shall refuse
        parent.chmod(parent.stat().st_mode | 0o755)
    folder.chmod(0o555)
    child = start(folder / "run.zarr", as_nobody=True)
    child.join()
    assert child.exitcode == StorageError.exit_code
    assert list(folder.iterdir()) == []


def test_row_9_a_missing_folder_is_made_and_a_file_in_its_place_is_told(
    expected_digest: str, tmp_path: Path
) -> None:
    assert run_small(tmp_path / "new" / "folder" / "run.zarr") == 0
    assert folder_digest(tmp_path / "new" / "folder") == expected_digest
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StorageError, match=str(tmp_path / "file")):
        run_small(tmp_path / "file" / "run.zarr")
