"""The increment of a single observation: is it local, and is its wind balanced?

It shows the background error covariance of a method as nothing else does: a column of B, scaled.
"""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from align_da.atmosphere import Grid, State
from align_da.atmosphere.balance import EXTRATROPICAL_TROPOSPHERE, geostrophic_wind
from align_da.atmosphere.localisation import column_positions, great_circle_distance
from align_da.verification.figure_style import axis_units, common_style, new_figure

_WINDOW = (60.0, 35.0)  # degrees of longitude and latitude shown on each side
_LONGEST_ARROW = 10.0  # degrees


@dataclass(frozen=True)
class Place:
    """Where the observation is: degrees north, degrees east."""

    latitude: float
    longitude: float

    def distance(self, grid: Grid) -> Float[np.ndarray, "lat lon"]:
        """Metres from here to every column."""
        columns = column_positions(grid.latitude, grid.longitude)
        here = jnp.float32(self.latitude)[None], jnp.float32(self.longitude)[None]
        return np.asarray(great_circle_distance(*columns, *here)).reshape(grid.shape)


@dataclass(frozen=True)
class IncrementPanel:
    """One panel of the figure.

    Attributes:
        title: method and observed quantity.
        shaded: increment of the observed variable at its level, [lat, lon].
        eastward: increment of the wind at that level, m/s.
        northward: the same.
        units: of `shaded`, SI.
    """

    title: str
    shaded: Float[np.ndarray, "lat lon"]
    eastward: Float[np.ndarray, "lat lon"]
    northward: Float[np.ndarray, "lat lon"]
    units: str


def share_within(
    increment: Float[np.ndarray, "lat lon"], grid: Grid, place: Place, radius: float
) -> float:
    """Share of the squared increment, by area, within `radius` (metres) of the observation."""
    squared = grid.area_weights * increment**2
    return float(squared[place.distance(grid) <= radius].sum() / squared.sum())


def geostrophic_part(
    background: State,
    analysis: State,
    surface_geopotential: Float[Array, "lat lon"],
    place: Place,
    radius: float,
) -> tuple[float, float]:
    """How the wind increment follows the geostrophic wind of the increment of mass.

    With δV and δV_g in the extratropical troposphere within `radius` (metres) of the observation:
    the cosine <δV·δV_g> / √(<δV²> <δV_g²>), 1 for the right direction everywhere, and the slope
    <δV·δV_g> / <δV_g²>, 1 for the right strength.

    Args:
        background: one state, values [lat, lon, channel], SI units.
        analysis: the same.
        surface_geopotential: m2 s-2.
        place: of the observation.
        radius: metres.
    """
    grid = background.layout.grid
    near = (place.distance(grid) <= radius)[:, :, None]
    weights = EXTRATROPICAL_TROPOSPHERE.weights(grid) * near
    before = geostrophic_wind(background, surface_geopotential)
    after = geostrophic_wind(analysis, surface_geopotential)
    names = ("u_component_of_wind", "v_component_of_wind")
    wind = np.stack([np.asarray(analysis[name] - background[name]) for name in names])
    balanced = np.stack([np.asarray(b - a) for a, b in zip(before, after, strict=True)])
    product, energy, target = (
        float((weights * parts).sum()) for parts in (wind * balanced, wind**2, balanced**2)
    )
    return product / (energy * target) ** 0.5, product / target


@common_style()
def increment_maps(panels: list[IncrementPanel], grid: Grid, place: Place, columns: int) -> Figure:
    """Increments around the observation, a row an observed quantity: colours, and wind arrows."""
    rows = len(panels) // columns
    figure, axes = new_figure(4.4 * columns, 3.0 * rows + 0.4, rows, columns)
    for number, (panel, shown) in enumerate(zip(axes, panels, strict=True)):
        row = panels[number - number % columns :][:columns]
        end = max(float(np.abs(other.shaded).max()) for other in row) or 1.0
        image = _draw(panel, shown, grid, place, Normalize(-end, end))
        figure.colorbar(image, ax=panel, label=axis_units(shown.units), shrink=0.9)
    return figure


def _draw(
    panel: Axes, shown: IncrementPanel, grid: Grid, place: Place, scale: Normalize
) -> QuadMesh:
    """One map, with longitudes relative to the observation."""
    longitude = (np.asarray(grid.longitude) - place.longitude + 180) % 360 - 180
    order = np.argsort(longitude)
    shaded, east, north = (
        field[:, order] for field in (shown.shaded, shown.eastward, shown.northward)
    )
    image = panel.pcolormesh(longitude[order], grid.latitude, shaded, norm=scale, cmap="RdBu_r")
    fastest = float(np.hypot(east, north).max()) or 1.0
    panel.quiver(
        longitude[order],
        grid.latitude,
        east,
        north,
        angles="xy",
        scale_units="xy",
        scale=fastest / _LONGEST_ARROW,
    )
    panel.plot(0, place.latitude, marker="+", color="black", markersize=9)
    south, north_end = place.latitude - _WINDOW[1], place.latitude + _WINDOW[1]
    panel.set(xlim=(-_WINDOW[0], _WINDOW[0]), ylim=(max(south, -90), min(north_end, 90)))
    panel.set_title(shown.title)
    panel.grid(visible=False)
    return image
