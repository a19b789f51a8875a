"""The interpolation operator: a state at the positions of the observations.

Horizontally bilinear in latitude and longitude; vertically linear in the logarithm of the level
(linear for an abstract index). With the eight corners c of the cell around an observation

    H(x) = sum_c weight_c x_c,

one gather and one weighted sum: linear, so that its tangent is itself and its adjoint a scatter.

Rules at the edges:

- Longitude is periodic, but on a limited area, where the outermost points are used beyond it;
  whether such an observation may be assimilated is the matter of `quality_control.check_domain`.
- Beyond the last latitude towards a pole the neighbour is the same row across the pole, half a
  circle away, where eastward and northward wind change sign.
- A grid of one latitude (an abstract circle) ignores the latitude of the observation.
- Above the top level and below the lowest level the nearest level is used, as beyond an area.
- A surface report of a variable on levels means its lowest level.
- A position that is not finite is read as zero: the equivalent is finite and of no use.

Indices and weights are computed in float64 NumPy and are leaves of a pytree, so that a compiled
function takes other positions without compiling again.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from align_da.observations.batch import ObservationBatch, Vertical

VECTOR_COMPONENTS = frozenset(
    {
        "u_component_of_wind",
        "v_component_of_wind",
        "10m_u_component_of_wind",
        "10m_v_component_of_wind",
    }
)
# Positions are float32: what is this near to a grid point, in grid spacings, is meant to be on it.
_ON_GRID = 1e-5
_NO_WIDTH = 1e-30  # of an interval between levels or rows: what it divides stays finite


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class InterpolationOperator:
    """H as a sparse matrix of eight entries a row; fulfils `ObservationOperator`.

    Attributes:
        index: place of each corner in the flattened [lat * lon * channel] state.
        weight: weight of each corner; the eight sum to 1 for a scalar away from the poles' rules.
    """

    index: Int[Array, "observation corner"]
    weight: Float[Array, "observation corner"]

    def __call__(self, state: State) -> Float[Array, "*batch observation"]:
        """Model equivalents of one or more states, SI units of each observation."""
        flat = state.values.reshape(*state.values.shape[:-3], -1)
        corners = jnp.take(flat, self.index, axis=-1, mode="clip")
        return (corners * self.weight).sum(axis=-1)


def interpolation_operator(batch: ObservationBatch, layout: Layout) -> InterpolationOperator:
    """Bind the interpolation to the positions of `batch` and the layout of the states.

    Args:
        batch: concrete observations (not traced); flags are not read.
        layout: layout of the states that the operator will be given.
    """
    latitude, longitude, level = finite_positions(batch)
    variable = np.clip(np.asarray(batch.variable), 0, len(layout.variables) - 1)
    at_surface = np.asarray(batch.vertical) == Vertical.SURFACE
    row, column, horizontal = _horizontal_corners(
        latitude, longitude, layout.grid, _is_vector(layout)[variable]
    )
    channel, vertical = channel_corners(level, at_surface, variable, layout)
    rows, columns = layout.grid.shape
    cell = np.clip(row, 0, rows - 1) * columns + column
    index = cell[:, :, None] * len(layout.channels) + channel[:, None, :]
    weight = horizontal[:, :, None] * vertical[:, None, :]
    return InterpolationOperator(
        jnp.asarray(index.reshape(-1, 8).astype(np.int32)), jnp.asarray(weight.reshape(-1, 8))
    )


def finite_positions(
    batch: ObservationBatch,
) -> tuple[
    Float[np.ndarray, " observation"],
    Float[np.ndarray, " observation"],
    Float[np.ndarray, " observation"],
]:
    """Latitude, longitude and level of every observation; zero where one is not finite."""
    latitude, longitude, level = (
        np.nan_to_num(np.asarray(position, dtype=np.float64), posinf=0.0, neginf=0.0)
        for position in (batch.latitude, batch.longitude, batch.level)
    )
    return latitude, longitude, level


def _is_vector(layout: Layout) -> np.ndarray:
    """Whether each variable of the layout changes sign across a pole."""
    return np.asarray([name in VECTOR_COMPONENTS for name in layout.variables])


def _horizontal_corners(
    latitude: np.ndarray, longitude: np.ndarray, grid: Grid, vector: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row, column and weight of the four columns around each observation, each [observation 4]."""
    rows, fraction, across = _latitude_rows(latitude, grid)
    by_row = np.stack([1 - fraction, fraction], axis=1)
    by_row = np.where(across & vector[:, None], -by_row, by_row)
    columns, by_column = _longitude_columns(longitude[:, None] + 180.0 * across, grid)
    row = np.repeat(rows, 2, axis=1)
    weight = by_row[:, :, None] * by_column
    return row, columns.reshape(-1, 4), weight.reshape(-1, 4)


