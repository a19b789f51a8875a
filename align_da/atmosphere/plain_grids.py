"""Grids that are no sphere: a periodic line and a limited area.

Distances, area weights, interpolation and the checks of places are those of any grid. A line is
the equator: a distance along it is that of the great circle, and `Grid.spacing` metres lie between
neighbours. A limited area is a box of latitudes and longitudes; nothing is known beyond its
outermost points, where observations are flagged "domain". A plane is such a box at the equator.
"""

from collections.abc import Sequence

from align_da.atmosphere.grid import Grid, VerticalCoordinate
from align_da.checks import check_count

_ONE_LEVEL = VerticalCoordinate("index", (1.0,))


def periodic_line(size: int, vertical: VerticalCoordinate = _ONE_LEVEL) -> Grid:
    """`size` points on a circle, as of a Lorenz model.

    Raises:
        InputError: there is not one point.
    """
    check_count("the points of a line", size)
    return Grid((0.0,), tuple(float(i) * 360.0 / size for i in range(size)), vertical)


def limited_area(
    latitude: Sequence[float],
    longitude: Sequence[float],
    vertical: VerticalCoordinate = _ONE_LEVEL,
) -> Grid:
    """A box of latitudes and longitudes.

    Args:
        latitude: degrees north, from south to north.
        longitude: degrees east, equally spaced, from a start in [-180, 360).
        vertical: the vertical coordinate.

    Raises:
        InputError: an axis is not in this order, or the longitudes close the circle.
    """
    turns = 360.0 if longitude[0] < 0 else 0.0
    east = tuple(float(value) + turns for value in longitude)
    return Grid(tuple(map(float, latitude)), east, vertical, periodic=False)
