"""Noise levels, convergence orders and spread of the samplers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.config import SamplerConfig
from align_da.diffusion.langevin import NO_CORRECTORS, Correctors, langevin_correct
from align_da.diffusion.noise_levels import NoiseLevels
from align_da.errors import InputError
from align_da.runs.samplers import build_sampler

SHAPE = (1, 1, 1)
STD = 0.5


def _denoiser(noisy: jax.Array, sigma: jax.Array | float) -> jax.Array:
    """The exact denoiser of N(0, STD²)."""
    return STD**2 / (STD**2 + sigma**2) * noisy


def _spread(config: SamplerConfig) -> float:
    """Standard deviation of 4096 draws, as 64 draws of a field of 64 independent points."""
    sampler = build_sampler(config)
    keys = jax.random.split(jax.random.key(1), 64)
    draw = jax.jit(jax.vmap(lambda key: sampler(_denoiser, key, (8, 8, 1))))
    return float(jnp.std(draw(keys)))


def test_levels_fall_from_sigma_max_to_sigma_min_and_end_at_zero() -> None:
    levels = NoiseLevels(steps=10, sigma_min=0.02, sigma_max=20.0).values
    np.testing.assert_allclose(levels[[0, -2, -1]], [20.0, 0.02, 0.0])
    assert np.all(np.diff(levels) < 0)
    assert levels.size == 11


def test_one_step_is_the_denoised_initial_noise() -> None:
    config = SamplerConfig(kind="dpm_solver", steps=1)
    drawn = build_sampler(config)(_denoiser, jax.random.key(0), SHAPE)
    initial = 20.0 * jax.random.normal(jax.random.fold_in(jax.random.key(0), 0), SHAPE)
    np.testing.assert_allclose(drawn, _denoiser(initial, 20.0), rtol=1e-6)


def test_levels_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(InputError, match="sigma_max > sigma_min"):
        NoiseLevels(sigma_min=2.0, sigma_max=1.0)


def _end_point(kind: str, steps: int, churn: float = 1.0) -> float:
    """A deterministic draw from initial noise of size σ_max."""
    config = SamplerConfig(kind=kind, steps=steps, sigma_min=0.01, churn=churn)
    sampler = build_sampler(config)
    key = jax.random.key(0)
    initial = jax.random.normal(jax.random.fold_in(key, 0), SHAPE)
    return float((sampler(_denoiser, key, SHAPE) / initial)[0, 0, 0])


# The exact flow: x(0) = x(σ_max) STD / √(STD² + σ_max²), with x(σ_max) = σ_max.
EXACT = 20.0 * STD / np.sqrt(STD**2 + 20.0**2)


@pytest.mark.parametrize(("kind", "order"), [("heun", 2), ("dpm_solver", 2), ("stochastic", 1)])
def test_deterministic_samplers_converge_with_their_order(kind: str, order: int) -> None:
    errors = [abs(_end_point(kind, steps, churn=0.0) - EXACT) for steps in (20, 40)]
    assert errors[1] < errors[0] / 2 ** (order - 0.4)


@pytest.mark.parametrize("kind", ["heun", "dpm_solver"])
def test_second_order_is_within_three_percent_at_twenty_steps(kind: str) -> None:
    assert abs(_end_point(kind, 20) / EXACT - 1) < 0.03  # 0.020 and 0.022


def test_ancestral_spread_is_too_small_with_few_steps_and_right_with_many() -> None:
    """Step count alone is a spread bug: 0.64, 0.88 and 0.97 of the true spread."""
    few, more, many = (
        _spread(SamplerConfig(kind="stochastic", steps=steps)) / STD for steps in (8, 32, 128)
    )
    assert few < 0.7
    assert few < more < 1.0
    assert abs(many - 1) < 0.05


def test_correctors_restore_part_of_the_spread_that_few_steps_lose() -> None:
    plain = _spread(SamplerConfig(kind="stochastic", steps=8))
    corrected = _spread(SamplerConfig(kind="stochastic", steps=8, correctors=2))
    assert plain / STD < 0.7
    assert abs(corrected / STD - 0.82) < 0.03


def test_langevin_correction_keeps_the_noisy_distribution() -> None:
    """200 corrections of 4000 chains that start at a point reach the variance STD² + σ²."""
    shape, sigma = (1, 4000, 1), jnp.float32(1.0)
    corrected, _ = langevin_correct(
        _denoiser, jnp.full(shape, 0.1), sigma, jax.random.key(0), Correctors(200, 0.05)
    )
    np.testing.assert_allclose(jnp.std(corrected), np.sqrt(STD**2 + 1), rtol=0.06)


def test_no_correction_changes_nothing() -> None:
    noisy = jnp.ones(SHAPE)
    key = jax.random.key(0)
    assert langevin_correct(_denoiser, noisy, jnp.float32(1.0), key, NO_CORRECTORS)[0] is noisy