def _latitude_rows(latitude: np.ndarray, grid: Grid) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Southern and northern row [observation 2], share of the northern, and which lie across."""
    known = np.asarray(grid.latitude)
    count = known.size
    if count == 1:
        nowhere = np.zeros((latitude.size, 2), dtype=int)
        return nowhere, np.zeros(latitude.size), nowhere.astype(bool)
    if not grid.periodic:
        south, fraction = _bracket(latitude, known)
        within = np.stack([south, south + 1], axis=1)
        return within, fraction, np.zeros_like(within, dtype=bool)
    # One row more on either side: the last row seen across the pole.
    extended = np.concatenate([[-180 - known[0]], known, [180 - known[-1]]])
    south, fraction = _bracket(np.clip(latitude, -90, 90), extended)
    rows = np.stack([south, south + 1], axis=1) - 1
    across = (rows < 0) | (rows >= count)
    return np.clip(rows, 0, count - 1), fraction, across


def _longitude_columns(longitude: np.ndarray, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Western and eastern column and their shares, each [... 2]."""
    count = len(grid.longitude)
    if not grid.periodic:
        known = np.asarray(grid.longitude) - grid.longitude[0]
        first, share = _bracket(grid.degrees_east(longitude), known)
        return np.stack([first, first + 1], axis=-1), np.stack([1 - share, share], axis=-1)
    place = ((longitude - grid.longitude[0]) % 360.0) * count / 360.0
    west = np.floor(place)
    fraction = _snapped(place - west)
    columns = (np.stack([west, west + 1], axis=-1) % count).astype(int)
    return columns, np.stack([1 - fraction, fraction], axis=-1)


def channel_corners(
    level: np.ndarray, at_surface: np.ndarray, variable: np.ndarray, layout: Layout
) -> tuple[np.ndarray, np.ndarray]:
    """Channel and weight of the level above and below each observation, both [observation 2].

    Args:
        level: position on the vertical coordinate, finite.
        at_surface: whether the lowest level is meant instead.
        variable: index in `layout.variables`.
        layout: layout of the states.
    """
    first = np.asarray([layout.channels_of(name).start for name in layout.variables])[variable]
    size = np.asarray([_level_count(name, layout) for name in layout.variables])[variable]
    known = vertical_place(np.asarray(layout.grid.vertical.levels), layout.grid.vertical)
    place = vertical_place(level, layout.grid.vertical)
    above, fraction = _bracket(np.where(at_surface, known[-1], place), known)
    below = np.minimum(above + 1, known.size - 1)
    levels = np.where((size > 1)[:, None], np.stack([above, below], axis=1), 0)
    return first[:, None] + levels, np.stack([1 - fraction, fraction], axis=1)


def _level_count(name: str, layout: Layout) -> int:
    span = layout.channels_of(name)
    return int(span.stop - span.start)


def vertical_place(level: np.ndarray, vertical: VerticalCoordinate) -> np.ndarray:
    """The coordinate in which the vertical interpolation is linear: ln(level), or an index."""
    if vertical.kind == "index":
        return np.asarray(level, dtype=np.float64)
    return np.asarray(np.log(np.maximum(level, np.finfo(np.float32).tiny)))


def observed_places(
    observations: ObservationBatch, vertical: VerticalCoordinate
) -> Float[np.ndarray, " observation"]:
    """`vertical_place` of every observation; the surface is the lowest level."""
    own = vertical_place(np.asarray(observations.level), vertical)
    lowest = vertical_place(np.asarray(vertical.levels[-1]), vertical)
    return np.where(np.asarray(observations.vertical) == Vertical.SURFACE, lowest, own)


def _bracket(place: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Index of the last known value not beyond `place`, and the share [0, 1] of the next one."""
    lower = np.clip(np.searchsorted(known, place, side="right") - 1, 0, max(known.size - 2, 0))
    upper = np.minimum(lower + 1, known.size - 1)
    # A width of zero (one level, or a pole on the grid) leaves the share at 0 or 1.
    width = np.maximum(known[upper] - known[lower], _NO_WIDTH)
    return lower, _snapped(np.clip((place - known[lower]) / width, 0, 1))


def _snapped(fraction: np.ndarray) -> np.ndarray:
    """Shares of a grid spacing, exact where the observation is meant to be on the grid."""
    nearest = np.round(fraction)
    return np.where(np.abs(fraction - nearest) < _ON_GRID, nearest, fraction)
