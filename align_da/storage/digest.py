"""SHA-256 digests of files and JSON."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def digest_of_file(path: Path) -> str:
    """Digest of the content of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digests_of_files(folder: Path) -> dict[str, str]:
    """Digest of every file below `folder`, by its place there."""
    return {
        path.relative_to(folder).as_posix(): digest_of_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def changed_files(digests: Mapping[Path, str]) -> list[Path]:
    """The files that are missing or have another digest."""
    return [
        file
        for file, digest in digests.items()
        if not file.is_file() or digest_of_file(file) != digest
    ]


def with_own_digest(content: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The content with a digest of itself at `key`."""
    return {**content, key: digest_of_json(content)}


def checked_by_own_digest(content: Mapping[str, Any], key: str) -> dict[str, Any]:
    """What `with_own_digest` was given; content without a digest is as it is.

    Raises:
        ValueError: it was altered.
    """
    told = {name: value for name, value in content.items() if name != key}
    digest = digest_of_json(told)
    if content.get(key, digest) != digest:
        message = "its digest is another: it was altered after it had been written"
        raise ValueError(message)
    return told


def canonical_json(content: Any) -> str:  # noqa: ANN401 (whatever JSON can hold)
    """JSON with sorted keys on one line: equal content gives equal text."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest_of_json(content: Any) -> str:  # noqa: ANN401 (whatever JSON can hold)
    """Digest of the canonical JSON of `content`."""
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()
