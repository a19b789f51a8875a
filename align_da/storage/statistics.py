"""Statistics of the training period, as `data_pipelines.statistics` writes them."""

import json
from pathlib import Path

import jax.numpy as jnp
from jaxtyping import Array

from align_da.atmosphere import Normalisation
from align_da.errors import StorageError
from align_da.storage.reads import note_read


def read_normalisation(path: Path) -> Normalisation:
    """Mean and standard deviation of every channel, SI units.

    Raises:
        StorageError: there are no statistics at `path`, or they are damaged.
    """
    try:
        states = json.loads(path.read_text(encoding="utf-8"))["states"]
        mean, std = (jnp.asarray(states[name], jnp.float32) for name in ("mean", "std"))
        _check(mean, std)
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        message = f"expected statistics in {path}, got {error!r}: run `align-da data statistics`"
        raise StorageError(message) from error
    note_read(path)
    return Normalisation(mean, std)


def _check(mean: Array, std: Array) -> None:
    """Raise a ValueError for what is not a finite mean and a positive deviation a channel."""
    usable = jnp.isfinite(mean).all() & jnp.isfinite(std).all() & (std > 0).all()
    if mean.ndim != 1 or mean.shape != std.shape or not usable:
        message = f"a mean of {mean.shape} and a standard deviation of {std.shape}"
        raise ValueError(message)
