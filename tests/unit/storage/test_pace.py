"""How fast cycles go, as the times of their files tell."""

import os
from pathlib import Path

import pytest

from align_da.storage.pace import seconds_per_cycle

ARRAYS = ("background/temperature/c.{}.0.0", "diagnostics/chi_square/c.{}")


def write(store: Path, begin: float, cycle: int, seconds: float) -> None:
    """The files of a cycle, the last of them so long after its begin."""
    for number, name in enumerate(ARRAYS):
        file = store / name.format(cycle)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
        os.utime(file, (begin + number * seconds, begin + number * seconds))


def test_the_pace_is_the_median_time_from_one_cycle_to_the_next(tmp_path: Path) -> None:
    for cycle, begin in enumerate((0, 10, 20, 1000, 1010, 1020)):  # killed after the third
        write(tmp_path, begin, cycle, seconds=1)
    assert seconds_per_cycle(tmp_path, 6) == pytest.approx(10)


@pytest.mark.parametrize("complete", [0, 1, 2])
def test_of_too_few_cycles_the_pace_is_not_known(complete: int, tmp_path: Path) -> None:
    for cycle in range(complete):
        write(tmp_path, 10 * cycle, cycle, seconds=1)
    assert seconds_per_cycle(tmp_path, complete) is None


def test_a_copy_that_was_written_array_by_array_tells_no_pace(tmp_path: Path) -> None:
    for cycle in range(5):
        write(tmp_path, cycle, cycle, seconds=100)
    assert seconds_per_cycle(tmp_path, 5) is None
