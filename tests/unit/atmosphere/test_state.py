"""State, layout and normalisation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.atmosphere import (
    VARIABLES,
    Grid,
    Layout,
    Normalisation,
    State,
    state_from_fields,
    variable_named,
)
from align_da.errors import ConfigError, InputError


@pytest.fixture
def layout(sigma_grid: Grid) -> Layout:
    return Layout(sigma_grid, ("temperature", "surface_pressure", "specific_humidity"))


def test_channels_follow_the_variables_and_go_down_the_levels(layout: Layout) -> None:
    names = [(channel.variable.symbol, channel.level) for channel in layout.channels]
    assert names == [
        *[("T", level) for level in range(4)],
        ("p_s", None),
        *[("q", level) for level in range(4)],
    ]
    assert layout.shape == (36, 48, 9)
    assert layout.channels_of("specific_humidity") == slice(5, 9)


def test_fields_come_back_from_the_state_unchanged(layout: Layout) -> None:
    draw = np.random.default_rng(0)
    fields = {
        name: draw.normal(size=(2, *layout.grid.shape, 1 if name == "surface_pressure" else 4))
        for name in layout.variables
    }
    fields = {name: jnp.asarray(field) for name, field in fields.items()}
    state = state_from_fields(fields, layout)
    for name, field in fields.items():
        np.testing.assert_array_equal(state[name], field)


def test_a_missing_or_misshapen_field_is_refused_by_name(layout: Layout) -> None:
    with pytest.raises(InputError, match="'temperature'"):
        state_from_fields({}, layout)
    with pytest.raises(InputError, match="'temperature'"):
        state_from_fields({"temperature": jnp.zeros((36, 48, 3))}, layout)


def test_an_unknown_variable_is_refused_by_name(layout: Layout) -> None:
    with pytest.raises(InputError, match="no variable 'geopotential'"):
        layout.channels_of("geopotential")
    with pytest.raises(ConfigError, match="unknown variable 'ozone'"):
        variable_named("ozone")


def test_a_layout_of_an_unknown_variable_is_refused_with_the_nearest(layout: Layout) -> None:
    with pytest.raises(ConfigError, match="'temprature': did you mean 'temperature'"):
        Layout(layout.grid, ("geopotential", "temprature"))


def test_a_state_passes_through_transforms_with_its_layout(layout: Layout) -> None:
    state = State(jnp.ones((3, *layout.shape)), layout)
    doubled = jax.jit(lambda s: jax.tree.map(lambda x: 2 * x, s))(state)
    assert doubled.layout is layout
    assert np.all(doubled.values == 2)
    member = jax.vmap(lambda s: s["temperature"].mean())(state)
    assert member.shape == (3,)


def test_normalised_channels_are_anomalies_in_standard_deviations(layout: Layout) -> None:
    draw = np.random.default_rng(1)
    normalisation = Normalisation(
        jnp.asarray(draw.normal(size=9)), jnp.asarray(draw.uniform(1, 2, 9))
    )
    state = State(jnp.asarray(draw.normal(size=layout.shape)), layout)
    normal = normalisation.normalise(state)
    back = normal * normalisation.std + normalisation.mean
    np.testing.assert_allclose(back, state.values, atol=1e-6)


@pytest.mark.parametrize("name", VARIABLES)
def test_every_variable_has_a_unit_and_ordered_bounds(name: str) -> None:
    variable = variable_named(name)
    assert variable.name == name
    assert variable.units
    assert variable.bounds[0] < variable.bounds[1]
