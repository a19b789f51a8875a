"""Maps of one analysis: the states on one colour scale, errors and increment on another.

The grid is drawn cell by cell: nothing is smoothed that the model did not smooth.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from align_da.atmosphere import Grid
from align_da.verification.coastlines import coastlines
from align_da.verification.figure_style import common_style, new_figure, with_axis_units

_STATE_COLOURS = "viridis"
_DIFFERENCE_COLOURS = "RdBu_r"


@dataclass(frozen=True)
class MapCase:
    """The fields of one map figure.

    Attributes:
        truth: [lat, lon], in `units`.
        background: mean of the background ensemble.
        analysis: mean of the analysis ensemble.
        grid: where the fields lie.
        name: what is shown, for the title ("u at σ 0.25").
        units: SI unit.
        station_latitude: degrees north of the observations of this variable.
        station_longitude: degrees east.
    """

    truth: Float[np.ndarray, "lat lon"]
    background: Float[np.ndarray, "lat lon"]
    analysis: Float[np.ndarray, "lat lon"]
    grid: Grid
    name: str
    units: str
    station_latitude: Float[np.ndarray, " station"]
    station_longitude: Float[np.ndarray, " station"]


@common_style()
def analysis_maps(case: MapCase) -> Figure:
    """Truth, background and analysis above; increment and both errors below, with stations."""
    states = {"Truth": case.truth, "Background": case.background, "Analysis": case.analysis}
    differences = {
        "Increment (analysis − background)": case.analysis - case.background,
        "Background error": case.background - case.truth,
        "Analysis error": case.analysis - case.truth,
    }
    figure, axes = new_figure(13.5, 5.2, rows=2, columns=3)
    _draw_row(axes[:3], states, case, _state_scale(states), _STATE_COLOURS)
    _draw_row(axes[3:], differences, case, _difference_scale(differences), _DIFFERENCE_COLOURS)
    _mark_stations(axes[3], case)
    for panel, title in zip(axes[4:], list(differences)[1:], strict=True):
        rms = np.sqrt((case.grid.area_weights * differences[title] ** 2).sum())
        panel.set_title(f"{title} (RMS {with_axis_units(f'{rms:.3g}', case.units)})")
    return figure


def _draw_row(
    axes: list[Axes],
    panels: Mapping[str, Float[np.ndarray, "lat lon"]],
    case: MapCase,
    scale: Normalize,
    colours: str,
) -> None:
    """Panels that share a colour scale and its bar."""
    for panel, (title, field) in zip(axes, panels.items(), strict=True):
        image = panel.pcolormesh(
            *_cell_edges(case.grid), _from_dateline(field, case.grid), norm=scale, cmap=colours
        )
        panel.add_collection(LineCollection(coastlines(), colors="#111111", linewidths=0.6))
        panel.set_title(title)
        _frame(panel)
    figure = axes[0].get_figure(root=True)
    label = with_axis_units(case.name, case.units, "\n")
    if figure is not None:
        figure.colorbar(image, ax=axes, label=label, shrink=0.9, pad=0.01, aspect=16)


def _mark_stations(panel: Axes, case: MapCase) -> None:
    """Small rings where the variable was observed."""
    longitude = (case.station_longitude + 180) % 360 - 180
    panel.scatter(
        longitude, case.station_latitude, s=9, facecolor="white", edgecolor="#111111", lw=0.6
    )


def _frame(panel: Axes) -> None:
    """A plate carrée map of the globe with sparse labels."""
    panel.set(xlim=(-180, 180), ylim=(-90, 90), aspect="equal")
    panel.set_xticks([-120, -60, 0, 60, 120], ["120°W", "60°W", "0°", "60°E", "120°E"])
    panel.set_yticks([-60, -30, 0, 30, 60], ["60°S", "30°S", "0°", "30°N", "60°N"])
    panel.tick_params(labelsize=8, length=2)
    panel.grid(visible=False)
    panel.spines[:].set_visible(True)


def _state_scale(panels: Mapping[str, Float[np.ndarray, "lat lon"]]) -> Normalize:
    """From the smallest to the largest value of all panels."""
    values = np.stack(list(panels.values()))
    return Normalize(float(values.min()), float(values.max()))


def _difference_scale(panels: Mapping[str, Float[np.ndarray, "lat lon"]]) -> Normalize:
    """Symmetric about zero; one value in two hundred lies beyond the ends."""
    values = np.abs(np.stack(list(panels.values())))
    end = float(np.quantile(values, 0.995)) or 1.0
    return Normalize(-end, end)


def _from_dateline(
    field: Float[np.ndarray, "lat lon"], grid: Grid
) -> Float[np.ndarray, "lat column"]:
    """The field from 180° W eastwards, the first column again at the end to close the circle."""
    rolled = np.roll(field, -_first_western(grid), axis=1)
    return np.concatenate([rolled, rolled[:, :1]], axis=1)


def _first_western(grid: Grid) -> int:
    """Index of the first longitude that is drawn west of Greenwich."""
    return int(np.searchsorted(np.asarray(grid.longitude), 180.0))


def _cell_edges(
    grid: Grid,
) -> tuple[Float[np.ndarray, " meridian"], Float[np.ndarray, " parallel"]]:
    """Edges of the cells in degrees, longitudes from about -180."""
    latitude, longitude = np.asarray(grid.latitude), np.asarray(grid.longitude)
    spacing = 360.0 / longitude.size
    west = longitude[_first_western(grid) % longitude.size] - 360 - spacing / 2
    middles = (latitude[1:] + latitude[:-1]) / 2
    return (
        west + spacing * np.arange(longitude.size + 2),
        np.concatenate([[-90.0], middles, [90.0]]),
    )
