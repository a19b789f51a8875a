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
            f"expected states [batch, lat, lon, channel] with trailing shape {layout.shape} on "
            f"the grid of the model, got {states.values.shape} for a layout of shape "
            f"{states.layout.shape}: regrid the states"
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
