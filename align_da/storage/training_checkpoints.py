"""Whose the checkpoints in a folder are: one training has them, others are set aside.

A training is known by its identity, the digest of everything that defines it: data, settings,
network and seed. With a setting changed it is another training, which must not go on from the
checkpoints of the first; they move to `FOLDER.IDENTITY` and come back when the first is asked for
again.

A checkpoint says too how it was computed. Where flags of XLA, options of JAX or versions differ,
bits do: there the same training is not gone on with either.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from align_da.errors import StorageError
from align_da.storage.array_manifest import read_metadata
from align_da.storage.checkpoints import step_folders
from align_da.storage.durable import move_away
from align_da.storage.manifest import differences_of, how_computed

IDENTITY = "identity"
"""Where the metadata of a checkpoint tell whose it is."""
_COMPUTED = "computed"
_SHOWN = 12  # characters of an identity in the name of a folder


def claim_checkpoints(folder: Path, identity: str) -> Path | None:
    """Make `folder` that of the training with this identity.

    Returns:
        Where the checkpoints of another training have gone; None if there were none.

    Raises:
        StorageError: folders cannot be renamed.
    """
    owner, set_aside = _owner(folder), None
    if owner not in {None, identity}:
        set_aside = _aside(folder, str(owner))
        move_away(folder, set_aside)
    own = _aside(folder, identity)
    if own.exists() and not step_folders(folder):
        move_away(own, folder)
    return set_aside


def computed() -> dict[str, Any]:
    """What the metadata of a checkpoint tell of how it was computed."""
    return {_COMPUTED: how_computed()}


def check_computed_alike(folder: Path, metadata: Mapping[str, Any]) -> None:
    """Refuse to go on from a checkpoint where this process computes otherwise.

    Args:
        folder: of the checkpoints, for the message.
        metadata: of the checkpoint; of earlier versions it does not say, and is refused too.

    Raises:
        StorageError: lists every difference.
    """
    differences = differences_of(metadata.get(_COMPUTED, {}), how_computed())
    if differences:
        message = (
            f"the training in {folder} was begun by a process that computes otherwise: restore "
            "what differs to go on, or remove the folder to train anew\n  "
        )
        raise StorageError(message + "\n  ".join(differences))


def _owner(folder: Path) -> str | None:
    """The identity in the newest checkpoint that tells one."""
    for checkpoint in step_folders(folder):
        try:
            return str(read_metadata(checkpoint).get(IDENTITY))
        except StorageError:  # damaged: whoever reads the checkpoints tells
            continue
    return None


def _aside(folder: Path, identity: str) -> Path:
    """Where checkpoints lie that are not those of the training at hand."""
    return folder.with_name(f"{folder.name}.{identity[:_SHOWN]}")
