"""Which observations are within reach of which columns.

The columns of a row are taken in blocks that are narrow beside the reach of a taper, and a block
has one list of the observations near any of its columns. Lists are made on the host with a k-d
tree, of positions alone, and padded to one length, so that a program is compiled for few lengths.
What they hold beyond reach has the taper zero: they decide about cost and not about the analysis.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from scipy.spatial import KDTree

from align_da.atmosphere import Grid
from align_da.atmosphere.html_table import is_known
from align_da.atmosphere.localisation import column_positions, unit_vectors
from align_da.constants import EARTH_RADIUS
from align_da.observations.batch import Flag, ObservationBatch
from align_da.observations.interpolation import finite_positions

_SHORTEST = 128  # observations, if there are as many: shorter lists would save no time
_EXTENT = 0.5  # of a block, of the radius of the taper
_MARGIN = 1e-3  # of the reach: distances are float32
_ROUNDING = 1e-9  # of a chord of the unit sphere


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Neighbourhoods:
    """Blocks of columns and the observations near them.

    Attributes:
        latitude: degrees north of the columns, blocks in the order of the grid.
        longitude: degrees east.
        index: of the observations, increasing; their number where a list has ended.
    """

    latitude: Float[Array, "*block column"]
    longitude: Float[Array, "*block column"]
    index: Int[Array, "*block neighbour"]


def neighbourhoods(observations: ObservationBatch, grid: Grid, radius: float) -> Neighbourhoods:
    """The observations within reach of a taper, by blocks of columns.

    Those that are known not to be used are left out, such as padding. Where positions are not
    known, inside a JAX transform, every observation is in every list.

    Args:
        observations: of the cycle window.
        grid: of the states.
        radius: half width of the taper, metres.
    """
    with jax.ensure_compile_time_eval():
        columns = [np.asarray(axis) for axis in column_positions(grid.latitude, grid.longitude)]
    width = block_width(grid, radius)
    latitude, longitude = (axis.reshape(-1, width) for axis in columns)
    count = observations.value.shape[0]
    if is_known(observations.latitude) and is_known(observations.longitude):
        index = _within_reach(unit_vectors(latitude, longitude), observations, radius)
    else:
        index = np.broadcast_to(np.arange(count, dtype=np.int32), (latitude.shape[0], count))
    return Neighbourhoods(jnp.asarray(latitude), jnp.asarray(longitude), jnp.asarray(index))


def block_width(grid: Grid, radius: float) -> int:
    """Columns of a block, a divisor of those of a row, for a taper of this half width, metres."""
    return largest_divisor(grid.shape[1], 1 + int(_EXTENT * radius / grid.spacing))


def largest_divisor(number: int, limit: int) -> int:
    """The largest divisor of a number that is not beyond a limit of at least 1."""
    return max(part for part in range(1, min(number, limit) + 1) if number % part == 0)


def _within_reach(
    blocks: Float[np.ndarray, "block column 3"], observations: ObservationBatch, radius: float
) -> Int[np.ndarray, "block neighbour"]:
    """The padded lists of observations no farther from any column of a block than 2 `radius`."""
    latitude, longitude, _ = finite_positions(observations)
    count = latitude.size
    listed = np.arange(count)
    if is_known(observations.flag):
        listed = np.flatnonzero(np.asarray(observations.flag) == Flag.PASS)
    tree = KDTree(unit_vectors(latitude[listed], longitude[listed]))
    centres = blocks[:, blocks.shape[1] // 2]
    extent = _angle(np.linalg.norm(blocks - centres[:, None], axis=-1).max())
    reach = min(2 * radius / EARTH_RADIUS * (1 + _MARGIN) + extent, np.pi)
    chord = 2 * np.sin(reach / 2) + _ROUNDING
    longest = int(tree.query_ball_point(centres, chord, return_length=True).max())
    length = padded_length(max(longest, min(count, _SHORTEST)))
    index = np.full((len(centres), length), count, np.int32)
    for row, centre in zip(index, centres, strict=True):  # all at once would be lists of integers
        around = tree.query_ball_point(centre, chord, return_sorted=True)
        row[: len(around)] = listed[around]
    return index


def padded_length(count: int) -> int:
    """The next of the lengths that lists may have: four between every two powers of two."""
    step = 1 << max(1, count.bit_length() - 3)
    return step * -(-count // step)


def _angle(chord: float) -> float:
    """Radians between two places on the unit sphere."""
    return float(2 * np.arcsin(min(chord / 2, 1.0)))
