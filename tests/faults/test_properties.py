"""Row 66 of the table of faults: what holds of observations whatever comes.

Configurations are in test_configuration.py, times in test_times.py.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from align_da.observations.batch import Flag, ObservationBatch, Vertical
from align_da.observations.interpolation import interpolation_operator
from align_da.observations.quality_control import quality_controlled

Figure = Callable[[str], None]
COUNT = 8
WINDOW = 6 * 3600.0
LAYOUT = Layout(
    Grid(
        (-60.0, -20.0, 20.0, 60.0),
        (0.0, 90.0, 180.0, 270.0),
        VerticalCoordinate("sigma", (0.3, 0.9)),
    ),
    ("u_component_of_wind", "temperature", "surface_pressure"),
)
STATE = State(jax.random.normal(jax.random.key(0), LAYOUT.shape), LAYOUT)


def numbers(*likely: float) -> st.SearchStrategy[float]:
    """Any float, and more often those that a table holds or that stand for none."""
    common = (*likely, 0.0, -0.0, -999.0, -888888.0, 9.97e36, float("nan"), float("inf"))
    return st.one_of(st.sampled_from(common), st.sampled_from(likely), st.floats(width=32))


OBSERVATION = st.fixed_dictionaries(
    {
        "value": numbers(250.0, 5.0, 1e5),
        "error": numbers(1.0, 0.5, 100.0),
        "latitude": numbers(10.0, 90.0, -90.0, 91.0),
        "longitude": numbers(0.0, 359.9, -0.1, 180.0, 360.0),
        "level": numbers(0.5, 0.3, 0.9, 1.0),
        "vertical": st.sampled_from([*map(int, Vertical), -1, 7]),
        "time": numbers(0.0, -WINDOW / 2, WINDOW / 2, 3600.0),
        "variable": st.integers(-2, 4),
        "station": st.integers(-1, 3),
        "flag": st.sampled_from([0, 0, 0, *map(int, Flag)]),
    }
)


def batch_of(rows: list[dict[str, Any]]) -> ObservationBatch:
    kinds = {"vertical", "variable", "station", "flag"}
    return ObservationBatch(
        **{
            name: jnp.asarray(
                np.array([row[name] for row in rows], np.int32 if name in kinds else np.float32)
            )
            for name in rows[0]
        }
    )


def check_used(found: ObservationBatch) -> None:
    """What an observation that is assimilated must be."""
    used = np.asarray(found.used)
    columns = {name: np.asarray(array)[used] for name, array in vars(found).items()}
    assert (columns["error"] > 0).all()
    assert (np.abs(columns["latitude"]) <= 90).all()
    assert (np.abs(columns["longitude"]) <= 360).all()
    assert ((columns["time"] >= -WINDOW / 2) & (columns["time"] < WINDOW / 2)).all()
    assert np.isin(columns["variable"], range(3)).all()
    bounds = np.array([[-200.0, 200.0], [100.0, 350.0], [4e4, 1.1e5]])[columns["variable"]]
    assert ((columns["value"] >= bounds[:, 0]) & (columns["value"] <= bounds[:, 1])).all()
    assert not np.isin(columns["value"], [-999.0, -888888.0]).any()


@pytest.mark.parametrize("examples", [20, pytest.param(200, marks=pytest.mark.long)])
def test_row_66_whatever_is_observed_what_is_used_makes_sense(
    examples: int, figure: Figure
) -> None:
    @settings(max_examples=examples, deadline=None, database=None, derandomize=True)
    @given(
        rows=st.lists(OBSERVATION, min_size=COUNT, max_size=COUNT),
        order=st.permutations(range(COUNT)),
    )
    def controlled(rows: list[dict[str, Any]], order: list[int]) -> None:
        rows = [*rows[:-1], rows[0]]  # one is there twice
        batch = batch_of(rows)
        found = quality_controlled(batch, LAYOUT, WINDOW)
        for array in vars(found).values():
            assert np.isfinite(array).all()
        before, after = np.asarray(batch.flag), np.asarray(found.flag)
        examined = np.isin(before, [Flag.PASS, Flag.PASSIVE])
        np.testing.assert_array_equal(after[~examined], before[~examined])
        assert np.isin(after, list(Flag)).all()
        assert not (after[0] == after[-1] == Flag.PASS)  # never both
        check_used(found)
        again = quality_controlled(found, LAYOUT, WINDOW)
        for name, array in vars(again).items():
            np.testing.assert_array_equal(array, getattr(found, name))
        assert np.isfinite(interpolation_operator(found, LAYOUT)(STATE)).all()
        shuffled = quality_controlled(batch_of([rows[i] for i in order]), LAYOUT, WINDOW)
        assert sorted(used_rows(shuffled)) == sorted(used_rows(found))

    controlled()
    figure(f"{examples} batches of {COUNT} observations: finite, in range, whatever their order")


def used_rows(found: ObservationBatch) -> list[tuple[float, ...]]:
    """What is assimilated, one tuple an observation; its station says nothing."""
    names = ("variable", "value", "error", "latitude", "longitude", "time")
    columns = [np.asarray(getattr(found, name))[np.asarray(found.used)] for name in names]
    return list(zip(*(column.tolist() for column in columns), strict=True))
