"""The observations of one cycle window."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from align_da.atmosphere.html_table import html_table, is_known
from align_da.errors import InputError


class Flag(enum.IntEnum):
    """Quality control flags, numbered as in UFO (JCSDA/ufo, src/ufo/filters/QCflags.h).

    Flags never delete: an observation keeps its place and says why it is not used. UFO has no flag
    of its own for duplicates; theirs is beyond all of its numbers. Some of the others only come
    with files that UFO has written.
    """

    PASS = 0
    PASSIVE = 1
    MISSING = 10
    PRE_QC = 11  # rejected before it came here
    BOUNDS = 12
    DOMAIN = 13
    BLACKLISTED = 14
    OPERATOR_FAILED = 15
    THINNED = 16
    REFERENCE = 17  # metadata too far from a reference
    CLOUD = 18
    BACKGROUND = 19
    SEA_ICE = 20
    TRACK = 21
    BUDDY = 22
    DERIVATIVE = 23  # of metadata
    PROFILE = 24
    ONE_D_VAR = 25
    BAYESIAN = 26
    MODEL_THRESHOLD = 27
    HISTORY = 28
    PROCESSED = 29  # its equivalent was left out on purpose
    SUPERREFRACTION = 30
    SUPEROB = 31  # it is in the superob of another
    DUPLICATE = 100


class Vertical(enum.IntEnum):
    """What the vertical position of an observation means."""

    LEVEL = 0  # value of the vertical coordinate of the state (sigma, or Pa)
    SURFACE = 1  # the surface; the position is not used


UNKNOWN_VARIABLE = -1
"""Index of a variable that the state does not hold; such an observation stays passive."""


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
        variable: index of the variable in `layout.variables`, or `UNKNOWN_VARIABLE`.
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

    def __repr__(self) -> str:
        shape = getattr(self.value, "shape", ("unknown",))
        told = ", ".join(f"{name} {count}" for name, count in self.counts().items())
        return f"<ObservationBatch {' '.join(map(str, shape))}{': ' if told else ''}{told}>"

    def _repr_html_(self) -> str:
        """What notebooks show: one row a flag."""
        return html_table(repr(self), ("flag", "observations"), self.counts().items())

    def counts(self) -> dict[str, int]:
        """Number of observations by the name of their flag; empty inside a JAX transform."""
        if not is_known(self.flag):
            return {}
        flags = np.asarray(self.flag)
        found = ((flag.name.lower(), int((flags == flag).sum())) for flag in Flag)
        return {name: count for name, count in found if count}


def padded(batch: ObservationBatch, size: int) -> ObservationBatch:
    """`batch` followed by entries flagged missing, up to `size` observations.

    Raises:
        InputError: the batch holds more than `size` observations.
    """
    return padded_batch({name: np.asarray(array) for name, array in vars(batch).items()}, size)


def padded_batch(arrays: Mapping[str, np.ndarray], size: int) -> ObservationBatch:
    """The batch of these arrays, with entries flagged missing up to `size` observations.

    Padding comes before JAX, which would compile for every number of observations.

    Args:
        arrays: an array (observation,) for every attribute of `ObservationBatch`.
        size: fixed number of observations.

    Raises:
        InputError: there are more than `size` observations.
    """
    count = arrays["value"].size
    if count > size:
        message = (
            f"expected at most {size} observations, got {count}: "
            "thin them or raise the padded size"
        )
        raise InputError(message)
    filler = {"error": 1, "flag": int(Flag.MISSING)}
    extra = (0, size - count)
    return ObservationBatch(
        **{
            name: jnp.asarray(np.pad(array, extra, constant_values=filler.get(name, 0)))
            for name, array in arrays.items()
        }
    )
