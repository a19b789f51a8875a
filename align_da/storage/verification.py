"""Reading a whole store again and comparing every array with the ledger."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import zarr

from align_da.errors import StorageError
from align_da.storage.array_digest import digest_of_array
from align_da.storage.ledger import Ledger, read_ledger
from align_da.storage.store_files import chunk_path, damaged_files, open_array, read_array
from align_da.storage.store_places import ledger_path


@dataclass(frozen=True)
class Damage:
    """One thing that is not as it was written.

    Attributes:
        file: where the damage is.
        reason: what is wrong, in words.
        cycle: number of the cycle; None for metadata.
        variable: "group/variable"; None for metadata.
    """

    file: Path
    reason: str
    cycle: int | None = None
    variable: str | None = None

    def __str__(self) -> str:
        """One line for the user."""
        place = "" if self.cycle is None else f"cycle {self.cycle}, {self.variable}: "
        return f"{place}{self.reason} ({self.file})"


def verify_store(path: Path) -> tuple[Damage, ...]:
    """Every damage in a store, nothing if it is whole.

    Args:
        path: the store; its ledger and manifest lie beside it.

    Raises:
        StorageError: the ledger itself is missing or damaged, so that nothing can be verified.
    """
    ledger = read_ledger(ledger_path(path))
    changed = [Damage(file, "missing or changed") for file in damaged_files(path, ledger)]
    return (*changed, *_damaged_cycles(path, ledger))


def _damaged_cycles(path: Path, ledger: Ledger) -> list[Damage]:
    """Damage in the arrays of complete cycles, in their order.

    Reading, decompressing and hashing wait for each other in one thread, not in several.
    """
    names = {name for line in ledger.cycles for name in line.arrays}
    arrays = {name: _opened(path, name) for name in names}
    with ThreadPoolExecutor() as pool:
        found = [
            pool.submit(_damage, path, name, arrays[name], line.cycle, digest)
            for line in ledger.cycles
            for name, digest in line.arrays.items()
        ]
        damages = [future.result() for future in found]
    return [damage for damage in damages if damage is not None]


def _opened(path: Path, name: str) -> zarr.Array | StorageError:
    """The array, or why it cannot be opened."""
    try:
        return open_array(path, name)
    except StorageError as error:
        return error


def _damage(
    path: Path, name: str, array: zarr.Array | StorageError, cycle: int, digest: str
) -> Damage | None:
    """What is wrong with one cycle of an array."""
    if isinstance(array, StorageError):
        return Damage(path / name, "metadata cannot be read", cycle, name)
    file = chunk_path(path, name, array, cycle)
    if not file.is_file():
        return Damage(file, "missing", cycle, name)
    try:
        values = read_array(array, cycle)
    except StorageError as error:
        return Damage(file, f"cannot be decoded: {error.__cause__}", cycle, name)
    if digest_of_array(values) != digest:
        return Damage(file, "holds other values than were written", cycle, name)
    return None
