"""The denoiser contract, over every network and schedule."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from align_da.config import DenoiserConfig
from align_da.diffusion.condition import Condition
from align_da.diffusion.denoiser import make_denoiser
from align_da.diffusion.schedule import Schedule
from align_da.runs.denoisers import build_denoiser_network, build_schedule

SHAPE = (4, 8, 2)


@pytest.fixture(params=itertools.product(["unet", "dit"], ["edm", "vp_cosine"]), ids="-".join)
def parts(request: pytest.FixtureRequest) -> tuple[nnx.Module, Schedule]:
    kind, schedule = request.param
    config = DenoiserConfig(kind=kind, schedule=schedule, width=8, levels=2)
    network = build_denoiser_network(config, SHAPE, jax.random.key(0))
    return network, build_schedule(config)


def _condition(members: int) -> Condition:
    background = jax.random.normal(jax.random.key(3), (members, *SHAPE))
    return Condition(background, jnp.full(members, 24.0))


def test_denoised_is_finite_and_of_the_same_shape_from_smallest_to_largest_noise(
    parts: tuple[nnx.Module, Schedule],
) -> None:
    condition = jax.tree.map(lambda leaf: leaf[0], _condition(1))
    denoiser = jax.jit(make_denoiser(*parts, condition))
    for sigma in (1e-3, 0.02, 1.0, 20.0, 80.0):
        noisy = (1 + sigma) * jax.random.normal(jax.random.key(1), SHAPE)
        denoised = denoiser(noisy, jnp.float32(sigma))
        assert denoised.shape == SHAPE
        assert jnp.all(jnp.isfinite(denoised))


def test_little_noise_is_hardly_denoised(parts: tuple[nnx.Module, Schedule]) -> None:
    condition = jax.tree.map(lambda leaf: leaf[0], _condition(1))
    noisy = jax.random.normal(jax.random.key(1), SHAPE)
    denoised = jax.jit(make_denoiser(*parts, condition))(noisy, jnp.float32(1e-3))
    np.testing.assert_allclose(denoised, noisy, atol=0.02)


def test_members_by_vmap_equal_members_one_by_one(parts: tuple[nnx.Module, Schedule]) -> None:
    conditions = _condition(3)
    noisy = jax.random.normal(jax.random.key(1), (3, *SHAPE))

    @jax.jit
    def denoise(noisy: jax.Array, condition: Condition) -> jax.Array:
        return make_denoiser(*parts, condition)(noisy, jnp.float32(1.0))

    together = jax.jit(jax.vmap(denoise))(noisy, conditions)
    for member in range(3):
        alone = denoise(noisy[member], jax.tree.map(lambda leaf: leaf[member], conditions))  # noqa: B023
        np.testing.assert_allclose(together[member], alone, atol=1e-5)


def test_same_key_builds_the_same_network() -> None:
    config = DenoiserConfig(width=8, levels=2)
    first, second = (build_denoiser_network(config, SHAPE, jax.random.key(4)) for _ in range(2))
    np.testing.assert_array_equal(
        first.entry.convolution.kernel[...], second.entry.convolution.kernel[...]
    )
