"""Time and peak memory of a call."""

import mmap
import time

import numpy as np
import pytest

from align_da.verification import cost
from align_da.verification.cost import measured


def fresh_ones(count: int) -> np.ndarray:
    """Ones in pages of their own: an allocator may give what was freed before, and is resident."""
    ones = np.frombuffer(mmap.mmap(-1, 8 * count))
    ones[:] = 1
    return ones


def test_the_peak_of_a_call_counts_and_not_what_is_left_or_was_before() -> None:
    before = np.ones(20_000_000)  # 160 MB
    result, first = measured(lambda: float(fresh_ones(10_000_000).sum()))
    _, second = measured(lambda: np.ones(1_000))
    assert result == 1e7
    assert 70 < first.megabytes < 110
    assert second.megabytes < 20
    assert before.sum() == 2e7


def test_the_time_of_a_call_is_that_of_the_wall() -> None:
    _, found = measured(lambda: time.sleep(0.05))
    assert 0.05 <= found.seconds < 1


def test_memory_is_not_a_number_where_the_kernel_does_not_tell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cost, "_RESET", cost.Path("/nonexistent/clear_refs"))
    _, found = measured(lambda: 1)
    assert np.isnan(found.megabytes)
