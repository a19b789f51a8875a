"""What lies beside a cycle store.

Beside the zarr store `NAME.zarr` lie `NAME.ledger.jsonl` (which cycles are complete),
`NAME.manifest.json` (what defined the run), `NAME.costs.jsonl` (what every cycle has cost),
`NAME.lock`, and for a moment `NAME.extension`.
"""

from pathlib import Path


def ledger_path(path: Path) -> Path:
    """The ledger of the store at `path`."""
    return path.with_suffix(".ledger.jsonl")


def manifest_path(path: Path) -> Path:
    """The manifest of the store at `path`."""
    return path.with_suffix(".manifest.json")


def costs_path(path: Path) -> Path:
    """What the cycles of the store at `path` have cost."""
    return path.with_suffix(".costs.jsonl")


def extension_path(path: Path) -> Path:
    """What the store at `path` is being extended with, see `align_da.storage.extension`."""
    return path.with_suffix(".extension")


def lock_path(path: Path) -> Path:
    """The lock of the store at `path`."""
    return path.with_suffix(".lock")
