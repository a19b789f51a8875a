"""The store of a cycling run: backgrounds, analyses, increments, observations and diagnostics.

A cycle is written in this order, so that it is never half visible, whenever the process is killed:

    check that it is finite and plausible → chunks → fsync → read back and compare → ledger

Users read with `open_cycles`, which compares with the ledger what it reads. Whoever reads with
`xarray.open_zarr(path, group="analysis")` finds NaN in cycles that are not complete, and is not
told of a chunk in the place of another.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import zarr

from align_da.atmosphere import State, state_from_fields, variable_named
from align_da.atmosphere.plausibility import check_plausible
from align_da.errors import StorageError
from align_da.storage.array_digest import digest_of_array
from align_da.storage.cycle_record import CycleRecord, StoreTemplate, arrays_of
from align_da.storage.digest import digest_of_file, digests_of_files
from align_da.storage.durable import (
    remove_unfinished,
    sync_files,
    write_errors,
    written_whole,
)
from align_da.storage.extension import finish_extension
from align_da.storage.ledger import (
    CycleLine,
    Ledger,
    append_cycle,
    read_ledger,
    write_ledger,
)
from align_da.storage.manifest import Manifest, check_manifest, write_manifest
from align_da.storage.store_files import (
    check_files,
    chunk_path,
    chunk_seal,
    open_array,
    read_array,
)
from align_da.storage.store_places import ledger_path, manifest_path
from align_da.storage.store_template import check_disk, provenance, write_template


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


def open_store(path: Path, template: StoreTemplate, manifest: Manifest) -> AnalysisStore:
    """Open a store to write it, or make it; the caller owns its lock.

    A store whose cycles are all complete is not touched.

    Args:
        path: ends in ".zarr".
        template: size and content.
        manifest: what defines the run; the summary of the template is added to it.

    Raises:
        StorageError: the store belongs to another run, is damaged, or does not fit on the disk.
    """
    manifest = replace(manifest, config={**manifest.config, "store": template.summary()})
    if not path.exists():
        return AnalysisStore(path, template, _make(path, template, manifest))
    finish_extension(path)
    check_manifest(manifest_path(path), manifest)
    ledger = read_ledger(ledger_path(path))
    check_files(path, ledger)
    store = AnalysisStore(path, template, ledger)
    if store.complete < len(template.times):
        check_disk(path, template, len(template.times) - store.complete)
        remove_unfinished(path, ledger_path(path), manifest_path(path))
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
    digests = {name: digest_of_array(values) for name, values in arrays.items()}
    with write_errors(store.path):
        written = _write_chunks(store.path, cycle, arrays)
    for name, digest in digests.items():
        _read_verified(store.path, name, written[name], cycle, digest)
    seals = {
        name: chunk_seal(chunk_path(store.path, name, array, cycle))
        for name, array in written.items()
    }
    valid_time = str(store.template.times[cycle].astype("datetime64[s]"))
    line = CycleLine(cycle, valid_time, digests, seals)
    return replace(store, ledger=append_cycle(ledger_path(store.path), store.ledger, line))


def read_analysis(store: AnalysisStore, cycle: int) -> State:
    """The analysis ensemble of a complete cycle, exactly as it was written.

    Raises:
        StorageError: it is not what the ledger says.
    """
    line, layout, fields = store.ledger.cycles[cycle], store.template.layout, {}
    for variable in layout.variables:
        name = f"analysis/{variable}"
        array = open_array(store.path, name)
        values = _read_verified(store.path, name, array, line.cycle, line.arrays[name])
        on_levels = variable_named(variable).on_levels
        fields[variable] = np.moveaxis(values, -3, -1) if on_levels else values[..., None]
    return state_from_fields(fields, layout)


def read_scalars(store: AnalysisStore, cycle: int) -> dict[str, float]:
    """The scalars of a complete cycle by name, exactly as they were written.

    Raises:
        StorageError: one is not what the ledger says.
    """
    digests = store.ledger.cycles[cycle].arrays
    found = {}
    for field in store.template.scalar_fields:
        name = f"diagnostics/{field.name}"
        array = open_array(store.path, name)
        found[field.name] = float(_read_verified(store.path, name, array, cycle, digests[name]))
    return found


def _make(path: Path, template: StoreTemplate, manifest: Manifest) -> Ledger:
    """Make an empty store beside its place; the last rename brings it into being."""
    ledger_file = ledger_path(path)
    if ledger_file.exists() and read_ledger(ledger_file).cycles:
        message = f"{path} is gone but {ledger_file} names cycles: restore it or remove the ledger"
        raise StorageError(message)
    check_disk(path, template, len(template.times))
    with written_whole(path) as unfinished:
        write_manifest(manifest_path(path), manifest)
        write_template(unfinished, template, provenance(manifest))
        of_template = digests_of_files(unfinished)
        ledger = Ledger(
            {manifest_path(path).name: digest_of_file(manifest_path(path))}
            | {f"{path.name}/{name}": digest for name, digest in of_template.items()}
        )
        return write_ledger(ledger_file, ledger)


def _write_chunks(
    path: Path, cycle: int, arrays: Mapping[str, np.ndarray]
) -> dict[str, zarr.Array]:
    """Write one chunk of every array and flush them to the disk; the arrays as zarr has them."""
    written = {}
    with zarr.config.set({"array.write_empty_chunks": True}):
        group = zarr.open_group(path, mode="r+", zarr_format=3, use_consolidated=False)
        for name, values in arrays.items():
            written[name] = group[name]
            written[name][cycle] = values
    files = [chunk_path(path, name, array, cycle) for name, array in written.items()]
    sync_files(files)
    return written


def _read_verified(
    path: Path, name: str, array: zarr.Array, cycle: int, digest: str
) -> np.ndarray:
    """One cycle of the array `name`, read from its file, if it has the digest."""
    values = read_array(array, cycle)
    if digest_of_array(values) != digest:
        message = (
            f"{chunk_path(path, name, array, cycle)}: cycle {cycle} of {name} is not what was "
            "written: check the disk and restore it from a copy"
        )
        raise StorageError(message)
    return values
