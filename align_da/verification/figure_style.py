"""How every figure looks: one style, one palette, one colour a method.

Colours are those of Okabe and Ito (https://jfly.uni-koeln.de/color/), which people with any common
colour blindness can tell apart. Figures are built without pyplot, so that nothing global changes.
"""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6D31")
TRUTH_COLOUR = "#222222"
INK = "#1F2933"
MUTED = "#6B7785"
GRID = "#E3E8EE"
STYLE: dict[Any, Any] = {  # matplotlib types the keys as literals
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "axes.labelsize": 10,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "date.converter": "concise",
    "lines.linewidth": 1.8,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}
_RESOLUTION = 150  # dots per inch


@contextmanager
def common_style() -> Iterator[None]:
    """The style of every figure, whatever a matplotlibrc says; also decorates what draws one."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        yield


def new_figure(
    width: float, height: float, rows: int = 1, columns: int = 1
) -> tuple[Figure, list[Axes]]:
    """An empty figure in the common style with its axes in reading order.

    Args:
        width: inches.
        height: inches.
        rows: rows of axes.
        columns: columns of axes.
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    return figure, list(axes.ravel())


def colour_of(name: str, names: Sequence[str]) -> str:
    """The colour of a method among all methods of a report; the truth is black."""
    others = [other for other in names if other != "truth"]
    return TRUTH_COLOUR if name == "truth" else PALETTE[others.index(name) % len(PALETTE)]


def legend_below(figure: Figure, axes: Axes) -> None:
    """One legend for the whole figure, under it."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 5))


def axis_units(units: str) -> str:
    """A unit as people write it: "m s⁻¹" and no unit for "1"."""
    powers = {"-1": "⁻¹", "-2": "⁻²", "m2": "m²"}
    text = " ".join(_raise(part, powers) for part in units.split())
    return "" if text == "1" else text


def with_axis_units(text: str, units: str, between: str = " ") -> str:
    """A text with a unit as people write it behind it; of "1" the text alone.

    Args:
        text: a number, or what has the unit.
        units: as a variable has them.
        between: text and unit.
    """
    told = axis_units(units)
    return f"{text}{between}{told}" if told else text


def to_png(figure: Figure) -> bytes:
    """The figure as PNG; equal figures give equal bytes."""
    stream = io.BytesIO()
    with common_style():
        figure.savefig(stream, format="png", dpi=_RESOLUTION, metadata={"Software": None})
    return stream.getvalue()


def _raise(part: str, powers: dict[str, str]) -> str:
    """Superscripts of one factor of a unit."""
    for plain, raised in powers.items():
        if part.endswith(plain):
            return part.removesuffix(plain) + raised
    return part
