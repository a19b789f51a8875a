"""Small graphs with the signatures of published forecast models, whose result is known.

Every graph moves its frame by one point eastward and southward and adds to channel c the number
0.01 c in its own units; one of two frames goes on as far as it has come before.
"""

from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from align_da.atmosphere import Layout, State
from align_da.config import OnnxConfig
from align_da.forecast.graph_kinds import GraphKind, places_in
from align_da.runs.forecast_models import kind_of

GRID = (8, 16)
OFFSET = 0.01
TYPICAL = {
    "u_component_of_wind": (5.0, 10.0),
    "v_component_of_wind": (0.0, 8.0),
    "temperature": (250.0, 12.0),
    "specific_humidity": (5.0e-3, 1.0e-3),
    "geopotential": (5.0e4, 3.0e3),
    "mean_sea_level_pressure": (1.0e5, 1.0e3),
    "2m_temperature": (280.0, 15.0),
    "10m_u_component_of_wind": (0.0, 5.0),
    "10m_v_component_of_wind": (0.0, 5.0),
}
"""Mean and standard deviation of a variable, SI units."""


def model_of(
    inputs: Sequence[tuple[str, Sequence[int | str]]],
    outputs: Sequence[tuple[str, Sequence[int | str] | None]],
    nodes: Sequence[NodeProto],
    constants: dict[str, np.ndarray],
    kind_of_number: int = TensorProto.FLOAT,
) -> bytes:
    """The bytes of a graph."""
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info(name, kind_of_number, shape) for name, shape in inputs],
        [helper.make_tensor_value_info(name, kind_of_number, shape) for name, shape in outputs],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    return serialised(graph)


def serialised(graph: object) -> bytes:
    """A graph as a file holds it."""
    model: ModelProto = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9
    )
    return model.SerializeToString()


def moved(name: str, result: str, axis: int) -> list[NodeProto]:
    """Nodes that move an array by one point along an axis, the last point to the first place."""
    last, rest = f"{result}_last", f"{result}_rest"
    at = f"axis_{axis}"
    return [
        helper.make_node("Slice", [name, "minus_one", "far", at], [last]),
        helper.make_node("Slice", [name, "zero", "minus_one", at], [rest]),
        helper.make_node("Concat", [last, rest], [result], axis=axis),
    ]


def index_constants() -> dict[str, np.ndarray]:
    """What the slices of `moved` name."""
    numbers = {"zero": 0, "minus_one": -1, "far": 2**31 - 1}
    numbers |= {f"axis_{axis}": axis for axis in range(5)}
    return {name: np.array([value], np.int64) for name, value in numbers.items()}


def frame_graph(
    channels: int,
    grid: tuple[int, int] = GRID,
    batch: int | str = 1,
    offset: float = OFFSET,
) -> bytes:
    """One frame [batch, channel, lat, lon]."""
    shape = (batch, channels, *grid)
    constants = index_constants()
    constants["offset"] = (offset * np.arange(channels, dtype=np.float32))[None, :, None, None]
    nodes = [
        *moved("state", "east", 3),
        *moved("east", "south", 2),
        helper.make_node("Add", ["south", "offset"], ["next"]),
    ]
    return model_of([("state", shape)], [("next", shape)], nodes, constants)


def eastward_graph(channels: int, grid: tuple[int, int], share: float) -> bytes:
    """One frame [1, channel, lat, lon] moved eastward by a share of the way to the next point."""
    constants = index_constants()
    constants["share"] = np.array(share, np.float32)
    constants["rest"] = np.array(1 - share, np.float32)
    nodes = [
        *moved("state", "east", 3),
        helper.make_node("Mul", ["east", "share"], ["come"]),
        helper.make_node("Mul", ["state", "rest"], ["stayed"]),
        helper.make_node("Add", ["come", "stayed"], ["next"]),
    ]
    shape = (1, channels, *grid)
    return model_of([("state", shape)], [("next", shape)], nodes, constants)


