"""The coarsening operator: means of a state over the cells of a coarse map.

With |a| the area of a cell on the sphere,

    H(x)_c = Σ_k |c ∩ k| x_k / |c|,

the first-order conservative mean of `atmosphere.overlap`: the area mean of the map is that of the
state exactly. H is one small matrix an axis; in the vertical it is interpolation as of any report.
The operator is linear: its tangent is itself and its adjoint the transposed matrices.

Rules:

- An observation is the mean of the cell that holds its position. Cells are bounded half way
  between the coordinates of the coarse grid, and by the poles, as `Grid.area_weights` has them.
- Components of wind are averaged as they are, also around a pole.
- A position that is not finite is read as zero: the equivalent is finite and of no use.
"""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from align_da.atmosphere import Grid, Layout, State
from align_da.atmosphere.overlap import latitude_shares, longitude_shares
from align_da.errors import InputError
from align_da.observations.batch import ObservationBatch, Vertical
from align_da.observations.interpolation import channel_corners, finite_positions


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class CoarseningOperator:
    """H as two matrices and a choice of cells; fulfils `ObservationOperator`.

    Attributes:
        by_latitude: share of each row of the state in each row of cells; rows sum to 1.
        by_longitude: likewise of columns.
        index: place of both levels around each observation in the flattened map.
        weight: weight of each level.
    """

    by_latitude: Float[Array, "cell_row lat"]
    by_longitude: Float[Array, "cell_column lon"]
    index: Int[Array, "observation 2"]
    weight: Float[Array, "observation 2"]

    def __call__(self, state: State) -> Float[Array, "*batch observation"]:
        """Model equivalents of one or more states, SI units of each observation."""
        rows = jnp.einsum("ri,...ijk->...rjk", self.by_latitude, state.values)
        cells = jnp.einsum("cj,...rjk->...rck", self.by_longitude, rows)
        flat = cells.reshape(*cells.shape[:-3], -1)
        levels = jnp.take(flat, self.index, axis=-1, mode="clip")
        return (levels * self.weight).sum(axis=-1)


def coarsening_operator(
    coarse: Grid,
) -> Callable[[ObservationBatch, Layout], CoarseningOperator]:
    """How to bind the means over the cells of `coarse` to a batch.

    Args:
        coarse: its horizontal grid; levels are those that the observations name.
    """

    def bind(batch: ObservationBatch, layout: Layout) -> CoarseningOperator:
        check_coarser(coarse, layout.grid)
        latitude, longitude, level = finite_positions(batch)
        variable = np.clip(np.asarray(batch.variable), 0, len(layout.variables) - 1)
        at_surface = np.asarray(batch.vertical) == Vertical.SURFACE
        channel, weight = channel_corners(level, at_surface, variable, layout)
        cell = _cell_of(latitude, longitude, coarse)
        index = cell[:, None] * len(layout.channels) + channel
        return CoarseningOperator(
            jnp.asarray(latitude_shares(layout.grid, coarse)),
            jnp.asarray(longitude_shares(layout.grid, coarse)),
            jnp.asarray(index.astype(np.int32)),
            jnp.asarray(weight),
        )

    return bind


def check_coarser(coarse: Grid, fine: Grid) -> None:
    """Refuse a map that is finer than the states, or has another kind of levels.

    Raises:
        InputError: says which.
    """
    for grid in (coarse, fine):
        grid.check_closed("a coarse map")
    if any(map(int.__gt__, coarse.shape, fine.shape)):
        message = (
            f"expected a map of at most {fine.shape} latitudes and longitudes, the grid of the "
            f"states, got {coarse.shape}: interpolate to the map instead"
        )
        raise InputError(message)
    if coarse.vertical.kind != fine.vertical.kind:
        message = (
            f"expected a map on {fine.vertical.kind} levels as the states, got "
            f"{coarse.vertical.kind} levels: interpolate it in the vertical"
        )
        raise InputError(message)


def _cell_of(
    latitude: Float[np.ndarray, " observation"],
    longitude: Float[np.ndarray, " observation"],
    coarse: Grid,
) -> Int[np.ndarray, " observation"]:
    """The cell that holds each position, rows first."""
    rows, columns = coarse.shape
    row = np.searchsorted(coarse.latitude_edges[1:-1], np.clip(latitude, -90, 90), side="right")
    place = ((longitude - coarse.longitude[0]) % 360.0) * columns / 360.0
    column = np.floor(place + 0.5).astype(int) % columns
    return np.asarray(np.minimum(row, rows - 1) * columns + column)
