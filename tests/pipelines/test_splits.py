"""Periods of the nature run."""

import numpy as np
import pytest

from align_da.config import WorldConfig
from align_da.errors import ConfigError
from data_pipelines.splits import Period, check_gaps, periods_of


def test_periods_follow_the_spin_up_in_order() -> None:
    world = WorldConfig(spin_up_days=5, train_days=20, gap_days=10, validation_days=3, test_days=2)
    periods = periods_of(world)
    assert periods["train"].start == np.datetime64("1959-01-07T00")
    assert periods["validation"].start == np.datetime64("1959-02-06T00")
    assert periods["test"].end == np.datetime64("1959-02-21T00")


def test_a_short_gap_is_refused_with_its_length() -> None:
    with pytest.raises(ConfigError, match=r"at least 10 days.*gap_days"):
        periods_of(WorldConfig(gap_days=9))


def test_overlapping_periods_are_refused_in_any_order() -> None:
    early = Period("train", np.datetime64("2000-01-01"), np.datetime64("2000-03-01"))
    late = Period("test", np.datetime64("2000-02-01"), np.datetime64("2000-04-01"))
    with pytest.raises(ConfigError, match="train"):
        check_gaps((late, early))


def test_times_of_a_period_leave_out_its_end() -> None:
    period = Period("train", np.datetime64("2000-01-01T00"), np.datetime64("2000-01-02T00"))
    assert period.times(6).size == 4
