"""What scores and monitoring have found, read from the tables that they leave, as JSON has it."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from align_da.storage.report_record import read_report_record

SCORES = "cycle_scores.csv"
"""Beside the report, a row a score and date."""
COSTS = "cycle_costs.csv"
"""Beside the report, a row a cycling run: what a cycle has cost."""
_BY = ["method", "product", "variable", "score"]


def read_scores(report: Path) -> dict[str, Any]:
    """The mean over the dates of every score of every cycling run in a report, and its cost.

    Args:
        report: the path of the report, see `stages.score_runs`.
    """
    costs = report.with_name(COSTS)
    record, rows = read_report_record(report.parent), pd.read_csv(report.with_name(SCORES))
    means = rows.groupby(_BY, sort=False)["value"].agg(mean="mean", dates="count").reset_index()
    return {
        "report": str(report),
        "cycles": {} if record is None else dict(record.cycles),
        "scores": json_rows(means),
        "costs": json_rows(pd.read_csv(costs)) if costs.exists() else [],
    }


def read_alerts(alerts: Path) -> dict[str, Any]:
    """The alerts of a cycling run.

    Args:
        alerts: the path of their table, see `stages.monitor_observations`.
    """
    return {"table": str(alerts), "alerts": json_rows(pd.read_csv(alerts))}


def json_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A table a row; what is no number is null."""
    found: list[dict[str, Any]] = json.loads(table.to_json(orient="records"))
    return found
