"""Stores whose axes are known before their values: written once as a template, filled by regions.

Chunks carry a checksum. Every value starts as NaN, so that what has not been written cannot be
mistaken for data. Regions are aligned with chunks, so that processes may fill different regions at
the same time.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dask.array as da
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Float, Shaped
from zarr.codecs import ZstdCodec

from align_da.atmosphere import Layout, State
from align_da.atmosphere.dataset import dataset_from_state, dataset_from_values
from align_da.errors import BadStateError, StorageError
from align_da.storage.datasets import write_dataset_region, write_template_dataset
from align_da.storage.manifest import differences_of, how_computed

_COMPUTED = "computed"  # attribute that tells how
Coordinates = Mapping[str, Shaped[np.ndarray, " _"]]


def write_template(
    store: Path, layout: Layout, leading: Coordinates, block: int, extra: xr.Dataset
) -> None:
    """Create an empty store, whole or not at all, replacing what was there.

    Args:
        store: path of the zarr store.
        layout: what the channels mean.
        leading: name and values of the leading axes, in order.
        block: chunk length along the first leading axis; a chunk holds all of the others.
        extra: further variables, which are written at once, and attributes.

    Raises:
        StorageError: it cannot be written.
    """
    one: dict[str, Any] = {name: values[:1] for name, values in leading.items()}
    blank = State(jnp.zeros((1,) * len(leading) + layout.shape), layout)
    pattern = dataset_from_state(blank, one)
    sizes = {str(name): size for name, size in pattern.sizes.items()}
    sizes |= {name: values.size for name, values in leading.items()}
    data: dict[str, Any] = {}
    for name, variable in pattern.data_vars.items():
        shape = tuple(sizes[str(dim)] for dim in variable.dims)
        empty = da.full(shape, np.nan, dtype=np.float32, chunks=(block, *shape[1:]))
        data[str(name)] = (variable.dims, empty, variable.attrs)
    space = pattern.coords.to_dataset().drop_dims(list(leading))
    coordinates = {name: (name, values, pattern[name].attrs) for name, values in leading.items()}
    template = xr.Dataset(data, coords={**space.coords, **coordinates}, attrs=pattern.attrs)
    template = template.merge(extra, combine_attrs="no_conflicts")
    template.attrs[_COMPUTED] = json.dumps(how_computed(), sort_keys=True)
    checksum = (ZstdCodec(level=1, checksum=True),)
    encoding = {
        str(name): {"chunks": (block, *variable.shape[1:]), "compressors": checksum}
        for name, variable in template.data_vars.items()
        if variable.dims[:1] == (next(iter(leading)),)
    }
    write_template_dataset(store, template, encoding)


def is_made(store: Path, configuration: str) -> bool:
    """Whether there is a store made for the configuration with this digest.

    Raises:
        StorageError: there is one of another configuration, or that was computed otherwise.
    """
    if not store.exists():
        return False
    with xr.open_zarr(store, consolidated=False) as dataset:
        about = dataset.attrs
    if about.get("configuration") != configuration:
        message = (
            f"{store} belongs to another configuration, or to other inputs or code of a package "
            f"(align-da list {store.parent} tells of those of finished stages): choose another "
            "folder, or remove it to have it made anew"
        )
        raise StorageError(message)
    check_computed(store, about.get(_COMPUTED))
    return True


def check_computed(path: Path, told: str | None) -> None:
    """Refuse to go on with what a process has begun that computes otherwise than this one.

    Args:
        path: of what was begun, for the message.
        told: what it says of that, in JSON; None, as of earlier versions, is not refused.

    Raises:
        StorageError: lists every difference; or it cannot be read.
    """
    try:
        differences = [] if told is None else differences_of(json.loads(told), how_computed())
    except (ValueError, TypeError, RecursionError) as error:
        message = f"{path} is damaged ({error}): restore it from a copy, or remove it"
        raise StorageError(message) from error
    if differences:
        message = (
            f"{path} was begun by a process that computes otherwise: restore what differs to go "
            "on, or remove it to have it made anew\n  "
        )
        raise StorageError(message + "\n  ".join(differences))


def write_region(
    store: Path,
    values: Float[np.ndarray, "*leading lat lon channel"],
    layout: Layout,
    leading: Coordinates,
    start: int,
) -> None:
    """Fill the records from `start` on the first leading axis.

    Args:
        store: path of a store made by `write_template`.
        values: SI units.
        layout: what the channels mean.
        leading: name and values of the leading axes of `values`.
        start: place of the first record, a multiple of the block.

    Raises:
        BadStateError: values that are not finite.
        StorageError: they cannot be written.
    """
    first, coordinate = next(iter(leading.items()))
    if not np.isfinite(values).all():
        message = f"values that are not finite in the block from {first} = {coordinate[0]}"
        raise BadStateError(message)
    region = dataset_from_values(np.asarray(values, np.float32), layout, leading)
    place = {first: slice(start, start + len(coordinate))}
    write_dataset_region(store, region.drop_vars(list(region.coords)), place)
