"""Small tables for notebooks, and whether there is anything to show."""

from collections.abc import Iterable, Sequence
from html import escape

import jax
import numpy as np


def is_known(array: object) -> bool:
    """Whether an array has values: inside a JAX transform it has none, nor as a template."""
    return isinstance(array, np.ndarray | jax.Array) and not isinstance(array, jax.core.Tracer)


def html_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table with a title, every text escaped."""
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(str(entry))}</td>' for entry in row)}</tr>" for row in rows
    )
    return f"<div>{escape(title)}</div><table><tr>{head}</tr>{body}</table>"
