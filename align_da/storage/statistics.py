"""Statistics of the training period, as `data_pipelines.statistics` writes them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from align_da.atmosphere import Normalisation
from align_da.errors import StorageError
from align_da.storage.digest import checked_by_own_digest, with_own_digest
from align_da.storage.durable import write_durably
from align_da.storage.reads import note_read

_DIGEST = "digest"
# What JSON and the parts of statistics raise for damaged or foreign content.
_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)


def write_statistics(path: Path, content: Mapping[str, Any]) -> None:
    """Write statistics as JSON, with a digest of themselves.

    Args:
        path: of the file.
        content: lists of numbers by "mean" and "std", by the name of what they summarise.

    Raises:
        StorageError: the file cannot be written.
    """
    text = json.dumps(with_own_digest(content, _DIGEST), indent=1)
    write_durably(path, text.encode())


def read_normalisation(path: Path) -> Normalisation:
    """Mean and standard deviation of every channel, SI units.

    Raises:
        StorageError: there are no statistics at `path`, or they are damaged.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        content = checked_by_own_digest(content, _DIGEST)  # earlier versions wrote none
        states = content["states"]
        mean, std = (jnp.asarray(states[name], jnp.float32) for name in ("mean", "std"))
        _check(mean, std)
    except (OSError, *_UNREADABLE) as error:
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
