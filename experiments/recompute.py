"""Make the tables of a README again from the scores by date that are kept beside it.

Usage: python -m experiments.recompute NAME [FOLDER]
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from experiments.alignment import tables as alignment
from experiments.bounds import run as bounds
from experiments.calibration import tables as calibration
from experiments.closed_loop import tables as closed_loop
from experiments.densities import tables as densities
from experiments.downscaling import tables as downscaling
from experiments.embedded_world import tables as embedded_world
from experiments.gap import run as gap
from experiments.letkf import tune as letkf
from experiments.long_cycles import tables as long_cycles
from experiments.lorenz import tables as lorenz
from experiments.own_times import tables as own_times
from experiments.results import read_scores, scores_in
from experiments.rounds import tables as rounds

HERE = Path(__file__).parent
SHOW: Mapping[str, Callable[[pd.DataFrame], str]] = {
    "alignment": alignment.show,
    "bounds": bounds.show,
    "calibration": calibration.show,
    "closed_loop": closed_loop.show,
    "densities": densities.show,
    "downscaling": downscaling.show,
    "embedded_world": embedded_world.show,
    "gap": gap.show,
    "letkf": letkf.show,
    "long_cycles": long_cycles.show,
    "lorenz": lorenz.show,
    "model_error": rounds.show,
    "own_times": own_times.show,
    "rounds": rounds.show,
}
"""Scores of a run → its tables as Markdown, by experiment."""


def main() -> None:
    """Print the tables of every run whose scores are kept."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("name", choices=sorted(SHOW))
    parser.add_argument("folder", nargs="?", type=Path, help="with scores/, if not NAME")
    arguments = parser.parse_args()
    files = scores_in(arguments.folder or HERE / arguments.name)
    if not files:
        sys.exit(f"no scores of {arguments.name} are kept: they come with its next run")
    for name, path in files.items():
        print(f"## {name}\n\n{SHOW[arguments.name](read_scores(path))}")


if __name__ == "__main__":
    main()
