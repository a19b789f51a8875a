"""Does alignment by rewards give more than continued training of the same network at equal cost?

Every row goes on from a network that was trained in its own cycles (`experiments.closed_loop`),
and is scored on truths and observation errors that no training and no choice has seen. Rows that
are asked for take the place of their older selves; without `--rows` all are made.

Usage: python -m experiments.alignment.run [--worlds NAME ...] [--rows NAME ...] [--seeds 0 1 2]
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from align_da.alignment.gains import GainedAnalysis
from align_da.alignment.hacking_monitor import HackingMonitor
from align_da.storage.compiled_programs import use_compilation_cache
from align_da.training.plan import TrainingPlan
from experiments.alignment.aligning import Aligned, Row, aligned, without_learning
from experiments.alignment.begun import begun_with
from experiments.alignment.futures import REWARDED
from experiments.alignment.learners import BATCH, EvolutionPlan, named
from experiments.alignment.rewards import Reward
from experiments.alignment.scoring import scores_after
from experiments.alignment.starts import start_of
from experiments.alignment.tables import COLUMNS, CONTROL, REFERENCE, result, show
from experiments.closed_loop.learning import SEEDS
from experiments.closed_loop.worlds import WORLDS
from experiments.options import options
from experiments.results import add_result, read_scores, scores_in, write_result, write_scores

NAMES: Mapping[str, str] = {
    "model error, 20 members": "model_error",
    "published, 20 members": "published",
}
"""World → name of its scores."""
CHUNKS = 8  # in which rows go on
TRAINED, BURN_IN = 64, 80  # trajectories that are learned from, and cycles before
SCORED, SWITCH = 48, 80  # trajectories that are scored, and cycles before the switch
_FIRST_SCORED, _APART = 1_000, 100  # seeds of their truths, and between those of two trainings
_AFTER_START = 1_000  # seeds of trajectories after those that the start has learned from


def _plan(steps: int, learning_rate: float) -> TrainingPlan:
    """As the start was trained, at a lower learning rate."""
    return TrainingPlan(
        steps=CHUNKS * steps,
        batch_size=BATCH,
        learning_rate=learning_rate,
        warm_up_steps=steps // 2,
        weight_decay=1e-3,
        gradient_clip=1.0,
        ema_decay=0.99,
        validate_every=steps,
        early_stopping=False,
        patience=1,
    )


_CASES, _CHAIN = _plan(40, 4e-5), _plan(4, 2e-4)
_OF_ONE, _OF_FOUR, _OF_TWELVE = (
    EvolutionPlan(generations, pairs=4, radius=0.05, learning_rate=rate)
    for generations, rate in ((6, 0.02), (2, 0.03), (1, 0.05))
)
_MONITOR = HackingMonitor("forecast CRPS", ("held-out lead", "analysis CRPS", "spread"))
_OF_ERROR = HackingMonitor("forecast error", _MONITOR.held_out)
_ANALYSIS, _NULL = Reward("analysis"), Reward("squared")
_CRPS, _SQUARED = Reward("crps", REWARDED), Reward("squared", REWARDED)
_HELD = Reward("squared", REWARDED, holds_spread=True)

ROWS: Mapping[str, Row] = {
    CONTROL: Row(_ANALYSIS, _CASES),
    "null: distance of the analysis": Row(_NULL, _CASES),
    "null: CRPS of the analysis": Row(Reward("crps"), _CASES),
    "forecast CRPS": Row(_CRPS, _CASES, monitor=_MONITOR),
    "forecast error": Row(_SQUARED, _CASES, monitor=_OF_ERROR),
    "forecast error, spread held": Row(_HELD, _CASES, monitor=_OF_ERROR),
    "null: distance, spread held": Row(Reward("squared", holds_spread=True), _CASES),
    "forecast CRPS and analysis": Row(Reward("crps", (0, *REWARDED)), _CASES),
    "forecasts seen by observations": Row(Reward("observed", REWARDED), _CASES),
    "supervised on winners": Row(Reward("winners", (0, *REWARDED)), _CASES),
    "return of 4 cycles": Row(_CRPS, _CHAIN, cycles=4, monitor=_MONITOR),
    "gains, 1 cycle": Row(_CRPS, _OF_ONE, cycles=1),
    "gains, 4 cycles": Row(_CRPS, _OF_FOUR, cycles=4),
    "gains, 12 cycles": Row(_CRPS, _OF_TWELVE, cycles=12),
    "gains, null, 4 cycles": Row(_NULL, _OF_FOUR, cycles=4),
}


def main() -> None:
    """Learn, cycle, keep the scores, write and print the tables."""
    arguments = _arguments()
    use_compilation_cache()
    for name in arguments.worlds:
        world, file = WORLDS[name], NAMES[name]
        start = start_of(world, file, arguments.starts)
        for seed in arguments.seeds:
            first = SEEDS * (1 + seed) + _AFTER_START
            trained = begun_with(world, start, tuple(range(first, first + TRAINED)), BURN_IN)
            of_start = without_learning(world, start, trained, CHUNKS, seed)
            first = _FIRST_SCORED + _APART * seed
            scored = begun_with(world, start, tuple(range(first, first + SCORED)), SWITCH)
            for row in arguments.rows:
                found = (
                    Aligned(start)
                    if row == REFERENCE
                    else aligned(world, start, ROWS[row], of_start, seed)
                )
                new = [
                    (row, seed, *scores) for scores in scores_after(world, found.method, scored)
                ]
                _keep(arguments.folder, file, pd.DataFrame(new, columns=COLUMNS))
                _keep_training(arguments.folder, file, row, seed, found)
        print(show(read_scores(scores_in(arguments.folder)[file])), flush=True)


def _arguments() -> argparse.Namespace:
    parser = options(__doc__, Path(__file__).parent)
    every = [REFERENCE, *ROWS]
    parser.add_argument("--worlds", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--rows", nargs="+", choices=every, default=every)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--starts", type=Path, default=Path("runs/alignment"))
    return parser.parse_args()


def _keep(folder: Path, name: str, new: pd.DataFrame) -> None:
    """Scores of a world with the new ones in place of those of the same row and seed; written."""
    known = scores_in(folder).get(name)
    rows = new
    if known is not None:
        old = read_scores(known)
        same = [old[column].isin(new[column]) for column in ("row", "seed")]
        rows = pd.concat([old[~np.logical_and.reduce(same)], new], ignore_index=True)
    write_scores(folder, name, rows)
    if (rows["row"] == CONTROL).any():
        write_result(folder, name, result(rows))


def _keep_training(folder: Path, world: str, row: str, seed: int, found: Aligned) -> None:
    """Cost and looks of a training."""
    keys = {"world": world, "row": row, "seed": seed}
    cost = {**keys, "seconds": found.seconds, "stopped": found.stopped, "rounds": len(found.looks)}
    add_result(folder, "trainings", pd.DataFrame([cost]), [*keys])
    if isinstance(found.method, GainedAnalysis):
        gains = pd.DataFrame([{**keys, **named(found.method.gains)}])
        add_result(folder, "gains", gains, [*keys])
    looks = [{**keys, "round": number, **look} for number, look in enumerate(found.looks)]
    if looks:
        add_result(folder, "looks", pd.DataFrame(looks), [*keys])


if __name__ == "__main__":
    main()
