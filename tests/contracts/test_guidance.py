"""The guidance contract, over every method."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.config import DenoiserConfig, GuidanceConfig, SamplerConfig, config_from_table
from align_da.diffusion.build import build_denoiser_network, build_sampler, build_schedule
from align_da.diffusion.condition import Condition
from align_da.diffusion.contract import Denoiser
from align_da.diffusion.denoiser import make_denoiser
from align_da.errors import ConfigError
from align_da.guidance.build import build_guidance
from align_da.guidance.contract import Guidance, Likelihood

SHAPE = (4, 8, 2)
COUNT = 6
WEIGHTS = jax.random.normal(jax.random.key(8), (COUNT, 64)) / 8
UNITS = jnp.array([1e5, 1e-3, 1.0, 10.0, 1.0, 1.0])  # Pa, kg/kg, m/s, ...
CONFIGS = [
    GuidanceConfig(method="none"),
    GuidanceConfig(method="dps"),
    GuidanceConfig(method="sda", strength=0.1),
    GuidanceConfig(method="mmps"),
    GuidanceConfig(method="repaint"),
    GuidanceConfig(method="repaint", repetitions=3),
]


def _denoiser(noisy: jax.Array, sigma: jax.Array | float) -> jax.Array:
    """A smooth nonlinear denoiser."""
    return jnp.tanh(noisy + 0.3 * jnp.roll(noisy, 1, axis=1)) / (1 + sigma**2)


def _operator(z: jax.Array) -> jax.Array:
    """A smooth nonlinear operator of order one."""
    return jnp.sin(WEIGHTS @ z.ravel()) + WEIGHTS @ z.ravel()


def _likelihood(used: bool = True) -> Likelihood:
    value = jnp.linspace(-1.0, 1.0, COUNT)
    return Likelihood(value, jnp.full(COUNT, 0.04), jnp.full(COUNT, used), jnp.ones(COUNT))


@pytest.fixture(params=CONFIGS, ids=lambda config: f"{config.method}{config.repetitions}")
def guidance(request: pytest.FixtureRequest) -> Guidance:
    return build_guidance(request.param)


@pytest.fixture
def noisy() -> jax.Array:
    return 2 * jax.random.normal(jax.random.key(0), SHAPE)


@pytest.mark.parametrize("sigma", [0.02, 1.0, 20.0])
def test_without_used_observations_the_output_is_the_priors_bit_for_bit(
    guidance: Guidance, noisy: jax.Array, sigma: float
) -> None:
    prior = jax.jit(_denoiser)(noisy, sigma)
    guided = jax.jit(
        lambda x, likelihood: guidance(_denoiser, _operator, likelihood)(x, jnp.float32(sigma))
    )
    np.testing.assert_array_equal(guided(noisy, _likelihood(used=False)), prior)


def test_nan_in_an_unused_observation_changes_no_bit_and_leaves_gradients_finite(
    guidance: Guidance, noisy: jax.Array
) -> None:
    plain = _likelihood()
    plain = replace(plain, used=plain.used.at[2].set(False))
    broken = Likelihood(
        plain.value.at[2].set(jnp.nan),
        plain.variance.at[2].set(jnp.nan),
        plain.used,
        plain.prior_variance.at[2].set(jnp.nan),
    )

    @jax.jit
    def cost(x: jax.Array, likelihood: Likelihood) -> jax.Array:
        return jnp.sum(guidance(_denoiser, _operator, likelihood)(x, jnp.float32(0.5)) ** 2)

    value, gradient = jax.value_and_grad(cost)(noisy, broken)
    assert value == cost(noisy, plain)
    assert jnp.all(jnp.isfinite(gradient))


def test_units_of_the_observations_do_not_matter(guidance: Guidance, noisy: jax.Array) -> None:
    plain = _likelihood()
    scaled = Likelihood(
        plain.value * UNITS,
        plain.variance * UNITS**2,
        plain.used,
        plain.prior_variance * UNITS**2,
    )
    sigma = jnp.float32(0.5)
    expected = guidance(_denoiser, _operator, plain)(noisy, sigma)
    got = guidance(_denoiser, lambda z: UNITS * _operator(z), scaled)(noisy, sigma)
    np.testing.assert_allclose(got, expected, atol=1e-4)


def test_a_perfect_fit_stays_as_it_is(guidance: Guidance, noisy: jax.Array) -> None:
    sigma = jnp.float32(0.5)
    denoised = _denoiser(noisy, sigma)
    fitted = replace(_likelihood(), value=_operator(denoised))
    guided = guidance(_denoiser, _operator, fitted)(noisy, sigma)
    np.testing.assert_allclose(guided, denoised, atol=1e-5)


@pytest.mark.parametrize("sigma", [0.05, 1.0, 20.0])
def test_guidance_does_not_worsen_the_fit_of_a_linear_operator(
    guidance: Guidance, noisy: jax.Array, sigma: float
) -> None:
    def linear(z: jax.Array) -> jax.Array:
        return WEIGHTS @ z.ravel()

    likelihood = _likelihood()
    sigma = jnp.float32(sigma)

    def misfit(denoiser: Denoiser) -> jax.Array:
        return jnp.sum(likelihood.residual(linear(denoiser(noisy, sigma))) ** 2)

    assert misfit(guidance(_denoiser, linear, likelihood)) <= misfit(_denoiser) * (1 + 1e-6)


def test_a_thousand_copies_of_an_observation_do_not_explode(
    guidance: Guidance, noisy: jax.Array
) -> None:
    copies = 1000
    likelihood = Likelihood(
        jnp.ones(copies),
        jnp.full(copies, 1e-4),
        jnp.full(copies, True),
        jnp.ones(copies),
    )
    guided = guidance(_denoiser, lambda z: jnp.repeat(z[1, 2, 0], copies), likelihood)
    change = guided(noisy, jnp.float32(20.0)) - _denoiser(noisy, 20.0)
    assert jnp.abs(change).max() < 10.0


def test_members_under_vmap_equal_members_one_by_one(guidance: Guidance) -> None:
    members = 2 * jax.random.normal(jax.random.key(5), (3, *SHAPE))
    guided = guidance(_denoiser, _operator, _likelihood())
    together = jax.vmap(lambda x: guided(x, jnp.float32(1.0)))(members)
    for member, alone in enumerate(members):
        np.testing.assert_allclose(together[member], guided(alone, jnp.float32(1.0)), atol=1e-5)


@pytest.mark.parametrize("kind", ["heun", "dpm_solver", "stochastic"])
def test_guided_sampling_with_a_network_and_any_sampler_is_finite(kind: str) -> None:
    config = DenoiserConfig(width=8, levels=2)
    network = build_denoiser_network(config, SHAPE, jax.random.key(0))
    condition = Condition(jnp.ones(SHAPE), jnp.float32(24.0), jnp.float32(0.0))
    prior = make_denoiser(network, build_schedule(config), condition)
    guidance = build_guidance(GuidanceConfig(method="dps"))
    sampler = build_sampler(SamplerConfig(kind=kind, steps=6, correctors=1))
    drawn = jax.jit(lambda key: sampler(guidance(prior, _operator, _likelihood()), key, SHAPE))(
        jax.random.key(1)
    )
    assert jnp.all(jnp.isfinite(drawn))


def test_guided_sampling_fits_the_observations_better_than_the_prior(guidance: Guidance) -> None:
    sampler = build_sampler(SamplerConfig(steps=12))
    likelihood = _likelihood()
    keys = jax.random.split(jax.random.key(1), 8)

    def misfit(denoiser: Denoiser) -> jax.Array:
        drawn = jax.vmap(lambda key: sampler(denoiser, key, SHAPE))(keys)
        return jnp.mean(jax.vmap(lambda z: likelihood.residual(_operator(z)) ** 2)(drawn))

    posterior, prior = misfit(guidance(_denoiser, _operator, likelihood)), misfit(_denoiser)
    assert jnp.isfinite(posterior)
    assert posterior <= prior


def test_unknown_method_is_refused_before_anything_runs() -> None:
    with pytest.raises(ConfigError, match=r"guidance\.method"):
        config_from_table({"guidance": {"method": "pgdm"}})
