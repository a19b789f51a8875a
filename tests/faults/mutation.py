"""Random changes of a file: bits, parts, and words that parsers take ill."""

import numpy as np


def mutated(content: bytes, random: np.random.Generator) -> bytes:
    """The content with one to three changes, never the same."""
    found = content
    while found == content:
        for _ in range(random.integers(1, 4)):
            change = CHANGES[random.integers(len(CHANGES))]
            found = change(found, random)
    return found


def place(content: bytes, random: np.random.Generator) -> tuple[int, int]:
    """Where a part of up to 30 bytes begins and ends."""
    start = int(random.integers(len(content) + 1))
    return start, start + int(random.integers(1, 31))


def flip(content: bytes, random: np.random.Generator) -> bytes:
    if not content:
        return b"\x01"
    changed = bytearray(content)
    bit = int(random.integers(8 * len(content)))
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def cut(content: bytes, random: np.random.Generator) -> bytes:
    return content[: int(random.integers(len(content) + 1))]


def remove(content: bytes, random: np.random.Generator) -> bytes:
    start, end = place(content, random)
    return content[:start] + content[end:]


def repeat(content: bytes, random: np.random.Generator) -> bytes:
    start, end = place(content, random)
    return content[:end] + content[start:end] * int(random.integers(1, 4)) + content[end:]


def insert(content: bytes, random: np.random.Generator) -> bytes:
    start, end = place(content, random)
    return content[:start] + random.bytes(end - start) + content[start:]


def write_token(content: bytes, random: np.random.Generator) -> bytes:
    """What parsers and readers of numbers take ill, in place of some bytes."""
    start, _ = place(content, random)
    token = TOKENS[random.integers(len(TOKENS))]
    return content[:start] + token + content[start + int(random.integers(len(token) + 1)) :]


CHANGES = (flip, cut, remove, repeat, insert, write_token)
TOKENS = (
    *(b"null", b"true", b"NaN", b"-1", b"1e999", b"0", b"9" * 40, b"{", b"}", b"[", b"]", b'"'),
    *(b",", b":", b"\\", b"\\ud800", b"../../etc/passwd", b"\xff\xfe", b"\x00" * 8, b"[" * 2000),
    *(b'{"a":' * 2000, b"\xff" * 8, b"float16", b"<U8", b"|O", b"object", b"2147483648"),
)
