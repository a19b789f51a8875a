"""What cells of one grid share with those of another: weights of first-order conservative means.

The value of a target cell is the mean of the source over it, the source being constant in each of
its cells (Jones 1999, Mon. Wea. Rev. 127, 2204-2210). Cells are those of `Grid.area_weights`:
bounded half way between grid points and by the poles. Their overlaps are products of one in
sin(latitude) and one in longitude, so that one matrix an axis says all. Rows sum to 1, and the
area mean is kept to rounding.
"""

import numpy as np
from jaxtyping import Float

from align_da.atmosphere.grid import Grid


def latitude_shares(source: Grid, target: Grid) -> Float[np.ndarray, "target_lat lat"]:
    """Share of each row of `source` in the area of each row of `target`."""
    return _shares(_sines_of_edges(source), _sines_of_edges(target), turns=(0.0,))


def longitude_shares(source: Grid, target: Grid) -> Float[np.ndarray, "target_lon lon"]:
    """Share of each column of `source` in the width of each column of `target`."""
    turns = (-360.0, 0.0, 360.0)  # both start within one turn of each other
    return _shares(_longitude_edges(source), _longitude_edges(target), turns)


def _sines_of_edges(grid: Grid) -> Float[np.ndarray, " edge"]:
    """sin(latitude) where rows begin and end."""
    grid.check_closed("means over cells")
    return np.asarray(np.sin(np.deg2rad(grid.latitude_edges)))


def _longitude_edges(grid: Grid) -> Float[np.ndarray, " edge"]:
    """Bounds of the cells in degrees east, from half a cell west of the first longitude."""
    count = len(grid.longitude)
    return np.asarray(grid.longitude[0] + (np.arange(count + 1) - 0.5) * 360.0 / count)


def _shares(
    source: Float[np.ndarray, " source_edge"],
    target: Float[np.ndarray, " target_edge"],
    turns: tuple[float, ...],
) -> Float[np.ndarray, "target_cell source_cell"]:
    """Share of each source interval, wherever a turn brings it, in each target interval."""
    overlap = np.zeros((target.size - 1, source.size - 1))
    for turn in turns:
        lower = np.maximum(target[:-1, None], source[None, :-1] + turn)
        upper = np.minimum(target[1:, None], source[None, 1:] + turn)
        overlap += np.maximum(upper - lower, 0.0)
    return np.asarray(overlap / np.diff(target)[:, None])
