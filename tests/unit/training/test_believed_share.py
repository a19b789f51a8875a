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
    return believed_share(cycles, shown, GRID)


def shown(evidence: Array) -> Array:
    return evidence


def drawn(count: int = 20) -> np.ndarray:
    return RANDOM.normal(size=(count, *SHAPE))


def test_what_new_cycles_bear_out_is_believed_of_each_channel() -> None:
    estimate = drawn()
    error = estimate * [0.6, 1.2] + drawn()
    share = share_of(error, estimate)
    assert share.shape == (2, SHAPE[0], SHAPE[2])
    np.testing.assert_allclose(share[1, :, 0], 0.6, atol=0.15)
    np.testing.assert_allclose(share[1, :, 1], 1.2, atol=0.15)


@pytest.mark.parametrize(
    ("factor", "of_mean", "of_rest"), [(-0.5, 0.0, 0.0), (0.0, 0.0, 0.0), (4.0, 1.0, 1.5)]
)
def test_what_is_wrong_is_not_believed_and_nothing_too_much(
    factor: float, of_mean: float, of_rest: float
) -> None:
    estimate = drawn(100)
    error = factor * estimate + (0 if factor else drawn(100))
    share = share_of(error, estimate)
    np.testing.assert_allclose(share[0], of_mean, atol=0.12)
    np.testing.assert_allclose(share[1], of_rest, atol=0.12)


def test_zonal_means_and_what_departs_from_them_are_judged_apart() -> None:
    estimate = drawn()
    zonal = estimate.mean(axis=2, keepdims=True)
    share = share_of(0.2 * zonal + 0.9 * (estimate - zonal), estimate)
    np.testing.assert_allclose(share[0], 0.2, atol=1e-5)
    np.testing.assert_allclose(share[1], 0.9, atol=1e-5)


def test_a_network_that_says_nothing_is_not_believed() -> None:
    np.testing.assert_array_equal(share_of(drawn(3), np.zeros((3, *SHAPE))), 0)


def test_rows_are_judged_with_those_that_are_near_alone() -> None:
    estimate = drawn()
    south = (LATITUDE < 0)[:, None, None]
    share = share_of(np.where(south, 0.2, 0.9) * estimate, estimate)
    expected = np.where(south[:, 0], 0.2, 0.9)
    for part, near in zip(share, (45, 15), strict=True):
        far = np.abs(LATITUDE) > near
        np.testing.assert_allclose(
            part[far], np.broadcast_to(expected, part.shape)[far], atol=1e-6
        )
        between = part[~far]
        assert ((between >= 0.2) & (between <= 0.9)).all()
        assert (np.diff(between, axis=0) > 0).all()


def test_cycles_are_read_a_few_at_a_time() -> None:
    class Source:
        def __len__(self) -> int:
            return 19

        def rows(self, rows: Array) -> MetCycles:
            assert len(rows) <= 8
            estimate = RANDOM.normal(size=(len(rows), *SHAPE))
            return MetCycles(estimate, TruthTarget(0.5 * estimate, estimate))

    found = believed_share(Source(), shown, GRID)
    np.testing.assert_allclose(found, 0.5, atol=1e-6)
