"""Latent 3D-Var against the Kalman update, and the truncation that its increments obey."""

from dataclasses import replace
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from align_da.assimilation.latent_three_d_var import LatentThreeDVar
from align_da.atmosphere import Grid, Layout, Normalisation, State, VerticalCoordinate
from align_da.atmosphere.truncation import spectral_truncation
from align_da.autoencoder import pole_signs
from align_da.autoencoder.latent_space import LatentSpace
from align_da.config import AutoencoderConfig
from align_da.observations.batch import Flag, ObservationBatch, Vertical
from align_da.observations.interpolation import interpolation_operator
from align_da.prior.increment_correlation import no_correlation
from align_da.prior.latent_prior import LatentPrior
from align_da.prior.latent_scaling import LatentScaling
from align_da.prior.representation_error import Representation
from align_da.prior.static_prior import static_prior
from align_da.runs.autoencoders import build_autoencoder

NODES, _ = np.polynomial.legendre.leggauss(8)
LAYOUT = Layout(
    Grid(
        tuple(np.rad2deg(np.arcsin(NODES))),
        tuple(np.arange(16) * 22.5),
        VerticalCoordinate("sigma", (0.3, 0.9)),
    ),
    ("temperature",),
)
OBSERVATIONS = 9
ERROR = 0.5


@cache
def prior() -> LatentPrior:
    """An untrained autoencoder is linear; its increments have a standard deviation near 1."""
    settings = AutoencoderConfig(width=8, depth=1, stride=2, latent_channels=8)
    autoencoder = build_autoencoder(settings, LAYOUT.shape, jax.random.key(0), pole_signs(LAYOUT))
    shape = autoencoder.latent_shape
    rows, _, latent = shape
    root = jnp.broadcast_to(jnp.eye(latent), (1, rows, latent, latent))
    scaling = LatentScaling(
        jnp.asarray([6.0]), root, jnp.zeros(latent), jnp.ones(latent), no_correlation(shape, 1)
    )
    space = LatentSpace(autoencoder, Normalisation(jnp.zeros(2), jnp.ones(2)))
    return static_prior(space, scaling)


def method(of: LatentPrior, inner: int = 40) -> LatentThreeDVar:
    return LatentThreeDVar(of, interpolation_operator, outer=1, inner=inner, tolerance=1e-5)


def state(members: int = 1) -> State:
    return State(jax.random.normal(jax.random.key(2), (members, *LAYOUT.shape)), LAYOUT)


def observations() -> ObservationBatch:
    place = np.random.default_rng(3)
    full = jnp.ones(OBSERVATIONS)
    return ObservationBatch(
        value=jnp.asarray(place.normal(size=OBSERVATIONS), jnp.float32),
        error=ERROR * full,
        latitude=jnp.asarray(place.uniform(-60, 60, OBSERVATIONS), jnp.float32),
        longitude=jnp.asarray(place.uniform(0, 360, OBSERVATIONS), jnp.float32),
        level=0.5 * full,
        vertical=jnp.full(OBSERVATIONS, int(Vertical.LEVEL)),
        time=0 * full,
        variable=jnp.zeros(OBSERVATIONS, jnp.int32),
        station=jnp.arange(OBSERVATIONS, dtype=jnp.int32),
        flag=jnp.full(OBSERVATIONS, int(Flag.PASS)),
    )


def test_with_a_linear_decoder_one_member_equals_the_kalman_update() -> None:
    background, batch = state(), observations()
    analysis, _ = method(prior())(background, batch, 6.0, jax.random.key(0))

    values = background.values[0]
    latent = prior().space.encode(values)
    operator = interpolation_operator(batch, LAYOUT)

    def decoded(z: jax.Array) -> jax.Array:
        return prior().analysis(values, latent, z, jnp.float32(6.0))

    jacobian = jax.jit(jax.jacobian(decoded))(jnp.zeros_like(latent))
    b_root = np.asarray(jacobian, np.float64).reshape(values.size, -1)
    h = np.asarray(operator(State(jnp.eye(values.size).reshape(-1, *LAYOUT.shape), LAYOUT))).T
    p = b_root @ b_root.T
    gain = p @ h.T @ np.linalg.inv(h @ p @ h.T + ERROR**2 * np.eye(OBSERVATIONS))
    x = np.asarray(values, np.float64).ravel()
    expected = x + gain @ (np.asarray(batch.value) - h @ x)
    assert np.abs(expected - x).max() > 0.3
    np.testing.assert_allclose(np.asarray(analysis.values).ravel(), expected, atol=2e-4)


