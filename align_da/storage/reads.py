"""What a result is made of: the digest of every artefact that is read for it.

Records say what a stage once made; what a run loads may be something else, exchanged, or copied
from elsewhere without a record. Within `noting_reads` every reader of this room notes what it
opens, so that a manifest can keep it and nothing that is loaded is forgotten.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from align_da.storage.fingerprint import fingerprint_of

_NOTED: ContextVar[dict[Path, str] | None] = ContextVar("noted", default=None)


@contextmanager
def noting_reads() -> Iterator[Mapping[Path, str]]:
    """Digests of what is read in the block, in this thread, by its path; filled as it goes on."""
    noted: dict[Path, str] = {}
    token = _NOTED.set(noted)
    try:
        yield noted
    finally:
        _NOTED.reset(token)


def note_read(path: Path) -> None:
    """Note the digest of a file or folder that is about to be read, where someone listens.

    Raises:
        StorageError: it is missing or cannot be read, or saved arrays are damaged.
    """
    noted = _NOTED.get()
    if noted is not None and path not in noted:
        noted[path] = fingerprint_of(path).sha256


def by_place(reads: Mapping[Path, str], root: Path) -> dict[str, str]:
    """The digests by place below `root`; what lies elsewhere keeps its path."""
    return {
        (path.relative_to(root) if path.is_relative_to(root) else path).as_posix(): digest
        for path, digest in reads.items()
    }


def changed_since(loaded: Mapping[str, str], root: Path) -> list[Path]:
    """What lies in its place, but is no longer what was loaded.

    Args:
        loaded: digests by place, as `by_place` gives them.
        root: folder of the run.
    """
    places = {root / place: digest for place, digest in loaded.items()}
    return [
        path
        for path, digest in places.items()
        if path.exists() and fingerprint_of(path).sha256 != digest
    ]
