"""How much of an estimate is believed, by what new cycles bear out."""

import numpy as np
import pytest
from jaxtyping import Array

from align_da.atmosphere import Grid, VerticalCoordinate
from align_da.training.analysis_correction import MetCycles
from align_da.training.believed_share import believed_share
from align_da.training.truth_target import TruthTarget

LATITUDE = np.linspace(-87.5, 87.5, 36)
GRID = Grid(
    tuple(LATITUDE.tolist()),
    tuple((np.arange(40) * 9.0).tolist()),
    VerticalCoordinate("sigma", (0.5,)),
)
SHAPE = (*GRID.shape, 2)
RANDOM = np.random.default_rng(0)


def share_of(error: np.ndarray, estimate: np.ndarray) -> np.ndarray:
    """The network of these cycles says what it is shown."""
    cycles = MetCycles(estimate, TruthTarget(error, np.ones_like(error)))
    return believed_share(cycles, lambda evidence: evidence, GRID)


def drawn(count: int = 20) -> np.ndarray:
    return RANDOM.normal(size=(count, *SHAPE))


def test_what_new_cycles_bear_out_is_believed_of_each_channel() -> None:
    estimate = drawn()
    error = estimate * [0.6, 1.2] + drawn()
    share = share_of(error, estimate)
    assert share.shape == (SHAPE[0], SHAPE[2])
    np.testing.assert_allclose(share[:, 0], 0.6, atol=0.15)
    np.testing.assert_allclose(share[:, 1], 1.2, atol=0.15)


@pytest.mark.parametrize(("factor", "expected"), [(-0.5, 0.0), (0.0, 0.0), (4.0, 1.5)])
def test_what_is_wrong_is_not_believed_and_nothing_too_much(
    factor: float, expected: float
) -> None:
    estimate = drawn()
    error = factor * estimate + (0 if factor else drawn())
    np.testing.assert_allclose(share_of(error, estimate), expected, atol=0.12)


def test_a_network_that_says_nothing_is_not_believed() -> None:
    np.testing.assert_array_equal(share_of(drawn(3), np.zeros((3, *SHAPE))), 0)


def test_rows_are_judged_with_those_that_are_near_alone() -> None:
    estimate = drawn()
    south = (LATITUDE < 0)[:, None, None]
    share = share_of(np.where(south, 0.2, 0.9) * estimate, estimate)
    far = np.abs(LATITUDE) > 15
    expected = np.where(south[:, 0], 0.2, 0.9)
    np.testing.assert_allclose(share[far], np.broadcast_to(expected, share.shape)[far], atol=1e-6)
    between = share[~far]
    assert ((between >= 0.2) & (between <= 0.9)).all()
    assert (np.diff(between, axis=0) > 0).all()


def test_cycles_are_read_a_few_at_a_time() -> None:
    class Source:
        def __len__(self) -> int:
            return 19

        def rows(self, rows: Array) -> MetCycles:
            assert len(rows) <= 8
            estimate = np.ones((len(rows), *SHAPE))
            return MetCycles(estimate, TruthTarget(0.5 * estimate, estimate))

    found = believed_share(Source(), lambda evidence: evidence, GRID)
    np.testing.assert_allclose(found, 0.5)
