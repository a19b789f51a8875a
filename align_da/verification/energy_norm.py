"""The total energy of an error: one number for errors of wind, temperature, humidity and pressure.

    E(e) = Σ_ij w_ij [ Σ_k δ_k ½ (u² + v² + c_p/T_r T² + L²/(c_p T_r) q²) + ½ R T_r (p_s/p_r)² ]

in J/kg, with w the share of a cell in the area, δ that of a layer in the mass of a column, and the
reference T_r = 280 K, p_r = 1000 hPa. Variables without an energy do not count; in a layout that
holds none with one, such as an abstract field, all count alike, with ½ of their square.

Source: Ehrendorfer, Errico and Raeder 1999, J. Atmos. Sci. 56, 1627-1648, equation 1.
"""

import numpy as np
from jaxtyping import Float

from align_da.atmosphere import Layout
from align_da.atmosphere.pressure import depth_of_layers
from align_da.constants import DRY_AIR_GAS_CONSTANT

_HEAT_CAPACITY = 1004.0  # J/(kg K), of dry air at constant pressure
_LATENT_HEAT = 2.5e6  # J/kg, of condensation
_TEMPERATURE = 280.0  # K
_PRESSURE = 1e5  # Pa
_FACTORS = {
    "u_component_of_wind": 1.0,
    "v_component_of_wind": 1.0,
    "temperature": _HEAT_CAPACITY / _TEMPERATURE,
    "specific_humidity": _LATENT_HEAT**2 / (_HEAT_CAPACITY * _TEMPERATURE),
    "surface_pressure": DRY_AIR_GAS_CONSTANT * _TEMPERATURE / _PRESSURE**2,
}


def energy_weights(layout: Layout) -> Float[np.ndarray, "lat lon channel"]:
    """The diagonal C of E(e) = eᵀ C e, J/kg over the squared unit of each channel."""
    grid = layout.grid
    known = any(name in _FACTORS for name in layout.variables)
    layers = _layers(layout)
    of_channels = [
        _factor(channel.variable.name, known=known)
        * (1.0 if channel.level is None else layers[channel.level])
        for channel in layout.channels
    ]
    return np.asarray(0.5 * grid.area_weights[..., None] * np.asarray(of_channels))


def _factor(name: str, *, known: bool) -> float:
    """What a variable counts; all alike where none has an energy."""
    return _FACTORS.get(name, 0.0) if known else 1.0


def _layers(layout: Layout) -> Float[np.ndarray, " level"]:
    """Share of every layer in the mass of a column; alike where levels are an abstract index."""
    vertical = layout.grid.vertical
    if vertical.kind == "index":
        return np.full(len(vertical.levels), 1.0 / len(vertical.levels))
    depth = depth_of_layers(vertical, 1.0 if vertical.kind == "sigma" else vertical.levels[-1])
    return np.asarray(depth / depth.sum())
