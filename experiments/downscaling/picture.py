"""One field of one date: the map, the map interpolated, the analysis and the truth."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import xarray as xr
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize

from align_da.atmosphere import Grid, State
from align_da.config import load_config
from align_da.runs.coarse_map import configured_map, reported_map
from align_da.runs.run import Run, open_run
from align_da.storage.gridded import open_states, read_times
from align_da.verification.coastlines import coastlines
from align_da.verification.figure_style import common_style, new_figure, to_png
from experiments.results import write_picture

VARIABLE, LEVEL = "u_component_of_wind", 3


@common_style()
def draw(folder: Path, name: str, config: Path, target: Path) -> None:
    """Draw the field in the middle of the dates of the store `name`."""
    run = open_run(load_config(config), folder)
    store = open_states(run.folder.downscaled(name))
    time = store["time"].to_numpy()[store.sizes["time"] // 2]
    panels = _states(run, store, time)
    figure, axes = new_figure(9.0, 4.6, rows=2, columns=2)
    fields = {title: np.asarray(state[VARIABLE][..., LEVEL]) for title, state in panels.items()}
    end = float(np.abs(fields["Truth"]).max())
    for panel, (title, state) in zip(axes, panels.items(), strict=True):
        image = _draw(panel, fields[title], state.layout.grid, Normalize(-end, end))
        panel.set_title(title)
    level = run.layout.grid.vertical.levels[LEVEL]
    label = f"u at σ {level:.2f}, m s⁻¹\n{np.datetime_as_string(time, 'h')}"
    figure.colorbar(image, ax=axes, label=label, shrink=0.8)
    write_picture(target, to_png(figure))


def _states(run: Run, store: xr.Dataset, time: np.datetime64) -> dict[str, State]:
    """What is drawn of one date, by the title of its panel."""
    analyses = read_times(store, run.layout, np.asarray([time]))
    truth = read_times(run.truth, run.layout, np.asarray([time]))
    one, maps = State(truth.values[0], run.layout), configured_map(run)
    reported = reported_map(run, maps, one, time)
    return {
        "Coarse map": maps.values(reported),
        "Interpolated": maps.interpolated(reported),
        "Analysis, mean": State(analyses.values[0].mean(axis=0), run.layout),
        "Truth": one,
    }


def _draw(
    panel: Axes, field: Float[np.ndarray, "lat lon"], grid: Grid, scale: Normalize
) -> mpl.cm.ScalarMappable:
    """Cells of a grid with coastlines, longitudes from the first cell on."""
    count = field.shape[1]
    edges = (np.arange(count + 1) - 0.5) * 360 / count + grid.longitude[0]
    image = panel.pcolormesh(edges, grid.latitude_edges, field, norm=scale, cmap="RdBu_r")
    for turn in (0, 360):
        lines = [line + np.asarray([turn, 0]) for line in coastlines()]
        panel.add_collection(LineCollection(lines, colors="#111111", linewidths=0.5))
    panel.set(xlim=(0, 348.75), ylim=(-90, 90), aspect="equal", xticks=[], yticks=[])
    panel.grid(visible=False)
    return image
