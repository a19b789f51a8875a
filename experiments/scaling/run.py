"""Cost against size on this machine, and what 0.25 degrees would take: the page of this folder.

A part that has been measured is not measured again (`--again` does). `page` traces the networks
at 0.25 degrees, runs nothing of that size, and writes tables and picture.

Usage: python -m experiments.scaling.run [all|page|PART ...] [--repeat 3] [--again]
       [--folder experiments/scaling]
"""

import argparse
import sys
from pathlib import Path

from experiments.scaling.page import write_page
from experiments.scaling.parts import PARTS, measure

FOLDER = Path(__file__).parent


def main() -> None:
    """Measure what is asked for, then write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=["all"], choices=["all", "page", *PARTS])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    wanted = PARTS if "all" in arguments.parts else arguments.parts
    for name in (name for name in wanted if name != "page"):
        target = arguments.folder / "measured" / f"{name}.csv"
        if arguments.again or not target.exists():
            table = measure(PARTS[name], arguments.repeat, _tell)
            table.to_csv(target, index=False, float_format="%.6g")
    if {"all", "page"} & {*arguments.parts}:
        print(write_page(arguments.folder))


def _tell(text: object) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
