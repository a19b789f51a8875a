import numpy as np
import pytest

from align_da.atmosphere import Grid, Layout, VerticalCoordinate
from align_da.observations.batch import Flag
from align_da.verification.innovation_statistics import (
    Departures,
    departure_statistics,
)

LAYOUT = Layout(
    Grid((-45.0, 45.0), (0.0, 180.0), VerticalCoordinate("sigma", (0.5, 1.0))),
    ("temperature", "specific_humidity", "surface_pressure"),
)


def _scalar_optimal_cycle(observations: int) -> Departures:
    """Background variance 4, observation variance 1 (assumed right), gain 4/5, truth 0."""
    generator = np.random.default_rng(0)
    background = 2.0 * generator.normal(size=observations)
    value = generator.normal(size=observations)
    innovation = value - background
    return Departures(
        innovation,
        value - (background + 0.8 * innovation),
        np.ones(observations),
        np.zeros(observations, int),
        np.full(observations, int(Flag.PASS)),
    )


def test_an_optimal_analysis_gives_back_the_errors_of_observations_and_background() -> None:
    row = departure_statistics([_scalar_optimal_cycle(100_000)], LAYOUT).iloc[0]
    assert row["desroziers_error"] == pytest.approx(1.0, rel=0.02)
    assert row["desroziers_background_error"] == pytest.approx(2.0, rel=0.02)
    assert row["background_std"] == pytest.approx(np.sqrt(5.0), rel=0.02)
    assert row["analysis_std"] == pytest.approx(0.2 * np.sqrt(5.0), rel=0.02)
    assert row["chi_square"] == pytest.approx(0.2, rel=0.02)  # R / (B + R)
    assert row["background_bias"] == pytest.approx(0.0, abs=0.03)


def test_withheld_observations_are_counted_apart_and_other_flags_not_at_all() -> None:
    value = np.asarray([3.0, 5.0, 9.0, 1e9])
    flag = np.asarray([int(f) for f in (Flag.PASS, Flag.PASSIVE, Flag.PASSIVE, Flag.MISSING)])
    cycle = (value - 1.0, value - 2.0, np.full(4, 2.0), np.asarray([0, 0, 2, 1]), flag)
    table = departure_statistics([Departures(*cycle)] * 2, LAYOUT).set_index("variable")
    assert list(table.index) == ["T", "p_s"]  # humidity has padding only
    assert table.loc["T", "used"] == 2
    assert table.loc["T", "background_bias"] == 2.0
    assert table.loc["T", "chi_square"] == 0.25
    assert table.loc["T", "withheld_background_rmse"] == 4.0
    assert table.loc["T", "withheld_analysis_rmse"] == 3.0
    assert table.loc["p_s", "withheld_analysis_rmse"] == 7.0
    assert np.isnan(table.loc["p_s", "chi_square"])


def test_a_negative_desroziers_variance_is_not_a_number() -> None:
    departures = Departures(
        np.asarray([1.0]), np.asarray([-1.0]), np.ones(1), np.zeros(1, int), np.zeros(1, int)
    )
    assert np.isnan(departure_statistics([departures], LAYOUT)["desroziers_error"]).all()


def test_cycles_of_different_length_give_the_statistics_of_all_their_observations() -> None:
    chance = np.random.default_rng(1)
    innovation, residual = 3 + chance.normal(size=(2, 50))
    columns = (innovation, residual, np.full(50, 0.5), np.zeros(50, int), np.zeros(50, int))
    parts = [
        Departures(*(column[some] for column in columns))
        for some in np.split(np.arange(50), [9, 9])
    ]
    row = departure_statistics(parts, LAYOUT).iloc[0]
    assert row["used"] == 50
    assert row["background_std"] == pytest.approx(innovation.std(), rel=1e-12)
    assert row["analysis_bias"] == pytest.approx(residual.mean(), rel=1e-12)
    assert row["chi_square"] == pytest.approx(np.mean((residual / 0.5) ** 2), rel=1e-12)
    assert row["assumed_error"] == 0.5
