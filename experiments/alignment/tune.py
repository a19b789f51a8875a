"""Learning rates of gradients and of evolution, on trajectories that nothing else sees.

Usage: python -m experiments.alignment.tune [--worlds NAME ...] [--starts FOLDER]
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from align_da.storage.compiled_programs import use_compilation_cache
from align_da.verification.table_format import to_markdown
from experiments.alignment.aligning import Row, aligned, without_learning
from experiments.alignment.begun import begun_with
from experiments.alignment.learners import EvolutionPlan
from experiments.alignment.run import BURN_IN, CHUNKS, NAMES, ROWS, SCORED, SWITCH, TRAINED
from experiments.alignment.scoring import scores_after
from experiments.alignment.starts import start_of
from experiments.alignment.tables import COLUMNS, CONTROL, MEASURES
from experiments.closed_loop.worlds import WORLDS
from experiments.options import options
from experiments.results import add_result

RATES: Mapping[str, tuple[float, ...]] = {
    CONTROL: (1e-4, 3e-4, 1e-3),
    "forecast CRPS": (1e-4, 3e-4, 1e-3),
    "return of 4 cycles": (1e-4, 3e-4, 1e-3),
    "gains, 4 cycles": (0.01, 0.02, 0.05),
}
_TRAINED, _SCORED = 3_000, 4_000  # first seeds
_CYCLES = 60  # a score over the second two thirds


def main() -> None:
    """Learn with every rate, keep and print what it gives."""
    parser = options(__doc__, Path(__file__).parent)
    parser.add_argument("--worlds", nargs="+", choices=NAMES, default=list(NAMES)[:1])
    parser.add_argument("--starts", type=Path, default=Path("runs/alignment"))
    arguments = parser.parse_args()
    use_compilation_cache()
    for name in arguments.worlds:
        rows = pd.DataFrame(tuned(name, arguments.starts))
        add_result(arguments.folder, "tuning", rows, ["world"])
        print(to_markdown(rows), flush=True)


def tuned(name: str, starts: Path) -> Iterator[dict[str, object]]:
    """Scores of every row and rate."""
    world = WORLDS[name]
    start = start_of(world, NAMES[name], starts)
    trained, scored = (
        begun_with(world, start, tuple(range(first, first + count)), cycles)
        for first, count, cycles in ((_TRAINED, TRAINED, BURN_IN), (_SCORED, SCORED, SWITCH))
    )
    of_start = without_learning(world, start, trained, CHUNKS, 0)
    for row, rates in RATES.items():
        for rate in rates:
            found = aligned(world, start, with_rate(ROWS[row], rate), of_start, 0)
            scores = pd.DataFrame(
                [(row, 0, *one) for one in scores_after(world, found.method, scored, _CYCLES)],
                columns=COLUMNS,
            )
            own = scores[scores["phase"] == "all"]
            means = {name: own[columns].mean().mean() for name, columns in MEASURES.items()}
            yield {"world": name, "row": row, "rate": rate, **means, "stopped": found.stopped}


def with_rate(row: Row, rate: float) -> Row:
    """A row whose plan has another learning rate."""
    plan = row.plan
    if isinstance(plan, EvolutionPlan):
        return replace(row, plan=replace(plan, learning_rate=rate))
    return replace(row, plan=replace(plan, learning_rate=rate))


if __name__ == "__main__":
    main()
