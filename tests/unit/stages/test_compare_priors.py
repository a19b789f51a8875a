"""The table that compares priors by their rewards."""

import jax
import numpy as np
import pytest
import xarray as xr

from align_da.alignment.rewards.win_rate import shares_beaten
from align_da.runs.weight_names import PRIORS
from align_da.stages import compare_priors
from align_da.stages.compare_priors import summarise_priors
from align_da.verification.significance import Bootstrap

CASES, DRAWS = 12, 3


def scored(unit: float) -> xr.Dataset:
    """Two rewards, the second in some unit; "aligned" has more of both."""
    chance = np.random.default_rng(0)
    values = chance.normal(size=(CASES, len(PRIORS), DRAWS, 2))
    values[:, PRIORS.index("aligned")] += 1.0
    dims = ("case", "prior", "draw", "reward")
    rewards = xr.DataArray(
        values * [1.0, unit],
        dims=dims,
        coords={"prior": list(PRIORS), "reward": ["accuracy", "peaks"]},
    )
    return xr.Dataset({"rewards": rewards})


@pytest.fixture(autouse=True)
def only_rewards(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("relative_rmse", "relative_spread", "relative_fair_crps", "spread_skill")
    nothing = xr.DataArray(np.zeros(len(PRIORS)), dims="prior", coords={"prior": list(PRIORS)})
    summary = xr.Dataset(dict.fromkeys(names, nothing))
    monkeypatch.setattr(compare_priors, "prior_differences", lambda _: summary)


def test_the_sum_of_rewards_does_not_depend_on_their_units() -> None:
    one, other = (
        summarise_priors(scored(unit), Bootstrap(), jax.random.key(0)) for unit in (1.0, 1e6)
    )
    of_one, of_other = (table[table["measure"] == "sum"] for table in (one, other))
    np.testing.assert_array_equal(of_one["mean"], of_other["mean"])
    assert float(of_one["mean"].mean()) == pytest.approx(2 * 0.5)
    best = of_one.set_index("prior")["mean"].idxmax()
    assert best == "aligned"


def test_a_share_counts_those_that_are_beaten_and_half_of_those_that_are_equal() -> None:
    np.testing.assert_allclose(shares_beaten(np.array([3.0, 1.0, 1.0])), [1.0, 0.25, 0.25])
    np.testing.assert_allclose(shares_beaten(np.array([[2.0, -7.0]])), [[1.0, 0.0]])
