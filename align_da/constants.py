"""Physical constants in SI units.

Sources: Earth radius and rotation, GRS80 rounded as in SPEEDY and ERA5 (IFS documentation, part
IV); gas constants, WMO / IFS documentation.
"""

EARTH_RADIUS = 6.371e6  # m
EARTH_ROTATION = 7.292e-5  # rad/s
GRAVITY = 9.80665  # m/s2
DRY_AIR_GAS_CONSTANT = 287.05  # J/(kg K)
VAPOUR_TO_DRY_GAS_RATIO = 0.622  # R_dry / R_vapour
STANDARD_LAPSE_RATE = 0.0065  # K/m, of the troposphere (U.S. Standard Atmosphere 1976)
STANDARD_TEMPERATURE = 288.15  # K, at sea level (the same)
