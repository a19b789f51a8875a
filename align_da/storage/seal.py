"""The seal of a store of ours: digests of what its values are read by.

Values carry checksums (zstd), metadata do not, and a coordinate in the place of another decodes as
well. Hence a store `NAME.zarr` has `NAME.seal.json` beside it: the SHA-256 of all metadata,
coordinates and fixed fields such as the orography, and of the list itself. A store of others, or
of an earlier version, has none and is read as it is.
"""

import itertools
import json
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import zarr

from align_da.errors import StorageError
from align_da.storage.bounded_chunks import bound_chunks
from align_da.storage.digest import changed_files, digest_of_json, digests_of_files
from align_da.storage.durable import storage_errors, write_durably

_METADATA = "zarr.json"


def seal_path(store: Path) -> Path:
    """Where the seal of a store lies."""
    return store.with_suffix(".seal.json")


def write_seal(store: Path, target: Path, filled: Collection[str]) -> None:
    """Leave the seal of what has just been written.

    Args:
        store: what was written.
        target: the name that it will have.
        filled: variables whose values are not sealed: many, or filled later.

    Raises:
        StorageError: it cannot be written.
    """
    files = {
        name: digest
        for name, digest in digests_of_files(store).items()
        if Path(name).name == _METADATA or name.split("/")[0] not in filled
    }
    content = {"digest": digest_of_json(files), "files": files}
    write_durably(seal_path(target), json.dumps(content, indent=1).encode())


def check_seal(store: Path) -> None:
    """Refuse a store whose metadata, coordinates or fixed fields have changed.

    Raises:
        StorageError: names the files that are missing or damaged; or the seal itself is damaged.
    """
    if not (store.is_dir() and seal_path(store).is_file()):
        return
    sealed = _sealed(seal_path(store))
    damaged = changed_files({store / name: digest for name, digest in sealed.items()})
    if damaged:
        names = ", ".join(map(str, damaged))
        message = (
            f"missing or damaged: {names}: restore {store} from a copy, or remove it and run the "
            f"command again that makes it (remove {seal_path(store)} if it is another on purpose)"
        )
        raise StorageError(message)


def damaged_chunks(store: Path) -> list[str]:
    """What is wrong with the values of a sealed store, one line a chunk; all of it is read."""
    bound_chunks()
    with ThreadPoolExecutor() as pool:
        found = pool.map(lambda chunk: _damage(*chunk), _chunks(store))
        return sorted(damage for damage in found if damage is not None)


def missing_chunks(store: Path) -> dict[Path, tuple[int, ...]]:
    """The place of every chunk of a sealed store that is lost, or not filled yet, by its file.

    Stores of others may leave out what holds nothing but fill values: there nothing is missing.

    Raises:
        StorageError: metadata cannot be read.
    """
    if not (store.is_dir() and seal_path(store).is_file()):
        return {}
    try:
        return {file: place for file, _, place in _chunks(store) if not file.is_file()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"{store} cannot be opened ({error}): restore it from a copy"
        raise StorageError(message) from error


def blocks_missing(store: Path) -> set[int]:
    """Numbers of the blocks along the first axis that lack a chunk, see `missing_chunks`."""
    return {place[0] for place in missing_chunks(store).values() if place}


def _sealed(path: Path) -> dict[str, str]:
    """The digests in a seal, its own checked."""
    with storage_errors(path):
        content = path.read_bytes()
    try:
        seal = json.loads(content)
        files = {str(name): str(digest) for name, digest in seal["files"].items()}
        whole = digest_of_json(seal["files"]) == seal["digest"] and len(seal) == 2
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        message = f"{path} is damaged ({error!r}): restore it from a copy"
        raise StorageError(message) from error
    if not whole:
        message = f"{path} is damaged: restore it from a copy"
        raise StorageError(message)
    return files


def _chunks(store: Path) -> Iterator[tuple[Path, zarr.Array, tuple[int, ...]]]:
    """File, array and place of every chunk that a store has when it is whole."""
    group = zarr.open_group(store, mode="r", zarr_format=3, use_consolidated=False)
    for name, array in group.arrays():
        counts = (-(-size // chunk) for size, chunk in zip(array.shape, array.chunks, strict=True))
        for place in itertools.product(*map(range, counts)):
            key = str(array.metadata.encode_chunk_key(place))
            yield store / name / key, array, place


def _damage(file: Path, array: zarr.Array, place: tuple[int, ...]) -> str | None:
    """What is wrong with a chunk."""
    if not file.is_file():
        return f"{file} is missing, or not filled yet"
    try:
        array.get_block_selection(place)
    except (OSError, ValueError, RuntimeError, StorageError) as error:
        return f"{file} cannot be decoded: {error}"
    return None
