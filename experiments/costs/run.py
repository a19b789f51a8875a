"""Cost against size on this machine, and what 0.25 degrees would take: the page of this folder.

A part that has been measured is not measured again (`--again` does). `page` traces the networks
at 0.25 degrees, runs nothing of that size, and writes tables and picture.

Usage: python -m experiments.costs.run [all|page|PART ...] [--repeat 3] [--points 5] [--again]
       [--folder experiments/costs]
"""

import argparse
import sys
from pathlib import Path

import pandas as pd

from experiments.costs.forecast_costs import compression_of_forecasts
from experiments.costs.page import write_page
from experiments.costs.parts import PARTS, measure

FOLDER = Path(__file__).parent
COMPRESSION = "compression"
MEASURED = (*PARTS, COMPRESSION)


def main() -> None:
    """Measure what is asked for, then write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    # A word and no list: argparse holds a default against the choices as a whole.
    parser.add_argument("parts", nargs="*", default="all", choices=["all", "page", *MEASURED])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--points", type=int, help="of every curve, the smallest ones")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    everything = "all" in arguments.parts
    for name in MEASURED if everything else [n for n in arguments.parts if n != "page"]:
        target = arguments.folder / "measured" / f"{name}.csv"
        if arguments.again or not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            table = _measured(name, arguments.repeat, arguments.points)
            table.to_csv(target, index=False, float_format="%.6g")
    if everything or "page" in arguments.parts:
        write_page(arguments.folder)


def _measured(name: str, repeat: int, points: int | None) -> pd.DataFrame:
    if name == COMPRESSION:
        return pd.DataFrame({"ratio": [compression_of_forecasts()]})
    return measure(PARTS[name].cut(points), repeat, _tell)


def _tell(text: object) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
