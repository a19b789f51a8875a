"""Forecast models that are graphs in ONNX format: FengWu, Pangu-Weather and what is built alike.

A graph is a black box: no derivatives flow through it. Members run one after the other, so that
the bits of a member depend on no other, and long leads go on from the frames of the graph itself,
as its authors do. What each family takes is told in `graph_kinds`.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float32, Float64

from align_da.atmosphere import Layout, State
from align_da.errors import InputError
from align_da.forecast.checks import check_request
from align_da.forecast.graph_kinds import GraphKind, layout_of, places_in
from align_da.forecast.graph_session import check_signature, open_session, run_session

Frame = Float32[np.ndarray, "channel lat lon"]


@dataclass(frozen=True)
class FrameScaling:
    """Normalisation of the channels of a frame, in the order of the graph.

    Attributes:
        mean: [channel], SI units.
        std: [channel], SI units, positive.
    """

    mean: Float64[np.ndarray, " channel"]
    std: Float64[np.ndarray, " channel"]


def frame_scaling(mean: np.ndarray | None, std: np.ndarray | None, channels: int) -> FrameScaling:
    """The normalisation in the files of a graph; none where there are no files.

    Raises:
        InputError: not one finite number a channel, or a deviation that is not positive.
    """
    if mean is None or std is None:
        return FrameScaling(np.zeros(channels), np.ones(channels))
    lowest = {"onnx.mean": -np.inf, "onnx.std": 0.0}
    for (name, low), values in zip(lowest.items(), (mean, std), strict=True):
        if values.size != channels or values.dtype.kind not in "iuf":
            message = (
                f"{name}: expected {channels} numbers, one a channel in the order of the graph, "
                f"got {values.dtype} of shape {values.shape}"
            )
            raise InputError(message)
        good = np.isfinite(values) & (values > low)
        if not good.all():
            number = int(np.argmin(good))
            message = (
                f"{name}: expected finite numbers above {low}, got {values.flat[number]} for "
                f"channel {number}"
            )
            raise InputError(message)
    return FrameScaling(mean.ravel().astype(np.float64), std.ravel().astype(np.float64))


class OnnxForecastModel:
    """A `ForecastModel` that runs a graph.

    Attributes:
        layout: variables in the order of the variable table, levels in Pa, on the grid of the
            graph turned south to north.
        step_hours: of the graph.
        frames: 2 for FengWu. Without `previous` the first step sees the same frame twice, a
            state at rest, which costs accuracy.
        differentiable: False.
    """

    differentiable = False

    def __init__(
        self,
        graph: bytes,
        kind: GraphKind,
        scaling: FrameScaling | None = None,
        *,
        step_hours: int = 6,
        rows: Literal["poles", "bands"] = "poles",
        provider: Literal["cpu", "cuda"] = "cpu",
        threads: int = 1,
    ) -> None:
        """Load the graph and hold its signature against its kind.

        Args:
            graph: content of the file.
            kind: what it takes and gives.
            scaling: of the channels; none if None.
            step_hours: of the graph.
            rows: where its latitudes lie, see `layout_of`.
            provider: what it runs on.
            threads: that it runs on, where that is a CPU.

        Raises:
            ConfigError: a package, or the provider that is asked for, is missing.
            InputError: the graph cannot be loaded, or takes something else than its kind.
        """
        self._session = open_session(graph, provider, threads)
        self._inputs, shape = check_signature(self._session, kind)
        self._kind = kind
        self._scaling = scaling or frame_scaling(None, None, len(kind.channels))
        self.layout: Layout = layout_of(kind.channels, shape, rows)
        self.step_hours: int = step_hours
        self.frames: Literal[1, 2] = kind.frames
        self._places = places_in(self.layout, kind.channels)

    def forecast(
        self,
        states: State,
        valid_time: np.datetime64,
        lead_hours: int,
        previous: State | None = None,
    ) -> State:
        """States `lead_hours` later, whatever `valid_time`; see `ForecastModel.forecast`.

        Raises:
            InputError: also where the graph gives other shapes than its kind, or fails.
        """
        _check_layout(states.layout, self.layout)
        check_request(states, self.layout, lead_hours, self.step_hours, previous)
        before = states if previous is None else previous
        steps = lead_hours // self.step_hours
        members = [
            self._advanced(self._to_graph(earlier), self._to_graph(now), steps)
            for earlier, now in zip(before.values, states.values, strict=True)
        ]
        return State(jnp.stack([self._from_graph(member) for member in members]), self.layout)

    def _advanced(self, earlier: Frame, now: Frame, steps: int) -> Frame:
        """The frame after `steps` steps from two frames, all normalised."""
        frames = deque([earlier, now], maxlen=2)
        for _ in range(steps):
            taken = np.concatenate(list(frames)[-self.frames :])
            frames.append(run_session(self._session, self._kind, self._inputs, taken))
        return frames[-1]

    def _to_graph(self, values: Float[Array, "lat lon channel"]) -> Frame:
        """A normalised frame, north to south, channels in the order of the graph."""
        fields = np.asarray(values)[::-1][..., self._places]
        scaled = (fields - self._scaling.mean) / self._scaling.std
        return np.ascontiguousarray(scaled.transpose(2, 0, 1), np.float32)

    def _from_graph(self, frame: Frame) -> Float[Array, "lat lon channel"]:
        """The state of a frame, SI units."""
        fields = frame.transpose(1, 2, 0)[::-1] * self._scaling.std + self._scaling.mean
        values = np.empty(self.layout.shape, np.float32)
        values[..., self._places] = fields
        return jnp.asarray(values)


def _check_layout(found: Layout, wanted: Layout) -> None:
    """Say which grid the graph wants, where the states have another.

    Raises:
        InputError: names the first difference.
    """
    parts: Sequence[tuple[str, Any, Any]] = (
        ("variables", found.variables, wanted.variables),
        ("levels in Pa", found.grid.vertical.levels, wanted.grid.vertical.levels),
        ("latitudes", found.grid.latitude, wanted.grid.latitude),
        ("longitudes", found.grid.longitude, wanted.grid.longitude),
    )
    rows, columns = wanted.grid.shape
    for name, came, expected in parts:
        if came != expected:
            message = (
                f"the graph wants states on {rows} x {columns} points with {name} "
                f"{_shortened(expected)}, got {_shortened(came)}: regrid the states, or correct "
                "onnx.rows"
            )
            raise InputError(message)


def _shortened(values: Sequence[object]) -> str:
    """All values where they are few, else how many and the first and last ones."""
    if len(values) <= 16:
        return ", ".join(map(str, values))
    return f"{values[0]}, {values[1]} ... {values[-1]} ({len(values)})"
