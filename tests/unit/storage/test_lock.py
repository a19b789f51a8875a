import fcntl
from pathlib import Path

import pytest

from align_da.errors import StorageError
from align_da.storage.lock import owned


def test_a_lock_has_one_owner_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "run.lock"
    with (
        owned(path),
        pytest.raises(StorageError, match=r'owned by another process .*"pid"'),
        owned(path),
    ):
        pass
    with owned(path):
        pass
    assert not path.exists()


def test_a_lock_that_its_owner_removes_a_moment_later_is_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was opened before, and locked when nobody else would look at it any more."""
    path, owners = tmp_path / "run.lock", []

    def after_its_removal(*_: object) -> None:
        monkeypatch.undo()
        path.unlink()
        with owned(path):
            owners.append("another")

    monkeypatch.setattr(fcntl, "flock", after_its_removal)
    with owned(path):
        assert owners == ["another"]
        assert '"pid"' in path.read_text()
        with pytest.raises(StorageError, match="owned by another process"), owned(path):
            pass


def test_the_file_of_a_dead_owner_does_not_lock(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    path.write_text('{"pid": 1, "host": "elsewhere"}')
    with owned(path):
        assert '"pid": 1,' not in path.read_text()


def test_the_lock_is_given_back_after_an_error(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    with pytest.raises(ValueError, match="lock"), owned(path):
        raise ValueError(path)
    with owned(path):
        pass
