"""All of quality control, in its order: from what was reported to what is assimilated."""

from jaxtyping import Array, Float

from align_da.atmosphere import Layout
from align_da.config import QualityControlConfig
from align_da.observations.batch import ObservationBatch
from align_da.observations.buddy_check import check_buddies
from align_da.observations.quality_control import check_background, quality_controlled
from align_da.observations.rejection import check_reject_ratio


def screened(
    reported: ObservationBatch,
    layout: Layout,
    window_seconds: float,
    equivalent: Float[Array, " observation"],
    variance: Float[Array, " observation"],
    settings: QualityControlConfig,
) -> ObservationBatch:
    """Every observation with the flag of the first check that it fails.

    Args:
        reported: concrete observations as they came.
        layout: layout of the state to be analysed.
        window_seconds: length of the cycle window centred on the valid time.
        equivalent: H(x_b), SI units.
        variance: H B H^T, the background error variance in observation space, units squared.
        settings: thresholds.

    Raises:
        InputError: most observations of a variable are rejected.
    """
    batch = quality_controlled(reported, layout, window_seconds)
    batch = check_background(batch, equivalent, variance, settings.background_threshold)
    if settings.buddy_check:
        batch = check_buddies(batch, layout, equivalent, variance, settings.buddy_threshold)
    check_reject_ratio(reported, batch, layout, settings.largest_reject_ratio)
    return batch