def test_the_mean_of_an_ensemble_of_one_background_is_the_analysis_of_one_member() -> None:
    one = state()
    four = State(jnp.repeat(one.values, 4, axis=0), LAYOUT)
    batch, key = observations(), jax.random.key(0)
    single, _ = method(prior())(one, batch, 6.0, key)
    ensemble, _ = method(prior())(four, batch, 6.0, key)
    np.testing.assert_allclose(ensemble.values.mean(axis=0), single.values[0], atol=2e-4)
    assert float(ensemble.values.std(axis=0).max()) > 0.05


def test_a_truncated_prior_gives_increments_that_the_truncation_keeps() -> None:
    cut = spectral_truncation(LAYOUT, 5)
    background, batch = state(), observations()
    truncated = method(replace(prior(), truncation=cut))
    increment = truncated(background, batch, 6.0, jax.random.key(0))[0].values - background.values
    assert float(jnp.abs(increment).max()) > 0.1
    np.testing.assert_allclose(cut(increment), increment, atol=1e-5)
    whole = method(prior())(background, batch, 6.0, jax.random.key(0))[0].values
    assert float(jnp.abs(cut(whole - background.values) - (whole - background.values)).max()) > 0.1


def test_representation_error_is_error_of_the_observations() -> None:
    lost = Representation(jnp.asarray([6.0]), jnp.full((1, 2), 0.3))
    background, batch, key = state(), observations(), jax.random.key(0)
    with_lost, _ = method(replace(prior(), representation=lost))(background, batch, 6.0, key)
    points = jnp.eye(int(np.prod(LAYOUT.shape))).reshape(-1, *LAYOUT.shape)
    weights = interpolation_operator(batch, LAYOUT)(State(points, LAYOUT))
    of_points = 0.3 * (weights**2).sum(axis=0)  # errors of neighbouring points are independent
    assert 0 < float(of_points.min()) < float(of_points.max()) < 0.3
    larger = replace(batch, error=jnp.sqrt(ERROR**2 + of_points))
    expected, _ = method(prior())(background, larger, 6.0, key)
    np.testing.assert_allclose(with_lost.values, expected.values, atol=1e-5)
    without, _ = method(prior())(background, batch, 6.0, key)
    assert float(jnp.abs(with_lost.values - without.values).max()) > 0.02


def test_representation_error_follows_lead_time_and_level() -> None:
    """Halfway between leads the variance is halfway; unused observations keep theirs.

    On a point of the grid it is that of the point.
    """
    lost = Representation(jnp.asarray([6.0, 12.0]), jnp.asarray([[0.0, 0.0], [2.0, 8.0]]))
    upper, lower = (1.0, 2.0)
    batch = replace(
        observations(),
        latitude=jnp.full(OBSERVATIONS, LAYOUT.grid.latitude[2]),
        longitude=jnp.full(OBSERVATIONS, LAYOUT.grid.longitude[3]),
        level=jnp.tile(jnp.asarray([0.3, 0.9, 0.9]), 3),
        value=jnp.full(OBSERVATIONS, jnp.nan),
        flag=jnp.tile(jnp.asarray([Flag.PASS, Flag.PASS, Flag.MISSING], jnp.int32), 3),
    )
    operator = interpolation_operator(batch, LAYOUT)
    known = replace(prior(), representation=lost)
    found = known.likelihood(batch, operator, state(), 9.0).variance[:3]
    plain = prior().likelihood(batch, operator, state(), 9.0).variance[:3]
    np.testing.assert_allclose(found - plain, [upper**2, lower**2, 0.0], atol=1e-5)
