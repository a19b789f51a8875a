"""Checkpoints of a training and the final weights of networks, for any pytree of arrays.

While training, a damaged checkpoint is told and the one before it taken. Final weights are either
whole and of the expected form, or refused: nothing falls back where a result would change.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from align_da.errors import StorageError
from align_da.storage.durable import storage_errors
from align_da.storage.reads import note_read
from align_da.storage.verified_arrays import (
    UNFINISHED,
    read_arrays,
    write_arrays,
)

Tree = Any  # a pytree of arrays: dict, dataclass, optimizer state, nnx.State

KEPT = 3
"""Checkpoints of a training that are kept."""
_PREFIX = "step_"
_PRECISION = "precision"
_LARGEST_ROUNDING = 1e-3  # of the norm of an array in half precision, twice what is normal


@dataclass(frozen=True)
class Checkpoint:
    """What was saved at one step.

    Attributes:
        step: the step.
        tree: arrays in the structure of the template.
        metadata: what was given when saving.
    """

    step: int
    tree: Tree
    metadata: dict[str, Any]


def save_step(
    folder: Path, step: int, tree: Tree, metadata: Mapping[str, Any], keep: int = KEPT
) -> None:
    """Save the checkpoint of `step` and remove all but the newest `keep`.

    Raises:
        StorageError: it cannot be written.
    """
    write_arrays(folder / f"{_PREFIX}{step:08d}", _arrays_of(tree), metadata)
    with storage_errors(folder):
        for old in step_folders(folder)[keep:]:
            shutil.rmtree(old)
        for unfinished in folder.glob(f"{_PREFIX}*{UNFINISHED}"):
            shutil.rmtree(unfinished)


def newest_whole(folder: Path, template: Tree) -> tuple[Checkpoint | None, tuple[str, ...]]:
    """The newest checkpoint whose digests fit.

    Args:
        folder: where `save_step` writes; need not exist.
        template: arrays (or anything with shape and dtype) in the structure that is expected.

    Returns:
        The checkpoint, None where there has been none yet, and a warning for every newer one that
        is damaged.

    Raises:
        StorageError: there are checkpoints and none is whole, or the newest whole one does not fit
            the template: then it belongs to another network.
    """
    warnings: list[str] = []
    for candidate in step_folders(folder):
        try:
            arrays, metadata = read_arrays(candidate)
        except StorageError as error:
            warnings.append(f"falling back to an earlier checkpoint: {error}")
            continue
        step = int(candidate.name.removeprefix(_PREFIX))
        return Checkpoint(step, _fill(template, arrays, candidate), metadata), tuple(warnings)
    if warnings:
        message = f"no checkpoint in {folder} is whole: remove it to train anew. {warnings[0]}"
        raise StorageError(message)
    return None, ()


def save_weights(
    folder: Path,
    params: Tree,
    metadata: Mapping[str, Any],
    precision: Literal["float32", "float16"] = "float32",
) -> None:
    """Save the final weights of a network.

    Args:
        folder: where to; replaced if it exists.
        params: parameters.
        metadata: what JSON can hold, for example the digest of the configuration.
        precision: how float32 parameters are stored; float16 halves the size and rounds to 3
            digits.

    Raises:
        StorageError: a parameter is too large or too small for this precision, or nothing can be
            written.
    """
    arrays = _arrays_of(params)
    if precision == "float16":
        arrays = {name: _halve(name, array) for name, array in arrays.items()}
    write_arrays(folder, arrays, {_PRECISION: precision, "about": dict(metadata)})


def load_weights(folder: Path, template: Tree) -> Tree:
    """The final weights in `folder`, in structure, shapes and types of `template`.

    Raises:
        StorageError: a file is missing, cut or altered, or the weights are those of another
            network; names the leaf.
    """
    note_read(folder)
    arrays, metadata = read_arrays(folder)
    if metadata.get(_PRECISION) == "float16":
        arrays = {
            name: array.astype(np.float32) if array.dtype == np.float16 else array
            for name, array in arrays.items()
        }
    return _fill(template, arrays, folder)


def step_folders(folder: Path) -> list[Path]:
    """Folders of finished checkpoints, newest first."""
    found = (p for p in folder.glob(f"{_PREFIX}*") if p.name.removeprefix(_PREFIX).isdigit())
    return sorted(found, reverse=True)


def _names_of(tree: Tree) -> list[str]:
    """A name for every leaf, in the order of the leaves, the same for every version of flax."""
    paths = jax.tree_util.tree_leaves_with_path(
        tree, is_leaf=lambda node: isinstance(node, nnx.Variable)
    )
    return [jax.tree_util.keystr(path, simple=True, separator="/") for path, _ in paths]


def _arrays_of(tree: Tree) -> dict[str, np.ndarray]:
    """The leaves on the host, by name."""
    leaves = jax.device_get(jax.tree.leaves(tree))
    return {name: np.asarray(leaf) for name, leaf in zip(_names_of(tree), leaves, strict=True)}


def _halve(name: str, array: np.ndarray) -> np.ndarray:
    """A float32 array in half precision; others as they are.

    Raises:
        StorageError: the rounding is not small beside the array: values beyond 65504 or, as in
            standard deviations of humidity, below 6e-5.
    """
    if array.dtype != np.float32:
        return array
    with np.errstate(over="ignore", invalid="ignore"):  # told below, with the name of the leaf
        half = array.astype(np.float16)
        rounding = np.linalg.norm(half.astype(np.float32) - array)
    if not rounding <= _LARGEST_ROUNDING * np.linalg.norm(array):
        message = f"parameter {name!r} is out of the range of float16: store it as float32"
        raise StorageError(message)
    return half


def _fill(template: Tree, arrays: Mapping[str, np.ndarray], folder: Path) -> Tree:
    """The arrays in the structure of `template`.

    Raises:
        StorageError: names, shapes or types differ; names the first leaf that does.
    """
    leaves, structure = jax.tree.flatten(template)
    names = _names_of(template)
    for name in sorted(set(names) ^ set(arrays)):
        place = "only in what is expected" if name in names else f"only in {folder}"
        message = f"leaf {name!r} is {place}: these are the weights of another network"
        raise StorageError(message)
    for name, leaf in zip(names, leaves, strict=True):
        expected = (tuple(leaf.shape), np.dtype(leaf.dtype).name)
        found = (arrays[name].shape, arrays[name].dtype.name)
        if expected != found:
            message = f"{folder}: leaf {name!r}: expected {expected}, got {found}"
            raise StorageError(message)
    return jax.tree.unflatten(structure, [jnp.asarray(arrays[name]) for name in names])
