"""The ensemble transform is the Kalman update of the sample covariance."""

from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.assimilation.ensemble_transform import random_rotation
from align_da.assimilation.letkf import LETKF, Localisation
from align_da.assimilation.recentred import Recentred
from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from align_da.constants import EARTH_RADIUS
from align_da.errors import InputError
from align_da.observations.batch import Flag, ObservationBatch, Vertical
from align_da.observations.interpolation import interpolation_operator

LAYOUT = Layout(
    Grid((0.0,), tuple(9.0 * i for i in range(40)), VerticalCoordinate("index", (1.0,))),
    ("lorenz_96",),
)
GLOBAL = LETKF(interpolation_operator)


def observations(value: np.ndarray, error: float = 0.5, last: float = 350.0) -> ObservationBatch:
    full = jnp.zeros(value.size)
    return ObservationBatch(
        value=jnp.asarray(value, jnp.float32),
        error=full + error,
        latitude=full,
        longitude=jnp.linspace(0.0, last, value.size),
        level=full + 1,
        vertical=jnp.full(value.size, int(Vertical.LEVEL)),
        time=full,
        variable=jnp.zeros(value.size, jnp.int32),
        station=jnp.arange(value.size),
        flag=jnp.full(value.size, int(Flag.PASS)),
    )


def ensemble(members: int = 6) -> State:
    return State(3 + jax.random.normal(jax.random.key(2), (members, *LAYOUT.shape)), LAYOUT)


def covariance(state: State) -> np.ndarray:
    return np.cov(np.asarray(state.values).reshape(len(state.values), -1).T)


def test_mean_and_covariance_are_those_of_the_kalman_filter() -> None:
    background, batch = ensemble(), observations(np.linspace(-1, 4, 11))
    analysis, _ = GLOBAL(background, batch, 6.0, jax.random.key(0))

    operator = interpolation_operator(batch, LAYOUT)
    h = np.asarray(operator(State(jnp.eye(40).reshape(40, *LAYOUT.shape), LAYOUT))).T
    p = covariance(background)
    gain = p @ h.T @ np.linalg.inv(h @ p @ h.T + 0.25 * np.eye(11))
    x = np.asarray(background.values).mean(axis=0).ravel()
    mean = x + gain @ (np.asarray(batch.value) - h @ x)
    found = np.asarray(analysis.values).mean(axis=0).ravel()
    np.testing.assert_allclose(found, mean, atol=1e-4)
    np.testing.assert_allclose(covariance(analysis), (np.eye(40) - gain @ h) @ p, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "atol"),
    # DAPPER leaves observations out whose taper is below 0.001.
    [("etkf", 1e-4), ("letkf", 2e-3)],
)
def test_analyses_are_those_of_dapper(name: str, atol: float) -> None:
    """Made by experiments/lorenz/dapper_reference.py."""
    with np.load(Path(__file__).with_name("dapper_analyses.npz")) as saved:
        known = dict(saved)
    background = State(
        jnp.asarray(known["ensemble"], jnp.float32).reshape(-1, *LAYOUT.shape), LAYOUT
    )
    batch = observations(
        known["values"], float(known["variance"]) ** 0.5, 9.0 * known["places"][-1]
    )
    site = 2 * np.pi * EARTH_RADIUS / 40
    near = Localisation(radius=1.82 * float(known["length"]) * site)
    method = GLOBAL if name == "etkf" else replace(GLOBAL, localisation=near)
    analysis, _ = method(background, batch, 6.0, jax.random.key(0))
    found = np.asarray(analysis.values).reshape(known[name].shape)
    assert np.abs(found - known["ensemble"]).max() > 0.5
    np.testing.assert_allclose(found, known[name], atol=atol)


def test_a_rotation_keeps_mean_and_covariance() -> None:
    background, batch = ensemble(), observations(np.linspace(-1, 4, 11))
    plain, turned = (
        method(background, batch, 6.0, jax.random.key(0))[0]
        for method in (GLOBAL, replace(GLOBAL, rotate=True))
    )
    assert np.abs(plain.values - turned.values).max() > 0.1
    np.testing.assert_allclose(plain.values.mean(0), turned.values.mean(0), atol=1e-5)
    np.testing.assert_allclose(covariance(plain), covariance(turned), atol=1e-4)


