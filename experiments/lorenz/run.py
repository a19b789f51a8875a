"""The classical peers on the two Lorenz models, beside the scores that others have published.

Usage: python -m experiments.lorenz.run [--seeds 4] [--cycles 5000]
"""

from collections.abc import Iterator
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pandas as pd

from align_da.cycling.twin_experiment import TwinExperiment, TwinResult, run_twins
from align_da.parallel.progress import progress_bar
from align_da.verification.ensemble_scores import fair_crps
from experiments.lorenz.settings import MODELS, Entry, Setting, planned
from experiments.lorenz.tables import BLOCK, result, show
from experiments.options import options
from experiments.results import write_result, write_scores

WINDOW_HOURS = 6
COLUMNS = ["model", "method", "members", "seed", "block", "rmse", "spread", "crps"]


def scores(result: TwinResult, burn_in: int) -> Iterator[tuple[int, int, float, float, float]]:
    """Seed, block of cycles after the burn-in, and means over it: RMSE, spread and fair CRPS."""
    truth, analysis = result.truth[burn_in:], result.analysis[burn_in:]
    space = (-3, -2, -1)
    error = np.sqrt(((analysis.mean(axis=2) - truth) ** 2).mean(axis=space))
    single = analysis.shape[2] == 1
    variance = 0 * error if single else analysis.var(axis=2, ddof=1).mean(axis=space)
    crps = fair_crps(np.moveaxis(analysis, 2, 0), truth, centred=True).mean(axis=space)
    of_cycles = np.stack([error, np.sqrt(variance), crps])
    blocks = of_cycles.reshape(3, -1, BLOCK, error.shape[1]).mean(axis=2)
    for block, seed in np.ndindex(blocks.shape[1:]):
        yield (seed, block, *blocks[:, block, seed].tolist())


def twins_of(setting: Setting, entry: Entry, cycles: int) -> TwinExperiment:
    """So many cycles of a method after the burn-in."""
    return TwinExperiment(
        model=setting.model,
        method=entry.method,
        planned=planned(setting),
        initial=jnp.reshape(jnp.asarray(setting.initial), setting.model.layout.shape),
        initial_std=setting.initial_variance**0.5,
        members=entry.members,
        cycles=cycles + setting.burn_in,
        window_hours=WINDOW_HOURS,
    )


def scored(seeds: tuple[int, ...], cycles: int) -> Iterator[tuple[object, ...]]:
    """Rows of scores of every model and method."""
    for name, (setting, entries) in MODELS.items():
        for entry in entries():
            twins = twins_of(setting, entry, cycles)
            found = run_twins(twins, seeds, progress_bar())
            for row in scores(found, setting.burn_in):
                yield (name, entry.label, entry.members, *row)


def main() -> None:
    """Cycle, keep the scores, write and print the table."""
    parser = options(__doc__, Path(__file__).parent)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--cycles", type=int, default=5000, help=f"a multiple of {BLOCK}")
    arguments = parser.parse_args()
    rows = pd.DataFrame(scored(tuple(range(arguments.seeds)), arguments.cycles), columns=COLUMNS)
    write_scores(arguments.folder, "peers", rows)
    write_result(arguments.folder, "peers", result(rows))
    print(show(rows))


if __name__ == "__main__":
    main()
