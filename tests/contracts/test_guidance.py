"""The guidance contract, over every method."""

from collections.abc import Callable
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.config import DenoiserConfig, GuidanceConfig, SamplerConfig, config_from_table
from align_da.diffusion.condition import Condition
from align_da.diffusion.denoiser import make_denoiser
from align_da.errors import ConfigError
from align_da.guidance.contract import Guidance
from align_da.guidance.guided_sampler import GuidedSampler
from align_da.observations.likelihood import Likelihood
from align_da.runs.denoisers import build_denoiser_network, build_schedule
from align_da.runs.guidances import build_posterior_sampler
from align_da.runs.samplers import build_sampler

SHAPE = (4, 8, 2)
COUNT = 6
WEIGHTS = jax.random.normal(jax.random.key(8), (COUNT, 64)) / 8
UNITS = jnp.array([1e5, 1e-3, 1.0, 10.0, 1.0, 1.0])  # Pa, kg/kg, m/s, ...
SAME_UNITS = jnp.ones(COUNT)
IN_ORDER = jnp.arange(COUNT)
NOISY = 2 * jax.random.normal(jax.random.key(0), SHAPE)
CONFIGS = [
    GuidanceConfig(method="none"),
    GuidanceConfig(method="dps"),
    GuidanceConfig(method="sda", strength=0.1),
    GuidanceConfig(method="mmps"),
    GuidanceConfig(method="jfps"),
    GuidanceConfig(method="repaint"),
    GuidanceConfig(method="repaint", repetitions=3),
]
SAMPLER = build_sampler(SamplerConfig(steps=12))

GuidedDenoiser = Callable[..., jax.Array]
"""(noisy, sigma, likelihood, units, order) → denoised, compiled once a method."""


def _denoiser(noisy: jax.Array, sigma: jax.Array | float) -> jax.Array:
    """A smooth nonlinear denoiser."""
    return jnp.tanh(noisy + 0.3 * jnp.roll(noisy, 1, axis=1)) / (1 + sigma**2)


def _operator(z: jax.Array) -> jax.Array:
    """A smooth, mildly nonlinear operator of order one."""
    linear = WEIGHTS @ z.ravel()
    return linear + 0.2 * jnp.sin(linear)


def _likelihood() -> Likelihood:
    value = jnp.linspace(-1.0, 1.0, COUNT)
    return Likelihood(value, jnp.full(COUNT, 0.04), jnp.full(COUNT, True), jnp.ones(COUNT))


@jax.jit
@jax.vmap
def _prior_draws(key: jax.Array) -> jax.Array:
    return SAMPLER(_denoiser, key, SHAPE)


def guidance_of(config: GuidanceConfig) -> Guidance:
    built = build_posterior_sampler(config, SamplerConfig())
    assert isinstance(built, GuidedSampler)
    return built.guidance


@pytest.fixture(
    scope="module", params=CONFIGS, ids=lambda config: f"{config.method}{config.repetitions}"
)
def guidance(request: pytest.FixtureRequest) -> Guidance:
    return guidance_of(request.param)


@pytest.fixture(scope="module")
def guided(guidance: Guidance) -> GuidedDenoiser:
    @jax.jit
    def denoise(
        noisy: jax.Array,
        sigma: jax.Array,
        likelihood: Likelihood,
        units: jax.Array,
        order: jax.Array,
    ) -> jax.Array:
        def operator(z: jax.Array) -> jax.Array:
            return (units * _operator(z))[order]

        return guidance(_denoiser, operator, likelihood)(noisy, sigma)

    def denoise_in(
        noisy: jax.Array,
        sigma: float,
        likelihood: Likelihood,
        units: jax.Array,
        order: jax.Array = IN_ORDER,
    ) -> jax.Array:
        """With weak types made strong: each of them would be compiled by itself."""
        single = jax.tree.map(lambda leaf: leaf.astype(leaf.dtype), likelihood)
        return denoise(noisy, jnp.float32(sigma), single, units, order)

    return denoise_in


def _misfit(z: jax.Array) -> float:
    return float(jnp.sum(_likelihood().residual(_operator(z)) ** 2))


@pytest.mark.parametrize("sigma", [0.02, 1.0, 20.0])
def test_without_used_observations_the_output_is_the_priors_bit_for_bit(
    guided: GuidedDenoiser, sigma: float
) -> None:
    unused = replace(_likelihood(), used=jnp.full(COUNT, False))
    prior = jax.jit(_denoiser)(NOISY, sigma)
    np.testing.assert_array_equal(guided(NOISY, sigma, unused, SAME_UNITS), prior)


def test_nan_in_an_unused_observation_changes_no_bit_and_leaves_gradients_finite(
    guided: GuidedDenoiser,
) -> None:
    plain = _likelihood()
    plain = replace(plain, used=plain.used.at[2].set(False))
    broken = Likelihood(
        plain.value.at[2].set(jnp.nan),
        plain.variance.at[2].set(jnp.nan),
        plain.used,
        plain.prior_variance.at[2].set(jnp.nan),
    )
    np.testing.assert_array_equal(
        guided(NOISY, 0.5, broken, SAME_UNITS), guided(NOISY, 0.5, plain, SAME_UNITS)
    )
    gradient = jax.grad(lambda x: jnp.sum(guided(x, 0.5, broken, SAME_UNITS) ** 2))(NOISY)
    assert jnp.all(jnp.isfinite(gradient))


