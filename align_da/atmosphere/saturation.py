"""Water vapour that saturates air.

Saturation is over liquid water at any temperature, Bolton 1980, Mon. Wea. Rev. 108, 1046-1053,
equation 10, t in degrees Celsius:

    e_s = 611.2 Pa exp(17.67 t / (t + 243.5)),    q_s = 0.622 e_s / (p − 0.378 e_s)
"""

import numpy as np
from jaxtyping import Float

from align_da.constants import VAPOUR_TO_DRY_GAS_RATIO


def saturation_specific_humidity(
    temperature: Float[np.ndarray, "*place"], pressure: Float[np.ndarray, "*place"]
) -> Float[np.ndarray, "*place"]:
    """Specific humidity of saturated air, kg kg-1; NaN where vapour alone has the pressure.

    At its dewpoint air is saturated: this is also the humidity of air with a dewpoint.

    Args:
        temperature: K.
        pressure: Pa.
    """
    celsius = temperature - 273.15
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        vapour = 611.2 * np.exp(17.67 * celsius / (celsius + 243.5))
        rest = pressure - (1 - VAPOUR_TO_DRY_GAS_RATIO) * vapour
        return np.where(rest > 0, VAPOUR_TO_DRY_GAS_RATIO * vapour / rest, np.nan)
