"""The fine-tuning loss and its batches."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.alignment import (
    CONTROLS,
    PreferenceBatch,
    make_preference_loss,
    preference_batch,
    select_pairs,
)
from align_da.alignment.objectives import Objective
from align_da.registry import OBJECTIVES

SHAPE = (2, 3, 4)


def linear_error(
    params: jax.Array, z: jax.Array, condition: jax.Array, sigma: jax.Array, noise: jax.Array
) -> jax.Array:
    """Error of the denoiser D = params x + condition."""
    noisy = z + sigma[:, None, None, None] * noise
    denoised = params * noisy + condition[:, None, None, None]
    return jnp.mean(jnp.square(z - denoised), axis=(1, 2, 3)) / sigma**2


def draw_noise(key: jax.Array, shape: tuple[int, ...]) -> tuple[jax.Array, jax.Array]:
    sigma = jnp.exp(jax.random.normal(jax.random.fold_in(key, 0), shape[:1]))
    return sigma, jax.random.normal(jax.random.fold_in(key, 1), shape)


@pytest.fixture
def batch() -> PreferenceBatch:
    generator = np.random.default_rng(0)
    latents = generator.normal(size=(5, 6, *SHAPE)).astype(np.float32)
    truth = generator.normal(size=(5, *SHAPE)).astype(np.float32)
    pairs = select_pairs(generator.normal(size=(5, 6, 1)), quantile=0.4, count=20, seed=0)
    return preference_batch(latents, truth, np.arange(5.0), pairs, np.arange(len(pairs))[:8])


def test_a_batch_gathers_candidates_truth_and_condition_of_the_same_case() -> None:
    latents = np.arange(5 * 6.0).reshape(5, 6, 1, 1, 1).astype(np.float32)
    rewards = np.tile(np.arange(6.0)[None, :, None], (5, 1, 1))
    pairs = select_pairs(rewards, quantile=0.4, count=20, seed=0)
    rows = np.array([3, 1])
    found = preference_batch(latents, latents[:, 0], {"age": np.arange(5.0)}, pairs, rows)
    case = pairs.case[rows]
    np.testing.assert_array_equal(found.chosen.ravel(), 6 * case + pairs.chosen[rows])
    np.testing.assert_array_equal(found.rejected.ravel(), 6 * case + pairs.rejected[rows])
    np.testing.assert_array_equal(found.truth.ravel(), 6 * case)
    np.testing.assert_array_equal(found.condition["age"], case)
    margin = (pairs.chosen - pairs.rejected)[rows] / 5  # win rate of rank k among 6 is k / 5
    np.testing.assert_allclose(found.margin, margin, rtol=1e-6)


@pytest.mark.parametrize(
    "objective", [*map(OBJECTIVES.load, OBJECTIVES.names), *CONTROLS.values()]
)
def test_every_objective_has_a_finite_loss_gradient_and_metrics(
    objective: Objective, batch: PreferenceBatch
) -> None:
    loss = make_preference_loss(
        linear_error,
        jnp.asarray(0.5),
        objective,
        draw_noise,
        beta=10.0,
        anchor_weight=0.1,
    )
    (value, metrics), gradient = jax.jit(jax.value_and_grad(loss, has_aux=True))(
        jnp.asarray(0.6), batch, jax.random.key(0)
    )
    assert np.isfinite([value, gradient, *metrics.values()]).all()
    assert gradient != 0
    np.testing.assert_allclose(value, metrics["loss"])


@pytest.mark.parametrize(("name", "expected"), [("dpo", np.log(2)), ("ipo", 1.0)])
def test_at_the_reference_neither_margin_nor_anchor_moves_the_loss(
    name: str, expected: float, batch: PreferenceBatch
) -> None:
    params = jnp.asarray(0.5)
    loss = make_preference_loss(
        linear_error, params, OBJECTIVES.load(name), draw_noise, beta=2000.0, anchor_weight=1.0
    )
    value, metrics = loss(params, batch, jax.random.key(0))
    np.testing.assert_allclose(value, expected, rtol=1e-6)
    assert metrics["absolute_margin"] == metrics["truth_change"] == 0.0


def test_the_reference_does_not_change_with_the_parameters(batch: PreferenceBatch) -> None:
    """The gradient of IPO at the reference is that of −2 u alone."""
    params, beta, key = jnp.asarray(0.5), 10.0, jax.random.key(0)
    ipo = OBJECTIVES.load("ipo")
    loss = make_preference_loss(linear_error, params, ipo, draw_noise, beta=beta)
    sigma, noise = draw_noise(key, batch.chosen.shape)

    def difference(p: jax.Array) -> jax.Array:
        errors = (
            linear_error(p, z, batch.condition, sigma, noise)
            for z in (batch.chosen, batch.rejected)
        )
        chosen, rejected = errors
        return jnp.mean(chosen - rejected)

    gradient = jax.grad(lambda p: loss(p, batch, key)[0])(params)
    np.testing.assert_allclose(gradient, beta * jax.grad(difference)(params), rtol=1e-4)


def test_the_weight_of_the_training_loss_enters_the_controls(batch: PreferenceBatch) -> None:
    losses = [
        make_preference_loss(
            linear_error,
            jnp.asarray(0.5),
            CONTROLS["continued"],
            draw_noise,
            beta=1.0,
            weight=weight,
        )(jnp.asarray(0.5), batch, jax.random.key(0))[0]
        for weight in (jnp.ones_like, lambda sigma: jnp.full_like(sigma, 3.0))
    ]
    np.testing.assert_allclose(losses[1], 3 * losses[0], rtol=1e-6)
