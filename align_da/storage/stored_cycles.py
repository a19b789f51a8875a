"""The complete cycles of a store, for those who read them; `analysis_store` writes them."""

from pathlib import Path

import xarray as xr

from align_da.errors import StorageError
from align_da.storage.consolidated import is_consolidated
from align_da.storage.ledger import read_ledger
from align_da.storage.manifest import read_manifest
from align_da.storage.run_folder import RunFolder
from align_da.storage.store_files import check_files
from align_da.storage.store_places import ledger_path, manifest_path
from align_da.storage.verified_cycles import with_verified_arrays


def open_cycles(path: Path, group: str = "analysis") -> xr.Dataset:
    """The complete cycles of a group, read lazily; whoever reads a chunk has it verified.

    Metadata, coordinates and manifest are compared with the ledger here, and no chunk may be
    missing. A chunk is compared when it is read, see `align_da.storage.verified_cycles`: it
    raises a StorageError if it is not what the run has written at this place. Variables come in
    the order of the layout and of the record.

    Args:
        path: the store.
        group: "analysis", "background", "increment", "observations", "diagnostics" or "members".

    Raises:
        StorageError: the store or its ledger is missing or damaged, a chunk is missing, or there
            is no such group or folder of a run.
    """
    RunFolder(path.parent.parent).check_there()
    if not path.exists() and not ledger_path(path).exists():
        message = (
            f"expected cycles in {path}, found none: make them by `align-da cycle --name "
            f"{path.stem}`; `align-da list` tells what there is"
        )
        raise StorageError(message)
    ledger = read_ledger(ledger_path(path))
    if not ledger.cycles and not path.exists():  # its ledger is written first, see _make
        message = (
            f"{path} is not there yet: the run that makes it has just begun, or was ended then"
        )
        raise StorageError(message)
    check_files(path, ledger)
    groups = sorted(place.name for place in path.iterdir() if place.is_dir())
    if group not in groups:
        message = f"{path}: expected one of the groups {', '.join(groups)}, got {group!r}"
        raise StorageError(message)
    try:
        consolidated = is_consolidated(path)
        dataset = xr.open_zarr(path, group=group, consolidated=consolidated, chunks=None)
    except (OSError, KeyError, ValueError) as error:
        message = f"{path}: cannot read group {group!r} ({error})"
        raise StorageError(message) from error
    ordered = dataset if consolidated else _ordered(dataset, path)
    return with_verified_arrays(ordered, path, group, ledger)


def _ordered(dataset: xr.Dataset, path: Path) -> xr.Dataset:
    """A group of a store of an earlier version: the states as in its layout, all else by name."""
    variables = read_manifest(manifest_path(path)).config["store"]["variables"]
    names = [name for name in variables if name in dataset]
    return dataset[[*names, *sorted(map(str, {*dataset.data_vars} - {*names}))]]
