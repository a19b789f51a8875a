"""Tune the filter of every world: radius, inflation, relaxation, on seeds that nothing else sees.

Usage: python -m experiments.closed_loop.tune [--worlds NAME ...]
"""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from align_da.cycling.twin_experiment import twin_cycles
from align_da.storage.compiled_programs import use_compilation_cache
from align_da.verification.table_format import to_markdown
from experiments.closed_loop.run import BURN_IN, scores_of
from experiments.closed_loop.worlds import WORLDS, Filter
from experiments.options import options
from experiments.results import add_result

RADII = (2.0, 2.5, 3.0, 4.5, 7.0)
INFLATIONS = ((1.02, 0.0), (1.05, 0.0), (1.1, 0.0), (1.0, 0.25))
FIRST, TRAJECTORIES, CYCLES = 100, 32, 150


def main() -> None:
    """Cycle every setting, keep and print the RMSE of its analyses."""
    parser = options(__doc__, Path(__file__).parent)
    parser.add_argument("--worlds", nargs="+", choices=WORLDS, default=list(WORLDS))
    arguments = parser.parse_args()
    use_compilation_cache()
    for name in arguments.worlds:
        rows = pd.DataFrame(
            [
                (name, radius, *given, rmse_of(name, Filter(radius, *given)))
                for radius, given in product(RADII, INFLATIONS)
            ],
            columns=["world", "radius", "inflation", "relaxation", "rmse"],
        )
        add_result(arguments.folder, "tuning", rows, ["world"])
        print(to_markdown(rows.sort_values("rmse").head(8)), flush=True)


def rmse_of(name: str, settings: Filter) -> float:
    """Mean over cycles and trajectories of the RMSE of the analysis; NaN where one diverges."""
    world, seeds = WORLDS[name], tuple(range(FIRST, FIRST + TRAJECTORIES))
    cycles = list(twin_cycles(world.twins(world.letkf(settings), CYCLES), seeds, scores_of))
    return float(np.mean([np.mean(one[0]) for one in cycles[BURN_IN:]]))


if __name__ == "__main__":
    main()
