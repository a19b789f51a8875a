"""What the monitor watches: counts and mean departures of every variable over the cycles."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from align_da.observations.monitoring import ALL, ObservationSeries
from align_da.verification.figure_style import MUTED, PALETTE, axis_units, common_style, new_figure


@common_style()
def observation_chart(
    series: ObservationSeries, alerts: pd.DataFrame, units: Mapping[str, str]
) -> Figure:
    """A row of two panels a variable, all stations together; alerts are marked.

    Args:
        series: what is watched; at least one variable was observed.
        alerts: table of `observation_alerts`.
        units: unit of each variable by its name.
    """
    names = list(zip(series.station, series.variable, strict=True))
    shown = [name for station, name in names if station == ALL]
    figure, axes = new_figure(11.2, 2.2 * len(shown) + 0.4, len(shown), 2)
    watched = (("count", series.count), ("mean departure", series.mean_departure))
    for row, name in enumerate(shown):
        own = alerts[(alerts["station"] == ALL) & (alerts["variable"] == name)]
        for panel, (what, values) in zip(axes[2 * row : 2 * row + 2], watched, strict=True):
            line = values[:, names.index((ALL, name))]
            cycles = own.loc[own["what"] == what, "cycle"].unique().astype(int)
            panel.plot(np.arange(len(line)), line, color=PALETTE[0])
            panel.plot(cycles, line[cycles], "o", color=PALETTE[1])
            panel.set_title(f"{name.replace('_', ' ')}: {what}")
        axes[2 * row].set_ylim(0, 1.1 * axes[2 * row].dataLim.ymax)
        axes[2 * row + 1].axhline(0, color=MUTED, linewidth=0.8)
        axes[2 * row + 1].set_ylabel(axis_units(units[name]))
    for panel in axes[-2:]:
        panel.set_xlabel("cycle")
    return figure
