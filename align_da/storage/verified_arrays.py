"""Named arrays in a folder that is trusted only when every digest fits.

Orbax writes and reads the arrays. It does not notice a flipped bit, and casts or cuts an array to
whatever template it is given; hence a manifest beside the arrays with the SHA-256 of every file,
the SHA-256, shape and type of every array and a digest of itself. Files are compared before orbax
sees them, arrays after. Nothing is ever pickled.

The folder is made under another name, flushed to the disk and renamed: it is there whole or not.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp

from align_da.errors import StorageError
from align_da.storage.digest import (
    canonical_json,
    digest_of_array,
    digest_of_json,
    digests_of_files,
)
from align_da.storage.durable import storage_errors, written_whole

UNFINISHED = ".saving"  # ending of folders that are not whole yet
MANIFEST = "digests.json"
_ARRAYS = "arrays"
_COMMITTED = "commit_success.txt"
_PARTS = ("metadata", "arrays", "files")  # of the manifest


def write_arrays(
    folder: Path, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any]
) -> None:
    """Write `folder`, all or nothing, in place of what may be there.

    Args:
        folder: where to; its parents are made.
        arrays: numeric arrays by name.
        metadata: what JSON can hold.

    Raises:
        StorageError: the arrays cannot be written, or one does not hold numbers.
    """
    for name, array in arrays.items():
        if array.dtype.kind in "OSU":
            message = f"{folder}: array {name!r} of type {array.dtype} does not hold numbers"
            raise StorageError(message)
    with written_whole(folder, UNFINISHED) as unfinished:
        unfinished.mkdir()
        _save(unfinished, arrays)
        content = {
            "metadata": dict(metadata),
            "arrays": {name: _describe(array) for name, array in arrays.items()},
            "files": digests_of_files(unfinished / _ARRAYS),
        }
        manifest = canonical_json({"content": content, "digest": digest_of_json(content)})
        (unfinished / MANIFEST).write_text(manifest, encoding="utf-8")


def read_arrays(folder: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays and the metadata in `folder`, every digest checked.

    Raises:
        StorageError: something is missing, cut or altered; names the file or the array.
    """
    content = _checked_content(folder)
    expected = content["arrays"]
    arrays = _load(folder, expected)
    for name, description in expected.items():
        found = _describe(arrays[name])
        if found != description:
            message = f"{folder}: array {name!r} is damaged: expected {description}, got {found}"
            raise StorageError(message)
    return arrays, dict(content["metadata"])


def read_metadata(folder: Path) -> dict[str, Any]:
    """The metadata in `folder`, its digest checked, without reading the arrays.

    Raises:
        StorageError: the manifest is missing or altered.
    """
    return dict(_read_manifest(folder)["metadata"])


def digest_of_arrays(folder: Path) -> str:
    """Digest of the arrays in `folder`, whose files are compared with their digests.

    Equal arrays give equal digests, whatever orbax calls its files and the metadata say.

    Raises:
        StorageError: something is missing, cut or altered.
    """
    return digest_of_json(_checked_content(folder)["arrays"])


def _checked_content(folder: Path) -> dict[str, Any]:
    """What the manifest says, after every file was compared with it."""
    content = _read_manifest(folder)
    _check_files(folder / _ARRAYS, content["files"])
    return content


def _describe(array: np.ndarray) -> dict[str, Any]:
    """Digest, shape and type as in the manifest."""
    return {
        "sha256": digest_of_array(array),
        "shape": list(array.shape),
        "dtype": array.dtype.name,
    }


def _check_files(folder: Path, expected: Mapping[str, str]) -> None:
    """Raise a StorageError for the first file that is missing or not what was written."""
    with storage_errors(folder):
        found = digests_of_files(folder)
    for name, digest in expected.items():
        if found.get(name) != digest:
            state = "damaged" if name in found else "missing"
            message = f"{folder / name} is {state}: restore the folder from a copy"
            raise StorageError(message)


def _read_manifest(folder: Path) -> dict[str, Any]:
    """What the manifest says, its own digest checked."""
    with storage_errors(folder / MANIFEST):
        text = (folder / MANIFEST).read_bytes()
    try:
        manifest = json.loads(text)
        content = {part: dict(manifest["content"][part]) for part in _PARTS}
        content["arrays"] = {name: dict(about) for name, about in content["arrays"].items()}
        whole = manifest["digest"] == digest_of_json(manifest["content"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        message = f"{folder / MANIFEST} is damaged: {error}; restore the folder from a copy"
        raise StorageError(message) from error
    if not whole:
        message = f"{folder / MANIFEST} was altered after it had been written"
        raise StorageError(message)
    return content


def _save(folder: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Let orbax write, synchronously.

    Raises:
        OSError: it cannot, whatever orbax raises then.
    """
    with _checkpointer() as checkpointer:
        try:
            checkpointer.save(
                (folder / _ARRAYS).absolute(), args=ocp.args.StandardSave(dict(arrays))
            )
        except (ValueError, TypeError, RuntimeError) as error:
            message = f"the arrays could not be written: {error}"
            raise OSError(message) from error  # told with path and space by who writes the folder
    told = folder / _ARRAYS / _COMMITTED
    if told.exists():
        told.write_text("whole\n", encoding="utf-8")  # orbax says where: not for other machines


def _checkpointer() -> ocp.Checkpointer:
    """Orbax in this process alone, which would else wait for all that train together."""
    here = jax.process_index()
    alone = ocp.options.MultiprocessingOptions(
        primary_host=here, active_processes={here}, barrier_sync_key_prefix=f"process_{here}"
    )
    handler = ocp.StandardCheckpointHandler(multiprocessing_options=alone)
    return ocp.Checkpointer(handler, multiprocessing_options=alone)


def _load(folder: Path, expected: Mapping[str, Mapping[str, Any]]) -> dict[str, np.ndarray]:
    """Let orbax read the arrays of the manifest."""
    with _checkpointer() as checkpointer:
        try:
            template = {name: _like(description) for name, description in expected.items()}
            found = checkpointer.restore(
                (folder / _ARRAYS).absolute(), args=ocp.args.StandardRestore(template)
            )
        except (ValueError, TypeError, KeyError, RuntimeError, OSError) as error:
            message = f"{folder}: the arrays cannot be read: {error}"
            raise StorageError(message) from error
    return {name: np.asarray(array) for name, array in found.items()}


def _like(description: Mapping[str, Any]) -> np.ndarray:
    """An array of the shape and type in the manifest, which takes no memory."""
    return np.broadcast_to(np.zeros((), description["dtype"]), description["shape"])
