"""Spectra of the methods beside the truth: what was smoothed and what is too rough."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from align_da.verification.figure_style import colour_of, common_style, legend_below, new_figure

_RESOLVED = 1e-6  # of the largest power of the truth: below it there is rounding alone
_WAVENUMBERS = (1, 2, 5, 10, 20, 50, 100, 200, 500)


@common_style()
def spectra_chart(spectra: pd.DataFrame, product: str, labels: Sequence[str]) -> Figure:
    """Power against wavenumber above and relative to the truth below, a column a variable.

    Beyond the truncation of the truth there is no power to compare with, and no ratio is drawn.

    Args:
        spectra: of `mean_spectra`, possibly of several methods.
        product: "analysis", "background" or a forecast.
        labels: the variables shown.
    """
    chosen = spectra[(spectra["product"] == product) & (spectra["wavenumber"] > 0)]
    mean = chosen.groupby(["variable", "wavenumber", "method"], sort=False)["power"].mean()
    names = [*(n for n in dict.fromkeys(chosen["method"]) if n != "truth"), "truth"]
    figure, axes = new_figure(4.6 * len(labels), 5.2, rows=2, columns=len(labels))
    for label, above, below in zip(labels, axes, axes[len(labels) :], strict=False):
        power = mean[label].unstack("method")
        _draw_column(above, below, power, names)
        above.set_title(f"{label}: {product}")
    axes[0].set_ylabel("power")
    axes[len(labels)].set_ylabel("power / truth")
    legend_below(figure, axes[0])
    return figure


def _draw_column(above: Axes, below: Axes, power: pd.DataFrame, names: list[str]) -> None:
    """The spectra of one variable; `power` has a row a wavenumber and a column a method."""
    resolved = power[power["truth"] > _RESOLVED * power["truth"].max()]
    for name in names:
        colour = colour_of(name, names)
        above.loglog(power.index, power[name], color=colour, linewidth=1.4, label=name)
        ratio = resolved[name] / resolved["truth"]
        below.semilogx(ratio.index, ratio, color=colour, linewidth=1.4)
    below.set_ylim(0, None)
    below.set_xlabel("zonal wavenumber")
    ticks = [k for k in _WAVENUMBERS if k <= power.index.max()]
    for panel in (above, below):
        panel.xaxis.set_major_locator(FixedLocator(ticks))
        panel.xaxis.set_minor_locator(NullLocator())
        panel.xaxis.set_major_formatter("{x:.0f}")
