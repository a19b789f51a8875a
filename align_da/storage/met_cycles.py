"""What the cycles of closed-loop learning have met, one chunk a cycle, and where they have ended.

What they have met is of order one and has half precision: three digits are more than a network can
use. The ensembles at the ends of segments are kept as they are: the next round goes on from them.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from jaxtyping import Float, Int, Shaped
from zarr.codecs import ZstdCodec

from align_da.errors import BadStateError, StorageError
from align_da.storage.datasets import (
    read_dataset,
    write_dataset_region,
    write_template_dataset,
)

EVIDENCE = "evidence"
"""What a cycle knew; all else that is kept of cycles is what is known of their errors."""
_ENDS = "ends"
_LARGEST = float(np.finfo(np.float16).max)
Arrays = Mapping[str, Shaped[np.ndarray, "cycle *field"]]
Ensembles = Float[np.ndarray, "frame member lat lon channel"]
_END_AXES = ("segment", "frame", "member", "lat", "lon", "channel")


@dataclass(frozen=True)
class Column:
    """What is kept of every cycle under one name.

    Attributes:
        dims: names of its dimensions.
        shape: sizes of them.
        dtype: of its values.
    """

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: Any = np.float16


def make_store(
    path: Path,
    times: Shaped[np.ndarray, " cycle"],
    columns: Mapping[str, Column],
    ends: tuple[int, int, int, int, int, int],
    digest: str,
) -> None:
    """An empty store, every number that is no integer NaN, replacing another.

    Args:
        path: of the store.
        times: of the analyses, not unique where several cycles run through the same weather.
        columns: what is kept of every cycle.
        ends: shape of the ensembles that segments end with, see `write_end`.
        digest: of what defines its content.

    Raises:
        StorageError: it cannot be written.
    """
    data = {
        name: (
            ("cycle", *column.dims),
            da.full(
                (times.size, *column.shape),
                np.nan if np.issubdtype(column.dtype, np.floating) else 0,
                dtype=column.dtype,
                chunks=(1, *column.shape),
            ),
        )
        for name, column in columns.items()
    }
    data[_ENDS] = (_END_AXES, da.full(ends, np.nan, dtype=np.float32, chunks=(1, *ends[1:])))
    template = xr.Dataset(data, {"time": ("cycle", times)}, {"configuration": digest})
    shapes = {name: column.shape for name, column in columns.items()} | {_ENDS: ends[1:]}
    encoding = {
        name: {"chunks": (1, *shape), "compressors": (ZstdCodec(level=1, checksum=True),)}
        for name, shape in shapes.items()
    }
    write_template_dataset(path, template, encoding)


def write_end(path: Path, ensembles: Ensembles, segment: int) -> None:
    """Write what a segment has ended with.

    Args:
        path: of the store.
        ensembles: the last analysis, and for a model of two frames the one before it, SI units.
        segment: its number.

    Raises:
        StorageError: it cannot be written.
    """
    data = {_ENDS: (_END_AXES, ensembles[None].astype(np.float32))}
    write_dataset_region(path, xr.Dataset(data), {"segment": slice(segment, segment + 1)})


def read_end(path: Path, segment: int) -> tuple[Ensembles, np.datetime64]:
    """What a segment has ended with, see `write_end`, and the time of its last analysis.

    Raises:
        StorageError: there is no such store, or it has no such segment, or none that has ended.
    """
    with read_dataset(path) as dataset:
        count = dataset.sizes["segment"]
        if segment < count:
            found = dataset[_ENDS].isel(segment=segment).to_numpy()
            last = (segment + 1) * dataset.sizes["cycle"] // count - 1
            if np.isfinite(found).all():
                return found, dataset["time"].to_numpy()[last]
    message = (
        f"{path}: expected the end of segment {segment} of {count}, found none: finish the round "
        "with align-da data closed_loop; rounds have the same number of segments"
    )
    raise StorageError(message)


def write_met(path: Path, arrays: Arrays, first: int) -> None:
    """Write consecutive cycles from number `first` on.

    Raises:
        BadStateError: a value is not finite.
        StorageError: they cannot be written.
    """
    wrong = [name for name, values in arrays.items() if not np.isfinite(values).all()]
    if wrong:
        message = f"{path}: values that are not finite in {wrong[0]}: its cycles have diverged"
        raise BadStateError(message)
    with read_dataset(path) as store:
        data = {name: (store[name].dims, _stored(values)) for name, values in arrays.items()}
    count = len(next(iter(arrays.values())))
    write_dataset_region(path, xr.Dataset(data), {"cycle": slice(first, first + count)})


def _stored(values: Shaped[np.ndarray, "*shape"]) -> Shaped[np.ndarray, "*shape"]:
    """Numbers in half precision; integers and flags as they are."""
    if not np.issubdtype(values.dtype, np.floating):
        return values
    half: Shaped[np.ndarray, "*shape"] = np.clip(values, -_LARGEST, _LARGEST).astype(np.float16)
    return half


def is_written(path: Path, cycle: int) -> bool:
    """Whether a cycle has been written, all that is kept of it."""
    with read_dataset(path) as dataset:
        one = dataset.isel(cycle=cycle)
        return all(bool(np.isfinite(one[name]).all()) for name in _kept(dataset))


def _kept(dataset: xr.Dataset) -> list[str]:
    """Names of what is kept of cycles; some are those of a dimension too."""
    names = {str(name) for name, of in dataset.variables.items() if of.dims[:1] == ("cycle",)}
    return sorted(names - {"time"})


def digest_of_store(path: Path) -> str:
    """Digest of what defines the content of a store; empty where there is none."""
    if not path.exists():
        return ""
    with read_dataset(path) as dataset:
        return str(dataset.attrs.get("configuration"))


def read_met(path: Path, target: Collection[str] = ()) -> xr.Dataset:
    """A store, opened lazily.

    Args:
        path: of the store.
        target: what is to be known of the errors of cycles; anything where nothing is named.

    Raises:
        StorageError: there is none, what it is read by is damaged, or something else is known.
    """
    dataset = read_dataset(path)
    known = {*_kept(dataset)} - {EVIDENCE}
    if target and known != {*target}:
        message = (
            f"expected {', '.join(sorted(target))} of every cycle in {path}, got "
            f"{', '.join(sorted(known))}: its cycles were made for another correction.target, "
            "restore that, or remove the store to have it made anew"
        )
        raise StorageError(message)
    return dataset


def rows_of(
    dataset: xr.Dataset, rows: Int[np.ndarray, " row"]
) -> dict[str, Shaped[np.ndarray, "row *field"]]:
    """Some cycles; numbers in single precision, integers and flags as they are."""
    chosen = dataset.isel(cycle=rows)
    return {name: _read(chosen[name].to_numpy()) for name in _kept(dataset)}


def _read(values: Shaped[np.ndarray, "*shape"]) -> Shaped[np.ndarray, "*shape"]:
    return values.astype(np.float32) if np.issubdtype(values.dtype, np.floating) else values
