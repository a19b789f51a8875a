"""What the cycles of closed-loop learning have met, one chunk a cycle, and where they have ended.

What they have met is of order one and has half precision: three digits are more than a network can
use. The ensembles at the ends of segments are kept as they are: the next round goes on from them.
"""

from collections.abc import Mapping
from pathlib import Path

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

FIELDS = ("evidence", "error", "spread")
"""See `align_da.training.analysis_correction.MetCycles`."""
_ENDS = "ends"
_LARGEST = float(np.finfo(np.float16).max)
Arrays = Mapping[str, Float[np.ndarray, "cycle lat lon field"]]
Ensembles = Float[np.ndarray, "frame member lat lon channel"]
_END_AXES = ("segment", "frame", "member", "lat", "lon", "channel")


def make_store(
    path: Path,
    times: Shaped[np.ndarray, " cycle"],
    shapes: Mapping[str, tuple[int, int, int]],
    ends: tuple[int, int, int, int, int, int],
    digest: str,
) -> None:
    """An empty store, every value NaN, replacing another.

    Args:
        path: of the store.
        times: of the analyses, not unique where several cycles run through the same weather.
        shapes: [lat, lon, field] of every one of `FIELDS`.
        ends: shape of the ensembles that segments end with, see `write_end`.
        digest: of what defines its content.

    Raises:
        StorageError: it cannot be written.
    """
    data = {
        name: (
            ("cycle", "lat", "lon", name),
            da.full((times.size, *shape), np.nan, np.float16, chunks=(1, *shape)),
        )
        for name, shape in shapes.items()
    }
    data[_ENDS] = (_END_AXES, da.full(ends, np.nan, np.float32, chunks=(1, *ends[1:])))
    template = xr.Dataset(data, {"time": ("cycle", times)}, {"configuration": digest})
    encoding = {
        name: {"chunks": (1, *shape), "compressors": (ZstdCodec(level=1, checksum=True),)}
        for name, shape in {**shapes, _ENDS: ends[1:]}.items()
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
    data = {
        name: (
            ("cycle", "lat", "lon", name),
            np.clip(values, -_LARGEST, _LARGEST).astype(np.float16),
        )
        for name, values in arrays.items()
    }
    count = len(next(iter(arrays.values())))
    write_dataset_region(path, xr.Dataset(data), {"cycle": slice(first, first + count)})


def is_written(path: Path, cycle: int) -> bool:
    """Whether a cycle has been written, all of its fields."""
    with read_dataset(path) as dataset:
        one = dataset.isel(cycle=cycle)
        return all(bool(np.isfinite(one[name]).all()) for name in FIELDS)


def digest_of_store(path: Path) -> str:
    """Digest of what defines the content of a store; empty where there is none."""
    if not path.exists():
        return ""
    with read_dataset(path) as dataset:
        return str(dataset.attrs.get("configuration"))


def read_met(path: Path) -> xr.Dataset:
    """A store, opened lazily.

    Raises:
        StorageError: there is none, or what it is read by is damaged.
    """
    return read_dataset(path)


def rows_of(dataset: xr.Dataset, rows: Int[np.ndarray, " row"]) -> Arrays:
    """Some cycles, in single precision."""
    chosen = dataset.isel(cycle=rows)
    return {name: chosen[name].to_numpy().astype(np.float32) for name in FIELDS}
