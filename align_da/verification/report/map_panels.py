"""Linked maps of some cycles: states, increment, errors, spread, and innovations at stations.

All panels show the same part of the globe, and what is under the pointer is told of all of them.
Fields are kept as whole numbers between their smallest and largest value, states of 16 bits, all
else of 8: no finer than the colours, and light. `sampled` says how many cycles, and of a fine grid
how many points, the page can bear.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from bokeh.models import (
    ColorBar,
    ColumnDataSource,
    CrosshairTool,
    LinearColorMapper,
    Range1d,
    Span,
)
from bokeh.plotting import figure
from jaxtyping import Float, Int
from matplotlib import colormaps
from matplotlib.colors import to_hex

from align_da.atmosphere import Grid
from align_da.verification.coastlines import coastlines
from align_da.verification.figure_style import INK, MUTED, with_axis_units
from align_da.verification.report.choices import Key, answer, offered, tree_of
from align_da.verification.report.page import Chart
from align_da.verification.report.style import QUIET, add_hover, new_panel

_BYTES = 4_500_000  # of all maps; a third more in the page, as text
_BYTES_A_CELL = 11  # three states of two bytes, five other fields of one
_CELLS = 8192  # of a map, at most
_TIMES = 6
_STATIONS = 300  # of a map, at most
_BEYOND = 0.005  # share of values beyond the ends of a scale that is symmetric
_PANELS = {
    "truth": ("Truth", "state"),
    "background": ("Background", "state"),
    "analysis": ("Analysis", "state"),
    "increment": ("Increment, with stations", "difference"),
    "background error": ("Background error", "difference"),
    "analysis error": ("Analysis error", "difference"),
    "innovation": ("Innovations", "difference"),
    "background spread": ("Background spread", "spread"),
    "analysis spread": ("Analysis spread", "spread"),
}
_COLOURS = {"state": "viridis", "difference": "RdBu_r", "spread": "cividis"}
_CODES: Mapping[str, type[np.unsignedinteger[Any]]] = {"state": np.uint16}


@dataclass(frozen=True)
class MappedCycle:
    """One field of one run at one time, in SI units.

    Attributes:
        truth: [lat, lon].
        background: [lat, lon], mean of the members.
        analysis: [lat, lon], likewise.
        background_spread: [lat, lon], standard deviation of the members.
        analysis_spread: [lat, lon], likewise.
        stations: of what was observed of this field, by "latitude", "longitude", "innovation",
            "residual", "error" and "flag", [report] each.
        units: SI unit.
    """

    truth: Float[np.ndarray, "lat lon"]
    background: Float[np.ndarray, "lat lon"]
    analysis: Float[np.ndarray, "lat lon"]
    background_spread: Float[np.ndarray, "lat lon"]
    analysis_spread: Float[np.ndarray, "lat lon"]
    stations: Mapping[str, np.ndarray]
    units: str

    @property
    def fields(self) -> dict[str, Float[np.ndarray, "lat lon"]]:
        """What the panels show, by their names."""
        return {
            "truth": self.truth,
            "background": self.background,
            "analysis": self.analysis,
            "increment": self.analysis - self.background,
            "background error": self.background - self.truth,
            "analysis error": self.analysis - self.truth,
            "background spread": self.background_spread,
            "analysis spread": self.analysis_spread,
        }


@dataclass(frozen=True)
class Sampling:
    """What of the cycles is shown on maps.

    Attributes:
        step: every so many rows and columns; divides the number of columns.
        times: how many cycles.
    """

    step: int
    times: int

    def of(self, cycles: int) -> Int[np.ndarray, " time"]:
        """Indices of the cycles that are shown: the last, and others at equal steps before it."""
        count = min(self.times, cycles)
        return np.unique(np.linspace(cycles - 1, 0, count).round().astype(int))


def sampled(grid: Grid, maps: int) -> Sampling:
    """What the page can bear.

    Args:
        grid: of the states.
        maps: how many maps a time has: runs times fields.
    """
    rows, columns = grid.shape
    cells = {
        it: -(-rows // it) * (columns // it) for it in range(1, columns + 1) if columns % it == 0
    }
    most = min(_CELLS, _BYTES // (_BYTES_A_CELL * maps))
    step = next((it for it, shown in cells.items() if shown <= most), columns)
    times = _BYTES // (_BYTES_A_CELL * maps * cells[step])
    return Sampling(step, int(np.clip(times, 1, _TIMES)))


def map_chart(cases: Mapping[Key, MappedCycle], grid: Grid) -> Chart:
    """Nine linked panels.

    Args:
        cases: by run, valid time, variable and level, in words; at least one.
        grid: of all fields.
    """
    scales = _scales(cases)
    leaves = {key: _leaf(case, scales[key[2:]], grid) for key, case in cases.items()}
    first = next(iter(cases))
    fields = {name: [_from_dateline(it, grid)] for name, it in cases[first].fields.items()}
    source, stations = ColumnDataSource(fields), ColumnDataSource(leaves[first]["stations"])
    mappers = {
        kind: LinearColorMapper(
            palette=[to_hex(colour) for colour in colormaps[name](np.arange(256))],
            low=scales[first[2:]][kind][0],
            high=scales[first[2:]][kind][1],
        )
        for kind, name in _COLOURS.items()
    }
    panels = _panels(source, stations, mappers, grid)
    for name, panel in panels.items():
        panel.title.text = leaves[first]["titles"][name]
    selects = offered(["Run", "Valid time", "Variable", "Level"], first, list(cases))
    arguments = {
        "tree": tree_of(leaves),
        "source": source,
        "stations": stations,
        "mappers": mappers,
        "titles": {name: panel.title for name, panel in panels.items()},
    }
    answer(selects, "show_map.js", arguments)
    caption = (
        "States share one scale, increment, errors and innovations another, spreads the third, "
        "the same for all runs and times. Point at a cell to read all fields there. Rings are "
        f"stations, at most {_STATIONS} of them; SI units."
    )
    return Chart("Some cycles", caption, selects, list(panels.values()))


def _scales(cases: Mapping[Key, MappedCycle]) -> dict[Key, dict[str, tuple[float, float]]]:
    """The ends of each kind of scale, by variable and level."""
    found: dict[Key, dict[str, tuple[float, float]]] = {}
    for place in dict.fromkeys(key[2:] for key in cases):
        own = [case.fields for key, case in cases.items() if key[2:] == place]
        of_kind = {
            kind: np.stack(
                [
                    it[name]
                    for it in own
                    for name, (_, of) in _PANELS.items()
                    if of == kind and name in it
                ]
            )
            for kind in _COLOURS
        }
        end = float(np.quantile(np.abs(of_kind["difference"]), 1 - _BEYOND)) or 1.0
        state = of_kind["state"]
        found[place] = {
            "state": (float(state.min()), float(state.max())),
            "difference": (-end, end),
            "spread": (0.0, float(of_kind["spread"].max()) or 1.0),
        }
    return found


def _leaf(
    case: MappedCycle, scale: Mapping[str, tuple[float, float]], grid: Grid
) -> dict[str, Any]:
    """What the page holds of a map."""
    fields = case.fields
    titles = {
        name: with_axis_units(title, case.units, ", ") for name, (title, _) in _PANELS.items()
    }
    for name in ("background error", "analysis error"):
        rms = np.sqrt((grid.area_weights * fields[name] ** 2).sum())
        titles[name] = f"{_PANELS[name][0]}, RMS {with_axis_units(f'{rms:.3g}', case.units)}"
    return {
        "fields": {
            name: _packed(_from_dateline(field, grid), _CODES.get(_PANELS[name][1], np.uint8))
            for name, field in fields.items()
        },
        "stations": _placed(case.stations, grid),
        "scales": {kind: list(ends) for kind, ends in scale.items()},
        "titles": titles,
    }


def _packed(
    field: Float[np.ndarray, "lat lon"], dtype: type[np.unsignedinteger[Any]]
) -> dict[str, Any]:
    """A field as whole numbers: its values are offset + step × codes."""
    low, high = float(field.min()), float(field.max())
    step = (high - low) / np.iinfo(dtype).max or 1.0
    return {"codes": ((field - low) / step).round().astype(dtype), "offset": low, "step": step}


def _placed(stations: Mapping[str, np.ndarray], grid: Grid) -> dict[str, np.ndarray]:
    """At most so many stations, with longitudes as the maps have them."""
    every = 1 + (stations["latitude"].size - 1) // _STATIONS if stations["latitude"].size else 1
    kept = {name: values[::every] for name, values in stations.items()}
    west = _edges(grid)[0]
    return kept | {"longitude": (kept["longitude"] - west) % 360 + west}


def _from_dateline(
    field: Float[np.ndarray, "lat lon"], grid: Grid
) -> Float[np.ndarray, "lat lon"]:
    """The field from 180° W eastwards where it goes around, in single precision."""
    first = int(np.searchsorted(np.asarray(grid.longitude), 180.0)) if grid.periodic else 0
    return np.roll(np.asarray(field, np.float32), -first, axis=1)


def _edges(grid: Grid) -> tuple[float, float, float, float]:
    """West, south, width and height of what the cells cover, degrees."""
    longitude, latitude = np.asarray(grid.longitude), np.asarray(grid.latitude)
    step, columns = grid.longitude_step, longitude.size
    first = int(np.searchsorted(longitude, 180.0)) if grid.periodic else 0
    west = longitude[first % columns] - (360.0 if grid.periodic else 0.0)
    row = (latitude[-1] - latitude[0]) / (latitude.size - 1) if latitude.size > 1 else 180.0
    return west - step / 2, latitude[0] - row / 2, step * columns, row * latitude.size


def _panels(
    source: ColumnDataSource,
    stations: ColumnDataSource,
    mappers: Mapping[str, LinearColorMapper],
    grid: Grid,
) -> dict[str, figure]:
    """Empty maps with their layers, linked."""
    west, south, width, height = _edges(grid)
    ranges = {
        "x_range": Range1d(west, west + width, bounds="auto"),
        "y_range": Range1d(max(south, -90), min(south + height, 90), bounds="auto"),
    }
    lines = coastlines() if grid.vertical.kind != "index" else ()
    shore = ColumnDataSource(
        {"x": [line[:, 0] for line in lines], "y": [line[:, 1] for line in lines]}
    )
    cross = [Span(dimension=it, line_color=MUTED, line_width=1) for it in ("width", "height")]
    readings = [("latitude, longitude", "$y{0.0}°, $x{0.0}°")]
    readings += [(name, f"@{{{name}}}{{0.000 a}}") for name in source.data]
    panels: dict[str, figure] = {}
    for name, (title, kind) in _PANELS.items():
        panel = new_panel(title, 240, **ranges)
        if name in source.data:
            image = panel.image(
                name, west, south, width, height, source=source, color_mapper=mappers[kind]
            )
            add_hover(panel, [image], readings)
        panel.multi_line("x", "y", source=shore, line_color=INK, line_width=0.7)
        if name in {"increment", "innovation"}:
            _add_stations(panel, stations, mappers[kind], filled=name == "innovation")
        panel.add_tools(CrosshairTool(overlay=cross))
        panel.grid.visible = False
        panel.xaxis.ticker, panel.yaxis.ticker = [-120, -60, 0, 60, 120], [-60, -30, 0, 30, 60]
        bar = ColorBar(color_mapper=mappers[kind], width=8, padding=4, border_line_color=None)
        bar.major_label_text_color, bar.major_label_text_font_size = QUIET, "11px"
        panel.add_layout(bar, "right")
        panels[name] = panel
    return panels


def _add_stations(
    panel: figure, stations: ColumnDataSource, mapper: LinearColorMapper, *, filled: bool
) -> None:
    """Rings at the stations, filled with their innovation where that is what is shown."""
    fill = {"field": "innovation", "transform": mapper} if filled else None
    rings = panel.scatter(
        "longitude",
        "latitude",
        source=stations,
        size=8 if filled else 5,
        line_color=INK,
        line_width=0.6,
        fill_color=fill,
    )
    if filled:
        names = ("innovation", "residual", "error")
        told = [("station", "@latitude{0.0}°, @longitude{0.0}°"), ("flag", "@flag")]
        add_hover(panel, [rings], [*told, *((name, f"@{name}{{0.000 a}}") for name in names)])
