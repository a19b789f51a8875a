"""Processes that train together, joined by `jax.distributed`: who writes, and where all meet.

A process that trains alone is the one that writes, and meets nobody.
"""

import jax
import numpy as np
from jax.experimental import multihost_utils

from align_da.digests import digest_of
from align_da.errors import InputError


def writes() -> bool:
    """Whether this process is the one that writes: the first."""
    return jax.process_index() == 0


def meet(point: str, *values: object) -> None:
    """Wait until every process is here, with the same values.

    Args:
        point: what is about to happen, for the message.
        values: sections of the configuration, numbers, strings, or lists of them.

    Raises:
        InputError: a process has come with other values or to another point; in all of them.
    """
    if jax.process_count() == 1:
        return
    digest = np.frombuffer(bytes.fromhex(digest_of(point, *values)), np.uint32)
    found = multihost_utils.process_allgather(digest)
    others = np.flatnonzero((found != found[0]).any(axis=1)).tolist()
    if others:
        message = (
            f"{point}: expected the same in every process, but {others} differ from process 0: "
            "give all of them the same command, run folder, data, libraries and type of machine"
        )
        raise InputError(message)
