"""Does a correction of analyses that is learned in cycles of its own better a tuned filter?

Every row is scored on the same truths and observation errors, which no training and no tuning has
seen. Rows that are asked for take the place of their older selves; without `--rows` all are made.

Usage: python -m experiments.closed_loop.run [--worlds NAME ...] [--rows NAME ...] [--seeds 4]
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Array, Float

from align_da.assimilation.contract import Analysis
from align_da.cycling.twin_experiment import TwinCycle, twin_cycles
from align_da.parallel.progress import progress_bar
from align_da.storage.compiled_programs import use_compilation_cache
from align_da.training.centred_crps import centred_crps
from experiments.closed_loop.learning import Recipe, learned
from experiments.closed_loop.tables import COLUMNS, FILTER, result, show
from experiments.closed_loop.withheld import Withheld
from experiments.closed_loop.worlds import WORLDS, World
from experiments.options import options
from experiments.results import read_scores, scores_in, write_result, write_scores

TRAJECTORIES = 48
BURN_IN, CYCLES = 50, 200
FIRST = 500  # seeds of the truths that are scored


@dataclass(frozen=True)
class Row:
    """A recipe, and the shares of its correction that are tried in cycles."""

    recipe: Recipe
    shares: tuple[float, ...] = (1.0,)


_WITHHELD = Withheld(0.4, anywhere=True)  # of the shares that were tried the best, see README
_BEFORE = ("background", "spread", "gradient")
ROWS: Mapping[str, Row] = {
    "own cycles": Row(Recipe(), (0.5, 1.0)),
    "off-policy": Row(Recipe(own_cycles=False), (0.3, 0.5, 1.0)),
    "own cycles, spread too": Row(Recipe(scales_spread=True)),
    "own cycles, background alone": Row(Recipe(("background",))),
    "off-policy, background alone": Row(Recipe(("background",), own_cycles=False), (0.3, 1.0)),
    "own cycles, background, spread": Row(Recipe(("background", "spread"))),
    "own cycles, background, gradient": Row(Recipe(("background", "gradient"))),
    "own cycles, background, increment": Row(Recipe(("background", "increment"))),
    "own cycles, before the analysis": Row(Recipe(_BEFORE, acts="before")),
    "own cycles, withheld observations": Row(Recipe(withheld=_WITHHELD)),
    "own cycles, spread too, withheld observations": Row(
        Recipe(scales_spread=True, withheld=_WITHHELD)
    ),
    "own cycles, a quarter of the data": Row(Recipe(chunks=15)),
    "own cycles, a quarter of the data, withheld observations": Row(
        Recipe(chunks=15, withheld=_WITHHELD)
    ),
    "own cycles, four times the data": Row(Recipe(chunks=240)),
}


def main() -> None:
    """Learn, cycle, keep the scores, write and print the table."""
    parser = options(__doc__, Path(__file__).parent)
    parser.add_argument("--worlds", nargs="+", choices=WORLDS, default=list(WORLDS)[:1])
    parser.add_argument("--rows", nargs="+", choices=[FILTER, *ROWS], default=[FILTER, *ROWS])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3])
    arguments = parser.parse_args()
    use_compilation_cache()
    for world in arguments.worlds:
        for row in arguments.rows:
            for seed in arguments.seeds if row != FILTER else [0]:
                new = pd.DataFrame(scored(world, row, seed), columns=COLUMNS)
                rows = kept_with(arguments.folder, new)
                print(show(rows), flush=True)


def kept_with(folder: Path, new: pd.DataFrame) -> pd.DataFrame:
    """All scores, the new ones in place of those of the same world, row and seed; written."""
    known = scores_in(folder).get("trajectories")
    rows = new
    if known is not None:
        old = read_scores(known)
        same = [old[name].isin(new[name]) for name in ("world", "row", "seed")]
        rows = pd.concat([old[~np.logical_and.reduce(same)], new], ignore_index=True)
    write_scores(folder, "trajectories", rows)
    write_result(folder, "gains", result(rows))
    return rows


def scored(name: str, row: str, seed: int) -> Iterator[tuple[object, ...]]:
    """Scores of every trajectory of a row, and of every share of it that is tried."""
    world = WORLDS[name]
    if row == FILTER:
        yield from _of_trajectories(name, row, seed, 1.0, world, world.letkf(world.tuned))
        return
    method = learned(world, ROWS[row].recipe, seed)
    for share in ROWS[row].shares:
        acting = replace(method, share=share)
        yield from _of_trajectories(name, row, seed, share, world, acting)


def _of_trajectories(
    name: str, row: str, seed: int, share: float, world: World, method: Analysis
) -> Iterator[tuple[object, ...]]:
    seeds = tuple(range(FIRST, FIRST + TRAJECTORIES))
    cycles = twin_cycles(world.twins(method, CYCLES), seeds, scores_of, progress_bar())
    kept = np.stack([np.stack(one) for one in cycles][BURN_IN:])
    means = kept.mean(axis=0)
    for trajectory in range(TRAJECTORIES):
        yield (name, row, seed, share, trajectory, *means[:, trajectory].tolist())


def scores_of(cycle: TwinCycle) -> tuple[Float[Array, ""], ...]:
    """RMSE of background and analysis, spread, and CRPS as independent draws would have it."""
    error = cycle.analysis.mean(axis=0) - cycle.truth
    before = cycle.background.mean(axis=0) - cycle.truth
    spread = cycle.analysis.std(axis=0, ddof=1)
    return (
        jnp.sqrt(jnp.mean(error**2)),
        jnp.sqrt(jnp.mean(before**2)),
        jnp.sqrt(jnp.mean(spread**2)),
        jnp.mean(centred_crps(cycle.analysis, cycle.truth)),
    )


if __name__ == "__main__":
    main()
