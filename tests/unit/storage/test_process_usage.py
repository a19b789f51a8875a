"""What a process has used: never less than before, and in units that are what they say."""

import subprocess
import sys

import numpy as np

from align_da.storage.process_usage import usage_so_far


def test_what_was_used_does_not_get_less_and_memory_is_in_bytes() -> None:
    before = usage_so_far()
    held = np.ones(2**25)  # 256 MiB, touched
    after = usage_so_far()
    assert after.wall_seconds >= before.wall_seconds
    assert after.cpu_seconds >= before.cpu_seconds
    assert after.peak_bytes > held.nbytes
    assert after.peak_bytes < 2**50


def test_children_that_have_ended_count() -> None:
    before = usage_so_far().cpu_seconds
    subprocess.run([sys.executable, "-c", "sum(range(10 ** 6))"], check=True)
    assert usage_so_far().cpu_seconds > before
