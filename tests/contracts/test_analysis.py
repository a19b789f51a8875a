"""The contract of analysis methods, run over every implementation."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.assimilation.contract import Analysis
from align_da.assimilation.free_run import FreeRun
from align_da.assimilation.hybrid_gain import HybridGain
from align_da.assimilation.latent_score import LatentScoreAnalysis
from align_da.assimilation.latent_three_d_var import LatentThreeDVar
from align_da.assimilation.letkf import LETKF, Localisation
from align_da.assimilation.optimal_interpolation import OptimalInterpolation
from align_da.assimilation.recentred import Recentred
from align_da.atmosphere import Grid, Layout, Normalisation, State, VerticalCoordinate
from align_da.autoencoder import pole_signs
from align_da.autoencoder.latent_space import LatentSpace
from align_da.config import AutoencoderConfig, DenoiserConfig, GuidanceConfig, SamplerConfig
from align_da.diffusion.unit_normal import UnitNormal
from align_da.guidance.contract import PosteriorSampler
from align_da.observations.batch import Flag, ObservationBatch, Vertical
from align_da.observations.interpolation import interpolation_operator
from align_da.observations.own_times import at_own_times, slots_of_window
from align_da.prior.background_errors import prior_from_root
from align_da.prior.increment_correlation import no_correlation
from align_da.prior.latent_prior import LatentPrior
from align_da.prior.latent_scaling import LatentScaling
from align_da.runs.autoencoders import build_autoencoder
from align_da.runs.denoisers import build_denoiser_network, build_schedule
from align_da.runs.guidances import build_posterior_sampler

LAYOUT = Layout(
    Grid(
        tuple(np.linspace(-78.75, 78.75, 8)),
        tuple(np.arange(16) * 22.5),
        VerticalCoordinate("sigma", (0.3, 0.9)),
    ),
    ("u_component_of_wind", "temperature", "surface_pressure"),
)
MEMBERS, OBSERVATIONS = 3, 12
SLOTS = slots_of_window(6, 1)
IN_WINDOW = at_own_times(interpolation_operator, SLOTS)
KEY = jax.random.key(0)


@cache
def prior(*, network: bool = False) -> LatentPrior:
    """The denoiser of a standard normal increment: an untrained network, or none."""
    settings = AutoencoderConfig(width=8, depth=1, stride=2, latent_channels=12)
    autoencoder = build_autoencoder(settings, LAYOUT.shape, jax.random.key(0), pole_signs(LAYOUT))
    denoiser = DenoiserConfig(kind="dit", width=8, heads=2)
    rows, columns, latent = autoencoder.latent_shape
    return LatentPrior(
        LatentSpace(autoencoder, Normalisation(jnp.full(5, 10.0), jnp.full(5, 2.0))),
        build_denoiser_network(denoiser, (rows, columns, latent), jax.random.key(1))
        if network
        else UnitNormal(),
        LatentScaling(
            jnp.asarray([6.0, 48.0]),
            jnp.broadcast_to(0.5 * jnp.eye(latent), (2, rows, latent, latent)),
            jnp.zeros(latent),
            jnp.ones(latent),
            no_correlation((rows, columns, latent), leads=2),
        ),
        build_schedule(denoiser),
    )


@cache
def latent_score(method: str) -> LatentScoreAnalysis:
    posterior = build_posterior_sampler(GuidanceConfig(method=method), SamplerConfig(steps=6))
    # One method with a network: it takes longer to compile than the method itself.
    return LatentScoreAnalysis(
        prior(network=method == "jfps"), posterior, interpolation_operator, 2
    )


@cache
def optimal_interpolation() -> OptimalInterpolation:
    errors = jax.random.normal(jax.random.key(5), (20, *LAYOUT.shape))
    centred = State(errors - errors.mean(axis=0), LAYOUT)
    return OptimalInterpolation(centred, 1.0, 3e6, interpolation_operator)


@cache
def latent_three_d_var() -> LatentThreeDVar:
    return LatentThreeDVar(prior(), interpolation_operator, outer=2, inner=10)


@cache
def three_d_var() -> LatentThreeDVar:
    """In model space, with uncorrelated errors of standard deviation 2."""
    model_space = prior_from_root(LAYOUT, lambda white: 2 * white)
    return LatentThreeDVar(model_space, interpolation_operator, outer=1, inner=20)


def letkf() -> LETKF:
    near = Localisation(radius=4e6, depth=1.5)
    return LETKF(interpolation_operator, near, inflation=1.1, relaxation=0.5)


GUIDED: dict[str, Callable[[], Analysis]] = {
    f"latent_score {method}": lambda method=method: latent_score(method)
    for method in ("dps", "sda", "mmps", "jfps", "repaint")
}
USING_OBSERVATIONS = {
    **GUIDED,
    "optimal_interpolation": optimal_interpolation,
    "latent_3d_var": latent_three_d_var,
    "3d_var": three_d_var,
    "letkf": letkf,
    "etkf": lambda: LETKF(interpolation_operator, rotate=True),
    "recentred": lambda: Recentred(replace(latent_score("jfps"), draws=2), letkf()),
    "hybrid_gain": lambda: HybridGain(letkf(), three_d_var(), 0.5, interpolation_operator),
}
ALL = {
    **USING_OBSERVATIONS,
    "latent_score none": lambda: latent_score("none"),
    "free_run": lambda: FreeRun(interpolation_operator),
}


def background(members: int = MEMBERS) -> State:
    values = 10 + jax.random.normal(jax.random.key(3), (members, *LAYOUT.shape))
    return State(values, LAYOUT)


def observations(shift: float = 1.5) -> ObservationBatch:
    place = np.random.default_rng(4)
    full = jnp.ones(OBSERVATIONS)
    return ObservationBatch(
        value=10 + shift * full,
        error=0.5 * full,
        latitude=jnp.asarray(place.uniform(-80, 80, OBSERVATIONS), jnp.float32),
        longitude=jnp.asarray(place.uniform(0, 360, OBSERVATIONS), jnp.float32),
        level=0.5 * full,
        vertical=jnp.full(OBSERVATIONS, int(Vertical.LEVEL)),
        time=0 * full,
        variable=jnp.arange(OBSERVATIONS, dtype=jnp.int32) % 2,
        station=jnp.arange(OBSERVATIONS, dtype=jnp.int32),
        flag=jnp.full(OBSERVATIONS, int(Flag.PASS)),
    )


@pytest.fixture(params=ALL, ids=str)
def method(request: pytest.FixtureRequest) -> Analysis:
    return ALL[request.param]()


@pytest.fixture(params=USING_OBSERVATIONS, ids=str)
def using_observations(request: pytest.FixtureRequest) -> Analysis:
    return USING_OBSERVATIONS[request.param]()


def test_it_fulfils_the_protocol_and_keeps_the_shape(method: Analysis) -> None:
    assert isinstance(method, Analysis)
    analysis, diagnostics = method(background(), observations(), 6.0, jax.random.key(0))
    assert analysis.values.shape == (MEMBERS, *LAYOUT.shape)
    assert analysis.layout == LAYOUT
    assert bool(jnp.isfinite(analysis.values).all())
    assert diagnostics.analysis_equivalent.shape == (OBSERVATIONS,)
    assert bool(jnp.isfinite(diagnostics.chi_square))


def test_the_same_key_gives_the_same_bits(method: Analysis) -> None:
    first, second = (
        method(background(), observations(), 6.0, jax.random.key(0))[0].values for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


def in_window(method: Analysis) -> Analysis:
    """The method for observations at their own times."""
    if isinstance(method, Recentred):
        return Recentred(in_window(method.centre), in_window(method.perturbations))
    if isinstance(method, HybridGain):
        parts = {"ensemble": in_window(method.ensemble), "static": in_window(method.static)}
        method = replace(method, **parts)
    return replace(method, operator_for=IN_WINDOW)


def drifting(state: State, drift: jax.Array) -> State:
    """The state with every member drifting alike: [slot, lat, lon, channel]."""
    return replace(state, drift=jnp.broadcast_to(drift, (MEMBERS, *drift.shape)))


def test_an_observation_is_compared_with_the_background_at_its_own_time(method: Analysis) -> None:
    """As is one at the valid time that differs by as much as the background drifts."""
    drift = jax.random.normal(jax.random.key(6), (len(SLOTS), *LAYOUT.shape))
    still, batch = background(), observations()
    moving = drifting(still, drift)
    hours = jnp.asarray(SLOTS)[jnp.arange(OBSERVATIONS) % (len(SLOTS) - 1)]
    later = replace(batch, time=3600.0 * hours)
    of_drift = interpolation_operator(batch, LAYOUT)(State(drift, LAYOUT))
    drifted = of_drift[jnp.arange(OBSERVATIONS) % (len(SLOTS) - 1), jnp.arange(OBSERVATIONS)]
    expected, report = method(still, replace(batch, value=batch.value - drifted), 6.0, KEY)
    found, of_window = in_window(method)(moving, later, 6.0, KEY)
    np.testing.assert_allclose(found.values, expected.values, atol=2e-4)
    moved = of_window.analysis_equivalent - report.analysis_equivalent
    np.testing.assert_allclose(moved, drifted, atol=2e-4)


def test_a_background_that_stands_still_has_observations_at_the_valid_time(
    method: Analysis,
) -> None:
    still, batch = background(), observations()
    later = replace(batch, time=batch.time + 3600.0)
    expected, _ = method(still, later, 6.0, KEY)
    found, _ = in_window(method)(
        drifting(still, jnp.zeros((len(SLOTS), *LAYOUT.shape))), later, 6.0, KEY
    )
    np.testing.assert_array_equal(found.values, expected.values)


def test_an_unused_observation_may_be_nan(method: Analysis) -> None:
    clean = observations()
    unused = jnp.arange(OBSERVATIONS) < 5
    flagged = replace(clean, flag=jnp.where(unused, int(Flag.MISSING), clean.flag))
    broken = replace(flagged, value=jnp.where(unused, jnp.nan, clean.value))
    first, second = (
        method(background(), batch, 6.0, jax.random.key(0))[0].values
        for batch in (flagged, broken)
    )
    np.testing.assert_array_equal(first, second)


def test_observations_pull_the_analysis_towards_them(using_observations: Analysis) -> None:
    state, batch = background(), observations()
    _, diagnostics = using_observations(state, batch, 6.0, jax.random.key(0))
    before = jnp.abs(batch.value - diagnostics.background_equivalent).mean()
    after = jnp.abs(batch.value - diagnostics.analysis_equivalent).mean()
    assert float(after) < 0.8 * float(before)


def test_without_observations_a_guided_draw_is_the_prior_draw_of_its_key() -> None:
    batch = observations()
    empty = replace(batch, flag=jnp.full(OBSERVATIONS, int(Flag.MISSING)))
    key = jax.random.key(0)
    expected = latent_score("none")(background(), empty, 6.0, key)[0].values
    for build in GUIDED.values():
        drawn = build()(background(), empty, 6.0, key)[0].values
        np.testing.assert_allclose(drawn, expected, atol=1e-5)


@pytest.mark.row(60)
def test_a_larger_ensemble_keeps_the_members_it_had() -> None:
    small, large = (
        latent_score("dps")(State(background(8).values[:n], LAYOUT), observations(), 6.0, key)[0]
        for n, key in ((4, jax.random.key(0)), (8, jax.random.key(0)))
    )
    np.testing.assert_array_equal(small.values, large.values[:4])


@pytest.mark.parametrize(
    "name", ["latent_score mmps", "latent_score jfps", "latent_3d_var", "3d_var", "recentred"]
)
def test_who_solves_a_system_tells_how_well(name: str) -> None:
    _, report = USING_OBSERVATIONS[name]()(background(), observations(), 6.0, KEY)
    assert 1 <= report.effort.iterations <= 50
    assert 0 < report.effort.residual <= 1


@pytest.mark.parametrize("name", ["letkf", "optimal_interpolation", "latent_score dps"])
def test_who_solves_none_tells_nothing(name: str) -> None:
    _, report = USING_OBSERVATIONS[name]()(background(), observations(), 6.0, KEY)
    assert jnp.isnan(report.effort.residual)


def test_a_system_that_its_iterations_do_not_solve_is_told() -> None:
    for method in (
        replace(latent_three_d_var(), inner=1, tolerance=1e-4),
        replace(latent_score("jfps"), posterior=one_iteration()),
    ):
        _, report = method(background(), observations(), 6.0, KEY)
        assert report.effort.iterations == 1
        assert report.effort.residual > 1


def one_iteration() -> PosteriorSampler:
    guidance = GuidanceConfig(tolerance=1e-4, iterations=1)
    return build_posterior_sampler(guidance, SamplerConfig(steps=6))
