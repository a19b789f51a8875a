import os
from pathlib import Path

import pytest

from align_da.errors import StorageError
from align_da.storage.durable import remove_unfinished, sync_files, write_durably


def test_content_is_replaced_and_nothing_unfinished_remains(tmp_path: Path) -> None:
    write_durably(tmp_path / "file.json", b"old")
    write_durably(tmp_path / "file.json", b"new")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [
        ("file.json", b"new")
    ]


def test_the_file_is_on_the_disk_before_it_gets_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    real_sync, real_replace = os.fsync, os.replace

    def sync(descriptor: int) -> None:
        events.append(f"fsync {Path(f'/proc/self/fd/{descriptor}').readlink().name}")
        real_sync(descriptor)

    def replace(source: Path, target: Path) -> None:
        events.append(f"rename {Path(source).name}")
        real_replace(source, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "replace", replace)
    write_durably(tmp_path / "file", b"content")
    assert events == ["fsync file.partial", "rename file.partial", f"fsync {tmp_path.name}"]


def test_an_error_of_the_disk_names_the_path_and_the_space_left(tmp_path: Path) -> None:
    (tmp_path / "taken").write_bytes(b"no folder")
    path = tmp_path / "taken" / "file"
    with pytest.raises(StorageError, match=rf"{path}: .* bytes free"):
        write_durably(path, b"")


def test_missing_folders_are_made(tmp_path: Path) -> None:
    write_durably(tmp_path / "missing" / "too" / "file", b"content")
    assert (tmp_path / "missing" / "too" / "file").read_bytes() == b"content"


def test_a_device_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StorageError, match="expected a file or a folder"):
        write_durably(tmp_path / "pipe", b"content")
    assert (tmp_path / "pipe").is_fifo()


def test_a_failed_write_keeps_the_old_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_durably(tmp_path / "file", b"old")

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StorageError, match="No space left"):
        write_durably(tmp_path / "file", b"new")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("file", b"old")]


def test_flushing_a_file_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="gone"):
        sync_files([tmp_path / "gone"])


def test_only_unfinished_files_are_removed(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("whole", "deep/c.0.abc.partial", "half.partial"):
        (tmp_path / name).write_bytes(b"")
    remove_unfinished(tmp_path)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["deep", "whole"]
