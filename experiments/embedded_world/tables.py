"""Print the score tables of a finished run as Markdown.

Usage: python experiments/embedded_world/tables.py [RUN_FOLDER [REFERENCE]]

Improvements are those over REFERENCE, the name of a method; the background where none is given.
"""

import sys
from pathlib import Path

import pandas as pd

from align_da.config import load_config
from align_da.keys import Purpose, key_for
from align_da.verification.score_table import summarise_scores
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
    reference = sys.argv[2] if len(sys.argv) > 2 else "background"
    config = load_config(Path(__file__).with_name("config.toml"))
    key = key_for(config.seed, Purpose.VERIFICATION)
    for path in sorted((run / "report" / "benchmark").glob("*_rows.csv")):
        summary = summarise_scores(pd.read_csv(path), reference, config.verification, key)
        for score, title in SCORES.items():
            if (summary["score"] == score).any():
                print(f"\n### {path.stem.removesuffix('_rows')}: {title}\n")
                print(to_markdown(readable_table(summary, score, "analysis")))


if __name__ == "__main__":
    main()
