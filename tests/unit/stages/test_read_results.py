"""What was found is read from the tables that are left."""

import json
from pathlib import Path

from align_da.stages.read_results import read_alerts, read_scores
from align_da.storage.report_record import ReportRecord, write_report_record

SCORES = """date,method,product,variable,score,value
2000-01-01,main,analysis,u,rmse,1.0
2000-01-02,main,analysis,u,rmse,3.0
2000-01-01,free,analysis,u,rmse,
"""


def test_scores_are_means_over_the_dates_by_run(tmp_path: Path) -> None:
    (tmp_path / "cycle_scores.csv").write_text(SCORES)
    write_report_record(tmp_path, ReportRecord({"main": "a"}, {"main": 2}, {}))
    found = json.loads(json.dumps(read_scores(tmp_path / "report.html"), allow_nan=False))
    place = {"product": "analysis", "variable": "u", "score": "rmse"}
    assert found == {
        "report": str(tmp_path / "report.html"),
        "cycles": {"main": 2},
        "scores": [
            {"method": "main", **place, "mean": 2.0, "dates": 2},
            {"method": "free", **place, "mean": None, "dates": 0},
        ],
        "costs": [],
    }


def test_costs_are_read_where_they_are_and_null_where_nothing_was_recorded(tmp_path: Path) -> None:
    (tmp_path / "cycle_scores.csv").write_text(SCORES)
    (tmp_path / "cycle_costs.csv").write_text("method,cpu_seconds\nmain,1.5\nfree,\n")
    assert read_scores(tmp_path / "report.html")["costs"] == [
        {"method": "main", "cpu_seconds": 1.5},
        {"method": "free", "cpu_seconds": None},
    ]


def test_alerts_are_read_as_they_stand(tmp_path: Path) -> None:
    table = tmp_path / "alerts.csv"
    table.write_text("cycle,station,what\n30,7,count\n")
    assert read_alerts(table)["alerts"] == [{"cycle": 30, "station": 7, "what": "count"}]
    table.write_text("cycle,station,what\n")
    assert read_alerts(table) == {"table": str(table), "alerts": []}
