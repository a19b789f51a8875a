import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from align_da.atmosphere.dataset import dataset_from_state
from align_da.verification import reliability_sample as module
from align_da.verification.ensemble_scores import rank_histogram
from align_da.verification.reliability_sample import reliability_sample

LAYOUT = Layout(
    Grid(
        tuple(np.linspace(-80, 80, 17)),
        tuple(np.arange(16) * 22.5),
        VerticalCoordinate("sigma", (0.5, 0.9)),
    ),
    ("temperature",),
)
TIMES = pd.date_range("1960-01-01", periods=10, freq="6h")
MEMBERS = 20


def sample(size: float) -> tuple[np.ndarray, np.ndarray, object]:
    """Members and truth of one distribution, whose width differs from place to place."""
    rng = np.random.default_rng(0)
    width = rng.uniform(1.0, 5.0, LAYOUT.shape)
    members = 280 + width * rng.normal(size=(len(TIMES), MEMBERS, *LAYOUT.shape))
    truth = 280 + size * width * rng.normal(size=(len(TIMES), *LAYOUT.shape))
    states = [State(jnp.asarray(it, jnp.float32), LAYOUT) for it in (members, truth)]
    leading = {"time": TIMES, "realization": np.arange(MEMBERS)}
    found = reliability_sample(
        dataset_from_state(states[0], leading), dataset_from_state(states[1], {"time": TIMES})
    )
    return np.asarray(states[0].values), np.asarray(states[1].values), found


def test_the_later_half_is_read_at_every_seventh_point() -> None:
    members, truth, found = sample(1.0)
    np.testing.assert_array_equal(found.truth, truth[5:, ::7, ::7])
    np.testing.assert_array_equal(found.members, np.moveaxis(members[5:, :, ::7, ::7], 1, 0))
    key = jax.random.key(0)
    np.testing.assert_array_equal(
        found.ranks(key)["T"], rank_histogram(found.members, found.truth, key)
    )


def test_of_a_long_run_no_more_cycles_are_held_than_of_a_short_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_MOST", 2)
    _, truth, found = sample(1.0)
    np.testing.assert_array_equal(found.truth, truth[[5, 8], ::7, ::7])
    assert found.members.shape[:2] == (MEMBERS, 2)


def test_a_reliable_ensemble_has_errors_like_its_spread_and_one_too_narrow_has_larger_ones() -> (
    None
):
    reliable = sample(1.0)[2].errors_by_spread(centred=False)
    assert reliable["spread"].is_monotonic_increasing
    whole = np.sqrt((reliable[["spread", "error"]] ** 2).mean())
    assert abs(whole["error"] / whole["spread"] - 1) < 0.1  # 90 points of 5 dates
    narrow = sample(3.0)[2].errors_by_spread(centred=False)
    assert (narrow["error"] > 1.5 * narrow["spread"]).all()
