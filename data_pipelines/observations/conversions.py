"""From what instruments report to the variables of the state, in float64.

Sources: saturation over water, Bolton 1980, Mon. Wea. Rev. 108, 1046-1053, equation 10; pressure
of a flight level, the ICAO standard atmosphere (Doc 7488, 1993); wind direction, WMO-No. 306
(where the wind comes from, clockwise from north).
"""

import numpy as np
from jaxtyping import Float

from align_da.constants import DRY_AIR_GAS_CONSTANT, GRAVITY, VAPOUR_TO_DRY_GAS_RATIO

_SEA_LEVEL_PRESSURE, _SEA_LEVEL_TEMPERATURE, _LAPSE_RATE = 101325.0, 288.15, 0.0065
_TROPOPAUSE, _TROPOPAUSE_TEMPERATURE = 11000.0, 216.65  # m, K


def specific_humidity(
    dewpoint: Float[np.ndarray, " row"], pressure: Float[np.ndarray, " row"]
) -> Float[np.ndarray, " row"]:
    """Specific humidity of air with a dewpoint, kg kg-1.

    e = 611.2 Pa exp(17.67 t / (t + 243.5)) with t the dewpoint in degrees Celsius, and
    q = 0.622 e / (p − 0.378 e). Dewpoints are over water at any temperature (WMO-No. 306).

    Args:
        dewpoint: K.
        pressure: Pa.
    """
    celsius = dewpoint - 273.15
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        vapour = 611.2 * np.exp(17.67 * celsius / (celsius + 243.5))
        rest = pressure - (1 - VAPOUR_TO_DRY_GAS_RATIO) * vapour
        return np.where(rest > 0, VAPOUR_TO_DRY_GAS_RATIO * vapour / rest, np.nan)


def wind_components(
    direction: Float[np.ndarray, " row"], speed: Float[np.ndarray, " row"]
) -> tuple[Float[np.ndarray, " row"], Float[np.ndarray, " row"]]:
    """Eastward and northward wind, m s-1; a calm has none whatever its direction.

    Args:
        direction: degrees clockwise from north, where the wind comes from.
        speed: m s-1.
    """
    angle = np.deg2rad(np.where(speed == 0, 0.0, direction))
    return -speed * np.sin(angle), -speed * np.cos(angle)


def pressure_of_flight_level(height: Float[np.ndarray, " row"]) -> Float[np.ndarray, " row"]:
    """Pressure at a height of the ICAO standard atmosphere, Pa: what an altimeter was set to.

    Args:
        height: m, below 20 km.
    """
    power = GRAVITY / (DRY_AIR_GAS_CONSTANT * _LAPSE_RATE)
    below = np.minimum(height, _TROPOPAUSE)
    pressure = (1 - _LAPSE_RATE * below / _SEA_LEVEL_TEMPERATURE) ** power
    scale = DRY_AIR_GAS_CONSTANT * _TROPOPAUSE_TEMPERATURE / GRAVITY
    above = np.maximum(height - _TROPOPAUSE, 0.0)
    return np.asarray(_SEA_LEVEL_PRESSURE * pressure * np.exp(-above / scale))
