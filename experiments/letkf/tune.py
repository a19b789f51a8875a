"""Tune the LETKF on the validation period, and print the errors of its backgrounds.

Every setting cycles from the same ensemble with the same observations; the second half counts.
A setting that has been run is not run again.

Usage: python experiments/letkf/tune.py RUN [--members 20] [--cycles 30] [--config CONFIG]
"""

import argparse
import subprocess
import sys
from itertools import product
from pathlib import Path

import pandas as pd

from align_da.verification.table_format import to_markdown

CONFIG = Path(__file__).parents[1] / "embedded_world" / "config.toml"
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
    """Run the grid and print it, best wind first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--members", type=int, choices=GRIDS, default=20)
    parser.add_argument("--cycles", type=int, default=30)
    parser.add_argument("--config", type=Path, default=CONFIG)
    arguments = parser.parse_args()
    names = []
    for values in GRIDS[arguments.members]:
        setting = dict(zip(NAMES, values, strict=True))
        name = f"letkf_{arguments.members}_" + "_".join(f"{value:g}" for value in values)
        names.append(name)
        changes = {f"letkf.{key}": value for key, value in setting.items()} | {
            "cycle.method": "letkf",
            "cycle.split": "validation",
            "cycle.members": arguments.members,
            "cycle.cycles": arguments.cycles,
        }
        overrides = [
            part for key, value in changes.items() for part in ("--set", f"{key}={value}")
        ]
        align_da(arguments, "cycle", "--name", name, *overrides)
    few_forecasts = ("--set", f"verification.forecast_every={arguments.cycles}")
    shown = [part for name in names for part in ("--name", name)]
    align_da(arguments, "verify", *shown, *few_forecasts)
    rows = pd.read_csv(arguments.run / "report" / "cycle_scores.csv")
    print(to_markdown(mean_scores(rows[rows["product"] == "background"]).reset_index()))


def align_da(arguments: argparse.Namespace, command: str, *options: str) -> None:
    """Run a command, and stop where it fails."""
    program = str(Path(sys.executable).with_name("align-da"))
    where = ["--run", str(arguments.run), "--config", str(arguments.config)]
    code = subprocess.run([program, command, *options, *where], check=False).returncode
    if code:
        sys.exit(code)


def mean_scores(rows: pd.DataFrame) -> pd.DataFrame:
    """Root mean square error and spread of every setting over the second half of the cycles."""
    dates = sorted(rows["date"].unique())
    later = rows[(rows["date"] >= dates[len(dates) // 2]) & rows["score"].isin(["rmse", "spread"])]
    means = later.pivot_table(index="method", columns=["variable", "score"], values="value")
    means.columns = [" ".join(names) for names in means.columns]
    ordered: pd.DataFrame = means.sort_values("u rmse")
    return ordered


if __name__ == "__main__":
    main()
