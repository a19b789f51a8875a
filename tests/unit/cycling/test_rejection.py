"""Cycles of whose reports nothing is used."""

import numpy as np
import pytest

from align_da.cycling.rejection import all_rejected
from align_da.observations.batch import Flag


def test_reports_that_are_all_rejected_are_told_with_their_flags() -> None:
    flags = np.array([Flag.DOMAIN, Flag.MISSING, Flag.DOMAIN, Flag.BOUNDS])
    (line,) = all_rejected(7, flags)
    assert line.startswith("cycle 7: none of 3 reports is used (bounds 1, domain 2)")


@pytest.mark.parametrize(
    "flags", [[], [Flag.MISSING], [Flag.DOMAIN, Flag.PASS], [Flag.DOMAIN, Flag.PASSIVE]]
)
def test_nothing_is_told_where_one_is_left_or_none_was_there(flags: list[Flag]) -> None:
    assert all_rejected(0, np.asarray(flags, np.int32)) == []
