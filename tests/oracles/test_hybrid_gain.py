"""The hybrid gain against its formula, with all matrices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scattered_observations import scattered_observations

from align_da.assimilation.hybrid_gain import HybridGain
from align_da.assimilation.latent_three_d_var import LatentThreeDVar
from align_da.assimilation.letkf import LETKF
from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from align_da.observations.batch import ObservationBatch
from align_da.observations.interpolation import interpolation_operator
from align_da.prior.background_errors import prior_from_covariance

GRID = Grid((-60.0, 0.0, 60.0), tuple(np.arange(4) * 90.0), VerticalCoordinate("sigma", (0.5,)))
LAYOUT = Layout(GRID, ("temperature",))
SIZE = 12
ERROR = 0.5
FILTER = LETKF(interpolation_operator)


def covariance() -> np.ndarray:
    root = np.random.default_rng(0).normal(size=(SIZE, SIZE)) / 3
    return root @ root.T + np.eye(SIZE)


def observations() -> ObservationBatch:
    return scattered_observations(4, ERROR)


def ensemble(members: int = 5) -> State:
    return State(jax.random.normal(jax.random.key(2), (members, *LAYOUT.shape)), LAYOUT)


def analysed(share: float) -> np.ndarray:
    static = LatentThreeDVar(
        prior_from_covariance(LAYOUT, covariance()),
        interpolation_operator,
        outer=1,
        inner=40,
        tolerance=1e-5,
    )
    method = HybridGain(FILTER, static, share, interpolation_operator)
    analysis, _ = method(ensemble(), observations(), 6.0, jax.random.key(0))
    return np.asarray(analysis.values).reshape(-1, SIZE)


def filtered() -> np.ndarray:
    analysis, _ = FILTER(ensemble(), observations(), 6.0, jax.random.key(0))
    return np.asarray(analysis.values).reshape(-1, SIZE)


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_the_mean_moves_by_a_share_of_the_gain_of_static_errors(share: float) -> None:
    batch = observations()
    operator = interpolation_operator(batch, LAYOUT)
    basis = State(jnp.eye(SIZE).reshape(SIZE, *LAYOUT.shape), LAYOUT)
    h, b, mean = np.asarray(operator(basis)).T, covariance(), filtered().mean(axis=0)
    gain = b @ h.T @ np.linalg.inv(h @ b @ h.T + ERROR**2 * np.eye(len(h)))
    expected = mean + share * gain @ (np.asarray(batch.value) - h @ mean)
    np.testing.assert_allclose(analysed(share).mean(axis=0), expected, atol=2e-4)


def test_members_stay_about_the_mean_where_the_filter_has_left_them() -> None:
    apart, before = (values - values.mean(axis=0) for values in (analysed(0.7), filtered()))
    np.testing.assert_allclose(apart, before, atol=1e-5)


def test_no_share_is_the_filter() -> None:
    np.testing.assert_array_equal(analysed(0.0), filtered())
