"""Whether the linear systems of an analysis were solved as well as its tolerance asks."""

from collections.abc import Mapping


def left_unsolved(cycle: int, scalars: Mapping[str, int | float]) -> list[str]:
    """What is wrong, in a line; none if nothing is, or if the method solves no system.

    Args:
        cycle: its number.
        scalars: what is stored of it, see `align_da.cycling.record`.
    """
    residual, iterations = scalars["solver_residual"], scalars["solver_iterations"]
    if not residual > 1:  # NaN: no system
        return []
    line = (
        f"cycle {cycle}: a system of the analysis was left at {residual:.2g} times its tolerance "
        f"after {iterations:.0f} iterations, so that the analysis fits the observations badly: "
        "raise guidance.iterations (of a variational method: inner), or its tolerance"
    )
    return [line]
