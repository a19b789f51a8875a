"""Making an empty store: every array at its full size, with NaN where no cycle is yet.

The time axis is known from the start, so that nothing ever grows. Each cycle is one chunk of each
array; chunks carry the checksum of zstd. Metadata are consolidated, in the order of the layout.
"""

from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Any

import dask.array as da
import jax.numpy as jnp
import numpy as np
import xarray as xr
from zarr.codecs import ZstdCodec

from align_da.atmosphere import Layout, State
from align_da.atmosphere.dataset import (
    CONVENTIONS,
    dataset_from_state,
    increment_attributes,
    variable_attributes,
    with_coordinate_attributes,
    with_pressure_of_sigma,
)
from align_da.errors import StorageError
from align_da.storage.consolidated import consolidate
from align_da.storage.cycle_record import StoredField, StoreTemplate
from align_da.storage.durable import free_bytes, write_errors
from align_da.storage.manifest import Manifest

DISK_MARGIN = 1.2
_MISSING_INTEGER = -1


def write_template(path: Path, template: StoreTemplate, attributes: Mapping[str, str]) -> None:
    """Make the store at `path`.

    Args:
        path: the store; must not exist.
        template: size and content.
        attributes: provenance, written on every group.

    Raises:
        StorageError: the disk is too small or cannot be written.
    """
    datasets = _datasets(template)
    for group, dataset in datasets.items():
        dataset.attrs = {"Conventions": CONVENTIONS, "title": group, **attributes}
        with write_errors(path):
            dataset.to_zarr(
                path,
                group=group,
                mode="a",
                compute=False,
                consolidated=False,
                zarr_format=3,
                encoding=_encoding(dataset),
            )
    with write_errors(path):
        consolidate(path, {group: _names(dataset) for group, dataset in datasets.items()})


def provenance(manifest: Manifest) -> dict[str, str]:
    """Attributes that say where a store came from."""
    return {
        "source": f"align-da {manifest.code_version}",
        "config_digest": manifest.config_digest,
        "seed": str(manifest.seed),
    }


def check_disk(path: Path, template: StoreTemplate, cycles: int) -> None:
    """Refuse to start what would not fit on the disk.

    Args:
        path: where the store is or will be.
        template: size of a cycle.
        cycles: cycles still to be written.

    Raises:
        StorageError: the estimate with its margin exceeds the free space.
    """
    needed, free = round(cycles * template.bytes_per_cycle * DISK_MARGIN), free_bytes(path)
    if needed > free:
        message = (
            f"{path}: {cycles} cycles need about {needed} bytes, {free} are free: "
            "free space, or use fewer cycles or members"
        )
        raise StorageError(message)


def _datasets(template: StoreTemplate) -> dict[str, xr.Dataset]:
    """An empty dataset for each group."""
    times = {"time": template.times.astype("datetime64[ns]")}
    members = {"realization": np.arange(template.members)}
    each: dict[Hashable, int] = {"observation": template.observations}
    of_members: dict[Hashable, int] = {"realization": template.members}
    return {
        "background": _states(template.layout, times | members),
        "analysis": _states(template.layout, times | members),
        "increment": _fields(template.layout, times, increment_attributes),
        "observations": _series(template.observation_fields, times, each),
        "diagnostics": _series(template.scalar_fields, times, {}),
        "members": _series(template.member_fields, times | members, of_members),
    }


def _names(dataset: xr.Dataset) -> list[str]:
    """Names of coordinates and variables, in their order."""
    return [*map(str, dataset.coords), *map(str, dataset.data_vars)]


def _states(layout: Layout, leading: Mapping[str, np.ndarray]) -> xr.Dataset:
    """States with the given leading coordinates, empty."""
    return with_pressure_of_sigma(_fields(layout, leading, variable_attributes))


def _fields(
    layout: Layout,
    leading: Mapping[str, np.ndarray],
    attributes_of: Callable[[str], Mapping[str, str]],
) -> xr.Dataset:
    """A field for every variable of the layout with the given leading coordinates, empty."""
    one = dataset_from_state(State(jnp.zeros(layout.shape, jnp.float32), layout))
    sizes = {name: len(values) for name, values in leading.items()}
    empty = {
        name: _empty(sizes | dict(one[name].sizes), "float32", attributes_of(name))
        for name in layout.variables
    }
    return with_coordinate_attributes(one.assign(empty).assign_coords(dict(leading)))


def _series(
    fields: tuple[StoredField, ...],
    leading: Mapping[str, np.ndarray],
    each: Mapping[Hashable, int],
) -> xr.Dataset:
    """Fields along time and the dimensions of `each`, empty."""
    sizes: dict[Hashable, int] = {"time": len(leading["time"]), **each}
    empty = {field.name: _empty(sizes, field.dtype, field.attributes) for field in fields}
    return with_coordinate_attributes(xr.Dataset(empty, coords=dict(leading)))


def _empty(
    sizes: Mapping[Hashable, int], dtype: str, attributes: Mapping[str, Any]
) -> xr.Variable:
    """A variable that is all fill value; lazy, and never computed."""
    shape = tuple(sizes.values())
    values = da.full(shape, _fill_value(dtype), dtype=dtype, chunks=shape)
    return xr.Variable(tuple(sizes), values, attributes)


def _encoding(dataset: xr.Dataset) -> dict[Hashable, dict[str, Any]]:
    """How each variable is laid out on disk: one file a cycle, in the folder of the variable.

    What has no time is one file.
    """
    checksum = {"compressors": (ZstdCodec(level=1, checksum=True),)}
    flat = {"chunk_key_encoding": {"name": "default", "separator": "."}}
    encoding: dict[Hashable, dict[str, Any]] = {
        name: {
            **checksum,
            **flat,
            "chunks": (1, *variable.shape[1:]) if variable.shape else (),
            "fill_value": _fill_value(variable.dtype),
        }
        for name, variable in dataset.data_vars.items()
    }
    encoding |= {name: {**checksum, **flat} for name in dataset.coords}
    encoding["time"] |= {"units": "seconds since 1970-01-01", "dtype": "int64"}
    return encoding


def _fill_value(dtype: str | np.dtype[Any]) -> float | int:
    """What stands where no cycle has been written."""
    return np.nan if np.dtype(dtype).kind == "f" else _MISSING_INTEGER
