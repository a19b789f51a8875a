"""The gain over continued training by row and lead.

Usage: python -m experiments.alignment.picture
"""

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes

from align_da.verification.figure_style import (
    INK,
    MUTED,
    PALETTE,
    common_style,
    new_figure,
    to_png,
)
from experiments.alignment.futures import LEADS
from experiments.alignment.tables import CONTROL, by_lead
from experiments.options import options
from experiments.results import read_scores, scores_in, write_picture


def main() -> None:
    """Draw the scores that are kept, a picture a world."""
    folder = options(__doc__, Path(__file__).parent).parse_args().folder
    for name, path in scores_in(folder).items():
        write_picture(folder / f"{name}.png", draw(read_scores(path)))


@common_style()
def draw(rows: pd.DataFrame) -> bytes:
    """The picture of the scores of a world, as PNG."""
    shown = [row for row in dict.fromkeys(rows["row"]) if row != CONTROL]
    figure, axes = new_figure(10.0, 1.4 + 0.42 * len(shown), 1, 2)
    for axis, score in zip(axes, ("rmse", "crps"), strict=True):
        _points(axis, by_lead(rows, score), shown)
        axis.set_xlabel(f"gain in {score.upper()} over continued training, %")
    axes[1].legend(title="lead, windows", fontsize="small")
    axes[1].set_yticklabels([])
    return to_png(figure)


def _points(axis: Axes, gains: pd.DataFrame, shown: list[str]) -> None:
    """A point with its interval a row and lead; leads of a row one above the other."""
    for number, (lead, colour) in enumerate(zip(LEADS, PALETTE, strict=False)):
        own = gains[gains["lead"] == lead].set_index("row").loc[shown]
        places = [len(shown) - place - 0.14 * (number - 2) for place in range(len(shown))]
        gain, error = 100 * own["gain"].to_numpy(), 200 * own["error"].to_numpy()
        axis.errorbar(
            gain, places, xerr=error, fmt="o", color=colour, markersize=3, label=str(lead)
        )
    axis.set_yticks([len(shown) - place for place in range(len(shown))], shown, color=INK)
    axis.axvline(0, color=MUTED, linewidth=1)


if __name__ == "__main__":
    main()
