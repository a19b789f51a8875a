"""Streaming mean and standard deviation of every channel, in float64.

Blocks are merged by the pairwise update of Chan, Golub and LeVeque (1983), The American
Statistician 37, 242-247, eq. 2.1, so that a large mean costs no digits.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class Moments:
    """Mean and spread of what has been seen so far.

    Attributes:
        count: number of states.
        mean: area-weighted mean over states and points, [channel].
        second: area-weighted sum of squared deviations over states, [channel].
    """

    count: int
    mean: Float[np.ndarray, " channel"]
    second: Float[np.ndarray, " channel"]

    @property
    def std(self) -> Float[np.ndarray, " channel"]:
        """Standard deviation over states and points, [channel]."""
        return np.asarray(np.sqrt(self.second / self.count))

    def joined(self, other: "Moments") -> "Moments":
        """The moments of both samples together."""
        count = self.count + other.count
        gap = other.mean - self.mean
        return Moments(
            count=count,
            mean=self.mean + gap * other.count / count,
            second=self.second + other.second + gap**2 * self.count * other.count / count,
        )


def moments_of(
    values: Float[np.ndarray, "state lat lon channel"], weights: Float[np.ndarray, "lat lon"]
) -> Moments:
    """Moments of a block of states.

    Args:
        values: the states.
        weights: share of each point, sum 1.
    """
    wide = values.astype(np.float64)
    mean = np.einsum("sijc,ij->c", wide, weights) / wide.shape[0]
    second = np.einsum("sijc,ij->c", (wide - mean) ** 2, weights)
    return Moments(wide.shape[0], mean, second)
