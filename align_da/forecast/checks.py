"""What every forecast model checks of a request."""

from align_da.atmosphere import Layout, State
from align_da.atmosphere.state import check_state
from align_da.errors import InputError


def check_request(
    states: State,
    layout: Layout,
    lead_hours: int,
    step_hours: int,
    previous: State | None = None,
) -> None:
    """Refuse states of another layout and leads that are no positive multiple of the step.

    Args:
        states: values [batch, lat, lon, channel].
        layout: layout that the model takes.
        lead_hours: hours to go.
        step_hours: shortest lead of the model.
        previous: the states one step before, where they are given.

    Raises:
        InputError: the request does not keep the contract.
    """
    check_state("what a forecast starts from", states)
    if states.layout != layout or states.values.ndim != 4:
        message = (
            "expected states [batch, lat, lon, channel] as the model takes them, of shape "
            f"{layout.shape} after the batch, got {states.values.shape}{_other(states, layout)}"
        )
        raise InputError(message)
    if previous is not None and (
        previous.layout != layout or previous.values.shape != states.values.shape
    ):
        message = (
            f"expected previous states of shape {states.values.shape} on the grid of the model, "
            f"got {previous.values.shape} for a layout of shape {previous.layout.shape}"
        )
        raise InputError(message)
    if lead_hours <= 0 or lead_hours % step_hours:
        message = f"expected a positive multiple of {step_hours} hours as lead, got {lead_hours}"
        raise InputError(message)


def _other(states: State, layout: Layout) -> str:
    """In which way the layout of states is another, and what to do."""
    own = states.layout
    if own.variables != layout.variables:
        wanted, got = (", ".join(names) for names in (layout.variables, own.variables))
        return f": expected the variables {wanted}, in this order, got {got}"
    if own != layout:
        return " on another grid: regrid the states"
    return ": give one state a leading axis of 1"
