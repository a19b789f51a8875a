"""Single analyses with more and fewer, better and worse observations, as Markdown.

The error of an analysis must fall with the density of the observations and rise with their noise:
where it does not, the likelihood is badly scaled (as that of DPS in Align-DA, arXiv:2505.22008,
tables 5 and 6). A setting that has been run is not run again.

Usage: python experiments/densities/run.py RUN [--config CONFIG] [--jobs 1] [--set ...]
"""

import argparse
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise, product
from pathlib import Path

import pandas as pd

from align_da.config import Config, load_config
from align_da.keys import Purpose, key_for
from align_da.runs.run import bootstrap_of
from align_da.verification.score_table import summarise_scores
from align_da.verification.table_format import to_markdown

CONFIG = Path(__file__).parents[1] / "embedded_world" / "config.toml"
DENSITIES = (0.01, 0.02, 0.05, 0.1)
NOISES = (0.5, 1.0, 2.0)
METHODS = (
    "benchmark.peers=['latent_three_d_var']",
    "benchmark.guidance=['dps','jfps']",
    "benchmark.priors=['reference']",
    "benchmark.controls=[]",
)
VARIABLES = ("u", "T", "q", "p_s")


def main() -> None:
    """Run every setting and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--jobs", type=int, default=1, help="settings at a time")
    parser.add_argument("--set", action="append", default=[])
    arguments = parser.parse_args()
    config = load_config(arguments.config, arguments.set)
    settings = list(product(DENSITIES, NOISES))

    def run(setting: tuple[float, float]) -> None:
        name, changes = name_of(*setting), [*METHODS, *arguments.set, *changed(config, *setting)]
        if not (arguments.run / "report/benchmark" / f"{name}_rows.csv").exists():
            command = f"{Path(sys.executable).with_name('align-da')} benchmark --name {name}"
            where = ["--run", str(arguments.run), "--config", str(arguments.config)]
            given = [part for change in changes for part in ("--set", change)]
            subprocess.run([*command.split(), *where, *given], check=True)

    with ThreadPoolExecutor(arguments.jobs) as pool:
        list(pool.map(run, settings))
    rows = pd.concat([read_rows(arguments.run, *setting) for setting in settings])
    print_tables(rows, config)


def name_of(density: float, noise: float) -> str:
    """The name of the benchmark of a setting."""
    return f"density_{100 * density:g}_noise_{noise:g}"


def changed(config: Config, density: float, noise: float) -> list[str]:
    """A setting of the network as overrides."""
    errors = [
        f"observations.{name}={noise * value!r}"
        for name, value in config.observations
        if name.endswith("_error")
    ]
    return [f"observations.density={density}", *errors]


def read_rows(run: Path, density: float, noise: float) -> pd.DataFrame:
    """The scores of the analyses of a setting."""
    rows = pd.read_csv(run / "report/benchmark" / f"{name_of(density, noise)}_rows.csv")
    return rows[rows["product"] == "analysis"].assign(density=density, noise=noise)


def print_tables(rows: pd.DataFrame, config: Config) -> None:
    """Errors of every variable by density, and what a step in density or noise does to them."""
    errors = rows[rows["score"] == "rmse"]
    for variable in VARIABLES:
        chosen = errors[errors["variable"] == variable]
        table = chosen.pivot_table(
            index=["noise", "method"], columns="density", values="value", sort=False
        )
        print(f"\n### RMSE of {variable}, SI units\n")
        print(to_markdown(table.map("{:.4g}".format).reset_index()))
    print("\n### Steps to better observations with significantly less error (and with more)\n")
    print(to_markdown(steps(errors, config)))


def steps(errors: pd.DataFrame, config: Config) -> pd.DataFrame:
    """For every method and variable, how many steps to better observations lower the error.

    A step counts where the interval of the paired difference excludes zero.
    """
    better = [
        *(((low, noise), (high, noise)) for noise in NOISES for low, high in pairwise(DENSITIES)),
        *(((d, worse), (d, less)) for d in DENSITIES for less, worse in pairwise(NOISES)),
    ]
    found = []
    for method in dict.fromkeys(errors["method"]):
        row = {"method": method}
        for variable in VARIABLES:
            own = errors[(errors["method"] == method) & (errors["variable"] == variable)]
            verdicts = [verdict_of(own, before, after, config) for before, after in better]
            row[variable] = f"{verdicts.count('better')} / {len(better)}"
            if "worse" in verdicts:
                row[variable] += f" ({verdicts.count('worse')} worse)"
        found.append(row)
    return pd.DataFrame(found)


def verdict_of(
    errors: pd.DataFrame, before: tuple[float, float], after: tuple[float, float], config: Config
) -> str:
    """Whether one method is better, worse or neither in the second setting."""
    pair = []
    for name, (density, noise) in (("before", before), ("after", after)):
        chosen = errors[(errors["density"] == density) & (errors["noise"] == noise)]
        pair.append(chosen.assign(method=name))
    key = key_for(config.seed, Purpose.VERIFICATION)
    summary = summarise_scores(pd.concat(pair), "before", bootstrap_of(config), key)
    return str(summary.set_index("method").loc["after", "verdict"])


if __name__ == "__main__":
    main()
