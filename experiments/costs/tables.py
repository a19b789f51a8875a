"""Numbers as rows of Markdown tables."""

import math
from collections.abc import Iterable, Mapping

import pandas as pd

from align_da.verification.table_format import to_markdown
from experiments.costs.measurements import Curve
from experiments.costs.power_law import PowerLaw

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
