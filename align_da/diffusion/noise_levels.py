"""The noise levels that a sampler visits."""

import numpy as np
from jaxtyping import Float

from align_da.config import SamplerConfig
from align_da.errors import InputError


def noise_levels(config: SamplerConfig) -> Float[np.ndarray, " level"]:
    """Decreasing levels of Karras et al. (2022), Eq. 5, with a last 0: `steps` + 1 of them.

    Raises:
        InputError: sigma_max does not exceed sigma_min.
    """
    if config.sigma_max <= config.sigma_min:
        message = f"expected sigma_max > sigma_min, got {config.sigma_max} and {config.sigma_min}"
        raise InputError(message)
    ramp = np.linspace(0.0, 1.0, config.steps)
    largest, smallest = config.sigma_max ** (1 / config.rho), config.sigma_min ** (1 / config.rho)
    levels = (largest + ramp * (smallest - largest)) ** config.rho
    return np.append(levels, 0.0)
