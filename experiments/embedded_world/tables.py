"""Print the score tables of a finished run as Markdown.

Usage: python experiments/embedded_world/tables.py [RUN_FOLDER]
"""

import sys
from pathlib import Path

import pandas as pd

from align_da.verification.table_format import readable_table, to_markdown

SCORES = {
    "rmse": "RMSE of the ensemble mean",
    "crps": "Fair CRPS",
    "spread_skill": "Spread over skill",
    "geostrophic": "Geostrophic score",
    "chi_square": "Residual chi-square",
    "forecast_rmse": "RMSE of the forecast",
}


def main() -> None:
    """One table for every benchmark and score."""
    run = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/embedded_world")
    for path in sorted((run / "report" / "benchmark").glob("*.csv")):
        if path.stem.endswith("_rows"):
            continue
        summary = pd.read_csv(path)
        for score, title in SCORES.items():
            if (summary["score"] == score).any():
                print(f"\n### {path.stem}: {title}\n")
                print(to_markdown(readable_table(summary, score, "analysis")))


if __name__ == "__main__":
    main()
