"""Out of reach perturbations are inflated, or left as they are where that is asked."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.assimilation.letkf import LETKF, Localisation
from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from align_da.observations.batch import Flag, ObservationBatch, Vertical
from align_da.observations.interpolation import interpolation_operator

LAYOUT = Layout(
    Grid(
        tuple(np.linspace(-60, 60, 7)),
        tuple(np.arange(12) * 30.0),
        VerticalCoordinate("sigma", (0.1, 0.9)),
    ),
    ("temperature", "surface_pressure"),
)
INFLATION, RELAXATION = 1.5, 0.4
HERE, FAR = (3, 0), (3, 6)  # row and meridian: of the observation, and half a circle away
METHOD = LETKF(interpolation_operator, Localisation(2e6, 0.5), INFLATION, RELAXATION)


def background() -> State:
    return State(250 + jax.random.normal(jax.random.key(1), (8, *LAYOUT.shape)), LAYOUT)


def observation(flag: Flag = Flag.PASS) -> ObservationBatch:
    """Of temperature at the lower level, at a column; a second one is not used anywhere."""
    two = jnp.ones(2)
    return ObservationBatch(
        value=252 * two,
        error=two,
        latitude=0 * two,
        longitude=jnp.asarray([0.0, 180.0]),
        level=0.9 * two,
        vertical=jnp.full(2, int(Vertical.LEVEL)),
        time=0 * two,
        variable=jnp.zeros(2, jnp.int32),
        station=jnp.arange(2, dtype=jnp.int32),
        flag=jnp.asarray([int(flag), int(Flag.BACKGROUND)]),
    )


def analysed(method: LETKF) -> np.ndarray:
    found, _ = method(background(), observation(), 6.0, jax.random.key(0))
    return np.asarray(found.values)


def ratio(values: np.ndarray, place: tuple[int, int]) -> np.ndarray:
    """Spread over that of the background, [channel]."""
    before = np.asarray(background().values)
    return values[:, *place].std(axis=0) / before[:, *place].std(axis=0)


@pytest.mark.parametrize("localisation", [METHOD.localisation, Localisation(2e6)])
def test_out_of_reach_the_spread_grows_by_the_inflation_that_relaxation_leaves(
    localisation: Localisation,
) -> None:
    found = ratio(analysed(replace(METHOD, localisation=localisation)), FAR)
    np.testing.assert_allclose(found, (1 - RELAXATION) * INFLATION + RELAXATION, rtol=1e-4)


@pytest.mark.parametrize("localisation", [METHOD.localisation, Localisation(2e6)])
def test_where_it_is_kept_to_what_is_observed_the_background_stays_out_of_reach(
    localisation: Localisation,
) -> None:
    method = replace(METHOD, localisation=localisation, inflated="observed")
    before = np.asarray(background().values)
    np.testing.assert_allclose(analysed(method)[:, *FAR], before[:, *FAR], rtol=1e-6)


def test_at_the_observation_it_acts_as_everywhere() -> None:
    limited, everywhere = (
        analysed(replace(METHOD, inflated=where))[:, *HERE] for where in ("observed", "everywhere")
    )
    lower = [1, 2]  # the surface counts as the lowest level
    np.testing.assert_allclose(limited[:, lower], everywhere[:, lower], rtol=1e-6)
    above = ratio(analysed(replace(METHOD, inflated="observed")), HERE)[0]
    assert above == pytest.approx(1.0, abs=1e-4)  # the level above is out of reach


def test_without_localisation_both_are_the_same() -> None:
    method = replace(METHOD, localisation=Localisation())
    limited, everywhere = (
        analysed(replace(method, inflated=where)) for where in ("observed", "everywhere")
    )
    np.testing.assert_allclose(limited, everywhere, rtol=1e-6)
