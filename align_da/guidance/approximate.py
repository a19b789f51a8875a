"""Guidances that are right for few observations alone say so, once in a process."""

import logging
from functools import cache

_LOG = logging.getLogger(__name__)


@cache
def tell_approximate(name: str, error: float, spread: float) -> None:
    """Warn of a guidance that is far off where many accurate observations overlap.

    The numbers are those of 60 % observed points with errors of a tenth of the spread of the
    prior (`experiments/conformance/README.md`, "The defaults").

    Args:
        name: of the guidance.
        error: of the mean, in standard deviations of the posterior.
        spread: over that of the posterior.
    """
    _LOG.warning(
        "%s is an approximation: right where observations are few and far apart; where many "
        "accurate ones overlap, its mean was %.1f standard deviations of the posterior off, its "
        "spread %.1f times that of the posterior, and worse (experiments/conformance): take jfps, "
        "the default, there",
        *(name, error, spread),
    )
