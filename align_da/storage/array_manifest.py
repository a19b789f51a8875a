"""The manifest beside saved arrays: the digest of every file and array, and of itself.

It can be read, and files compared with it, without what reads arrays.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from align_da.errors import StorageError
from align_da.storage.digest import digest_of_json, digests_of_files
from align_da.storage.durable import storage_errors

MANIFEST = "digests.json"
ARRAYS = "arrays"
"""The folder with the files, beside the manifest."""
_PARTS = ("metadata", "arrays", "files")  # of the manifest


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
    return digest_of_json(checked_content(folder)["arrays"])


def checked_content(folder: Path) -> dict[str, Any]:
    """What the manifest says, after every file was compared with it."""
    content = _read_manifest(folder)
    _check_files(folder / ARRAYS, content["files"])
    return content


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
