"""The manifest: everything that defines a result, and the refusal to mix it with anything else."""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from align_da.digests import plain
from align_da.errors import StorageError
from align_da.storage.arithmetic import arithmetic_of_this_process
from align_da.storage.digest import digest_of_json
from align_da.storage.durable import storage_errors, write_durably

_LIBRARIES = ("jax", "jaxlib", "flax", "numpy", "xarray", "zarr", "orbax-checkpoint")


@dataclass(frozen=True)
class Manifest:
    """What defines a result.

    Attributes:
        config: the configuration in full, as nested plain tables.
        config_digest: SHA-256 of it.
        seed: seed of every random draw.
        inputs: digest of every input (data, weights) by name.
        code_version: version of Align-DA.
        libraries: version of each library that computes or writes.
        arithmetic: how the process computes; empty in manifests of earlier versions.
        loaded: digest of the content of everything that was loaded (weights, statistics, states),
            by its place in the folder of the run; empty in manifests of earlier versions.
    """

    config: Mapping[str, Any]
    config_digest: str
    seed: int
    inputs: Mapping[str, str]
    code_version: str
    libraries: Mapping[str, str]
    arithmetic: Mapping[str, str] = field(default_factory=dict)
    loaded: Mapping[str, str] = field(default_factory=dict)


def manifest_of(
    config: Mapping[str, Any] | BaseModel,
    seed: int,
    inputs: Mapping[str, str],
    loaded: Mapping[str, str] | None = None,
) -> Manifest:
    """The manifest of a result computed here and now.

    Args:
        config: a section, or a table of sections and plain values, that defines the result.
        seed: seed of the run.
        inputs: digest of every input by name.
        loaded: digest of everything that was loaded by its place, see `align_da.storage.reads`.
    """
    table = plain(config)
    return Manifest(
        table,
        digest_of_json(table),
        seed,
        dict(inputs),
        **how_computed(),
        loaded=dict(loaded or {}),
    )


def how_computed() -> dict[str, Any]:
    """`code_version`, `libraries` and `arithmetic` of what this process computes."""
    python = ".".join(map(str, sys.version_info[:2]))
    return {
        "code_version": version("align-da"),
        "libraries": {"python": python} | {name: version(name) for name in _LIBRARIES},
        "arithmetic": arithmetic_of_this_process(),
    }


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Write it as JSON, durably.

    Raises:
        StorageError: it cannot be written.
    """
    text = json.dumps(asdict(manifest), indent=1, sort_keys=True, ensure_ascii=False)
    write_durably(path, f"{text}\n".encode())


def read_manifest(path: Path) -> Manifest:
    """Read it back.

    Raises:
        StorageError: the file is missing or is no manifest.
    """
    with storage_errors(path):
        content = path.read_bytes()
    try:
        return Manifest(**json.loads(content))
    except (ValueError, TypeError, RecursionError) as error:
        message = f"{path} is no manifest ({error}): restore it from a copy"
        raise StorageError(message) from error


def check_manifest(path: Path, expected: Manifest) -> None:
    """Refuse to go on with a result that something else has defined.

    Raises:
        StorageError: lists every difference between the manifest at `path` and `expected`.
    """
    stored = read_manifest(path)
    if expected.loaded and not stored.loaded:
        message = (
            f"{path} does not say what its run has loaded: it is of an earlier version, whose "
            "runs can be read but not gone on with: choose another name"
        )
        raise StorageError(message)
    differences = differences_of(asdict(stored), plain(asdict(expected)))
    if differences:
        message = (
            f"{path} belongs to another run: restore what defined it or choose another name\n  "
        )
        raise StorageError(message + "\n  ".join(differences))


def differences_of(stored: Any, now: Any, place: str = "") -> list[str]:  # noqa: ANN401 (JSON)
    """One line for each leaf that differs; `config_digest` is left out, its parts say more."""
    if isinstance(stored, dict) and isinstance(now, dict):
        keys = [key for key in sorted({*stored, *now}) if key != "config_digest"]
        found = [
            differences_of(stored.get(k), now.get(k), f"{place}.{k}" if place else k) for k in keys
        ]
        return [line for lines in found for line in lines]
    return [] if stored == now else [f"{place}: stored {stored!r}, now {now!r}"]
