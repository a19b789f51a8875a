"""An analysis whose system was left unsolved is told."""

import math

import pytest

from align_da.cycling.convergence import left_unsolved


def test_a_residual_above_its_tolerance_is_told_with_what_to_do() -> None:
    (told,) = left_unsolved(7, {"solver_residual": 12.0, "solver_iterations": 50.0})
    for part in ("cycle 7", "12 times its tolerance", "50 iterations", "guidance.iterations"):
        assert part in told


@pytest.mark.parametrize("residual", [0.0, 1.0, math.nan])
def test_a_system_that_is_solved_and_none_at_all_are_not_told(residual: float) -> None:
    assert left_unsolved(0, {"solver_residual": residual, "solver_iterations": 3.0}) == []
