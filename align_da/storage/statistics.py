"""Statistics of the training period, as `data_pipelines.statistics` writes them."""

import json
from pathlib import Path

import jax.numpy as jnp

from align_da.atmosphere import Normalisation
from align_da.errors import StorageError


def read_normalisation(path: Path) -> Normalisation:
    """Mean and standard deviation of every channel, SI units.

    Raises:
        StorageError: there are no statistics at `path`, or they are damaged.
    """
    try:
        states = json.loads(path.read_text(encoding="utf-8"))["states"]
        mean, std = (jnp.asarray(states[name], jnp.float32) for name in ("mean", "std"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"expected statistics in {path}, got {error!r}: run `align-da data statistics`"
        raise StorageError(message) from error
    return Normalisation(mean, std)