def test_units_of_the_observations_do_not_matter(guided: GuidedDenoiser) -> None:
    plain = _likelihood()
    scaled = Likelihood(
        plain.value * UNITS,
        plain.variance * UNITS**2,
        plain.used,
        plain.prior_variance * UNITS**2,
    )
    expected = guided(NOISY, 0.5, plain, SAME_UNITS)
    np.testing.assert_allclose(guided(NOISY, 0.5, scaled, UNITS), expected, atol=1e-4)


def test_the_order_of_the_observations_does_not_matter(guided: GuidedDenoiser) -> None:
    order = jnp.array([3, 5, 0, 1, 4, 2])
    plain = _likelihood()
    turned = jax.tree.map(lambda entry: entry[order], plain)
    expected = guided(NOISY, 0.5, plain, SAME_UNITS)
    found = guided(NOISY, 0.5, turned, SAME_UNITS, order)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_perfect_fit_stays_as_it_is(guided: GuidedDenoiser) -> None:
    denoised = _denoiser(NOISY, 0.5)
    fitted = replace(_likelihood(), value=_operator(denoised))
    np.testing.assert_allclose(guided(NOISY, 0.5, fitted, SAME_UNITS), denoised, atol=1e-5)


@pytest.mark.parametrize("sigma", [0.05, 1.0, 20.0])
def test_guidance_does_not_worsen_the_fit(guided: GuidedDenoiser, sigma: float) -> None:
    posterior = _misfit(guided(NOISY, sigma, _likelihood(), SAME_UNITS))
    assert posterior <= _misfit(_denoiser(NOISY, sigma)) * (1 + 1e-5)


def test_a_thousand_copies_of_an_observation_do_not_explode(guidance: Guidance) -> None:
    copies = 1000
    likelihood = Likelihood(
        jnp.ones(copies), jnp.full(copies, 1e-4), jnp.full(copies, True), jnp.ones(copies)
    )
    guided = guidance(_denoiser, lambda z: jnp.repeat(z[1, 2, 0], copies), likelihood)
    change = jax.jit(guided)(NOISY, 20.0) - _denoiser(NOISY, 20.0)
    assert jnp.abs(change).max() < 10.0


def test_guided_draws_fit_better_than_the_prior_and_members_do_not_depend_on_each_other(
    guidance: Guidance,
) -> None:
    likelihood = _likelihood()

    @jax.jit
    def draw(keys: jax.Array) -> jax.Array:
        guided = guidance(_denoiser, _operator, likelihood)
        return jax.vmap(lambda key: SAMPLER(guided, key, SHAPE))(keys)

    keys = jax.random.split(jax.random.key(1), 8)
    drawn = draw(keys)
    prior = _prior_draws(keys)
    assert jnp.all(jnp.isfinite(drawn))
    assert sum(map(_misfit, drawn)) <= sum(map(_misfit, prior))
    reversed_order = draw(keys[::-1])[::-1]
    np.testing.assert_allclose(reversed_order, drawn, atol=1e-5)


@pytest.mark.parametrize("kind", ["heun", "dpm_solver", "stochastic"])
def test_guided_sampling_with_a_network_and_any_sampler_is_finite(kind: str) -> None:
    config = DenoiserConfig(width=8, levels=2)
    network = build_denoiser_network(config, SHAPE, jax.random.key(0))
    condition = Condition(jnp.ones(SHAPE), jnp.float32(24.0))
    prior = make_denoiser(network, build_schedule(config), condition)
    guidance = guidance_of(GuidanceConfig(method="dps"))
    sampler = build_sampler(SamplerConfig(kind=kind, steps=6, correctors=1))
    drawn = jax.jit(lambda key: sampler(guidance(prior, _operator, _likelihood()), key, SHAPE))(
        jax.random.key(1)
    )
    assert jnp.all(jnp.isfinite(drawn))


@pytest.mark.parametrize("method", ["none", "jfps", "split_gibbs"])
def test_without_used_observations_a_draw_is_the_priors_bit_for_bit(method: str) -> None:
    config = SamplerConfig(steps=4)
    posterior = build_posterior_sampler(GuidanceConfig(method=method), config)
    unused = replace(_likelihood(), value=jnp.full(COUNT, jnp.nan), used=jnp.full(COUNT, False))
    drawn = jax.jit(lambda key: posterior(_denoiser, _operator, unused, key, SHAPE))
    prior = jax.jit(lambda key: build_sampler(config)(_denoiser, key, SHAPE))
    key = jax.random.key(1)
    np.testing.assert_array_equal(drawn(key), prior(key))


def test_split_gibbs_does_not_see_an_observation_that_is_not_used() -> None:
    posterior = build_posterior_sampler(
        GuidanceConfig(method="split_gibbs"), SamplerConfig(steps=4)
    )
    plain = replace(_likelihood(), used=_likelihood().used.at[2].set(False))
    broken = replace(plain, value=plain.value.at[2].set(jnp.nan))
    draw = jax.jit(
        lambda likelihood: posterior(_denoiser, _operator, likelihood, jax.random.key(1), SHAPE)
    )
    np.testing.assert_array_equal(draw(broken), draw(plain))
    assert _misfit(draw(_likelihood())) < _misfit(draw(plain))


def test_unknown_method_is_refused_before_anything_runs() -> None:
    with pytest.raises(ConfigError, match=r"guidance\.method"):
        config_from_table({"guidance": {"method": "pgdm"}})
