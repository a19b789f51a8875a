"""Bad values among observations: flagged, counted, and without any weight in the analysis."""

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from time import perf_counter

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from observed_world import (
    COUNT,
    LAYOUT,
    METHOD,
    MODEL,
    analyse,
    atmosphere,
    circle_background,
    circle_reports,
    flag_count,
    reports,
    screen,
    screen_circle,
    variance_of,
    with_entry,
)

from align_da.atmosphere import State
from align_da.cycling.cycle import CycleParts, CycleState
from align_da.cycling.cycles import cycles
from align_da.errors import InputError
from align_da.observations import Flag, interpolation_operator
from align_da.observations.buddy_check import check_buddies
from align_da.observations.table import batch_from_table, table_from_batch

Figure = Callable[[str], None]
REJECTED = (Flag.BOUNDS, Flag.BACKGROUND, Flag.BUDDY)


@pytest.mark.parametrize("bad", [1, COUNT // 2, COUNT])
def test_row_32_values_that_are_none_leave_the_analysis_of_the_others_bitwise(
    bad: int, figure: Figure
) -> None:
    clean, background = circle_reports(), circle_background()
    none = jnp.resize(jnp.asarray([jnp.nan, jnp.inf, -jnp.inf]), (bad,))
    checked = screen_circle(with_entry(clean, slice(0, bad), value=none), background)
    without = screen_circle(with_entry(clean, slice(0, bad), flag=int(Flag.MISSING)), background)
    assert flag_count(checked, Flag.MISSING) == bad
    np.testing.assert_array_equal(analyse(checked), analyse(without))

    def cost(values: jax.Array) -> jax.Array:
        equivalent = interpolation_operator(checked, MODEL.layout)(State(values, MODEL.layout))
        return jnp.where(checked.used, (checked.value - equivalent) ** 2, 0).sum()

    assert np.isfinite(jax.grad(cost)(background.values[0])).all()
    figure(f"{bad} of {COUNT} values NaN or infinite: same bits, finite gradient")


def test_row_33_without_observations_the_analysis_is_the_background_bitwise(
    figure: Figure,
) -> None:
    empty = batch_from_table(pd.DataFrame(), MODEL.layout, pad_to=COUNT)
    start = CycleState(circle_background(), np.datetime64("2020-01-01", "ns"), 0)
    (cycle,) = cycles(CycleParts(MODEL, METHOD, 6, screen_circle), start, [empty])
    np.testing.assert_array_equal(cycle.analysis.values, cycle.background.values)
    assert int(cycle.used) == 0
    assert flag_count(cycle.observations, Flag.MISSING) == COUNT
    figure("0 observations: analysis = background bitwise, cycle.used = 0")


@pytest.mark.parametrize(
    ("variable", "spoil"),
    [
        ("temperature", lambda value: value - 273.15),
        ("surface_pressure", lambda value: value / 100),
        ("specific_humidity", lambda value: 1000 * value),
    ],
)
def test_row_37_a_unit_that_is_not_declared_is_flagged_and_stops_the_run(
    variable: str, spoil: Callable[[jax.Array], jax.Array], figure: Figure
) -> None:
    batch, equivalent = reports()
    own = batch.variable == LAYOUT.variables.index(variable)
    spoilt = replace(batch, value=jnp.where(own, spoil(batch.value), batch.value))
    with pytest.raises(InputError, match=f"{variable}: .*unit or sign is likely wrong"):
        screen(spoilt, equivalent)
    checked = screen(spoilt, equivalent, largest_reject_ratio=1.0)
    rejected = np.isin(np.asarray(checked.flag[own]), REJECTED).mean()
    others = np.isin(np.asarray(checked.flag[~own]), REJECTED).mean()
    assert rejected >= 0.99
    assert others < 0.001
    figure(f"{variable}: {rejected:.1%} of {own.sum()} rejected, run stopped")


def test_row_37_bad_observations_of_no_majority_do_not_stop_the_run(figure: Figure) -> None:
    batch, equivalent = reports()
    chosen = np.flatnonzero(np.asarray(batch.variable) == LAYOUT.variables.index("temperature"))
    spoilt = with_entry(batch, chosen[: int(0.45 * chosen.size)], value=7.0)
    checked = screen(spoilt, equivalent)
    assert flag_count(checked, Flag.BOUNDS) == int(0.45 * chosen.size)
    # Knots taken for m/s are only half wrong: departures are within the errors of old forecasts.
    wind = np.asarray(batch.variable) < 2
    knots = replace(batch, value=jnp.where(wind, batch.value * 3600 / 1852, batch.value))
    found = screen(knots, equivalent)
    share = np.isin(np.asarray(found.flag)[wind], REJECTED).mean()
    figure(f"limit of the alarm: knots taken for m/s have {share:.0%} of winds flagged, no stop")
    assert 0 < share < 0.5


@pytest.mark.parametrize("count", [10, pytest.param(50, marks=pytest.mark.long)])
def test_row_42_the_order_of_observations_does_not_change_a_bit(
    count: int, figure: Figure
) -> None:
    good, _ = reports()
    twice = jax.tree.map(lambda array: jnp.concatenate([array, array[:40]]), good)
    batch = with_entry(twice, slice(-20, None), value=twice.value[-20:] + 0.5 * twice.error[-20:])
    chance = np.random.default_rng(5)
    wrong = 40 + chance.choice(good.value.size - 40, 60, replace=False)
    size = jnp.asarray(chance.choice([-40.0, -9.0, 9.0, 12.0, 1e6], 60), jnp.float32)
    batch = with_entry(batch, wrong, value=batch.value[wrong] + size * batch.error[wrong])

    def sorted_rows(order: np.ndarray) -> pd.DataFrame:
        moved = jax.tree.map(lambda array: array[order], batch)
        equivalent = interpolation_operator(moved, LAYOUT)(atmosphere())
        table = table_from_batch(screen(moved, equivalent), LAYOUT)
        return table.sort_values(list(table.columns), ignore_index=True)

    expected = sorted_rows(np.arange(batch.value.size))
    counts = expected["flag"].value_counts()
    assert {"pass", "duplicate", "background", "buddy"} <= set(counts.index)
    assert counts["duplicate"] == 40
    for _ in range(count):
        order = chance.permutation(batch.value.size)
        pd.testing.assert_frame_equal(sorted_rows(order), expected, check_exact=True)
    figure(
        f"{count} permutations of {batch.value.size} observations: same bits "
        f"({counts['duplicate']} duplicate, {counts['background']} background, "
        f"{counts['buddy']} buddy)"
    )


@pytest.mark.parametrize("size", [10.0, 1e6])
def test_row_43_a_gross_error_does_not_move_the_analysis(size: float, figure: Figure) -> None:
    clean, background = circle_reports(), circle_background()
    spoilt = with_entry(clean, 50, value=clean.value[50] + size * np.sqrt(1.5))
    checked = screen_circle(spoilt, background)
    assert Flag(int(checked.flag[50])) in {Flag.BOUNDS, Flag.BACKGROUND}
    assert flag_count(checked, Flag.PASS) >= COUNT - 2
    kept = screen_circle(clean, background).flag.at[50].set(int(Flag.MISSING))
    without = analyse(replace(clean, flag=kept))
    moved = np.abs(analyse(checked) - without).max()
    would = np.abs(analyse(replace(spoilt, flag=kept.at[50].set(int(Flag.PASS)))) - without).max()
    assert would > 0.1
    assert moved < 0.01 * would
    figure(f"error of {size:g} expected departures: moves {moved / would:.1%} of {would:.2g}")


def test_row_43_the_buddy_check_rejects_almost_nothing_that_is_good(figure: Figure) -> None:
    """Errors of 4.5 expected departures pass the background check; neighbours tell them."""
    good = tested = found = wrong = 0
    for seed in range(3):
        batch, equivalent = reports(seed, density=0.3)
        variance = variance_of(batch)
        expected = jnp.sqrt(batch.error**2 + variance)
        chosen = jax.random.bernoulli(jax.random.key(seed), 0.01, expected.shape)
        value = jnp.where(chosen, equivalent + 4.5 * expected, batch.value)
        checked = check_buddies(
            replace(batch, value=value), LAYOUT, equivalent, variance, threshold=5.0
        )
        flagged = checked.flag == Flag.BUDDY
        good, tested = good + int((~chosen & flagged).sum()), tested + int((~chosen).sum())
        found, wrong = found + int((chosen & flagged).sum()), wrong + int(chosen.sum())
    assert good <= 0.0005 * tested
    assert found >= 0.5 * wrong
    figure(f"buddy check: {good} of {tested} good rejected, {found} of {wrong} bad found")


@pytest.mark.parametrize("error", [0.0, -1.0, np.nan, np.inf, -999.0])
def test_row_44_an_error_that_is_none_is_flagged_missing(error: float, figure: Figure) -> None:
    clean, background = circle_reports(), circle_background()
    checked = screen_circle(with_entry(clean, slice(0, 50), error=error), background)
    assert np.all(checked.flag[:50] == Flag.MISSING)
    without = screen_circle(with_entry(clean, slice(0, 50), flag=int(Flag.MISSING)), background)
    np.testing.assert_array_equal(analyse(checked), analyse(without))
    figure(f"σo = {error}: 50 of 50 missing, analysis of the others bitwise")


def test_row_45_fill_values_are_never_taken_for_values(figure: Figure) -> None:
    batch, equivalent = reports()
    fills = (-999.0, -9999.0, -888888.0, 9.96921e36, 1.7e38, 32767.0, -32768.0)
    for fill in fills:
        spoilt = with_entry(batch, slice(None, None, 7), value=fill)
        checked = screen(spoilt, equivalent)
        assert np.all(checked.flag[::7] == Flag.MISSING), fill
    degrees = table_from_batch(batch, LAYOUT).assign(units=lambda table: table["units"])
    warm = degrees["units"] == "K"
    for fill in fills:
        degrees.loc[warm, ["value", "units"]] = [fill, "degC"]
        converted = screen(batch_from_table(degrees, LAYOUT), equivalent, largest_reject_ratio=1.0)
        assert np.isin(converted.flag[np.asarray(warm)], (Flag.MISSING, Flag.BOUNDS)).all(), fill
    figure(f"{len(fills)} fill values: all missing; in °C all missing or bounds")


def test_row_49_too_many_observations_are_refused_before_computing(figure: Figure) -> None:
    table = table_from_batch(circle_reports(), MODEL.layout)
    many = pd.concat([table] * 100, ignore_index=True)
    tracemalloc.start()
    begin = perf_counter()
    with pytest.raises(InputError, match=f"at most {COUNT} observations, got {100 * COUNT}"):
        batch_from_table(many, MODEL.layout, pad_to=COUNT)
    seconds, peak = perf_counter() - begin, tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    assert seconds < 2
    assert peak < 50
    figure(f"{100 * COUNT} of at most {COUNT}: refused in {seconds:.1f} s with {peak:.0f} MB")


def test_row_49_every_cycle_after_the_first_runs_what_is_compiled(
    caplog: pytest.LogCaptureFixture, figure: Figure
) -> None:
    """However many observations come, a cycle has arrays of one size."""
    table = table_from_batch(circle_reports(), MODEL.layout)
    start = CycleState(circle_background(), np.datetime64("2020-01-01", "ns"), 0)
    parts, counts, compiled = (
        CycleParts(MODEL, METHOD, 6, screen_circle),
        (COUNT, 1, 37, 99, 0, 64),
        [],
    )
    observed = (batch_from_table(table.iloc[:rows], MODEL.layout, pad_to=COUNT) for rows in counts)
    with jax.log_compiles():
        for rows, cycle in zip(counts, cycles(parts, start, observed), strict=True):
            assert int(cycle.used) <= rows
            compiled.append(sum("Compiling" in message for message in caplog.messages))
            caplog.clear()
    assert compiled[1:] == [0] * 5, compiled
    figure(f"compilations in 6 cycles of 0 to {COUNT} observations: {compiled}")


def test_row_48_one_observation_is_assimilated(figure: Figure) -> None:
    clean = circle_reports()
    place = jnp.arange(COUNT)
    alone = replace(
        clean,
        value=clean.value + 2,
        flag=jnp.where(place == 0, int(Flag.PASS), int(Flag.MISSING)),
    )
    analysis, report = METHOD(circle_background(), alone, 6.0, jax.random.key(0))
    assert np.isfinite(analysis.values).all()
    before, after = float(report.background_equivalent[0]), float(report.analysis_equivalent[0])
    assert before < after < float(alone.value[0])
    figure(f"one observation of {alone.value[0]:.1f}: H(x) from {before:.1f} to {after:.1f}")
