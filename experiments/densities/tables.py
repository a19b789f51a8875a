"""Errors by density and noise of the observations, and steps between them, from scores by date."""

from itertools import pairwise

import pandas as pd

from align_da.config import Config, load_config
from align_da.verification.table_format import to_markdown
from experiments.options import CONFIG
from experiments.score_tables import summarised

DENSITIES = (0.01, 0.02, 0.05, 0.1)
NOISES = (0.5, 1.0, 2.0)
VARIABLES = ("u", "T", "q", "p_s")


def result(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean RMSE of every method, variable, density and noise."""
    keys = ["variable", "noise", "method", "density"]
    return rows.groupby(keys, sort=False)["value"].mean().rename("rmse").reset_index()


def show(rows: pd.DataFrame) -> str:
    """Errors of every variable, and what a step in density or noise does to them."""
    tables = [_table_of(rows, variable) for variable in VARIABLES]
    text = "Steps to better observations with significantly less error (and with more)"
    return "\n".join([*tables, f"### {text}\n\n{_table_of_steps(steps(rows))}"])


def _table_of(rows: pd.DataFrame, variable: str) -> str:
    chosen = rows[rows["variable"] == variable]
    table = chosen.pivot_table(
        index=["noise", "method"], columns="density", values="value", sort=False
    )
    cells = to_markdown(table.map("{:.4g}".format).reset_index())
    return f"### RMSE of {variable}, SI units\n\n{cells}"


def _table_of_steps(found: pd.DataFrame) -> str:
    text = found["better"].astype(str) + " / " + found["steps"].astype(str)
    worse = found["worse"].map(lambda count: f" ({count} worse)" if count else "")
    wide = found.assign(text=text + worse).pivot_table(
        index="method", columns="variable", values="text", aggfunc="first", sort=False
    )
    return to_markdown(wide.reset_index())


def steps(errors: pd.DataFrame) -> pd.DataFrame:
    """For every method and variable, how many steps to better observations lower the error.

    A step counts where the interval of the paired difference excludes zero.
    """
    better = [
        *(((low, noise), (high, noise)) for noise in NOISES for low, high in pairwise(DENSITIES)),
        *(((d, worse), (d, less)) for d in DENSITIES for less, worse in pairwise(NOISES)),
    ]
    config, found = load_config(CONFIG), []
    for (method, variable), own in errors.groupby(["method", "variable"], sort=False):
        verdicts = [_verdict(own, before, after, config) for before, after in better]
        counts = {"better": verdicts.count("better"), "worse": verdicts.count("worse")}
        row = {"method": method, "variable": variable, "steps": len(better)}
        found.append(row | counts)
    return pd.DataFrame(found)


def _verdict(
    errors: pd.DataFrame, before: tuple[float, float], after: tuple[float, float], config: Config
) -> str:
    """Whether one method is better, worse or neither in the second setting."""
    pair = []
    for name, (density, noise) in (("before", before), ("after", after)):
        chosen = errors[(errors["density"] == density) & (errors["noise"] == noise)]
        pair.append(chosen.assign(method=name))
    summary = summarised(pd.concat(pair), "before", config)
    return str(summary.set_index("method").loc["after", "verdict"])
