"""The loss history of a training: JSON lines and a picture."""

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from align_da.errors import StorageError
from align_da.storage.durable import storage_errors, write_durably


def write_history(path: Path, history: Sequence[Mapping[str, float]]) -> None:
    """Write one JSON object a line.

    Raises:
        StorageError: the file cannot be written.
    """
    write_durably(path, "".join(f"{json.dumps(dict(row))}\n" for row in history).encode())


def read_history(path: Path) -> list[dict[str, float]]:
    """The rows that `write_history` wrote.

    Raises:
        StorageError: the file is missing or holds something else.
    """
    with storage_errors(path):
        lines = path.read_bytes().splitlines()
    try:
        rows = [
            {str(key): float(value) for key, value in json.loads(line).items()} for line in lines
        ]
    except (ValueError, AttributeError, TypeError) as error:
        message = f"expected one JSON object of numbers a line in {path}: {error}"
        raise StorageError(message) from error
    return rows


def draw_history(path: Path, history: Sequence[Mapping[str, float]], title: str) -> None:
    """Draw training and validation loss against the step as PNG.

    Raises:
        StorageError: the file cannot be written.
    """
    with mpl.rc_context():
        mpl.rcdefaults()  # whatever a matplotlibrc says
        picture = _drawn(history, title)
    write_durably(path, picture)


def _drawn(history: Sequence[Mapping[str, float]], title: str) -> bytes:
    """The picture."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for name in ("training_loss", "validation_loss"):
        rows = [row for row in history if name in row]
        label = name.replace("_", " ")
        axes.plot([row["step"] for row in rows], [row[name] for row in rows], ".-", label=label)
    axes.set(title=title, xlabel="step", ylabel="loss")
    axes.legend()
    axes.grid(alpha=0.3)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=120)
    return stream.getvalue()
