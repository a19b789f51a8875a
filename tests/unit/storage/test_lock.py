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
    assert path.read_text() == ""


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
