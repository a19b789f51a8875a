"""The store of a cycling run: backgrounds, analyses, increments, observations and diagnostics.

Beside the zarr store `NAME.zarr` lie `NAME.ledger.jsonl` (which cycles are complete),
`NAME.manifest.json` (what defined the run) and `NAME.lock`. A cycle is written in this order:

    check that it is finite and plausible → chunks → fsync → read back and compare → ledger

so that a cycle is never half visible, whenever the process is killed. A store whose making was cut
off has no ledger and is made anew. Users read with `open_cycles`, or with
`xarray.open_zarr(path, group="analysis", consolidated=False)`, where cycles that are not complete
may hold NaN.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import xarray as xr
import zarr

from align_da.atmosphere import State, state_from_fields, variable_named
from align_da.atmosphere.plausibility import check_plausible
from align_da.errors import StorageError
from align_da.storage.cycle_record import CycleRecord, StoreTemplate, arrays_of
from align_da.storage.digest import digest_of_array, digest_of_file
from align_da.storage.durable import remove_unfinished, storage_errors, sync_files, sync_tree
from align_da.storage.ledger import CycleLine, Ledger, read_ledger, write_ledger
from align_da.storage.manifest import Manifest, check_manifest, write_manifest
from align_da.storage.store_template import check_disk, write_template


@dataclass(frozen=True)
class AnalysisStore:
    """A store open for writing by its owner.

    Attributes:
        path: the zarr store.
        template: its size and content.
        ledger: its complete cycles.
    """

    path: Path
    template: StoreTemplate
    ledger: Ledger

    @property
    def complete(self) -> int:
        """Number of complete cycles."""
        return len(self.ledger.cycles)


def ledger_path(path: Path) -> Path:
    """The ledger of the store at `path`."""
    return path.with_suffix(".ledger.jsonl")


def manifest_path(path: Path) -> Path:
    """The manifest of the store at `path`."""
    return path.with_suffix(".manifest.json")


def lock_path(path: Path) -> Path:
    """The lock of the store at `path`."""
    return path.with_suffix(".lock")


def open_store(path: Path, template: StoreTemplate, manifest: Manifest) -> AnalysisStore:
    """Open a store to write it, or make it; the caller owns its lock.

    A store whose cycles are all complete is not touched.

    Args:
        path: ends in ".zarr".
        template: size and content.
        manifest: what defines the run; the template is added to it.

    Raises:
        StorageError: the store belongs to another run, is damaged, or does not fit on the disk.
    """
    manifest = replace(manifest, config={**manifest.config, "store": template.summary()})
    if not ledger_path(path).exists():
        return AnalysisStore(path, template, _make(path, template, manifest))
    check_manifest(manifest_path(path), manifest)
    ledger = read_ledger(ledger_path(path))
    check_files(path, ledger)
    store = AnalysisStore(path, template, ledger)
    if store.complete < len(template.times):
        check_disk(path, template, len(template.times) - store.complete)
        remove_unfinished(path)
    return store


def write_cycle(store: AnalysisStore, record: CycleRecord) -> AnalysisStore:
    """Write the next cycle.

    Returns:
        The store with one more complete cycle.

    Raises:
        BadStateError: a state is not finite or not plausible; nothing has been written.
        StorageError: the cycle cannot be written, or is not read back as it was written.
    """
    cycle = store.complete
    for name, state in (("background", record.background), ("analysis", record.analysis)):
        check_plausible(np.asarray(state.values), state.layout, f"{name} of cycle {cycle}")
    arrays = arrays_of(record, store.template)
    digests = {name: digest_of_array(array) for name, array in arrays.items()}
    with storage_errors(store.path):
        _write_chunks(store.path, cycle, arrays)
    damaged = [name for name in arrays if digest_on_disk(store.path, name, cycle) != digests[name]]
    if damaged:
        message = f"{store.path}: cycle {cycle} was not read back as written: {', '.join(damaged)}"
        raise StorageError(message + ": check the disk")
    line = CycleLine(cycle, str(store.template.times[cycle].astype("datetime64[s]")), digests)
    ledger = Ledger(store.ledger.files, (*store.ledger.cycles, line))
    write_ledger(ledger_path(store.path), ledger)
    return replace(store, ledger=ledger)


def read_last_analysis(store: AnalysisStore) -> State:
    """The analysis ensemble of the last complete cycle, exactly as it was written.

    Raises:
        StorageError: it is not what the ledger says.
    """
    cycle, layout = store.complete - 1, store.template.layout
    digests, fields = store.ledger.cycles[cycle].arrays, {}
    for variable in layout.variables:
        name = f"analysis/{variable}"
        values = read_array(store.path, name, cycle)
        if digest_of_array(values) != digests[name]:
            message = f"{store.path}: {name} of cycle {cycle} is damaged: restore it from a copy"
            raise StorageError(message)
        on_levels = variable_named(variable).on_levels
        fields[variable] = np.moveaxis(values, -3, -1) if on_levels else values[..., None]
    return state_from_fields(fields, layout)


def open_cycles(path: Path, group: str = "analysis") -> xr.Dataset:
    """The complete cycles of a group, read lazily.

    Args:
        path: the store.
        group: "analysis", "background", "increment", "observations" or "diagnostics".

    Raises:
        StorageError: the store or its ledger is missing or damaged, or a chunk is missing.
    """
    ledger = read_ledger(ledger_path(path))
    check_files(path, ledger)
    for line in ledger.cycles:
        for name in line.arrays:
            if name.startswith(f"{group}/") and not chunk_path(path, name, line.cycle).exists():
                message = f"{path}: cycle {line.cycle} has lost {name}: restore it from a copy"
                raise StorageError(message)
    try:
        dataset = xr.open_zarr(path, group=group, consolidated=False)
    except (OSError, KeyError, ValueError) as error:
        message = f"{path}: cannot read group {group!r}: {error}"
        raise StorageError(message) from error
    return dataset.isel(time=slice(0, len(ledger.cycles)))


def check_files(path: Path, ledger: Ledger) -> None:
    """Refuse a store whose metadata, coordinates or manifest have changed.

    Raises:
        StorageError: names the first file that is missing or damaged.
    """
    for name, digest in ledger.files.items():
        file = path.parent / name
        if not file.is_file() or digest_of_file(file) != digest:
            message = f"{file} is missing or damaged: restore it from a copy"
            raise StorageError(message)


def chunk_path(path: Path, name: str, cycle: int) -> Path:
    """The file that holds one cycle of the array "group/variable"."""
    array = _open_array(path, name)
    place = (cycle, *(0 for _ in array.shape[1:]))
    return path / name / array.metadata.encode_chunk_key(place)


def read_array(path: Path, name: str, cycle: int) -> np.ndarray:
    """One cycle of the array "group/variable", without the time axis.

    Raises:
        StorageError: the chunk or its metadata cannot be decoded.
    """
    try:
        return np.asarray(_open_array(path, name)[cycle])
    except (OSError, ValueError, RuntimeError, KeyError, TypeError) as error:
        message = f"{path}: {name} of cycle {cycle} cannot be read ({error}): restore it"
        raise StorageError(message) from error


def digest_on_disk(path: Path, name: str, cycle: int) -> str:
    """Digest of one cycle of an array as it is read now.

    Raises:
        StorageError: it cannot be decoded.
    """
    return digest_of_array(read_array(path, name, cycle))
