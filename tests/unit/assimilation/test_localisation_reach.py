"""A localisation that does nothing, or that leaves columns without observations, is told."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from scattered_observations import scattered_observations

from align_da.assimilation.letkf import LETKF, Localisation
from align_da.assimilation.localisation_reach import told_of_reach
from align_da.atmosphere import Grid, VerticalCoordinate
from align_da.observations.batch import Flag
from align_da.observations.interpolation import interpolation_operator

GRID = Grid(
    tuple(np.linspace(-80, 80, 9)),
    tuple(np.arange(16) * 22.5),
    VerticalCoordinate("sigma", (0.5,)),
)
BATCH = scattered_observations(60, 1.0)


def told(radius: float | None, **settings: object) -> list[str]:
    method = LETKF(interpolation_operator, Localisation(radius), inflation=1.2)
    return list(told_of_reach(replace(method, **settings), BATCH, GRID))


@pytest.mark.parametrize("radius", [None, 3e6])
def test_of_a_localisation_that_does_its_work_and_of_none_nothing_is_told(
    radius: float | None,
) -> None:
    assert told(radius) == []


def test_one_as_wide_as_the_earth_is_told_with_the_weight_that_is_left() -> None:
    (line,) = told(4e7)
    assert line.startswith("letkf.radius_km = 40000: every column sees every observation")
    assert "with a weight of 0.69" in line  # of half a radius: Gaspari and Cohn 1999


def test_columns_without_an_observation_are_told_with_their_share() -> None:
    (line,) = told(1e3)
    assert "no observation is within twice that of 100.0% of the columns" in line
    assert "letkf.inflated = 'observed'" in line
    (some,) = told(5e5)
    share = float(some.split("twice that of ")[1].split("%")[0])
    assert 0 < share < 100


def test_spread_that_is_not_inflated_there_is_not_complained_of() -> None:
    (line,) = told(1e3, inflated="observed")
    assert line.endswith("their analysis is their background")


def test_what_is_not_used_is_not_seen() -> None:
    method = LETKF(interpolation_operator, Localisation(1e3))
    nothing = replace(BATCH, flag=jnp.full(60, int(Flag.PASSIVE)))
    assert list(told_of_reach(method, nothing, GRID)) == []
