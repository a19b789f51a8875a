"""Reading gridded states from stores and files, lazily, at exact times."""

from pathlib import Path

import numpy as np
import xarray as xr
from jaxtyping import Shaped

from align_da.atmosphere import Layout, State
from align_da.atmosphere.dataset import check_times, layout_from_dataset, state_from_dataset
from align_da.errors import InputError, StorageError
from align_da.storage.datasets import begin_reading


def open_states(path: Path) -> xr.Dataset:
    """Open gridded states lazily, in the chunks of the file.

    Args:
        path: a zarr store or a netCDF file with the names of WeatherBench 2.

    Raises:
        StorageError: nothing is there, or it cannot be opened.
        InputError: a coordinate or the time axis does not keep the contract, or a variable does
            not hold numbers.
    """
    if not path.exists():
        message = f"expected gridded states at {path}, found nothing: run `align-da data` first"
        raise StorageError(message)
    begin_reading(path)
    try:
        if path.is_dir():
            # Lazy without dask: states are read a few at a time, also inside of dask workers,
            # where a graph for each would go back to the scheduler.
            dataset: xr.Dataset = xr.open_zarr(path, chunks=None, consolidated=False)
        else:
            dataset = xr.open_dataset(path, engine="netcdf4", chunks={})
    except ImportError as error:
        message = f"{path} needs a package that is missing ({error.name}): pip install netcdf4"
        raise StorageError(message) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        message = f"{path} cannot be opened as gridded states ({error})"
        raise StorageError(message) from error
    _check_numbers(dataset, path)
    check_times(dataset)
    layout_from_dataset(dataset)
    return dataset


def states_within(layout: Layout, most: int = 40, size: int = 2**28) -> int:
    """How many states of float32 fit into `size` bytes, at least one and at most `most`."""
    return max(1, min(most, size // (4 * int(np.prod(layout.shape)))))


def read_times(dataset: xr.Dataset, layout: Layout, times: Shaped[np.ndarray, " time"]) -> State:
    """The states at exactly `times`, in any order, values [time, ..., lat, lon, channel].

    Raises:
        InputError: the dataset lacks one of the times.
    """
    known = dataset["time"].to_numpy()
    wanted, inverse = np.unique(times.astype(known.dtype), return_inverse=True)
    places = np.minimum(np.searchsorted(known, wanted), known.size - 1)
    if np.any(known[places] != wanted):
        missing = wanted[known[places] != wanted][0]
        message = f"expected a state at {missing}, the data cover {known[0]} to {known[-1]}"
        raise InputError(message)
    found = state_from_dataset(dataset.isel(time=places), layout)
    return State(found.values[inverse], layout)


def _check_numbers(dataset: xr.Dataset, path: Path) -> None:
    """Refuse variables of objects or text: only numbers are ever read."""
    strange = [str(name) for name in dataset.data_vars if dataset[name].dtype.kind not in "iufbmM"]
    if strange:
        message = f"{path}: {', '.join(strange)} do not hold numbers: remove them from the input"
        raise InputError(message)
