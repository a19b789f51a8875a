"""What a forecast is asked for."""

import jax.numpy as jnp
import pytest

from align_da.atmosphere import Layout, State, periodic_line
from align_da.errors import InputError
from align_da.forecast.checks import check_request

LAYOUT = Layout(periodic_line(5), ("lorenz_63", "lorenz_96"))


@pytest.mark.parametrize(
    ("layout", "axes", "told"),
    [
        (
            Layout(LAYOUT.grid, ("lorenz_96", "lorenz_63")),
            (2,),
            "expected the variables lorenz_63, lorenz_96, in this order, got lorenz_96, lorenz_63",
        ),
        (Layout(periodic_line(6), LAYOUT.variables), (2,), "on another grid: regrid the states"),
        (LAYOUT, (), "give one state a leading axis of 1"),
    ],
)
def test_states_of_another_layout_are_refused_by_what_differs(
    layout: Layout, axes: tuple[int, ...], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        check_request(State(jnp.ones((*axes, *layout.shape)), layout), LAYOUT, 6, 6)
