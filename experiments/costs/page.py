"""The generated part of the page: tables between markers of README.md, and the picture."""

from pathlib import Path

from experiments.costs.assumptions import Machines, Target
from experiments.costs.extrapolation import Extrapolation, programs_table
from experiments.costs.limits import limits_table
from experiments.costs.measurements import read_compression, read_curves
from experiments.costs.picture import draw
from experiments.costs.tables import measured_table
from experiments.costs.weight_rows import weights_table


def write_page(folder: Path) -> None:
    """Write the tables into `folder`/README.md and draw `folder`/curves.png."""
    curves = read_curves(folder / "measured")
    compression = read_compression(folder / "measured")
    of = Extrapolation(Target(), Machines(), curves, compression)
    tables = {
        "measured": measured_table(curves.values()),
        "limits": limits_table(of),
        "weights": weights_table(of),
        "programs": programs_table(of),
    }
    page = folder / "README.md"
    text = page.read_text(encoding="utf-8")
    for name, table in tables.items():
        text = with_table(text, name, table)
    page.write_text(text, encoding="utf-8")
    draw(curves, folder / "curves.png")


def with_table(text: str, name: str, table: str) -> str:
    """The text with what stands between the markers of `name` replaced.

    Raises:
        ValueError: a marker is missing.
    """
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    before, after = text.split(begin), text.split(end)
    if len(before) != 2 or len(after) != 2:
        message = f"expected the markers {begin.strip()} and {end.strip()} once each in the page"
        raise ValueError(message)
    return f"{before[0]}{begin}{table}{end}{after[1]}"
