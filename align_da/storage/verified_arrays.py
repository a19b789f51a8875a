"""Named arrays in a folder that is trusted only when every digest fits.

Orbax writes and reads the arrays. It does not notice a flipped bit, and casts or cuts an array to
whatever template it is given; hence a manifest beside the arrays with the SHA-256 of every file,
the SHA-256, shape and type of every array and a digest of itself. Files are compared before orbax
sees them, arrays after. Nothing is ever pickled.

The folder is made under another name, flushed to the disk and renamed: it is there whole or not.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp

from align_da.errors import StorageError
from align_da.storage.array_digest import digest_of_array
from align_da.storage.array_manifest import ARRAYS, MANIFEST, checked_content
from align_da.storage.digest import canonical_json, digest_of_json, digests_of_files
from align_da.storage.durable import written_whole

UNFINISHED = ".saving"  # ending of folders that are not whole yet
_COMMITTED = "commit_success.txt"


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
            "files": digests_of_files(unfinished / ARRAYS),
        }
        manifest = canonical_json({"content": content, "digest": digest_of_json(content)})
        (unfinished / MANIFEST).write_text(manifest, encoding="utf-8")


def read_arrays(folder: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays and the metadata in `folder`, every digest checked.

    Raises:
        StorageError: something is missing, cut or altered; names the file or the array.
    """
    content = checked_content(folder)
    expected = content["arrays"]
    arrays = _load(folder, expected)
    for name, description in expected.items():
        found = _describe(arrays[name])
        if found != description:
            message = f"{folder}: array {name!r} is damaged: expected {description}, got {found}"
            raise StorageError(message)
    return arrays, dict(content["metadata"])


def _describe(array: np.ndarray) -> dict[str, Any]:
    """Digest, shape and type as in the manifest."""
    return {
        "sha256": digest_of_array(array),
        "shape": list(array.shape),
        "dtype": array.dtype.name,
    }


def _save(folder: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Let orbax write, synchronously.

    Raises:
        OSError: it cannot, whatever orbax raises then.
    """
    with _checkpointer() as checkpointer:
        try:
            checkpointer.save(
                (folder / ARRAYS).absolute(), args=ocp.args.StandardSave(dict(arrays))
            )
        except (ValueError, TypeError, RuntimeError) as error:
            message = f"the arrays could not be written: {error}"
            raise OSError(message) from error  # told with path and space by who writes the folder
    told = folder / ARRAYS / _COMMITTED
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
                (folder / ARRAYS).absolute(), args=ocp.args.StandardRestore(template)
            )
        except (ValueError, TypeError, KeyError, RuntimeError, OSError) as error:
            message = f"{folder}: the arrays cannot be read: {error}"
            raise StorageError(message) from error
    return {name: np.asarray(array) for name, array in found.items()}


def _like(description: Mapping[str, Any]) -> np.ndarray:
    """An array of the shape and type in the manifest, which takes no memory."""
    return np.broadcast_to(np.zeros((), description["dtype"]), description["shape"])
