"""Lines of one analysis on a grid of one row: the states in one panel, errors and increment below.

Points are numbered from 0 along the row.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from align_da.verification.figure_style import (
    INK,
    PALETTE,
    TRUTH_COLOUR,
    common_style,
    new_figure,
    with_axis_units,
)
from align_da.verification.maps import MapCase

_BACKGROUND, _ANALYSIS, _INCREMENT = PALETTE[:3]


@common_style()
def analysis_lines(case: MapCase) -> Figure:
    """Truth, background and analysis above; increment and both errors below, with stations.

    Args:
        case: on a grid of one row.
    """
    errors = {
        "Background error": case.background - case.truth,
        "Analysis error": case.analysis - case.truth,
    }
    rms = {
        name: with_axis_units(f"{np.sqrt((case.grid.area_weights * it**2).sum()):.3g}", case.units)
        for name, it in errors.items()
    }
    states = {"Truth": case.truth, "Background": case.background, "Analysis": case.analysis}
    differences = {"Increment (analysis − background)": case.analysis - case.background} | {
        f"{name} (RMS {rms[name]})": it for name, it in errors.items()
    }
    figure, (above, below) = new_figure(9.0, 5.6, rows=2)
    _draw(above, states, (TRUTH_COLOUR, _BACKGROUND, _ANALYSIS))
    _draw(below, differences, (_INCREMENT, _BACKGROUND, _ANALYSIS))
    above.set_ylabel(with_axis_units(case.name, case.units, ", "))
    below.set_ylabel(with_axis_units("difference", case.units, ", "))
    _mark_stations(below, case)
    below.set_xlabel("index of the point")
    return figure


def _draw(
    panel: Axes, lines: Mapping[str, Float[np.ndarray, "1 lon"]], colours: tuple[str, ...]
) -> None:
    """Lines through the points, with a legend above them."""
    for (name, values), colour in zip(lines.items(), colours, strict=True):
        panel.plot(values[0], marker=".", markersize=3, label=name, color=colour)
    panel.margins(x=0.01)
    panel.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=len(lines), borderpad=0)


def _mark_stations(panel: Axes, case: MapCase) -> None:
    """Small rings on the lower edge where the variable was observed."""
    grid = case.grid
    place = grid.degrees_east(case.station_longitude) / grid.longitude_step
    panel.scatter(
        place,
        np.zeros_like(place),
        s=9,
        facecolor="white",
        edgecolor=INK,
        lw=0.6,
        transform=panel.get_xaxis_transform(),
        clip_on=False,
        zorder=3,
    )
