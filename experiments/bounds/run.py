"""Cycles of a LETKF whose analyses keep to physical limits in one way or another, as Markdown.

Makes a short piece of the embedded world (config.toml beside this file) and cycles in it with
humidity as the filter leaves it ("none"), clipped, and moved with its ensemble mean conserved.
What has been made is not made again.

Usage: python -m experiments.bounds.run RUN [--set section.key=value]
"""

from pathlib import Path

import pandas as pd

from align_da.assimilation.physical_bounds import within_physical_bounds
from align_da.config import load_config
from align_da.runs.run import Run, open_run
from align_da.storage.gridded import read_times
from align_da.storage.stored_cycles import open_cycles
from align_da.verification.table_format import to_markdown
from experiments.commands import align_da
from experiments.options import run_options
from experiments.results import only, write_result, write_scores
from experiments.score_tables import by_method, summarised

HERE = Path(__file__).parent
CONFIG = HERE / "config.toml"
BOUNDS = ("none", "clip", "conserve_mean")
VARIABLES = ("u", "T", "q", "p_s")
PRODUCTS = ("background", "analysis")
SCORES = ("rmse", "bias", "crps", "spread")
_LATER = 3  # the first third of the cycles is the way of the ensemble to the truth


def main() -> None:
    """Make the world, cycle, verify, and keep and print scores."""
    parser = run_options(__doc__, HERE)
    parser.set_defaults(config=CONFIG)
    arguments = parser.parse_args()
    run, config, changes = arguments.run, arguments.config, arguments.set
    align_da("data truth", run, config, changes)
    align_da("data backgrounds --workers 1", run, config, changes)
    for bounds in BOUNDS:
        align_da(
            f"cycle --name {bounds}", run, config, [f"cycle.physical_bounds={bounds}", *changes]
        )
    named = " ".join(f"--name {bounds}" for bounds in BOUNDS)
    align_da(f"verify {named}", run, config, changes)
    rows = later_scores(run)
    write_scores(arguments.folder, "letkf", rows)
    write_result(arguments.folder, "letkf", result(rows))
    moved = moved_by_bounds(open_run(load_config(config, changes), run))
    write_result(arguments.folder, "moved", moved)
    print(f"{show(rows)}\n\n{to_markdown(moved)}")


def later_scores(run: Path) -> pd.DataFrame:
    """Scores by date of the cycles that count."""
    rows = pd.read_csv(run / "report" / "cycle_scores.csv")
    kept = only(rows, product=PRODUCTS, variable=VARIABLES, score=SCORES)
    dates = sorted(kept["date"].unique())
    later: pd.DataFrame = kept[kept["date"] >= dates[len(dates) // _LATER]]
    return later


def result(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean of every score, and its gain over analyses as the filter leaves them."""
    return summarised(rows, BOUNDS[0], load_config(CONFIG))


def show(rows: pd.DataFrame) -> str:
    """RMSE, bias, CRPS and spread of analyses."""
    summary = result(rows)
    tables = [f"### {score}\n\n{by_method(summary, score, 'analysis')}" for score in SCORES]
    return "\n\n".join(tables)


def moved_by_bounds(run: Run) -> pd.DataFrame:
    """What lay beyond limits, mean over cycles, and how many members were replaced.

    The row of the truth says what clipping it would move and add.
    """
    rows = []
    for bounds in BOUNDS:
        told = open_cycles(run.folder.cycles(bounds), "diagnostics").load()
        share, water = float(told["beyond_limits"].mean()), float(told["water_added"].mean())
        rows.append((bounds, 100 * share, water, int(told["replaced_members"][-1])))
    truth = read_times(run.truth, run.layout, told["time"].to_numpy())
    _, moved = within_physical_bounds(truth, "clip")
    rows.append(("truth", 100 * moved.share, moved.water_added, 0))
    names = ["method", "percent moved", "water added, kg m-2", "members replaced"]
    return pd.DataFrame(rows, columns=names)


if __name__ == "__main__":
    main()
