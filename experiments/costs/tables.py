"""Numbers as rows of Markdown tables, and curves of cost as a picture."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes

from align_da.verification.figure_style import PALETTE, colour_of, common_style, new_figure, to_png
from align_da.verification.table_format import to_markdown
from experiments.costs.curves import Curve, PowerLaw
from experiments.results import write_picture

_PREFIXES = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (0.0, ""))
_TIMES = ((86400.0, "days"), (3600.0, "h"), (60.0, "min"), (0.0, "s"))


_MEMORY = "memory against points"
_COLUMNS = {
    "points": ("points",),
    "channels": ("channels",),
    "observations": ("observations",),
    "members or cases": ("members", "cases"),
    "something else": ("truncation", "parameters", "times", "workers"),
}


def measured_table(curves: Iterable[Curve]) -> str:
    """A row a program: seconds and memory from end to end of its first curve, and exponents."""
    programs: dict[str, dict[str, Curve]] = {}
    for curve in curves:
        programs.setdefault(curve.program, {})[curve.factor] = curve
    return to_markdown(pd.DataFrame([_measured_row(*item) for item in programs.items()]))


def two_columns(rows: Mapping[str, str], names: tuple[str, str]) -> str:
    """What, and how much."""
    return to_markdown(pd.DataFrame(list(rows.items()), columns=list(names)))


def amount(number: float, unit: str = "B") -> str:
    """Three digits with a prefix: 224 GB."""
    size, prefix = next(item for item in _PREFIXES if abs(number) >= item[0])
    return f"{digits(number / (size or 1.0))} {prefix}{unit}".rstrip()


def duration(seconds: float) -> str:
    """Three digits in the unit that people use."""
    size, unit = next(item for item in _TIMES if seconds >= 2 * item[0])
    return f"{digits(seconds / (size or 1.0))} {unit}"


def digits(number: float) -> str:
    """Three significant digits, never as a power of ten."""
    if number == 0 or not math.isfinite(number):
        return f"{number:g}"
    places = max(0, 2 - math.floor(math.log10(abs(number))))
    text = f"{number:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _measured_row(program: str, curves: Mapping[str, Curve]) -> dict[str, str]:
    first = next(iter(curves.values()))
    law = first.law("megabytes")
    row = {
        "program": program,
        "seconds": _ends(first.points["seconds"]),
        "MB": "" if law is None else _ends(first.points["megabytes"]),
        _MEMORY: "" if law is None or first.factor != "points" else _exponents(law),
    }
    for column, factors in _COLUMNS.items():
        found = [curves[factor] for factor in factors if factor in curves]
        row[column] = _cell(found[0], named=len(factors) > 2) if found else ""
    return row


def _cell(curve: Curve, *, named: bool) -> str:
    law = curve.law("seconds")
    text = "" if law is None else _exponents(law)
    return f"{curve.factor}: {text}" if named else text


def _ends(values: pd.Series) -> str:
    return f"{digits(values.iloc[0])} – {digits(values.iloc[-1])}"


def _exponents(law: PowerLaw) -> str:
    """The exponent with its interval, and the last one."""
    if math.isnan(law.half_width):
        return f"{law.exponent:.2f}"
    return f"{law.exponent:.2f} ± {law.half_width:.2f}, {law.last_exponent:.2f}"


PANELS = {
    "points": "Points of the grid",
    "channels": "Channels",
    "observations": "Observations",
    "members": "Members",
    "cases": "Cases of a batch",
    "workers": "Workers",
}


_LINES = ("-", "--", ":")


@common_style()
def draw(curves: Mapping[tuple[str, str], Curve], target: Path) -> None:
    """Draw seconds against every factor."""
    names = list(dict.fromkeys(curve.program for curve in curves.values()))
    figure, axes = new_figure(9.0, 6.6, rows=2, columns=3)
    for panel, (factor, title) in zip(axes, PANELS.items(), strict=True):
        _draw(panel, [curve for curve in curves.values() if curve.factor == factor], names)
        panel.set_title(title)
    axes[0].set_ylabel("Seconds")
    axes[3].set_ylabel("Seconds")
    drawn = {str(line.get_label()): line for panel in axes for line in panel.lines}
    figure.legend(
        handles=list(drawn.values()),
        loc="outside lower center",
        ncols=4,
        fontsize="small",
        handlelength=3,  # room for dashes
    )
    write_picture(target, to_png(figure))


def _draw(panel: Axes, curves: Sequence[Curve], names: Sequence[str]) -> None:
    """The curves of one factor, with ticks where it was measured."""
    for curve in curves:
        panel.plot(
            curve.points["value"],
            curve.points["seconds"],
            marker="o",
            markersize=3,
            linestyle=_LINES[names.index(curve.program) // len(PALETTE) % len(_LINES)],
            color=colour_of(curve.program, names),
            label=curve.program,
        )
    panel.set(xscale="log", yscale="log")
    panel.minorticks_off()
    values = sorted({value for curve in curves for value in curve.points["value"]})
    panel.set_xticks(values, [f"{value:g}" for value in values], fontsize="x-small")