def fengwu_graph(
    channels: int = 69, grid: tuple[int, int] = GRID, given: int | None = None
) -> bytes:
    """Two frames in one input, the next frame and as many other channels out."""
    constants = index_constants()
    constants["half"] = np.array([channels], np.int64)
    constants["offset"] = (OFFSET * np.arange(channels, dtype=np.float32))[None, :, None, None]
    others = (given or 2 * channels) - channels
    constants["others"] = np.full((1, others, *grid), 7.0, np.float32)
    nodes = [
        helper.make_node("Slice", ["input", "zero", "half", "axis_1"], ["before"]),
        helper.make_node("Slice", ["input", "half", "far", "axis_1"], ["now"]),
        helper.make_node("Sub", ["now", "before"], ["change"]),
        helper.make_node("Add", ["now", "change"], ["ahead"]),
        *moved("ahead", "east", 3),
        *moved("east", "south", 2),
        helper.make_node("Add", ["south", "offset"], ["frame"]),
        helper.make_node("Concat", ["frame", "others"], ["output"], axis=1),
    ]
    shape = (1, 2 * channels, *grid)
    return model_of(
        [("input", shape)], [("output", (1, channels + others, *grid))], nodes, constants
    )


def pangu_graph(grid: tuple[int, int] = GRID) -> bytes:
    """Levels and surface apart, in SI units."""
    constants = index_constants()
    offsets = OFFSET * np.arange(69, dtype=np.float32)
    constants["upper_offset"] = offsets[:65].reshape(5, 13, 1, 1)
    constants["surface_offset"] = offsets[65:].reshape(4, 1, 1)
    nodes = [
        *moved("input", "upper_east", 3),
        *moved("upper_east", "upper_south", 2),
        helper.make_node("Add", ["upper_south", "upper_offset"], ["output"]),
        *moved("input_surface", "surface_east", 2),
        *moved("surface_east", "surface_south", 1),
        helper.make_node("Add", ["surface_south", "surface_offset"], ["output_surface"]),
    ]
    shapes = ((5, 13, *grid), (4, *grid))
    return model_of(
        list(zip(("input", "input_surface"), shapes, strict=True)),
        list(zip(("output", "output_surface"), shapes, strict=True)),
        nodes,
        constants,
    )


def convolving_graph(channels: int = 69, grid: tuple[int, int] = GRID) -> bytes:
    """One frame through a convolution, whose sums have an order."""
    weights = np.random.default_rng(0).normal(0, 0.02, (channels, channels, 3, 3))
    nodes = [helper.make_node("Conv", ["state", "weights"], ["next"], pads=[1, 1, 1, 1])]
    shape = (1, channels, *grid)
    return model_of(
        [("state", shape)],
        [("next", shape)],
        nodes,
        {"weights": weights.astype(np.float32)},
    )


def scaling_of(kind: GraphKind) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of every channel, different for each."""
    mean, std = np.array([TYPICAL[name] for name, _ in kind.channels]).T
    return mean, std * (1 + 0.01 * np.arange(len(kind.channels)))


def written(folder: Path, graph: bytes, **settings: object) -> OnnxConfig:
    """The configuration of a graph in a folder, with the normalisation that FengWu wants."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "graph.onnx"
    path.write_bytes(graph)
    if settings.get("kind") == "fengwu":
        kind = kind_of(OnnxConfig(path="", mean="", std="", **settings))  # type: ignore[arg-type]
        for name, values in zip(("mean", "std"), scaling_of(kind), strict=True):
            np.save(folder / f"{name}.npy", values)
            settings[name] = str(folder / f"{name}.npy")
    return OnnxConfig(path=str(path), rows="bands", **settings)  # type: ignore[arg-type]


def random_states(layout: Layout, batch: int = 2, seed: int = 0) -> State:
    """Plausible states, SI units."""
    mean, std = np.array([TYPICAL[channel.variable.name] for channel in layout.channels]).T
    noise = jax.random.normal(jax.random.key(seed), (batch, *layout.shape))
    return State(jnp.asarray(mean + std * np.asarray(noise), jnp.float32), layout)


def expected_step(
    kind: GraphKind, layout: Layout, now: np.ndarray, before: np.ndarray, std: np.ndarray
) -> np.ndarray:
    """What a graph of this module makes of states [batch, lat, lon, channel].

    Args:
        kind: of the graph.
        layout: of the states.
        now: the states.
        before: those one step earlier.
        std: unit of the offsets, [channel] in the order of the graph.
    """
    ahead = 2.0 * now.astype(np.float64) - before if kind.frames == 2 else now.astype(np.float64)
    offset = np.empty(len(kind.channels))
    offset[places_in(layout, kind.channels)] = OFFSET * np.arange(len(kind.channels)) * std
    return np.roll(ahead, (-1, 1), axis=(1, 2)) + offset
