"""The gains of every recipe over the tuned filter, and the errors of rounds in the atmosphere.

Usage: python -m experiments.closed_loop.picture
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
from experiments.closed_loop.tables import FILTER, result
from experiments.options import options
from experiments.results import read_result, read_scores, scores_in, write_picture


def main() -> None:
    """Draw the scores that are kept."""
    folder = options(__doc__, Path(__file__).parent).parse_args().folder
    table = result(read_scores(scores_in(folder)["trajectories"]))
    write_picture(folder / "gains.png", draw(table))
    rounds = read_result(folder / "results" / "rounds.csv")
    write_picture(folder / "rounds.png", draw_rounds(rounds))


@common_style()
def draw(table: pd.DataFrame) -> bytes:
    """The picture of a table of `result`, as PNG."""
    worlds = list(dict.fromkeys(table["world"]))
    rows = [table[(table["world"] == world) & (table["row"] != FILTER)] for world in worlds]
    longest = max(map(len, rows))
    figure, axes = new_figure(6.0 * len(worlds), 1.2 + 0.3 * longest, 1, len(worlds))
    for axis, world, own in zip(axes, worlds, rows, strict=True):
        _bars(axis, own)
        axis.set_title(world)
        axis.set_xlabel("gain over the LETKF, %")
        axis.set_ylim(len(own) - longest + 0.3, len(own) + 0.7)
    return to_png(figure)


@common_style()
def draw_rounds(table: pd.DataFrame) -> bytes:
    """The errors of a table of `rounds`, over those of the first round, as PNG."""
    figure, axes = new_figure(9.0, 3.4, 1, 2)
    for axis, split in zip(axes, ("train", "validation"), strict=True):
        rows = table[table["split"] == split]
        for colour, (variable, own) in zip(
            PALETTE, rows.groupby("variable", sort=False), strict=False
        ):
            first = own.loc[own["round"] == 0, "error"].mean()
            axis.plot(own["cycle"], own["error"] / first, color=colour, label=variable)
        axis.set_title(f"segments of {'training' if split == 'train' else split}")
        axis.set_xlabel("cycle; a new network every five")
        axis.set_ylabel("error / that of the filter")
        axis.set_ylim(0.55, 1.1)
    axes[0].legend(fontsize="small")
    return to_png(figure)


def _bars(axis: Axes, rows: pd.DataFrame) -> None:
    """A point with its interval a recipe and share; own cycles and off-policy in two colours."""
    places = range(len(rows), 0, -1)
    for place, (_, row) in zip(places, rows.iterrows(), strict=True):
        colour = PALETTE[0] if row["row"].startswith("own cycles") else PALETTE[1]
        low, high = 100 * row["gain_low"], 100 * row["gain_high"]
        axis.plot([low, high], [place, place], color=colour, solid_capstyle="round")
        axis.plot(100 * row["gain"], place, "o", color=colour)
    labels = [f"{row['row']}, share {row['share']:g}" for _, row in rows.iterrows()]
    axis.set_yticks(list(places), labels, color=INK)
    axis.axvline(0, color=MUTED, linewidth=1)


if __name__ == "__main__":
    main()
