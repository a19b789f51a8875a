"""What objects say of themselves: short, without their numbers, and anywhere."""

import jax
import jax.numpy as jnp
import numpy as np

from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate, periodic_line
from align_da.cycling.twin_experiment import observe_everything
from align_da.observations.batch import ObservationBatch, padded

GRID = Grid((-45.0, 45.0), (0.0, 180.0), VerticalCoordinate("sigma", (0.3, 0.9)))
LAYOUT = Layout(GRID, ("temperature", "surface_pressure"))
STATE = State(jnp.arange(24.0).reshape(2, *LAYOUT.shape), LAYOUT)
BATCH = padded(observe_everything(Layout(periodic_line(6), ("lorenz_96",)), 1.0), 8)


def test_a_state_tells_its_shape_its_variables_and_its_grid() -> None:
    assert repr(STATE) == (
        "<State (2, 2, 2, 3), temperature, surface_pressure on "
        "<Grid 2 x 2, latitudes -45 to 45, <2 sigma levels, 0.3 to 0.9>>>"
    )
    assert repr(periodic_line(6)) == "<Grid 1 x 6, a circle, <1 index levels, 1 to 1>>"


def test_observations_are_counted_by_their_flags() -> None:
    assert repr(BATCH) == "<ObservationBatch 8: pass 6, missing 2>"
    assert BATCH.counts() == {"pass": 6, "missing": 2}


def test_notebooks_get_a_table() -> None:
    html = STATE._repr_html_()
    assert "<td>temperature</td><td>K</td><td>2</td><td>" in html
    assert (
        "<td>surface_pressure</td><td>Pa</td><td>1</td><td>12.5</td><td>2</td><td>23</td>" in html
    )
    assert "&lt;State (2, 2, 2, 3)" in html
    assert "<td>missing</td><td>2</td>" in BATCH._repr_html_()


def test_they_can_be_shown_inside_a_transform_and_as_templates() -> None:
    told = []

    @jax.jit
    def show(state: State, batch: ObservationBatch) -> jax.Array:
        told.extend([repr(state), repr(batch), state._repr_html_(), batch._repr_html_()])
        return state.values.sum() + batch.value.sum()

    show(STATE, BATCH)
    assert told[0] == repr(STATE)
    assert told[1] == "<ObservationBatch 8>"
    assert "<td>temperature</td><td>K</td><td>2</td><td></td>" in told[2]
    blank, nothing = object.__new__(State), object.__new__(ObservationBatch)
    object.__setattr__(blank, "layout", LAYOUT)
    for template, names in ((blank, ("values",)), (nothing, vars(BATCH))):
        for name in names:
            object.__setattr__(template, name, None)
    assert repr(blank).startswith("<State unknown, temperature")
    assert repr(nothing) == "<ObservationBatch unknown>"


def test_no_number_of_an_array_is_shown() -> None:
    noisy = State(jnp.full(LAYOUT.shape, 0.123456), LAYOUT)
    assert "0.123" not in repr(noisy)
    assert len(repr(State(jnp.zeros((40, *LAYOUT.shape)), LAYOUT))) < 200
    assert np.isfinite(noisy.values).all()
