"""Decode a file in a child process: libraries that decode can crash on damaged files."""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from align_da.errors import ConfigError, InputError

_SECONDS = 600  # enough for a million messages


def decoded_by(program: str, package: str, path: Path) -> pd.DataFrame:
    """The columns that `program` writes to its standard output, in NumPy's npz format.

    Args:
        program: a file beside this one, which takes the path.
        package: what it decodes with.
        path: the file to decode.

    Raises:
        InputError: the file cannot be decoded; names the message where the program told it.
        ConfigError: the package is not installed.
    """
    command = [sys.executable, str(Path(__file__).with_name(program)), str(path)]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=_SECONDS)  # noqa: S603 (our own program)
    except subprocess.TimeoutExpired as error:
        message = f"{path}: {package} did not decode it within {_SECONDS} s: it is damaged"
        raise InputError(message) from error
    told = done.stderr.decode(errors="replace").splitlines()
    if done.returncode == 0:
        with np.load(io.BytesIO(done.stdout), allow_pickle=False) as columns:
            return pd.DataFrame(dict(columns))
    if any(f"No module named '{package}'" in line for line in told):
        message = f"{path}: reading it needs {package}: pip install 'align-da[observations]'"
        raise ConfigError(message)
    last = next((line for line in reversed(told) if line.startswith("message ")), "a message")
    reason = f"signal {-done.returncode}" if done.returncode < 0 else told[-1]
    message = f"{path}: {last} cannot be decoded by {package} ({reason}): it is damaged, remove it"
    raise InputError(message)
