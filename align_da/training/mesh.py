"""Data-parallel training: batches split over devices, parameters on each of them.

The program is the same for one device and many: only the placement of its arguments differs, and
XLA adds the averaging of gradients.
"""

from collections.abc import Sequence
from typing import TypeVar

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from align_da.errors import InputError

T = TypeVar("T")
_AXIS = "batch"


def data_mesh(devices: Sequence[jax.Device] | None = None) -> Mesh:
    """All devices (or those given) along one axis."""
    return Mesh(np.array(jax.devices() if devices is None else devices), (_AXIS,))


def replicated(mesh: Mesh | None) -> NamedSharding | None:
    """The sharding that puts a whole copy on every device; None without a mesh."""
    return None if mesh is None else _sharding(mesh)


def replicate(tree: T, mesh: Mesh | None) -> T:
    """A copy of the tree on every device of the mesh; the tree itself without one."""
    return tree if mesh is None else jax.device_put(tree, replicated(mesh))


def split_batch(batch: T, mesh: Mesh | None) -> T:
    """The batch split along its first axis over the mesh; the batch itself without one.

    Raises:
        InputError: an array of the batch cannot be split evenly.
    """
    if mesh is None:
        return batch
    for leaf in jax.tree.leaves(batch):
        if leaf.ndim == 0 or leaf.shape[0] % mesh.size:
            message = (
                f"expected batches of a multiple of {mesh.size} (the number of devices), "
                f"got an array of shape {leaf.shape}: change batch_size"
            )
            raise InputError(message)
    placed: T = jax.device_put(batch, _sharding(mesh, _AXIS))
    return placed


def _sharding(mesh: Mesh, *axes: str) -> NamedSharding:
    """Array axes split over mesh axes, the rest whole."""
    return NamedSharding(mesh, PartitionSpec(*axes))  # type: ignore[no-untyped-call]  # of jax
