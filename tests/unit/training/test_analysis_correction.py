"""What a correction of analyses learns from, and how it is judged by the truth."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from constant_network import SHAPE, loss_of

from align_da.assimilation.analysis_correction import spread_factor
from align_da.training.analysis_correction import (
    Aggregated,
    MetCycles,
    cases_of,
    scaling_of,
    shares_of,
)
from align_da.training.gaussian_crps import gaussian_crps
from align_da.training.truth_target import TruthTarget, judged_by_truth

JUDGED = judged_by_truth(jnp.ones((*SHAPE, 1)))


def cycles(count: int, seed: int, scale: float = 1.0) -> MetCycles:
    draw = np.random.default_rng(seed)
    return MetCycles(
        (3 + 2 * draw.normal(size=(count, *SHAPE, 2))).astype(np.float32),
        TruthTarget(
            (scale * draw.normal(size=(count, *SHAPE, 1))).astype(np.float32),
            draw.uniform(0.5, 1, (count, *SHAPE, 1)).astype(np.float32),
        ),
    )


def test_the_cycles_of_several_rounds_are_found_in_the_order_that_is_asked_for() -> None:
    parts = tuple(cycles(count, seed) for seed, count in enumerate((3, 1, 4)))
    rows = np.asarray([7, 0, 3, 2, 4, 0])
    found = Aggregated(parts).rows(rows)
    whole = np.concatenate([part.target.error for part in parts])
    assert len(Aggregated(parts)) == 8
    np.testing.assert_array_equal(found.target.error, whole[rows])


def test_scaled_cases_are_of_order_one() -> None:
    source = cycles(600, 0, scale=0.2)
    batch_of, count = cases_of(source, scaling_of(source, channels=1))
    batch = batch_of(np.arange(count))
    np.testing.assert_allclose(batch.evidence.mean(axis=(0, 1, 2)), 0, atol=0.02)
    np.testing.assert_allclose(batch.evidence.std(axis=(0, 1, 2)), 1, atol=0.02)
    np.testing.assert_allclose((batch.target.error**2).mean(), 1, atol=0.02)
    np.testing.assert_allclose(batch.target.spread, source.target.spread / 0.2, rtol=0.02)


def test_the_mean_that_is_right_leaves_least_unexplained() -> None:
    source = cycles(50, 1)
    target = TruthTarget(source.target.error + 0.5, source.target.spread)
    batch = MetCycles(source.evidence, target)
    nothing, right = (loss_of([out], batch, JUDGED, scales_spread=False) for out in (0.0, 0.5))
    assert nothing["unexplained"] == pytest.approx(1.0)
    assert right["unexplained"] == pytest.approx(1 / 1.25, rel=0.05)
    assert right["loss"] == pytest.approx(1.0, rel=0.05)


def test_the_crps_is_least_where_mean_and_spread_are_right() -> None:
    """Errors of variance one about 0.3, with a spread that is 0.8 of what it should be."""
    source = cycles(300, 2)
    target = TruthTarget(source.target.error + 0.3, np.full_like(source.target.spread, 0.8))
    batch = MetCycles(source.evidence, target)
    scale = float(np.arctanh(np.log(1 / 0.8) / 0.25))
    right = loss_of([0.3, scale], batch, JUDGED, scales_spread=True)["loss"]
    assert float(spread_factor(jnp.asarray(scale))) == pytest.approx(1 / 0.8, rel=1e-5)
    for other in ([0.0, scale], [0.6, scale], [0.3, 0.0], [0.3, -scale]):
        assert loss_of(other, batch, JUDGED, scales_spread=True)["loss"] > right
    assert right == pytest.approx(1 / np.sqrt(np.pi), rel=0.02)


@pytest.mark.parametrize(("error", "spread"), [(0.0, 1.0), (1.3, 0.5), (-2.0, 1.5)])
def test_the_crps_of_a_gaussian_is_the_integral_of_its_definition(
    error: float, spread: float
) -> None:
    x = np.linspace(-30, 30, 200_001)
    cdf = np.asarray(jax.scipy.stats.norm.cdf(x / spread))
    expected = np.trapezoid((cdf - (x >= error)) ** 2, x)
    found = gaussian_crps(jnp.asarray(error), jnp.asarray(spread))
    assert float(found) == pytest.approx(expected, rel=1e-3)


def test_least_squares_finds_the_shares_of_increments_that_an_error_is_made_of() -> None:
    """A quarter of the first and minus a half of the second, whatever their scale."""
    source = cycles(40, 0)
    made = 0.25 * source.evidence[..., :1] - 0.5 * source.evidence[..., 1:]
    source = replace(source, target=replace(source.target, error=made - made.mean()))
    scaling = scaling_of(source, channels=1)
    found = shares_of(source, scaling, (slice(0, 1), slice(1, 2)))
    of_fields = found * scaling.error_std / scaling.std[:, None]
    np.testing.assert_allclose(of_fields, [[0.25], [-0.5]], rtol=1e-3)


def test_increments_that_are_the_same_share_what_there_is() -> None:
    source = cycles(40, 1)
    target = replace(source.target, error=source.evidence[..., :1] - 3.0)
    source = replace(source, target=target)
    found = shares_of(source, scaling_of(source, channels=1), (slice(0, 1), slice(0, 1)))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-2)
    assert float(found.sum()) == pytest.approx(1.0, rel=1e-2)


def test_the_share_that_is_left_is_told_of_every_variable() -> None:
    error = np.stack([np.ones((2, *SHAPE)), np.full((2, *SHAPE), 2.0)], axis=-1)
    target = TruthTarget(error, np.ones_like(error))
    batch = MetCycles(np.zeros((2, *SHAPE, 3)), target)
    judged = judged_by_truth(jnp.ones((*SHAPE, 1)), {"u": slice(0, 1), "v": slice(1, 2)})
    told = loss_of([0.5, 0.0], batch, judged, scales_spread=False)
    assert told["unexplained_u"] == pytest.approx(0.25)
    assert told["unexplained_v"] == pytest.approx(1.0)
