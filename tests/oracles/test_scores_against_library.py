"""Our scores against the `scores` library (Leeuwenburg et al. 2024) and against NumPy."""

import jax
import numpy as np
import pytest
import xarray as xr
from scores.continuous import additive_bias, rmse
from scores.probability import crps_for_ensemble
from scores.probability import rank_histogram as library_rank_histogram

from align_da.atmosphere import Grid, VerticalCoordinate
from align_da.verification.ensemble_scores import fair_crps, rank_histogram
from align_da.verification.scores import bias
from align_da.verification.scores import root_mean_square_error as our_rmse

GRID = Grid(
    latitude=(-80.0, -41.0, -5.0, 12.0, 50.0, 77.0),
    longitude=tuple(np.arange(8) * 45.0),
    vertical=VerticalCoordinate("sigma", (0.3, 0.6, 0.9)),
)
DIMENSIONS = ("case", "lat", "lon", "level")


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(7)
    return generator.normal(280, 5, (4, 6, 8, 3)), generator.normal(280, 5, (4, 6, 8, 3))


def _array(values: np.ndarray) -> xr.DataArray:
    return xr.DataArray(values, dims=DIMENSIONS[-values.ndim :])


WEIGHTS = xr.DataArray(GRID.area_weights, dims=("lat", "lon"))


def test_rmse_equals_the_library_with_our_weights(pair: tuple[np.ndarray, np.ndarray]) -> None:
    expected = rmse(*map(_array, pair), preserve_dims=["case", "level"], weights=WEIGHTS)
    np.testing.assert_allclose(our_rmse(*pair, GRID), expected, rtol=1e-12)


def test_bias_equals_the_library_with_our_weights(pair: tuple[np.ndarray, np.ndarray]) -> None:
    expected = additive_bias(*map(_array, pair), preserve_dims=["case", "level"], weights=WEIGHTS)
    np.testing.assert_allclose(bias(*pair, GRID), expected, rtol=1e-10)


@pytest.mark.parametrize("members", [2, 3, 10])
def test_fair_crps_equals_the_library(members: int) -> None:
    generator = np.random.default_rng(members)
    ensemble, truth = generator.gamma(2.0, size=(members, 50)), generator.gamma(2.0, size=50)
    expected = crps_for_ensemble(
        xr.DataArray(ensemble, dims=("member", "point")),
        xr.DataArray(truth, dims=("point",)),
        ensemble_member_dim="member",
        method="fair",
        preserve_dims="all",
    )
    np.testing.assert_allclose(fair_crps(ensemble, truth), expected, rtol=1e-10, atol=1e-12)


def test_rank_histogram_equals_the_library_without_ties() -> None:
    generator = np.random.default_rng(3)
    ensemble, truth = generator.normal(size=(5, 400)), 1.5 * generator.normal(size=400)
    expected = library_rank_histogram(
        xr.DataArray(ensemble, dims=("member", "point")),
        xr.DataArray(truth, dims=("point",)),
        "member",
    )
    counts = rank_histogram(ensemble, truth, jax.random.key(0))
    np.testing.assert_allclose(counts / counts.sum(), expected.values, atol=1e-12)
