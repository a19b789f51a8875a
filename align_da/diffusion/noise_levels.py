"""The noise levels that a sampler visits."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from align_da.errors import InputError


@dataclass(frozen=True)
class NoiseLevels:
    """Decreasing levels of Karras et al. (2022), Eq. 5.

    Attributes:
        steps: how many, without the last 0.
        sigma_min: the smallest.
        sigma_max: the largest; must exceed `sigma_min`, or an InputError is raised.
        rho: how they crowd together near the smallest; large values are nearly geometric.
    """

    steps: int = 10
    sigma_min: float = 0.02
    sigma_max: float = 20.0
    rho: float = 7.0

    def __post_init__(self) -> None:
        """Raise an InputError where the levels would not decrease."""
        if self.sigma_max <= self.sigma_min:
            message = f"expected sigma_max > sigma_min, got {self.sigma_max} and {self.sigma_min}"
            raise InputError(message)

    @property
    def values(self) -> Float[np.ndarray, " level"]:
        """The levels with a last 0: `steps` + 1 of them."""
        ramp = np.linspace(0.0, 1.0, self.steps)
        largest, smallest = self.sigma_max ** (1 / self.rho), self.sigma_min ** (1 / self.rho)
        return np.append((largest + ramp * (smallest - largest)) ** self.rho, 0.0)
