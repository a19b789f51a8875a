"""What cycles cost: as a row a run, and as rows below the scores of runs side by side."""

from collections.abc import Mapping

import pandas as pd

from align_da.storage.run_cost import RunCost

Costs = Mapping[str, RunCost | None]
"""By the name of the run; None where nothing was recorded."""
COST_COLUMNS = (
    *("method", "cpu_seconds", "wall_seconds", "peak_bytes", "cycles", "processes"),
    *("compiled", "cores", "processor", "device"),
)


def cost_table(costs: Costs) -> pd.DataFrame:
    """A row a run, with `COST_COLUMNS`; seconds a cycle, bytes, NaN where none is recorded."""
    rows = [_row(*item) for item in costs.items()]
    return pd.DataFrame(rows, columns=list(COST_COLUMNS), dtype=object)  # whole numbers stay so


def with_costs(scores: pd.DataFrame, costs: Costs) -> pd.DataFrame:
    """A table of scores, a column a run, with CPU time and memory as its last rows.

    Args:
        scores: with the columns "variable" and "unit", and one a run.
        costs: of the runs.
    """
    table = cost_table(costs).set_index("method")
    rows = [
        {"variable": "CPU time a cycle", "unit": "s", **table["cpu_seconds"]},
        {"variable": "memory", "unit": "GB", **(table["peak_bytes"] / 1e9)},
    ]
    of_runs = pd.DataFrame(rows, columns=scores.columns, dtype=object)
    return pd.concat([scores.astype(object), of_runs], ignore_index=True)


def _row(name: str, cost: RunCost | None) -> dict[str, object]:
    """One run."""
    if cost is None:
        return {"method": name}
    told = {key: value for key, value in vars(cost).items() if key in COST_COLUMNS}
    machines = {
        key: ", ".join(dict.fromkeys(str(getattr(machine, key)) for machine in cost.machines))
        for key in ("cores", "processor", "device")
    }
    return {"method": name, **told, **machines}
