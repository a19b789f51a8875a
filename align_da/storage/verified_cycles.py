"""Arrays of a cycle store as xarray reads them: lazily, every chunk compared with the ledger.

A store is a folder of files, and a file in the place of another decodes as well as the right one:
its checksum covers its own content alone. Hence the ledger keeps a seal of every file, its size
and the checksum of the values at its end, which decoding compares with the values. To compare
the seals costs next to nothing. The SHA-256 of the values, which nothing can be made to fit, is
compared when a run goes on and by `inspect`; here only for cycles that earlier versions wrote.
"""

from pathlib import Path

import numpy as np
import xarray as xr
import zarr
from xarray.backends import BackendArray
from xarray.core import indexing

from align_da.errors import StorageError
from align_da.storage.array_digest import digest_of_array
from align_da.storage.ledger import CycleLine, Ledger
from align_da.storage.store_files import chunk_path, chunk_seal, open_array, read_array
from align_da.storage.store_places import ledger_path


def with_verified_arrays(
    dataset: xr.Dataset, path: Path, group: str, ledger: Ledger
) -> xr.Dataset:
    """The complete cycles of a group, whose arrays raise where they are not what was written.

    Args:
        dataset: the group, opened; its coordinates are kept, and what has no time.
        path: the store.
        group: its name.
        ledger: of the store; its coordinates and what has no time are compared with it already.

    Returns:
        A lazy dataset, one chunk a cycle. Reading raises a StorageError that names the cycle, the
        variable and the file.
    """
    complete = dataset.isel(time=slice(0, len(ledger.cycles)))
    verified = {}
    for name, variable in complete.data_vars.items():
        if "time" not in variable.dims:
            continue
        place = f"{group}/{name}"
        lazy = indexing.LazilyIndexedArray(VerifiedCycles(path, place, ledger.cycles))
        array = xr.Variable(variable.dims, lazy, variable.attrs, variable.encoding)
        # A name of its own: dask would pickle the whole ledger to find one.
        verified[name] = array.chunk({"time": 1}, name=f"{path}/{place}-{ledger.last}")
    return complete.assign(verified)


def read_verified(array: zarr.Array, path: Path, name: str, line: CycleLine) -> np.ndarray:
    """One cycle of an array, if it is what its line of the ledger says.

    Args:
        array: of the store.
        path: the store.
        name: "group/variable".
        line: of the cycle.

    Raises:
        StorageError: it is not, or cannot be read; names cycle, variable and file.
    """
    file, seal = chunk_path(path, name, array, line.cycle), line.chunks.get(name)
    if seal is None:
        values = read_array(array, line.cycle)
        written = digest_of_array(values) == line.arrays[name]
    else:
        written = chunk_seal(file) == seal
        values = read_array(array, line.cycle) if written else np.empty(0)
    if not written:
        message = (
            f"{file}: cycle {line.cycle} of {name} is not what the run has written there: "
            f"{_what_to_do(path)}"
        )
        raise StorageError(message)
    return values


def _what_to_do(path: Path) -> str:
    """How to come by cycles that are lost or damaged."""
    return (
        f"restore it from a copy, or remove {path} and {ledger_path(path)} and run align-da cycle "
        f"--name {path.stem} again, which gives the same bits"
    )


class VerifiedCycles(BackendArray):
    """The complete cycles of one array, for xarray.

    Attributes:
        shape: [cycle, ...].
        dtype: of the values.
    """

    def __init__(self, path: Path, name: str, cycles: tuple[CycleLine, ...]) -> None:
        """Open the array `name` ("group/variable") of the store at `path`.

        Raises:
            StorageError: its metadata is missing or damaged, or the file of a cycle is missing.
        """
        self._path, self._name, self._cycles = path, name, cycles
        self._array = open_array(path, name)
        self.shape = (len(cycles), *self._array.shape[1:])
        self.dtype = self._array.dtype
        for line in cycles:
            file = chunk_path(path, name, self._array, line.cycle)
            if not file.is_file():
                message = f"{file} of cycle {line.cycle} is missing: {_what_to_do(path)}"
                raise StorageError(message)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> np.ndarray:
        """Values at a key of xarray."""
        found: np.ndarray = indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.BASIC, self._read
        )
        return found

    def _read(self, key: tuple[int | slice, ...]) -> np.ndarray:
        """Values at numbers and slices."""
        chosen, *within = key
        if not isinstance(chosen, slice):
            return np.asarray(self._cycle(self._cycles[chosen])[tuple(within)])
        lines = self._cycles[chosen]
        if len(lines) == 1:  # as dask asks for them: nothing is copied
            return self._cycle(lines[0])[(np.newaxis, *within)]
        values = np.empty((len(lines), *self.shape[1:]), self.dtype)
        for place, line in enumerate(lines):
            values[place] = self._cycle(line)
        return values[(slice(None), *within)]

    def _cycle(self, line: CycleLine) -> np.ndarray:
        """One whole cycle."""
        return read_verified(self._array, self._path, self._name, line)
