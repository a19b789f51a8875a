"""Digests of configurations: what a run, a stage or a store was made with."""

import hashlib
import json

from align_da.config.section import Section


def digest_of(*parts: object) -> str:
    """SHA-256 of configuration sections, numbers, strings and lists of them, in canonical JSON."""
    plain = [p.model_dump(mode="json") if isinstance(p, Section) else p for p in parts]
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
