"""Which cycles a network learns from, and which it cycles."""

import numpy as np
import pytest

from align_da.training.analysis_correction import MetCycles
from align_da.training.folds import Chosen, fold_of, rows_of_fold


@pytest.mark.parametrize(("segments", "folds"), [(32, 2), (7, 3), (4, 4), (5, 1)])
def test_folds_are_stretches_of_segments_of_nearly_one_length(segments: int, folds: int) -> None:
    found = [fold_of(number, segments, folds) for number in range(segments)]
    assert found == sorted(found)
    counts = np.bincount(found, minlength=folds)
    assert counts.size == folds
    assert np.ptp(counts) <= 1


def test_a_network_learns_from_all_segments_but_those_of_its_fold() -> None:
    own, others = rows_of_fold(1, segments=6, folds=3, cycles=2)
    np.testing.assert_array_equal(own, [4, 5, 6, 7])
    np.testing.assert_array_equal(others, [0, 1, 2, 3, 8, 9, 10, 11])


def test_every_cycle_belongs_to_one_fold() -> None:
    own = [rows_of_fold(fold, segments=7, folds=3, cycles=5)[0] for fold in range(3)]
    np.testing.assert_array_equal(np.concatenate(own), np.arange(35))


def test_where_there_is_one_fold_its_network_learns_from_all() -> None:
    own, others = rows_of_fold(0, segments=3, folds=1, cycles=2)
    np.testing.assert_array_equal(own, np.arange(6))
    np.testing.assert_array_equal(others, np.arange(6))


def test_chosen_cycles_are_those_of_the_source_at_their_places() -> None:
    source = MetCycles(np.arange(10.0).reshape(10, 1, 1, 1), np.arange(10))
    chosen = Chosen(source, np.asarray([7, 2, 5]))
    assert len(chosen) == 3
    np.testing.assert_array_equal(chosen.rows(np.asarray([2, 0])).target, [5, 7])
