"""Decode a file in a child process: libraries that decode can crash on damaged files.

A message of a hundred bytes may ask for gigabytes: one value stands for those of 65535 subsets. So
the memory of the child is bounded by the size of the file. Beyond what it starts with eccodes has
been seen to take 28 MiB for its tables and 20 bytes for each byte of soundings (36 MiB for the
0.5 MB of tests/data/observations/temp.bufr), earth2bufr less.
"""

import io
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from align_da.errors import ConfigError, InputError
from data_pipelines.observations.framing import Message

_SECONDS = 600  # enough for a million messages
_FATAL = 10  # messages that may end the child: each costs decoding the file again
_BEGUN = re.compile(r"message (\d+|end)")
_GROWTH = 256  # bytes of memory a byte of the file: compressed messages need more than was seen
_SLACK = 2**29  # bytes that any file may take
# The allocator that Arrow brings takes a GiB at once, of which next to nothing is used.
_ENVIRONMENT = {"ARROW_DEFAULT_MEMORY_POOL": "system"}


def decoded_by(
    program: str, package: str, path: Path, messages: Sequence[Message]
) -> tuple[dict[str, np.ndarray], dict[int, str]]:
    """The arrays that `program` writes to its standard output, in NumPy's npz format.

    A message that ends the child is left out, and the others are decoded again.

    Args:
        program: a file beside this one, which takes the path and the bytes that it may take, and
            the messages to decode from its standard input.
        package: what it decodes with.
        path: the file to decode.
        messages: those to decode.

    Returns:
        The arrays, and by number the messages that ended the child with the reason.

    Raises:
        InputError: the file cannot be decoded.
        ConfigError: the package is not installed.
    """
    fatal: dict[int, str] = {}
    while True:
        left = [message for message in messages if message.number not in fatal]
        arrays, number, reason = _decoded_once(program, package, path, left)
        if arrays:
            return arrays, fatal
        if number is None or number in fatal or len(fatal) >= _FATAL:
            which = "a message" if number is None else f"message {number}"
            message = (
                f"{path}: {which} cannot be decoded by {package} ({reason}): it is damaged, "
                "remove it"
            )
            raise InputError(message)
        fatal[number] = reason


def _decoded_once(
    program: str, package: str, path: Path, messages: Sequence[Message]
) -> tuple[dict[str, np.ndarray], int | None, str]:
    """The arrays, or none and the message that the child ended with, with the reason."""
    most = _SLACK + _GROWTH * path.stat().st_size
    command = [sys.executable, str(Path(__file__).with_name(program)), str(path), str(most)]
    lines = "".join(f"{one.number} {one.start} {one.size}\n" for one in messages).encode()
    try:
        done = subprocess.run(  # noqa: S603 (our own program)
            command,
            input=lines,
            capture_output=True,
            check=False,
            timeout=_SECONDS,
            env=os.environ | _ENVIRONMENT,
        )
    except subprocess.TimeoutExpired as error:
        message = f"{path}: {package} did not decode it within {_SECONDS} s: it is damaged"
        raise InputError(message) from error
    if done.returncode == 0:
        with np.load(io.BytesIO(done.stdout), allow_pickle=False) as arrays:
            return dict(arrays), None, ""
    told = done.stderr.decode(errors="replace").splitlines()
    if any(f"No module named '{package}'" in line for line in told):
        message = f"{path}: reading it needs {package}: pip install 'align-da[observations]'"
        raise ConfigError(message)
    begun = [found[1] for line in told if (found := _BEGUN.fullmatch(line))]
    number = int(begun[-1]) if begun and begun[-1].isdecimal() else None
    return {}, number, _reason(done.returncode, told[-1:], most)


def _reason(code: int, told: Sequence[str], most: int) -> str:
    """Why the child has ended, by its exit code and the last line that it told."""
    bound = f"{most} bytes of memory, which a file of this size may take"
    if code < 0:
        return f"signal {-code}, within {bound}"
    if any("MemoryError" in line for line in told):
        return f"expected to be decoded within {bound}, got {told[0]}"
    return told[0]
