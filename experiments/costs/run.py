"""Cost against size on this machine, and what 0.25 degrees would take: the page of this folder.

A part that has been measured is not measured again (`--again` does). `page` traces the networks
at 0.25 degrees, runs nothing of that size, and writes tables and picture.

Usage: python -m experiments.costs.run [all|page|PART ...] [--repeat 3] [--points 5] [--again]
       [--folder experiments/costs]
"""

import sys
from pathlib import Path

import pandas as pd

from align_da.storage.durable import write_durably
from experiments.costs.curves import PARTS, measure, read_compression, read_curves
from experiments.costs.extrapolation import (
    Extrapolation,
    Machines,
    Target,
    programs_result,
    programs_table,
)
from experiments.costs.limits import limits_result, limits_table, weights_table
from experiments.costs.measured import compression_of_forecasts
from experiments.costs.tables import draw, measured_table
from experiments.options import options
from experiments.results import write_result

COMPRESSION = "compression"
MEASURED = (*PARTS, COMPRESSION)


def main() -> None:
    """Measure what is asked for, then write the page."""
    parser = options(__doc__, Path(__file__).parent)
    # A word and no list: argparse holds a default against the choices as a whole.
    parser.add_argument("parts", nargs="*", default="all", choices=["all", "page", *MEASURED])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--points", type=int, help="of every curve, the smallest ones")
    parser.add_argument("--again", action="store_true")
    arguments = parser.parse_args()
    everything = "all" in arguments.parts
    for name in MEASURED if everything else [n for n in arguments.parts if n != "page"]:
        if arguments.again or not (arguments.folder / "results" / f"{name}.csv").exists():
            table = _measured(name, arguments.repeat, arguments.points)
            write_result(arguments.folder, name, table)
    if everything or "page" in arguments.parts:
        write_page(arguments.folder)


def _measured(name: str, repeat: int, points: int | None) -> pd.DataFrame:
    if name == COMPRESSION:
        return pd.DataFrame({"ratio": [compression_of_forecasts()]})
    return measure(PARTS[name].cut(points), repeat, _tell)


def _tell(text: object) -> None:
    print(text, file=sys.stderr, flush=True)


def write_page(folder: Path) -> None:
    """Write results and tables of 0.25 degrees into `folder`, and draw `folder`/curves.png."""
    curves, compression = read_curves(folder / "results"), read_compression(folder / "results")
    of = Extrapolation(Target(), Machines(), curves, compression)
    write_result(folder, "limits", limits_result(of))
    write_result(folder, "programs", programs_result(of))
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
    write_durably(page, text.encode())
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


if __name__ == "__main__":
    main()
