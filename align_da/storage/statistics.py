"""Statistics of the training period, as `data_pipelines.statistics` writes them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from align_da.atmosphere import Normalisation
from align_da.errors import StorageError
from align_da.storage.digest import digest_of_json
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
    text = json.dumps({**content, _DIGEST: digest_of_json(content)}, indent=1)
    write_durably(path, text.encode())


def read_normalisation(path: Path) -> Normalisation:
    """Mean and standard deviation of every channel, SI units.

    Raises:
        StorageError: there are no statistics at `path`, or they are damaged.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        _check_digest(content)
        states = content["states"]
        mean, std = (jnp.asarray(states[name], jnp.float32) for name in ("mean", "std"))
        _check(mean, std)
    except (OSError, *_UNREADABLE) as error:
        message = f"expected statistics in {path}, got {error!r}: run `align-da data statistics`"
        raise StorageError(message) from error
    note_read(path)
    return Normalisation(mean, std)


def _check_digest(content: dict[str, Any]) -> None:
    """Raise a ValueError for what was altered; those of earlier versions have no digest."""
    told = {key: value for key, value in content.items() if key != _DIGEST}
    if content.get(_DIGEST, digest_of_json(told)) != digest_of_json(told):
        message = "another digest than they were written with"
        raise ValueError(message)


def _check(mean: Array, std: Array) -> None:
    """Raise a ValueError for what is not a finite mean and a positive deviation a channel."""
    usable = jnp.isfinite(mean).all() & jnp.isfinite(std).all() & (std > 0).all()
    if mean.ndim != 1 or mean.shape != std.shape or not usable:
        message = f"a mean of {mean.shape} and a standard deviation of {std.shape}"
        raise ValueError(message)
