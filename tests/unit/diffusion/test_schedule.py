"""Preconditioning of networks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.config import DenoiserConfig
from align_da.diffusion.condition import Condition
from align_da.diffusion.schedule import EDMSchedule, VPCosineSchedule
from align_da.runs.denoisers import build_schedule

SHAPE = (3, 2, 4, 2)
CONDITION = Condition(jnp.zeros(SHAPE), jnp.full(3, 24.0))
SIGMA = jnp.array([0.02, 1.0, 20.0])


def _noisy() -> tuple[jax.Array, jax.Array, jax.Array]:
    z = jax.random.normal(jax.random.key(0), SHAPE)
    noise = jax.random.normal(jax.random.key(1), SHAPE)
    return z, noise, z + SIGMA[:, None, None, None] * noise


def test_edm_coefficients_are_those_of_karras_table_1() -> None:
    """With F = c_in x the denoiser is (c_skip + c_out c_in) x, here with σ = 1: 1/2 + 1/2."""
    seen = []

    def network(noisy: jax.Array, noise_input: jax.Array, condition: Condition) -> jax.Array:
        seen.append(noise_input)
        return noisy

    noisy = jnp.ones(SHAPE)
    schedule = EDMSchedule(0.0, 1.4)
    denoised = schedule.denoise(network, noisy, jnp.ones(3), CONDITION)
    np.testing.assert_allclose(denoised, 1.0, rtol=1e-6)
    schedule.denoise(network, noisy, SIGMA, CONDITION)
    np.testing.assert_allclose(seen[1], np.log(SIGMA) / 4, rtol=1e-6)


def test_edm_with_a_zero_network_is_the_optimal_linear_denoiser_of_white_data() -> None:
    z, _, noisy = _noisy()
    denoised = EDMSchedule(0.0, 1.4).denoise(
        lambda x, _t, _c: jnp.zeros_like(x), noisy, SIGMA, CONDITION
    )
    np.testing.assert_allclose(denoised, noisy / (1 + SIGMA[:, None, None, None] ** 2), rtol=1e-6)
    assert denoised.shape == z.shape


def test_edm_input_and_target_have_unit_variance_at_every_level() -> None:
    z = jax.random.normal(jax.random.key(0), (3, 50, 50, 4))
    noise = jax.random.normal(jax.random.key(1), z.shape)
    level = SIGMA[:, None, None, None]
    noisy = z + level * noise
    inputs = []
    EDMSchedule(0.0, 1.4).denoise(lambda x, _t, _c: inputs.append(x) or x, noisy, SIGMA, CONDITION)
    np.testing.assert_allclose(jnp.std(inputs[0], axis=(1, 2, 3)), 1.0, rtol=0.03)
    target = (z - noisy / (level**2 + 1)) * jnp.sqrt(level**2 + 1) / level
    np.testing.assert_allclose(jnp.std(target, axis=(1, 2, 3)), 1.0, rtol=0.03)


def test_vp_with_the_true_noise_gives_the_clean_increment() -> None:
    z, noise, noisy = _noisy()
    denoised = VPCosineSchedule().denoise(lambda _x, _t, _c: noise, noisy, SIGMA, CONDITION)
    np.testing.assert_allclose(denoised, z, atol=1e-5)


def test_vp_network_sees_the_time_and_the_scale_of_the_paper() -> None:
    """x_t = α z + β ε with α = cos(t acos √η)² and β² = 1 − α² + η², for three times."""
    eta, time = 1e-3, np.array([0.1, 0.5, 0.9])
    alpha = np.cos(time * np.arccos(np.sqrt(eta))) ** 2
    sigma = np.sqrt(1 - alpha**2 + eta**2) / alpha
    seen = []

    def network(noisy: jax.Array, noise_input: jax.Array, condition: Condition) -> jax.Array:
        seen.extend([noisy, noise_input])
        return noisy

    VPCosineSchedule().denoise(
        network, jnp.ones(SHAPE), jnp.asarray(sigma, jnp.float32), CONDITION
    )
    np.testing.assert_allclose(seen[0][:, 0, 0, 0], alpha, rtol=1e-4)
    np.testing.assert_allclose(seen[1], time, rtol=1e-3)


@pytest.mark.parametrize("kind", ["edm", "vp_cosine"])
def test_training_levels_are_positive_and_cover_data_and_noise(kind: str) -> None:
    schedule = build_schedule(DenoiserConfig(schedule=kind))
    sigma = schedule.draw_sigma(jax.random.key(0), 2000)
    assert np.all(np.isfinite(sigma))
    assert sigma.min() > 0
    assert sigma.min() < 0.1
    assert sigma.max() > 10.0
    assert np.all(schedule.weight(sigma) >= 1)
