"""Preference objectives against closed forms of a one-dimensional Gaussian prior.

The prior N(m, s²) has the exact denoiser D(x) = m + k (x − m), k = s² / (s² + σ²), with m its only
parameter and m = 0 the reference. With noise and σ shared by a pair, the implicit margin of (w, l)
is linear,

    u = β (1 − k)² m (w − l) / σ² = c m (w − l).

Where preferences follow Bradley-Terry with reward a z, P(w preferred) = sigmoid(a (w − l)), so DPO
is least at c m = a, and IPO at m = E[d] / (c E[d²]) with d = w − l of the labelled pairs.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.alignment import CONTROLS, PreferenceBatch, make_preference_loss
from align_da.alignment.fine_tuning import PreferenceLoss
from align_da.registry import OBJECTIVES

S, SIGMA, BETA, SLOPE = 1.0, 1.5, 4.0, 0.8
SHRINK = S**2 / (S**2 + SIGMA**2)
C = BETA * (1 - SHRINK) ** 2 / SIGMA**2
PAIRS = 4000


def gaussian_error(
    mean: jax.Array, z: jax.Array, _condition: jax.Array, sigma: jax.Array, noise: jax.Array
) -> jax.Array:
    noisy = z + sigma[:, None, None, None] * noise
    denoised = mean + SHRINK * (noisy - mean)
    return jnp.mean(jnp.square(z - denoised), axis=(1, 2, 3)) / sigma**2


def fixed_sigma(key: jax.Array, shape: tuple[int, ...]) -> tuple[jax.Array, jax.Array]:
    return jnp.full(shape[0], SIGMA), jax.random.normal(key, shape)


@pytest.fixture(scope="module")
def batch() -> PreferenceBatch:
    """Two draws of the reference a pair, labelled by Bradley-Terry."""
    keys = [jax.random.key(number) for number in range(3)]
    first, second = (S * jax.random.normal(key, (PAIRS, 1, 1, 1)) for key in keys[:2])
    preferred = jax.random.uniform(keys[2], first.shape) < jax.nn.sigmoid(SLOPE * (first - second))
    chosen, rejected = (
        jnp.where(preferred, first, second),
        jnp.where(preferred, second, first),
    )
    return PreferenceBatch(
        chosen, rejected, jnp.zeros_like(chosen), jnp.zeros(PAIRS), jnp.full(PAIRS, 0.5)
    )


def loss_of(name: str, anchor_weight: float = 0.0) -> PreferenceLoss:
    return make_preference_loss(
        gaussian_error,
        jnp.zeros(()),
        CONTROLS.get(name) or OBJECTIVES.load(name),
        fixed_sigma,
        beta=BETA,
        anchor_weight=anchor_weight,
    )


def minimum(name: str, batch: PreferenceBatch, anchor_weight: float = 0.0) -> float:
    """The aligned mean, by Newton's method: every objective here is convex in m."""
    loss = loss_of(name, anchor_weight)

    def value(mean: jax.Array) -> jax.Array:
        return loss(mean, batch, jax.random.key(9))[0]

    step = jax.jit(lambda m: m - jax.grad(value)(m) / jax.hessian(value)(m))
    mean = jnp.zeros(())
    for _ in range(8):
        mean = step(mean)
    return float(mean)


def test_implicit_margin_is_the_closed_form(batch: PreferenceBatch) -> None:
    _, metrics = loss_of("dpo")(jnp.asarray(0.3), batch, jax.random.key(9))
    expected = C * 0.3 * np.mean(batch.chosen - batch.rejected)
    np.testing.assert_allclose(metrics["implicit_margin"], expected, rtol=1e-4)


def test_dpo_loss_at_the_reference_is_log_two(batch: PreferenceBatch) -> None:
    value, metrics = loss_of("dpo")(jnp.zeros(()), batch, jax.random.key(9))
    np.testing.assert_allclose(value, np.log(2.0), rtol=1e-6)
    assert metrics["implicit_accuracy"] == 0.5


def test_dpo_gradient_widens_the_margin_of_errors(batch: PreferenceBatch) -> None:
    loss = loss_of("dpo")
    key = jax.random.key(9)
    gradient = jax.grad(lambda m: loss(m, batch, key)[0])(jnp.zeros(()))
    _, after = loss(-0.1 * gradient / jnp.abs(gradient), batch, key)
    assert after["implicit_margin"] > 0
    assert after["implicit_accuracy"] > 0.6
    assert after["chosen_change"] < after["rejected_change"]


def test_dpo_moves_the_mean_to_where_bradley_terry_puts_it(batch: PreferenceBatch) -> None:
    expected = SLOPE / C
    # The label noise of 4000 pairs: information of the logistic slope is E[p (1 − p) d²].
    difference = np.asarray(batch.chosen - batch.rejected).ravel()
    odds = 1 / (1 + np.exp(-SLOPE * difference))
    tolerance = 4 / np.sqrt(np.sum(odds * (1 - odds) * difference**2)) / C
    assert abs(minimum("dpo", batch) - expected) < tolerance < 0.2 * expected


def test_ipo_is_least_at_the_regression_of_one_on_the_difference(batch: PreferenceBatch) -> None:
    difference = np.asarray(batch.chosen - batch.rejected, np.float64)
    expected = difference.mean() / (C * np.square(difference).mean())
    np.testing.assert_allclose(minimum("ipo", batch), expected, rtol=1e-3)


def test_capo_scales_the_aim_of_ipo_by_the_margin_of_rewards(batch: PreferenceBatch) -> None:
    np.testing.assert_allclose(minimum("capo", batch), 0.5 * minimum("ipo", batch), rtol=1e-3)


def test_supervised_control_moves_to_the_mean_of_the_chosen(batch: PreferenceBatch) -> None:
    # e is least at m with E[(1 − k)(w − m) − k σ n] = 0.
    _, noise = fixed_sigma(jax.random.key(9), batch.chosen.shape)
    expected = batch.chosen.mean() - SHRINK * SIGMA * noise.mean() / (1 - SHRINK)
    np.testing.assert_allclose(minimum("supervised", batch), expected, rtol=1e-3)


def test_continued_control_ignores_the_preferences(batch: PreferenceBatch) -> None:
    swapped = PreferenceBatch(
        batch.rejected, batch.chosen, batch.truth, batch.condition, batch.margin
    )
    assert minimum("continued", batch) == minimum("continued", swapped)


def test_the_anchor_holds_the_mean_nearer_to_the_truth(batch: PreferenceBatch) -> None:
    free, held = minimum("dpo", batch), minimum("dpo", batch, anchor_weight=1.0)
    assert 0 < held < 0.8 * free
