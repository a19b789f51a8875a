"""From what instruments report to the variables of the state, in float64.

Sources: pressure of a flight level, the ICAO standard atmosphere (Doc 7488, 1993); wind direction,
WMO-No. 306 (where the wind comes from, clockwise from north).
"""

import numpy as np
from jaxtyping import Float

from align_da.atmosphere.saturation import saturation_specific_humidity
from align_da.constants import (
    DRY_AIR_GAS_CONSTANT,
    GRAVITY,
    STANDARD_LAPSE_RATE,
    STANDARD_TEMPERATURE,
    VAPOUR_TO_DRY_GAS_RATIO,
)

_SEA_LEVEL_PRESSURE = 101325.0  # Pa
_TROPOPAUSE, _TROPOPAUSE_TEMPERATURE = 11000.0, 216.65  # m, K


def specific_humidity(
    dewpoint: Float[np.ndarray, " row"], pressure: Float[np.ndarray, " row"]
) -> Float[np.ndarray, " row"]:
    """Specific humidity of air with a dewpoint, kg kg-1.

    Dewpoints are over water at any temperature (WMO-No. 306).

    Args:
        dewpoint: K.
        pressure: Pa.
    """
    return saturation_specific_humidity(dewpoint, pressure)


def real_temperature(
    virtual: Float[np.ndarray, " row"], humidity: Float[np.ndarray, " row"]
) -> Float[np.ndarray, " row"]:
    """Temperature of air with a virtual temperature, T = T_v / (1 + (1/ε − 1) q), K.

    Args:
        virtual: K.
        humidity: specific humidity, kg kg-1.
    """
    return virtual / (1.0 + (1.0 / VAPOUR_TO_DRY_GAS_RATIO - 1.0) * humidity)


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
    power = GRAVITY / (DRY_AIR_GAS_CONSTANT * STANDARD_LAPSE_RATE)
    below = np.minimum(height, _TROPOPAUSE)
    pressure = (1 - STANDARD_LAPSE_RATE * below / STANDARD_TEMPERATURE) ** power
    scale = DRY_AIR_GAS_CONSTANT * _TROPOPAUSE_TEMPERATURE / GRAVITY
    above = np.maximum(height - _TROPOPAUSE, 0.0)
    return np.asarray(_SEA_LEVEL_PRESSURE * pressure * np.exp(-above / scale))
