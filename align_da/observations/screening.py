"""All of quality control, in its order: from what was reported to what is assimilated."""

from dataclasses import dataclass

from jaxtyping import Array, Float

from align_da.atmosphere import Layout
from align_da.observations.batch import ObservationBatch
from align_da.observations.buddy_check import check_buddies
from align_da.observations.companions import check_copies, check_winds
from align_da.observations.quality_control import check_background, quality_controlled
from align_da.observations.rejection import check_reject_ratio


@dataclass(frozen=True)
class Limits:
    """Which observations are rejected, beyond what is missing or implausible.

    Attributes:
        background_threshold: of the background check, standard deviations of the expected
            departure.
        buddy_threshold: of the buddy check, of the departure that neighbours make expect; None is
            no such check.
        largest_reject_ratio: share of a variable beyond which the run stops.
    """

    background_threshold: float = 5.0
    buddy_threshold: float | None = 5.0
    largest_reject_ratio: float = 0.5


_USUAL = Limits()


def screened(
    reported: ObservationBatch,
    layout: Layout,
    window_seconds: float,
    equivalent: Float[Array, " observation"],
    variance: Float[Array, " observation"],
    limits: Limits = _USUAL,
) -> ObservationBatch:
    """Every observation with the flag of the first check that it fails.

    Args:
        reported: concrete observations as they came.
        layout: layout of the state to be analysed.
        window_seconds: length of the cycle window centred on the valid time.
        equivalent: H(x_b), SI units.
        variance: H B H^T, the background error variance in observation space, units squared.
        limits: what is rejected.

    Raises:
        InputError: most observations of a variable are rejected.
    """
    batch = check_copies(quality_controlled(reported, layout, window_seconds))
    batch = check_background(batch, equivalent, variance, limits.background_threshold)
    if limits.buddy_threshold is not None:
        batch = check_buddies(batch, layout, equivalent, variance, limits.buddy_threshold)
    check_reject_ratio(reported, batch, layout, limits.largest_reject_ratio)
    return check_winds(batch, layout)
