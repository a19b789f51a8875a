"""Tune the LETKF on the validation period, and print the errors of its backgrounds.

Every setting cycles from the same ensemble with the same observations; the second half counts.
A setting that has been run is not run again.

Usage: python -m experiments.letkf.tune RUN [--members 20] [--cycles 30] [--config CONFIG]
"""

from itertools import product
from pathlib import Path

import pandas as pd

from align_da.verification.table_format import to_markdown
from experiments.commands import align_da
from experiments.options import run_options
from experiments.results import only, write_result, write_scores

VARIABLES = ("u", "v", "T", "q", "p_s")
NAMES = ("radius_km", "depth", "inflation", "relaxation")
COARSE = tuple(product((1500.0, 2500.0, 4000.0), (1.0,), (1.0, 1.1), (0.8, 0.95)))
FINE = (
    *product((1000.0, 1500.0), (1.0,), (1.1, 1.2), (0.95,)),
    (1000.0, 0.5, 1.2, 0.95),
    (1500.0, 0.5, 1.1, 0.95),
    (1500.0, 1.0, 1.35, 0.95),
    (1500.0, 1.0, 1.6, 0.95),
    (1500.0, 1.0, 2.0, 0.95),
    (1500.0, 2.0, 1.3, 0.95),
    (2000.0, 1.0, 1.3, 0.95),
    (2000.0, 1.0, 1.6, 0.95),
)
LARGE = ((2000.0, 1.0, 1.6, 0.95), (2500.0, 1.0, 1.6, 0.95))
GRIDS = {20: tuple(dict.fromkeys(COARSE + FINE)), 40: LARGE}


def main() -> None:
    """Run the grid, keep the scores and print them, best wind first."""
    parser = run_options(__doc__, Path(__file__).parent)
    parser.add_argument("--members", type=int, choices=GRIDS, default=20)
    parser.add_argument("--cycles", type=int, default=30)
    arguments = parser.parse_args()
    where = arguments.run, arguments.config
    settings = settings_of(arguments.members, arguments.cycles)
    for name, changes in settings.items():
        align_da(f"cycle --name {name}", *where, [*changes, *arguments.set])
    shown = " ".join(f"--name {name}" for name in settings)
    align_da(f"verify {shown}", *where, [f"verification.forecast_every={arguments.cycles}"])
    rows = pd.read_csv(arguments.run / "report" / "cycle_scores.csv")
    kept = only(rows, product=["background"], variable=VARIABLES, score=["rmse", "spread"])
    name = f"members_{arguments.members}"
    write_scores(arguments.folder, name, kept)
    write_result(arguments.folder, name, result(kept))
    print(show(kept))


def settings_of(members: int, cycles: int) -> dict[str, list[str]]:
    """What every setting of the grid changes, by the name of its cycles."""
    cycling = {"method": "letkf", "split": "validation", "members": members, "cycles": cycles}
    shared = [f"cycle.{key}={value}" for key, value in cycling.items()]
    found = {}
    for values in GRIDS[members]:
        name = f"letkf_{members}_" + "_".join(f"{value:g}" for value in values)
        own = [f"letkf.{key}={value}" for key, value in zip(NAMES, values, strict=True)]
        found[name] = [*own, *shared]
    return found


def result(rows: pd.DataFrame) -> pd.DataFrame:
    """Root mean square error and spread of every setting over the second half of the cycles."""
    dates = sorted(rows["date"].unique())
    later = rows[rows["date"] >= dates[len(dates) // 2]]
    means = later.pivot_table(index="method", columns=["variable", "score"], values="value")
    means.columns = ["_".join(names) for names in means.columns]
    ordered: pd.DataFrame = means.sort_values("u_rmse").reset_index()
    return ordered


def show(rows: pd.DataFrame) -> str:
    """The same for people."""
    return to_markdown(result(rows))


if __name__ == "__main__":
    main()
