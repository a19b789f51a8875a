"""What the rounds of an atmospheric run have met: errors, spread, and what of them was explained.

Of every round and cycle of its segments, the root mean square of the error of the analysis before
it was corrected and of the spread, in standard deviations of the states, all levels alike; and of
every round the share of the squared error that its network leaves, on segments of training and of
validation.

Usage: python -m experiments.closed_loop.rounds RUN
"""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float

from align_da.atmosphere import Layout
from align_da.config import load_config
from align_da.runs.run import Run, open_run
from align_da.storage.met_cycles import read_met
from align_da.verification.scores import area_mean
from align_da.verification.table_format import to_markdown
from experiments.options import run_options
from experiments.results import write_result

_TOLD = ("error", "spread")
SPLITS = ("train", "validation")
_HISTORY = "{split}_unexplained_{variable}"


def main() -> None:
    """Write both tables and print them."""
    arguments = run_options(__doc__, Path(__file__).parent).parse_args()
    run = open_run(load_config(arguments.config, arguments.set), arguments.run)
    met = pd.DataFrame(errors_of_rounds(run))
    write_result(arguments.folder, "rounds", met)
    left = pd.DataFrame(unexplained_of_rounds(run))
    write_result(arguments.folder, "unexplained", left)
    print(show(met, "error"), show(met, "spread_over_error"), to_markdown(left), sep="\n\n")


def rounds_done(run: Run) -> int:
    """How many rounds have ended, with their training."""
    return next(number for number in itertools.count() if not _history(run, number).exists())


def _history(run: Run, number: int) -> Path:
    return run.folder.report / f"loss_correction_{number}.jsonl"


def errors_of_rounds(run: Run) -> Iterator[dict[str, object]]:
    """A row a round, split, cycle and variable."""
    for number in range(rounds_done(run)):
        for split in SPLITS:
            yield from _errors_of(run, number, split)


def _errors_of(run: Run, number: int, split: str) -> Iterator[dict[str, object]]:
    """A row a cycle and variable."""
    dataset = read_met(run.folder.closed_loop(number, split), _TOLD)
    segments = dataset.sizes["segment"]
    square = {name: _squares(dataset[name].to_numpy(), run.layout) for name in _TOLD}
    for variable in run.layout.variables:
        error, spread = (
            np.sqrt(square[name][variable].reshape(segments, -1).mean(axis=0)) for name in _TOLD
        )
        for cycle, (one, wide) in enumerate(zip(error, spread, strict=True)):
            yield {
                "round": number,
                "split": split,
                "cycle": number * error.size + cycle + 1,
                "variable": variable,
                "error": one,
                "spread_over_error": wide / one,
            }


def _squares(
    fields: Float[np.ndarray, "cycle lat lon channel"], layout: Layout
) -> dict[str, Float[np.ndarray, " cycle"]]:
    """Mean squares of every variable over the globe and its levels."""
    by_channel = area_mean(np.square(fields, dtype=np.float64), layout.grid)
    return {
        name: by_channel[:, layout.channels_of(name)].mean(axis=1) for name in layout.variables
    }


def unexplained_of_rounds(run: Run) -> Iterator[dict[str, object]]:
    """A row a round: what its network leaves of squared errors, before its training and after."""
    for number in range(rounds_done(run)):
        rows = [json.loads(line) for line in _history(run, number).read_text().splitlines()]
        best = min(rows, key=lambda row: row["validation_loss"])
        for name, row in (("before", rows[0]), ("after", best)):
            yield {
                "round": number,
                "training": name,
                **{
                    variable: row[_HISTORY.format(split="validation", variable=variable)]
                    for variable in run.layout.variables
                },
            }


def show(rows: pd.DataFrame, column: str) -> str:
    """A row a round, the mean over the cycles of training segments."""
    chosen = rows[rows["split"] == "train"]
    wide = chosen.pivot_table(index="round", columns="variable", values=column, sort=False)
    return to_markdown(wide.map("{:.3f}".format).reset_index())


if __name__ == "__main__":
    main()
