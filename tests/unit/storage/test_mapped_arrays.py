"""Arrays on the disk: what they hold, what they leave, what they cost."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from forked_processes import fork_server
from memory_limit import ends_well, leave

from align_da.errors import StorageError
from align_da.storage.mapped_arrays import mapped_array


def test_what_is_written_is_read_again_and_nothing_is_seen_in_the_folder(tmp_path: Path) -> None:
    array = mapped_array(tmp_path / "made", (3, 2))
    assert (array.dtype, array.tolist()) == (np.float32, [[0.0, 0.0]] * 3)
    array[1] = 7.0
    np.testing.assert_array_equal(array.reshape(-1), [0, 0, 7, 7, 0, 0])
    assert list((tmp_path / "made").iterdir()) == []


def test_a_disk_without_room_is_told_before_anything_is_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(StorageError, match=r"No space left on device.*bytes free"):
        mapped_array(tmp_path, (10, 10))


def filled_within(folder: Path, size: int) -> None:
    """Write four times as many bytes as there is memory for, which an array in memory cannot."""
    shape = (4, size // 4)
    leave(size)
    array = mapped_array(folder, shape)
    for row in array:
        row[:] = 1
    assert float(array[3, 5]) == 1
    with pytest.raises(MemoryError):
        np.ones(shape, np.float32)


def test_it_takes_no_memory_that_a_limit_counts(tmp_path: Path) -> None:
    ends_well(fork_server(), filled_within, tmp_path, 40_000_000)
