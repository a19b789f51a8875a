"""Rank histograms: flat is reliable, a valley is too little spread, a slope is bias."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Int
from matplotlib.figure import Figure

from align_da.verification.figure_style import INK, colour_of, common_style, new_figure


@common_style()
def rank_histogram_chart(counts: Mapping[str, Int[np.ndarray, " rank"]], name: str) -> Figure:
    """One panel a method; frequency relative to a flat histogram.

    Args:
        counts: ranks of the truth by method.
        name: what was ranked, for the titles.
    """
    figure, axes = new_figure(3.6 * len(counts), 3.0, columns=len(counts))
    highest = max(float(np.max(count) * count.size / count.sum()) for count in counts.values())
    for panel, (method, count) in zip(axes, counts.items(), strict=True):
        relative = count * count.size / count.sum()
        colour = colour_of(method, list(counts))
        panel.bar(np.arange(count.size), relative, width=0.9, color=colour)
        panel.axhline(1, color=INK, linewidth=1, linestyle="--")
        panel.set(title=f"{method}: {name}", xlabel="rank of the truth")
        panel.set_ylim(0, 1.08 * max(highest, 1.2))
        panel.grid(visible=False, axis="x")
    axes[0].set_ylabel("relative frequency")
    return figure