def test_a_rotation_is_orthogonal_and_leaves_the_mean_alone() -> None:
    for members in (2, 7):
        turn = np.asarray(random_rotation(jax.random.key(1), members))
        np.testing.assert_allclose(turn @ turn.T, np.eye(members), atol=1e-5)
        np.testing.assert_allclose(turn @ np.ones(members), np.ones(members), atol=1e-5)


def test_localisation_wider_than_the_earth_is_the_global_filter() -> None:
    background, batch = ensemble(), observations(np.linspace(-1, 4, 11))
    wide = replace(GLOBAL, localisation=Localisation(radius=1e10, depth=1e6))
    expected, found = (
        method(background, batch, 6.0, jax.random.key(0))[0].values for method in (GLOBAL, wide)
    )
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_distant_observation_changes_nothing() -> None:
    background, batch = ensemble(), observations(np.asarray([9.0]))
    local = replace(GLOBAL, localisation=Localisation(radius=1.5e6))
    analysis, _ = local(background, batch, 6.0, jax.random.key(0))
    moved = np.abs(np.asarray(analysis.values - background.values)).max(axis=0).ravel()
    assert moved[0] > 0.1
    np.testing.assert_allclose(moved[4:37], 0.0, atol=2e-6)  # more than 3000 km away


def test_the_order_of_observations_does_not_matter() -> None:
    background, batch = ensemble(), observations(np.linspace(-1, 4, 11))
    backwards = jax.tree.map(lambda leaf: leaf[::-1], batch)
    local = replace(GLOBAL, localisation=Localisation(radius=3e6))
    first, second = (
        local(background, each, 6.0, jax.random.key(0))[0].values for each in (batch, backwards)
    )
    np.testing.assert_allclose(first, second, atol=1e-5)


def test_full_relaxation_gives_the_spread_of_the_background_back() -> None:
    background, batch = ensemble(), observations(np.linspace(-1, 4, 11))
    relaxed = replace(GLOBAL, relaxation=1.0)
    analysis, _ = relaxed(background, batch, 6.0, jax.random.key(0))
    np.testing.assert_allclose(analysis.values.std(0), background.values.std(0), rtol=1e-4)


def test_inflation_is_that_of_the_background() -> None:
    background, batch = ensemble(), observations(np.linspace(-1, 4, 11))
    mean = background.values.mean(axis=0)
    wider = State(mean + 1.5 * (background.values - mean), LAYOUT)
    inflated = replace(GLOBAL, inflation=1.5)
    expected = GLOBAL(wider, batch, 6.0, jax.random.key(0))[0].values
    found = inflated(background, batch, 6.0, jax.random.key(0))[0].values
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_single_member_is_refused() -> None:
    with pytest.raises(InputError, match="at least two members"):
        GLOBAL(ensemble(1), observations(np.zeros(3)), 6.0, jax.random.key(0))


def test_a_recentred_ensemble_has_one_mean_and_the_perturbations_of_the_other() -> None:
    background, batch = ensemble(), observations(np.linspace(-1, 4, 11))
    centre, around = replace(GLOBAL, inflation=2.0), GLOBAL
    found, report = Recentred(centre, around)(background, batch, 6.0, jax.random.key(0))
    (mean, expected), (filtered, _) = (
        method(background, batch, 6.0, jax.random.key(0)) for method in (centre, around)
    )
    assert np.abs(mean.values.mean(0) - filtered.values.mean(0)).max() > 0.05
    np.testing.assert_allclose(found.values.mean(0), mean.values.mean(0), atol=1e-5)
    np.testing.assert_allclose(covariance(found), covariance(filtered), atol=1e-4)
    np.testing.assert_allclose(report.analysis_equivalent, expected.analysis_equivalent, atol=1e-6)
