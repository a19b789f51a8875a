"""Arrays on the disk: what they hold, what they leave, what they cost."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

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


def test_it_takes_no_memory_that_a_limit_counts(tmp_path: Path) -> None:
    """40 MB are left to the process: an array of 160 MB in memory is refused."""
    program = f"""
import resource
from pathlib import Path
import numpy as np
from align_da.storage.mapped_arrays import mapped_array
taken = next(int(line.split()[1]) for line in open("/proc/self/status") if "VmData" in line)
limit = 1024 * taken + 40_000_000
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
array = mapped_array(Path({str(tmp_path)!r}), (4, 10_000_000))
for row in array:
    row[:] = 1
print(float(array[3, 5]))
try:
    np.ones((4, 10_000_000), np.float32)
except MemoryError:
    print("refused")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == ["1.0", "refused"]
