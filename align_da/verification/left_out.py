"""What an analysis would be without some observations: the difference, and where it is largest."""

import numpy as np
import pandas as pd
from jaxtyping import Float

from align_da.atmosphere import State
from align_da.verification.observation_neighbours import distances


def largest_differences(difference: State, place: tuple[float, float]) -> pd.DataFrame:
    """Where two analyses differ most, a row a variable.

    Args:
        difference: of the ensemble means, values [lat, lon, channel], SI units.
        place: of the station, degrees north and east.

    Returns:
        variable, level (NaN at the surface), difference in SI units, latitude and longitude in
        degrees, and the distance from the station in km.
    """
    grid = difference.layout.grid
    rows = []
    for name in difference.layout.variables:
        channels = difference.layout.channels_of(name)
        values = np.asarray(difference.values[..., channels], np.float64)
        row, column, of_variable = np.unravel_index(np.abs(values).argmax(), values.shape)
        level = difference.layout.channels[channels.start + int(of_variable)].level
        latitude, longitude = grid.latitude[row], grid.longitude[column]
        away = distances(place, np.asarray([latitude]), np.asarray([longitude]))[0]
        rows.append(
            {
                "variable": name,
                "level": np.nan if level is None else grid.vertical.levels[level],
                "difference": values[row, column, of_variable],
                "latitude": latitude,
                "longitude": longitude,
                "distance_km": away / 1e3,
            }
        )
    return pd.DataFrame(rows)


def in_spreads(
    found: Float[np.ndarray, "member lat lon channel"],
    stored: Float[np.ndarray, "member lat lon channel"],
) -> float:
    """How far two ensembles are apart: their largest difference over the spread of a channel.

    Args:
        found: members, SI units.
        stored: the members that they are held against; their spread is the root mean square over
            the grid, and where they have none, as with one member, their range over the grid.
    """
    apart = np.abs(np.asarray(found, np.float64) - np.asarray(stored, np.float64))
    spread = np.sqrt(np.var(np.asarray(stored, np.float64), axis=0).mean(axis=(0, 1)))
    range_ = np.ptp(np.asarray(stored, np.float64), axis=(0, 1, 2))
    unit = np.where(spread > 0, spread, np.where(range_ > 0, range_, 1.0))
    return float((apart.max(axis=(0, 1, 2)) / unit).max())
