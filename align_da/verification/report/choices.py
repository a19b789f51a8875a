"""Choices of the reader: selects that decide what a chart shows, each offering what there is.

What can be shown is a tree: a level a select, a leaf the columns of one choice. A select offers
the branches below what the selects before it have chosen, so that none leads to nothing.
Everything is in the page; to choose is to put columns in the place of others (`choose.js`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np
from bokeh.models import Axis, ColumnDataSource, CustomJS, Select

Columns = Mapping[str, np.ndarray | Sequence[Any]]
Key = tuple[str, ...]
_NARROWEST, _WIDEST, _FRAME, _LETTER = 110, 300, 46, 8  # of a select, pixels


@dataclass(frozen=True)
class Leaf:
    """What one choice shows.

    Attributes:
        columns: those of every source by name, all of the length of the others there.
        label: of the axes of values, with its unit.
    """

    columns: Sequence[Columns]
    label: str


def selects_for(
    titles: Sequence[str],
    leaves: Mapping[Key, Leaf],
    sources: Sequence[ColumnDataSource],
    axes: Sequence[Axis],
) -> list[Select]:
    """Selects that put the columns of a leaf into sources and name the axes; the first is shown.

    Args:
        titles: a title a select.
        leaves: by the choice of every select; at least one.
        sources: of the chart; columns that no leaf has stay.
        axes: of the values.
    """
    first = next(iter(leaves))
    for source, columns in zip(sources, leaves[first].columns, strict=True):
        source.data = {**source.data, **columns}
    for axis in axes:
        axis.axis_label = leaves[first].label
    selects = offered(titles, first, list(leaves))
    tree = tree_of({key: vars(leaf) for key, leaf in leaves.items()})
    arguments = {"tree": tree, "sources": list(sources), "axes": list(axes)}
    answer(selects, "choose.js", arguments)
    return selects


def offered(titles: Sequence[str], chosen: Key, keys: Sequence[Key]) -> list[Select]:
    """Selects at a choice, each with the branches that are open there."""
    selects = []
    for depth, title in enumerate(titles):
        there = [key[depth] for key in keys if key[:depth] == chosen[:depth]]
        options = list(dict.fromkeys(there))
        longest = max(len(key[depth]) for key in keys)
        width = min(max(_NARROWEST, _FRAME + _LETTER * longest), _WIDEST)
        selects.append(Select(title=title, options=options, value=chosen[depth], width=width))
    return selects


def answer(selects: Sequence[Select], script: str, arguments: Mapping[str, Any]) -> None:
    """Run a script of this package whenever one of the selects changes.

    Args:
        selects: what is chosen.
        script: finds the leaf that is chosen as `leaf`, and the arguments by their names.
        arguments: `tree` among them.
    """
    folder = resources.files("align_da.verification.report")
    walk = folder.joinpath("walk.js").read_text(encoding="utf-8")
    code = walk + folder.joinpath(script).read_text(encoding="utf-8")
    callback = CustomJS(args={"selects": list(selects), **arguments}, code=code)
    for select in selects:
        select.js_on_change("value", callback)


def tree_of(leaves: Mapping[Key, Any]) -> dict[str, Any]:
    """Leaves by the path that leads to them."""
    tree: dict[str, Any] = {}
    for key, leaf in leaves.items():
        node = tree
        for step in key[:-1]:
            node = node.setdefault(step, {})
        node[key[-1]] = leaf
    return tree
