"""Candidates and the cases that they were drawn for."""

import jax.numpy as jnp
import numpy as np
import pytest
from faults.observed_world import LAYOUT

from align_da.alignment.contract import AlignmentCase
from align_da.atmosphere import State
from align_da.errors import InputError
from align_da.stages.fine_tune import _same_cases

TIMES = np.datetime64("2020-01-01T00", "ns") + np.arange(3) * np.timedelta64(6, "h")


def cases() -> list[AlignmentCase]:
    zero = State(jnp.zeros(LAYOUT.shape), LAYOUT)
    return [AlignmentCase(zero, zero, time, zero, 24.0) for time in TIMES]


def test_cases_of_the_times_of_the_candidates_pass() -> None:
    assert [case.valid_time for case in _same_cases(cases(), TIMES)] == list(TIMES)


def test_candidates_of_other_times_are_refused_with_the_first_that_differs() -> None:
    with pytest.raises(InputError, match=r"case 1 .*T06.*T12.*align candidates"):
        list(_same_cases(cases(), TIMES[[0, 2, 1]]))
