"""Training on many devices: batches are split over them, large parameters too where they must be.

The program is the same for one device and many: only the placement of arrays differs, and XLA adds
the averaging of gradients and the exchange of parameters. The devices may belong to several
processes that `jax.distributed` has joined; each of them calls with the same values.
"""

from collections.abc import Sequence
from typing import TypeVar

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from align_da.errors import InputError

T = TypeVar("T")
_BATCH, _TENSOR = "batch", "tensor"


def device_mesh(tensor: int = 1, devices: Sequence[jax.Device] | None = None) -> Mesh:
    """All devices (or those given) as groups, each of which holds all parameters together.

    Args:
        tensor: devices of a group, over which parameters are split; batches are split over the
            groups.
        devices: of every process.

    Raises:
        InputError: the devices cannot be grouped so.
    """
    found = np.array(jax.devices() if devices is None else devices)
    if tensor < 1 or found.size % tensor:
        message = f"expected a divisor of {found.size} (the number of devices), got {tensor=}"
        raise InputError(message)
    return Mesh(found.reshape(-1, tensor), (_BATCH, _TENSOR))


def shardings(tree: T, mesh: Mesh) -> T:
    """Where parameters, and what belongs to them, lie: a sharding in place of every array.

    An array of two or more axes is split along its last one, which for a kernel is that of its
    outputs, if that can be split evenly; everything else is whole on every device.

    Args:
        tree: arrays, or what has their shapes.
        mesh: the devices.
    """
    found: T = jax.tree.map(lambda leaf: _of_parameter(leaf, mesh), tree)
    return found


def placed(tree: T, mesh: Mesh | None) -> T:
    """Parameters and what belongs to them where `shardings` wants them; itself without a mesh."""
    if mesh is None:
        return tree
    put: T = jax.tree.map(_put, tree, shardings(tree, mesh))
    return put


def kept_in_place(tree: T, mesh: Mesh | None) -> T:
    """As `placed`, of what a compiled function makes."""
    if mesh is None:
        return tree
    kept: T = jax.lax.with_sharding_constraint(tree, shardings(tree, mesh))  # type: ignore[no-untyped-call]
    return kept


def whole(tree: T, mesh: Mesh | None) -> T:
    """The tree whole in every process, on one device of its own."""
    if mesh is None:
        return tree
    gather = jax.jit(lambda tree: tree, out_shardings=_sharding(mesh))
    own: T = jax.tree.map(lambda leaf: leaf.addressable_data(0), gather(tree))
    return own


def split_batch(batch: T, mesh: Mesh | None) -> T:
    """The batch split along its first axis over the groups; the batch itself without a mesh.

    Raises:
        InputError: an array of the batch cannot be split evenly.
    """
    if mesh is None:
        return batch
    for leaf in jax.tree.leaves(batch):
        check_batch(leaf.shape, mesh)
    split: T = jax.tree.map(lambda leaf: _put(leaf, _sharding(mesh, _BATCH)), batch)
    return split


def check_batch(shape: tuple[int, ...], mesh: Mesh | None) -> None:
    """Raise an InputError where arrays of this shape cannot be split along their first axis."""
    groups = 1 if mesh is None else mesh.shape[_BATCH]
    if not shape or shape[0] % groups:
        message = (
            f"expected batches of a multiple of {groups} (the number of groups of devices), "
            f"got an array of shape {shape}: change batch_size"
        )
        raise InputError(message)


def _put(leaf: jax.Array, sharding: NamedSharding) -> jax.Array:
    """The array, which every process holds, on the devices of all of them."""
    if sharding.is_fully_addressable:
        spread: jax.Array = jax.device_put(leaf, sharding)
    else:
        values = np.asarray(leaf)
        spread = jax.make_array_from_callback(values.shape, sharding, values.__getitem__)
    return spread


def _of_parameter(leaf: jax.Array, mesh: Mesh) -> NamedSharding:
    """Where one parameter lies."""
    if leaf.ndim < 2 or leaf.shape[-1] % mesh.shape[_TENSOR]:
        return _sharding(mesh)
    return _sharding(mesh, *[None] * (leaf.ndim - 1), _TENSOR)


def _sharding(mesh: Mesh, *axes: str | None) -> NamedSharding:
    """Array axes split over mesh axes, the rest whole."""
    return NamedSharding(mesh, PartitionSpec(*axes))  # type: ignore[no-untyped-call]  # of jax
