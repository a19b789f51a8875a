"""Quality control: each check flags what it should and nothing else."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from align_da.atmosphere import Layout, State
from align_da.observations import Flag, ObservationBatch, Vertical, interpolation_operator
from align_da.observations.batch import UNKNOWN_VARIABLE
from align_da.observations.quality_control import (
    check_background,
    check_bounds,
    check_domain,
    check_duplicates,
    check_missing,
    check_window,
    quality_controlled,
)

SIX_HOURS = 6 * 3600.0


def good_batch(count: int = 6) -> ObservationBatch:
    """Temperatures at different places, all without fault."""
    zeros, places = jnp.zeros(count), jnp.arange(count, dtype=jnp.float32)
    return ObservationBatch(
        value=280.0 + zeros,
        error=1.0 + zeros,
        latitude=10.0 * places,
        longitude=30.0 * places,
        level=0.5 + zeros,
        vertical=jnp.full(count, int(Vertical.LEVEL)),
        time=zeros,
        variable=jnp.full(count, 2),
        station=jnp.arange(count),
        flag=jnp.zeros(count, jnp.int32),
    )


def with_first(batch: ObservationBatch, **changes: float) -> ObservationBatch:
    """`batch` with the first observation changed."""
    return replace(
        batch, **{name: getattr(batch, name).at[0].set(x) for name, x in changes.items()}
    )


def first_flag(batch: ObservationBatch) -> Flag:
    """Flag of the first observation; the others must have passed."""
    assert np.all(batch.flag[1:] == Flag.PASS)
    return Flag(int(batch.flag[0]))


def test_faultless_observations_pass_unchanged(layout: Layout) -> None:
    batch = good_batch()
    checked = quality_controlled(batch, layout, SIX_HOURS)
    for name, array in vars(checked).items():
        np.testing.assert_array_equal(array, getattr(batch, name))


@pytest.mark.parametrize(
    "value", [np.nan, np.inf, -np.inf, -999.0, -9999.0, -888888.0, 9.96921e36, 1.7e38]
)
def test_a_value_that_is_none_is_flagged_missing_and_made_finite(value: float) -> None:
    checked = check_missing(with_first(good_batch(), value=value))
    assert first_flag(checked) == Flag.MISSING
    assert np.isfinite(checked.value).all()


@pytest.mark.parametrize("error", [0.0, -1.0, np.nan, np.inf])
def test_an_error_that_is_none_is_flagged_missing_and_made_positive(error: float) -> None:
    checked = check_missing(with_first(good_batch(), error=error))
    assert first_flag(checked) == Flag.MISSING
    assert np.all(checked.error == 1.0)


@pytest.mark.parametrize("value", [7.0, 32767.0, -1.0])
def test_an_implausible_value_is_flagged_bounds(value: float, layout: Layout) -> None:
    """7 °C labelled K, the 16-bit fill value and a negative temperature."""
    batch = with_first(good_batch(), value=value)
    assert first_flag(check_bounds(batch, layout)) == Flag.BOUNDS


@pytest.mark.parametrize(
    "position",
    [
        {"latitude": 90.1},
        {"latitude": 500.0},
        {"latitude": np.nan},
        {"longitude": np.inf},
        {"longitude": 400.0},
        {"level": 0.19},
        {"level": 1.01},
        {"level": np.nan},
        {"variable": 99},
        {"variable": -1},
    ],
)
def test_a_position_out_of_reach_is_flagged_domain_and_made_finite(
    position: dict[str, float], layout: Layout
) -> None:
    checked = check_domain(with_first(good_batch(), **position), layout)
    assert first_flag(checked) == Flag.DOMAIN
    assert all(np.isfinite(array).all() for array in vars(checked).values())


@pytest.mark.parametrize("level", [0.2, 0.9, 0.95, 1.0])
def test_levels_from_the_top_to_the_ground_are_within_the_domain(
    level: float, layout: Layout
) -> None:
    # The lowest level is 0.9, half a spacing below it would be 1.1: the ground at 1 comes first.
    assert first_flag(check_domain(with_first(good_batch(), level=level), layout)) == Flag.PASS


def test_the_level_of_a_surface_report_does_not_matter(layout: Layout) -> None:
    batch = with_first(good_batch(), level=np.nan, vertical=int(Vertical.SURFACE))
    assert first_flag(check_domain(batch, layout)) == Flag.PASS


def test_every_time_is_in_exactly_one_of_the_windows() -> None:
    times = jnp.arange(-5, 5) * SIX_HOURS / 2
    batch = replace(good_batch(10), time=times)
    used = np.zeros(10, int)
    for window in range(-3, 4):
        used += np.asarray(
            check_window(replace(batch, time=times - window * SIX_HOURS), SIX_HOURS).used
        )
    assert np.all(used == 1)
    assert first_flag(check_window(with_first(good_batch(), time=np.nan), SIX_HOURS)) == (
        Flag.DOMAIN
    )


def test_a_flag_once_given_stays(layout: Layout) -> None:
    batch = with_first(good_batch(), value=-999.0, latitude=99.0)
    assert first_flag(quality_controlled(batch, layout, SIX_HOURS)) == Flag.MISSING


def test_withheld_observations_are_checked_too(layout: Layout) -> None:
    batch = with_first(good_batch(), flag=int(Flag.PASSIVE))
    assert first_flag(quality_controlled(batch, layout, SIX_HOURS)) == Flag.PASSIVE
    implausible = with_first(batch, value=7.0)
    assert first_flag(quality_controlled(implausible, layout, SIX_HOURS)) == Flag.BOUNDS


def test_a_passive_observation_of_an_unknown_variable_stays_passive(layout: Layout) -> None:
    strange = {"variable": UNKNOWN_VARIABLE, "value": 7.0, "latitude": 99.0}
    passive = with_first(good_batch(), flag=int(Flag.PASSIVE), **strange)
    assert first_flag(quality_controlled(passive, layout, SIX_HOURS)) == Flag.PASSIVE
    used = with_first(good_batch(), **strange)
    assert first_flag(quality_controlled(used, layout, SIX_HOURS)) == Flag.DOMAIN


@settings(max_examples=30, deadline=None)
@given(order=st.permutations(range(8)))
def test_which_duplicate_is_kept_does_not_depend_on_the_order(order: list[int]) -> None:
    copies = jnp.asarray([0, 1, 2, 3, 4, 5, 0, 0])
    batch = jax.tree.map(lambda array: array[copies], good_batch())
    batch = replace(
        batch,
        value=batch.value.at[6].set(281.0).at[7].set(279.0),  # contradict the first
        error=batch.error.at[6].set(0.5).at[7].set(0.5),  # and claim to be better
    )
    shuffled = jax.tree.map(lambda array: array[jnp.asarray(order)], batch)
    kept = check_duplicates(shuffled).used
    assert sorted(shuffled.value[kept].tolist()) == [279.0] + [280.0] * 5
    assert int((check_duplicates(shuffled).flag == Flag.DUPLICATE).sum()) == 2


def test_another_level_time_variable_or_a_useless_copy_is_no_duplicate() -> None:
    twice = jax.tree.map(lambda array: jnp.repeat(array[:1], 2), good_batch())
    assert check_duplicates(twice).used.sum() == 1
    for change in ({"level": 0.4}, {"time": 60.0}, {"variable": 1}, {"flag": int(Flag.MISSING)}):
        kept = check_duplicates(with_first(twice, **change))
        assert not np.any(kept.flag == Flag.DUPLICATE)


def test_longitudes_a_circle_apart_are_the_same_place() -> None:
    twice = jax.tree.map(lambda array: jnp.repeat(array[1:2], 2), good_batch())
    moved = with_first(twice, longitude=30.0 - 360.0)
    assert check_duplicates(moved).used.sum() == 1


def test_the_background_check_flags_departures_beyond_the_threshold() -> None:
    batch = good_batch(4)
    equivalent = batch.value - jnp.asarray([0.0, 5.9, 6.1, 6.1])
    variance = jnp.asarray([3.0, 3.0, 3.0, 8.0])  # expected departure 2, 2, 2 and 3
    checked = check_background(batch, equivalent, variance, threshold=3.0)
    assert checked.flag.tolist() == [Flag.PASS, Flag.PASS, Flag.BACKGROUND, Flag.PASS]


def test_an_equivalent_that_is_not_finite_is_flagged_operator_failed() -> None:
    batch = good_batch(3)
    equivalent = batch.value.at[0].set(jnp.nan)
    assert first_flag(check_background(batch, equivalent, jnp.ones(3), 3.0)) == (
        Flag.OPERATOR_FAILED
    )


def test_faulty_observations_leave_equivalents_and_gradients_of_the_others_bitwise(
    layout: Layout, truth: State
) -> None:
    clean = good_batch()
    faulty = replace(clean, value=clean.value.at[1].set(jnp.nan).at[3].set(jnp.inf))
    checked = quality_controlled(faulty, layout, SIX_HOURS)
    without = replace(clean, flag=checked.flag)

    def gradient(batch: ObservationBatch) -> jax.Array:
        operator = interpolation_operator(batch, layout)

        def cost(values: jax.Array) -> jax.Array:
            departure = (batch.value - operator(State(values, layout))) / batch.error
            return jnp.where(batch.used, departure**2, 0).sum()

        return jax.grad(cost)(truth.values)

    np.testing.assert_array_equal(gradient(checked), gradient(without))


def test_quality_control_is_compiled_once_and_handles_an_empty_batch(layout: Layout) -> None:
    compiled = jax.jit(lambda batch: quality_controlled(batch, layout, SIX_HOURS))
    np.testing.assert_array_equal(
        compiled(good_batch()).flag, quality_controlled(good_batch(), layout, SIX_HOURS).flag
    )
    assert quality_controlled(good_batch(0), layout, SIX_HOURS).flag.shape == (0,)


def test_of_exact_duplicates_the_smallest_station_number_is_kept() -> None:
    twice = jax.tree.map(lambda array: jnp.repeat(array[:1], 2), good_batch())
    for stations in ([5, 3], [3, 5]):
        kept = check_duplicates(replace(twice, station=jnp.asarray(stations)))
        assert kept.station[kept.used].tolist() == [3]


def test_flags_have_the_numbers_of_ufo() -> None:
    """JCSDA/ufo, src/ufo/filters/QCflags.h; a duplicate has none there."""
    known = ("pre_qc", "bounds", "domain", "blacklisted", "operator_failed", "thinned")
    more = ("reference", "cloud", "background", "sea_ice", "track", "buddy", "derivative")
    last = ("profile", "one_d_var", "bayesian", "model_threshold", "history", "processed")
    numbered = enumerate(("missing", *known, *more, *last, "superrefraction", "superob"), 10)
    assert {flag.name.lower(): int(flag) for flag in Flag} == {
        **{name: number for number, name in numbered},
        "pass": 0,
        "passive": 1,
        "duplicate": 100,
    }
