"""All metadata of a store in one file, in the order that its variables are to be shown in.

Zarr lists the arrays of a folder as the file system gives them, another time in another order. The
metadata that are consolidated at the root, and in every group, are listed as they stand there, by
xarray and by all that is built upon it. A copy of metadata goes stale where they change: that of a
cycle store never do, and its ledger has the digest of every file of them.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_METADATA = "zarr.json"
_KEY = "consolidated_metadata"


def consolidate(path: Path, groups: Mapping[str, Sequence[str]]) -> None:
    """Consolidate the metadata of a store, to be listed in a given order.

    Args:
        path: the store.
        groups: names of the arrays of each group, in their order.
    """
    each = [[group, *(f"{group}/{name}" for name in names)] for group, names in groups.items()]
    _write(path, [place for places in each for place in places])
    for group, names in groups.items():
        _write(path / group, names)


def is_consolidated(path: Path) -> bool:
    """Whether a store, whose metadata are whole, has them at its root too."""
    return _KEY in _metadata(path)


def _write(folder: Path, places: Sequence[str]) -> None:
    """Write the metadata of all below a group into its own."""
    inline = {
        "kind": "inline",
        "must_understand": False,
        "metadata": {place: _metadata(folder / place) for place in places},
    }
    text = json.dumps(_metadata(folder) | {_KEY: inline}, separators=(",", ":"))
    (folder / _METADATA).write_text(text, encoding="utf-8")


def _metadata(node: Path) -> dict[str, Any]:
    """Metadata of a group or an array."""
    found: dict[str, Any] = json.loads((node / _METADATA).read_text(encoding="utf-8"))
    return found
