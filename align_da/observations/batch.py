"""The observations of one cycle window."""

import enum
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from align_da.errors import InputError


class Flag(enum.IntEnum):
    """Quality control flags, numbered as in UFO (JCSDA/ufo, src/ufo/filters/QCflags.h).

    Flags never delete: an observation keeps its place and says why it is not used.
    """

    PASS = 0
    PASSIVE = 1
    MISSING = 10
    BOUNDS = 12
    DOMAIN = 13
    THINNED = 15
    OPERATOR_FAILED = 18
    BACKGROUND = 19
    DUPLICATE = 26


class Vertical(enum.IntEnum):
    """What the vertical position of an observation means."""

    LEVEL = 0  # value of the vertical coordinate of the state (sigma, or Pa)
    SURFACE = 1  # the surface; the position is not used


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class ObservationBatch:
    """Observations padded to a fixed number, so that a cycle compiles once.

    Invariants:
        1. Every array has shape (observation,).
        2. A padded entry has flag MISSING and any finite values; only flag PASS is assimilated.

    Attributes:
        value: observed value, SI units of its variable.
        error: standard deviation of the observation error, same unit, positive.
        latitude: degrees north.
        longitude: degrees east, [0, 360).
        level: position on the vertical coordinate of the state (sigma, or Pa); not used at the
            surface.
        vertical: a `Vertical`.
        time: seconds from the valid time of the cycle.
        variable: index of the variable in `layout.variables`.
        station: number of the station or column.
        flag: a `Flag`.
    """

    value: Float[Array, " observation"]
    error: Float[Array, " observation"]
    latitude: Float[Array, " observation"]
    longitude: Float[Array, " observation"]
    level: Float[Array, " observation"]
    vertical: Int[Array, " observation"]
    time: Float[Array, " observation"]
    variable: Int[Array, " observation"]
    station: Int[Array, " observation"]
    flag: Int[Array, " observation"]

    @property
    def used(self) -> jax.Array:
        """Whether each observation is assimilated, bool of shape (observation,)."""
        return self.flag == Flag.PASS


def padded(batch: ObservationBatch, size: int) -> ObservationBatch:
    """`batch` followed by entries flagged missing, up to `size` observations.

    Raises:
        InputError: the batch holds more than `size` observations.
    """
    extra = size - batch.value.shape[0]
    if extra < 0:
        message = (
            f"expected at most {size} observations, got {batch.value.shape[0]}: "
            "thin them or raise the padded size"
        )
        raise InputError(message)
    filler = {"error": 1, "flag": int(Flag.MISSING)}
    return ObservationBatch(
        **{
            name: jnp.pad(array, (0, extra), constant_values=filler.get(name, 0))
            for name, array in vars(batch).items()
        }
    )
