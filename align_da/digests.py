"""Digests of definitions: of what a run, a stage or a store was made with."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel


def plain(content: Any) -> Any:  # noqa: ANN401 (nested tables of anything)
    """Sections and dataclasses as tables, tuples as lists, all the way down, as JSON has them."""
    if isinstance(content, BaseModel):
        return content.model_dump(mode="json")
    if dataclasses.is_dataclass(content) and not isinstance(content, type):
        return plain(dataclasses.asdict(content))
    if isinstance(content, Mapping):
        return {str(key): plain(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [plain(value) for value in content]
    return content


def digest_of(*parts: object) -> str:
    """SHA-256 of sections, dataclasses, numbers, strings and lists of them, in canonical JSON."""
    return hashlib.sha256(json.dumps(plain(parts), sort_keys=True).encode()).hexdigest()
