"""Cost as a power of a size, y = a x^p: a straight line through logarithms, with its interval."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import stats

from align_da.errors import InputError

CONFIDENCE = 0.95


@dataclass(frozen=True)
class PowerLaw:
    """A fitted power law.

    Attributes:
        factor: a.
        exponent: p.
        half_width: of the 95 % interval of p, from the scatter about the line (Student's t); NaN
            of two points, through which any line goes.
        last_exponent: p between the two largest sizes alone. Where it is larger than `exponent`
            the small sizes pay for something fixed, and the line must not be extended.
    """

    factor: float
    exponent: float
    half_width: float
    last_exponent: float

    def at(self, size: float) -> float:
        """The cost y of a size."""
        return float(self.factor * size**self.exponent)


def fit_power_law(
    sizes: Float[np.ndarray, " point"], costs: Float[np.ndarray, " point"]
) -> PowerLaw:
    """The power law through costs at sizes, least squares of logarithms.

    Args:
        sizes: positive, increasing.
        costs: positive.

    Raises:
        InputError: fewer than two points, or a number that has no logarithm.
    """
    whole = sizes.size > 1 and np.all(np.diff(sizes) > 0) and sizes[0] > 0 and np.all(costs > 0)
    if not whole:
        message = f"expected positive costs at two or more increasing sizes, got {sizes}, {costs}"
        raise InputError(message)
    x, y = np.log(sizes), np.log(costs)
    exponent, intercept = np.polyfit(x, y, 1)
    freedom = x.size - 2
    width = np.nan
    if freedom:
        variance = np.sum((y - intercept - exponent * x) ** 2) / freedom
        error = np.sqrt(variance / np.sum((x - x.mean()) ** 2))
        width = float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom) * error)
    last = (y[-1] - y[-2]) / (x[-1] - x[-2])
    return PowerLaw(float(np.exp(intercept)), float(exponent), width, float(last))
