"""netCDF-4 files that are made variable by variable."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import netCDF4

from align_da.storage.durable import written_whole


@contextmanager
def new_netcdf(path: Path) -> Iterator[Any]:
    """An open `netCDF4.Dataset` to fill, which takes the place of `path` when it is whole.

    Raises:
        StorageError: the file cannot be written.
    """
    with written_whole(path) as unfinished, netCDF4.Dataset(unfinished, "w") as file:
        yield file
