"""The alarm for a variable most of whose observations are rejected."""

from dataclasses import replace

import jax.numpy as jnp
import pytest

from align_da.atmosphere import Layout
from align_da.errors import InputError
from align_da.observations import Flag, ObservationBatch
from align_da.observations.rejection import check_reject_ratio


def batch_with(flags: list[Flag]) -> ObservationBatch:
    """Temperatures in Celsius with these flags."""
    nothing = jnp.zeros(len(flags))
    whole = jnp.zeros(len(flags), jnp.int32)
    return ObservationBatch(
        value=nothing + 7,
        error=nothing + 1,
        latitude=nothing,
        longitude=nothing,
        level=nothing,
        vertical=whole,
        time=nothing,
        variable=whole + 2,
        station=whole,
        flag=jnp.asarray(flags, jnp.int32),
    )


def reported(checked: ObservationBatch, flag: Flag = Flag.PASS) -> ObservationBatch:
    return replace(checked, flag=jnp.full_like(checked.flag, int(flag)))


def test_a_majority_of_rejections_is_told_with_the_likely_cause(layout: Layout) -> None:
    kinds = [Flag.BOUNDS, Flag.BACKGROUND, Flag.BUDDY]
    checked = batch_with([*kinds * 4, Flag.PASS] + [Flag.PASS] * 10)
    told = (
        r"temperature: 12 of 23 reported observations are rejected \(bounds 4, background 4, "
        r"buddy 4\), expected at most 50%.* 7 to 7 K: their unit or sign is likely wrong"
    )
    with pytest.raises(InputError, match=told):
        check_reject_ratio(reported(checked), checked, layout, 0.5)
    check_reject_ratio(reported(checked), checked, layout, 0.6)


@pytest.mark.parametrize(
    "flags",
    [
        [Flag.BOUNDS] * 15 + [Flag.PASS] * 15,  # a half is no majority
        [Flag.BOUNDS] * 19,  # too few to tell
        [Flag.MISSING] * 60 + [Flag.DOMAIN] * 60 + [Flag.DUPLICATE] * 60 + [Flag.PASS] * 20,
    ],
)
def test_without_a_majority_of_enough_there_is_no_alarm(flags: list[Flag], layout: Layout) -> None:
    checked = batch_with(flags)
    check_reject_ratio(reported(checked), checked, layout, 0.5)


def test_missing_entries_do_not_hide_a_majority(layout: Layout) -> None:
    checked = batch_with([Flag.BOUNDS] * 15 + [Flag.PASS] * 10 + [Flag.MISSING] * 100)
    with pytest.raises(InputError, match="15 of 25"):
        check_reject_ratio(reported(checked), checked, layout, 0.5)


def test_withheld_observations_do_not_count_whatever_becomes_of_them(layout: Layout) -> None:
    checked = batch_with([Flag.BOUNDS] * 40)
    check_reject_ratio(reported(checked, Flag.PASSIVE), checked, layout, 0.5)
