"""What the published families of forecast graphs take and give.

- FengWu (https://github.com/OpenEarthLab/FengWu, README.md and inference.py): one input of 2 x 69
  normalised channels, two frames six hours apart; the first 69 channels of the output are the next
  frame. Channels u10, v10, t2m, msl, then z, q, u, v, t, each on 13 levels from 50 hPa down.
  Versions 1 (trained on ERA5) and 2 (continued on operational analyses) have one signature: only
  the digest of the file tells them apart.
- The 1.4-degree graph of latent data assimilation (https://github.com/hangfan99/LDA_1.41,
  preprocessing_params/forecast_model.yaml) takes one frame in the order of FengWu; its states
  (LDA_Methods/exp_utils.py) have msl, u10, v10, t2m first: order "lda".
- Pangu-Weather (https://github.com/198808xc/Pangu-Weather, README.md): z, q, t, u, v on 13 levels
  from 1000 hPa up, [5, 13, lat, lon], and msl, u10, v10, t2m, [4, lat, lon]; it normalises by
  itself.

All have latitudes from north to south and longitudes eastward from 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from align_da.atmosphere import Grid, Layout, VerticalCoordinate, variable_named
from align_da.atmosphere.variables import VARIABLES
from align_da.errors import ConfigError

ChannelName = tuple[str, float | None]
"""A variable and its pressure in Pa, None at the surface."""

LEVELS = tuple(
    100.0 * p for p in (50, 100, 150, 200, 250, 300, 400, 500, 600, 700, 850, 925, 1000)
)
_U10, _V10, _T2M = "10m_u_component_of_wind", "10m_v_component_of_wind", "2m_temperature"
_MSL, _Z, _Q, _T = "mean_sea_level_pressure", "geopotential", "specific_humidity", "temperature"
_U, _V = "u_component_of_wind", "v_component_of_wind"
_ORDERS = {
    "fengwu": (_U10, _V10, _T2M, _MSL, _Z, _Q, _U, _V, _T),
    "lda": (_MSL, _U10, _V10, _T2M, _Z, _Q, _U, _V, _T),
}
_PANGU = (_Z, _Q, _T, _U, _V, _MSL, _U10, _V10, _T2M)


@dataclass(frozen=True)
class GraphKind:
    """How a family of graphs takes and gives frames.

    Attributes:
        name: of the kind in the configuration.
        channels: of a frame, in the order of the graph.
        frames: how many the graph takes, the earlier first.
        inputs: shape of every input before its latitudes and longitudes; together they hold the
            channels of all frames in order.
        outputs: likewise of the outputs, which hold the next frame in their first channels.
    """

    name: str
    channels: tuple[ChannelName, ...]
    frames: Literal[1, 2]
    inputs: tuple[tuple[int, ...], ...]
    outputs: tuple[tuple[int, ...], ...]


def graph_kind(
    name: Literal["fengwu", "pangu", "frame"],
    order: Literal["fengwu", "lda"] = "fengwu",
    variables: Sequence[str] = (),
    levels: Sequence[float] = (),
) -> GraphKind:
    """The kind of graph of this name.

    Args:
        name: of the kind.
        order: of the 69 channels, except of "pangu".
        variables: of a "frame" with channels of its own, in the order of the graph.
        levels: of those aloft, Pa, in the order of the graph.

    Raises:
        ConfigError: a variable is unknown, or a variable or level is named twice.
    """
    if name == "pangu":
        shapes = ((5, 13), (4,))
        return GraphKind("pangu", _channels(_PANGU, LEVELS[::-1]), 1, shapes, shapes)
    channels = _channels(variables or _ORDERS[order], levels or LEVELS)
    frame = (1, len(channels))
    if name == "fengwu":
        return GraphKind("fengwu", channels, 2, ((1, 2 * len(channels)),), (frame,))
    return GraphKind("frame", channels, 1, (frame,), (frame,))


def _channels(variables: Sequence[str], levels: Sequence[float]) -> tuple[ChannelName, ...]:
    """Every channel of `variables` in order, those aloft on `levels`."""
    found = [
        (name, level)
        for name in variables
        for level in (levels if variable_named(name).on_levels else (None,))
    ]
    twice = {channel for channel in found if found.count(channel) > 1}
    if twice:
        message = f"onnx.variables or onnx.levels name a channel twice: {sorted(twice)[0]}"
        raise ConfigError(message)
    return tuple(found)


def layout_of(
    channels: Sequence[ChannelName], shape: tuple[int, int], rows: Literal["poles", "bands"]
) -> Layout:
    """The layout of states with these channels, variables in the order of the variable table.

    Args:
        channels: in any order.
        shape: number of latitudes and longitudes of the graph.
        rows: "poles" where the latitudes run from pole to pole, "bands" where they lie in the
            middle of equal bands.
    """
    latitudes, longitudes = shape
    if rows == "poles":
        latitude = [-90 + 180 * i / (latitudes - 1) for i in range(latitudes)]
    else:
        latitude = [-90 + 180 * (i + 0.5) / latitudes for i in range(latitudes)]
    levels = sorted({level for _, level in channels if level is not None})
    grid = Grid(
        tuple(latitude),
        tuple(360 * i / longitudes for i in range(longitudes)),
        VerticalCoordinate("pressure", tuple(levels)),
    )
    present = {name for name, _ in channels}
    return Layout(grid, tuple(name for name in VARIABLES if name in present))


def places_in(layout: Layout, channels: Sequence[ChannelName]) -> np.ndarray:
    """Where each of `channels` lies on the channel axis of `layout`, [channel]."""
    levels = layout.grid.vertical.levels
    return np.asarray(
        [
            layout.channels_of(name).start + (0 if level is None else levels.index(level))
            for name, level in channels
        ]
    )
