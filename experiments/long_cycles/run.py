"""Does a cycle go on for more than a year? Time, memory and errors of every cycle, as Markdown.

Filters, latent 3D-Var and Align-DA cycle over the training period of a run, which is the longest,
with the driver and the store of `align-da cycle` (11 MB a cycle for 20 members). A run that was
ended goes on when the command is given again; times and memory are those of the last process.

Usage: python -m experiments.long_cycles.run RUN [--cycles 1500] [--members 20] [--methods letkf]
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from align_da.config import Config, load_config
from align_da.cycling import driver
from align_da.runs.run import open_run
from align_da.stages.run_cycles import run_cycles
from align_da.storage.compiled_programs import use_compilation_cache
from align_da.storage.run_folder import RunFolder
from align_da.storage.stored_cycles import open_cycles
from align_da.verification.table_format import to_markdown
from align_da.verification.verified_fields import default_fields
from align_da.verification.verify_cycles import verify_cycles
from experiments.embedded_world.stages import FILTER_40, SHIPPED
from experiments.options import run_options
from experiments.results import add_result, read_result, write_result

_BOUNDED = ("cycle.physical_bounds=clip", "cycle.replacement.share=0.5")
_HYBRID = ("cycle.method=hybrid_gain", "hybrid_gain.share=0.8", "three_d_var.tolerance=0.1")
_UNCORRECTED = ("cycle.correction_share=0", "cycle.model_error_share=0")
METHODS = {
    "letkf": ("cycle.method=letkf",),
    "latent_3d_var": ("cycle.method=latent_three_d_var",),
    "letkf_40": (*_BOUNDED, *_UNCORRECTED, *FILTER_40.replace("--set ", "").split()),
    "hybrid_gain": (*_HYBRID, *_BOUNDED, *_UNCORRECTED),
    "align_da": (*_HYBRID, *_BOUNDED, *SHIPPED["learned_20"].replace("--set ", "").split()),
}
"""Settings of every method; Align-DA is the hybrid gain with both corrections that are shipped."""
VARIABLES = ("u", "T", "q", "p_s")
_WRITE = "write_cycle"  # what the driver calls when a cycle is done
_COMPILING = 2  # cycles that are not counted


def main() -> None:
    """Cycle with every method, keep what was measured of each cycle, and print the tables."""
    parser = run_options(__doc__, Path(__file__).parent)
    parser.add_argument("--cycles", type=int, default=1500)
    parser.add_argument("--members", type=int, default=20)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    arguments = parser.parse_args()
    use_compilation_cache()
    for name in arguments.methods:
        length = (f"cycle.cycles={arguments.cycles}", f"cycle.members={arguments.members}")
        changes = ("cycle.split=train", *length, *METHODS[name], *arguments.set)
        config = load_config(arguments.config, changes)
        rows = measured(config, arguments.run, f"long_{name}").assign(method=name)
        add_result(arguments.folder, "by_cycle", rows, ["method"])
    table = by_quarter(read_result(arguments.folder / "results" / "by_cycle.csv"))
    write_result(arguments.folder, "quarters", table)
    write_result(arguments.folder, "drift", drift(table))
    print(f"{to_markdown(table)}\n{to_markdown(drift(table))}")


def measured(config: Config, folder: Path, name: str) -> pd.DataFrame:
    """Cycle to the end; a row a cycle: seconds, megabytes, errors of backgrounds, replacements."""
    with noted_costs() as costs:
        code = run_cycles(config, folder, name)
    if code:  # a signal ended the cycle: the same command goes on from there
        sys.exit(code)
    path = RunFolder(folder).cycles(name)
    background, told = open_cycles(path, "background"), open_cycles(path, "diagnostics").load()
    count = background.sizes["time"]
    first = count - len(costs)
    run = open_run(config, folder)
    fields = [field for field in default_fields(run.layout) if field.label in VARIABLES]
    scores = verify_cycles({"background": background}, run.truth, name, fields)
    rmse = scores[scores["score"] == "rmse"].pivot(
        index="date", columns="variable", values="value"
    )
    rows = rmse.reset_index(drop=True).rename_axis(columns=None)
    rows.insert(0, "cycle", np.arange(count))
    rows["replaced_members"] = told["replaced_members"].to_numpy()
    seconds, megabytes = (np.full(count, np.nan) for _ in range(2))
    seconds[first + 1 :] = np.diff([end for end, _ in costs])
    megabytes[first:] = [size for _, size in costs]
    seconds[first : first + _COMPILING] = np.nan
    return rows.assign(seconds=seconds, megabytes=megabytes)


@contextmanager
def noted_costs() -> Iterator[list[tuple[float, float]]]:
    """Has the driver note when a cycle was stored, and the megabytes that the process then has."""
    write: Callable[..., Any] = getattr(driver, _WRITE)
    costs: list[tuple[float, float]] = []

    def noted(*arguments: object) -> object:
        store = write(*arguments)
        costs.append((time.perf_counter(), resident_megabytes()))
        return store

    setattr(driver, _WRITE, noted)
    try:
        yield costs
    finally:
        setattr(driver, _WRITE, write)


def resident_megabytes() -> float:
    """Memory of this process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 1e6


def _root_mean_square(values: pd.Series) -> float:
    return float(np.sqrt(np.mean(values**2)))


def by_quarter(rows: pd.DataFrame) -> pd.DataFrame:
    """Median cost and root mean square errors of every quarter of every run."""
    quarter = rows["cycle"] * 4 // rows.groupby("method")["cycle"].transform("size") + 1
    grouped = rows.assign(quarter=quarter).groupby(["method", "quarter"], sort=False)
    errors = grouped[[*VARIABLES]].agg(_root_mean_square)
    costs = grouped[["seconds", "megabytes"]].median()
    return errors.join(costs).join(grouped["replaced_members"].max()).reset_index()


def drift(quarters: pd.DataFrame) -> pd.DataFrame:
    """The last quarter of every run over its first: costs and errors."""
    table = quarters.set_index(["method", "quarter"])[[*VARIABLES, "seconds", "megabytes"]]
    ratio = table.xs(4, level="quarter") / table.xs(1, level="quarter")
    return ratio.reset_index()


if __name__ == "__main__":
    main()
