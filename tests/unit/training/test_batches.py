"""Batches as a function of the step."""

import numpy as np
import pytest

from align_da.errors import InputError
from align_da.training import BatchPlan


@pytest.mark.parametrize(("count", "batch_size"), [(12, 4), (10, 4), (3, 7), (1, 1)])
def test_each_epoch_holds_every_case_once(count: int, batch_size: int) -> None:
    plan = BatchPlan(count, batch_size, seed=0)
    cases = np.concatenate([plan.indices(step) for step in range(3 * count)])
    for epoch in range(3):
        of_epoch = cases[epoch * count : (epoch + 1) * count]
        assert sorted(of_epoch) == list(range(count))


def test_a_step_always_gives_the_same_batch() -> None:
    plan, again = BatchPlan(10, 4, seed=5), BatchPlan(10, 4, seed=5)
    for step in (7, 0, 3):
        assert np.array_equal(plan.indices(step), again.indices(step))


def test_epochs_and_seeds_have_their_own_order() -> None:
    orders = {
        tuple(BatchPlan(20, 20, seed).indices(step)) for seed in range(3) for step in range(3)
    }
    assert len(orders) == 9


def test_no_cases_is_refused() -> None:
    with pytest.raises(InputError, match="positive number of cases"):
        BatchPlan(0, 4, seed=0)
