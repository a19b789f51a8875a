"""Components of one wind and copies that are not exact."""

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from align_da.atmosphere import Layout
from align_da.observations import Flag
from align_da.observations.companions import check_copies, check_winds
from align_da.observations.frames import observations_from_frame


def two(layout: Layout, variable: str = "temperature", **changes: float) -> list[int]:
    """Flags of two observations; the changes are those of the second."""
    row = {"value": 250.0, "error": 1.0, "latitude": 45.0, "longitude": 10.0, "level": 0.5}
    row |= {"time": 0.0, "station": 7}
    second = {name: row[name] + change for name, change in changes.items()}
    frame = pd.DataFrame([row, row | second]).assign(variable=variable)
    return check_copies(observations_from_frame(frame, layout)).flag.tolist()


@pytest.mark.parametrize(
    "changes",
    [
        {"latitude": 0.01, "longitude": -0.01, "time": 59.0, "level": 5e-5, "value": 0.05},
        {"station": 1, "time": -30.0},
        {"error": 1.0},
    ],
)
def test_one_of_two_copies_is_used(changes: dict[str, float], layout: Layout) -> None:
    assert sorted(two(layout, **changes)) == [Flag.PASS, Flag.DUPLICATE]


@pytest.mark.parametrize(
    "changes",
    [{"latitude": 0.03}, {"longitude": 0.03}, {"time": 60.0}, {"level": 5e-4}],
)
def test_neighbours_are_no_copies(changes: dict[str, float], layout: Layout) -> None:
    assert two(layout, **changes) == [Flag.PASS] * 2


def test_copies_across_the_date_line_and_at_the_pole_are_copies(layout: Layout) -> None:
    assert two(layout, longitude=360.0)[1] == Flag.DUPLICATE
    assert two(layout, latitude=45.0, longitude=77.0) == [Flag.PASS] * 2
    frame = pd.DataFrame({"value": [1.0, 2.0], "error": 1.0, "latitude": 89.999})
    frame = frame.assign(longitude=[0.0, 180.0], variable="surface_pressure")
    assert Flag.DUPLICATE in check_copies(observations_from_frame(frame, layout)).flag.tolist()


def test_which_copy_is_used_does_not_depend_on_their_order(layout: Layout) -> None:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "value": rng.normal(250, 1, 30),
            "error": rng.choice([1.0, 2.0], 30),
            "latitude": 45.0 + 0.01 * rng.random(30),
            "longitude": 10.0,
            "level": 0.5,
            "variable": "temperature",
            "station": np.arange(30),
        }
    )
    expected = check_copies(observations_from_frame(frame, layout))
    order = rng.permutation(30)
    found = check_copies(observations_from_frame(frame.iloc[order], layout))
    np.testing.assert_array_equal(found.flag, expected.flag[order])
    assert expected.used.sum() == 1
    assert expected.error[expected.used] == frame["error"].min()


@pytest.mark.parametrize("flag", [Flag.BACKGROUND, Flag.BUDDY, Flag.BOUNDS, Flag.MISSING])
def test_a_wind_is_used_or_rejected_as_a_whole(flag: Flag, layout: Layout) -> None:
    row = {"value": 3.0, "error": 1.0, "latitude": 45.0, "longitude": 10.0, "level": 0.5}
    names = ["u_component_of_wind", "v_component_of_wind", "temperature"]
    frame = pd.DataFrame([row] * 6).assign(variable=names * 2, station=[1, 1, 1, 2, 2, 2])
    batch = observations_from_frame(frame, layout, pad_to=8)
    for place in (0, 1):
        checked = type(batch)(**vars(batch) | {"flag": batch.flag.at[place].set(int(flag))})
        expected = [int(flag), int(flag), *[Flag.PASS] * 4, *[Flag.MISSING] * 2]
        assert check_winds(checked, layout).flag.tolist() == expected
    copied = type(batch)(**vars(batch) | {"flag": batch.flag.at[0].set(int(Flag.DUPLICATE))})
    np.testing.assert_array_equal(check_winds(copied, layout).flag, jnp.asarray(copied.flag))
