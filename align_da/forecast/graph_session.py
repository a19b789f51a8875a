"""Sessions of ONNX Runtime: opened from the bytes of a graph, checked against a kind, run."""

import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from jaxtyping import Float32

from align_da.errors import ConfigError, InputError
from align_da.forecast.graph_kinds import GraphKind

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

_PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
_OPTIONS: dict[str, dict[str, str]] = {
    # The default tries algorithms and takes the fastest, which is another one at times.
    "cuda": {"cudnn_conv_algo_search": "HEURISTIC"},
    "cpu": {},
}


def open_session(
    graph: bytes, provider: Literal["cpu", "cuda"], threads: int
) -> "InferenceSession":
    """A session that computes the same bits every time.

    Args:
        graph: an ONNX file that holds its weights; weights in files beside it are refused.
        provider: where it runs; there is no falling back to another.
        threads: of an operation. Their number may change the last bits.

    Raises:
        ConfigError: ONNX Runtime or the provider is missing.
        InputError: the graph cannot be loaded.
    """
    runtime = _runtime()
    name = _PROVIDERS[provider]
    if name not in runtime.get_available_providers():
        message = (
            f"onnx.provider = {provider!r} needs {name}, this ONNX Runtime has "
            f"{', '.join(runtime.get_available_providers())}: install onnxruntime-gpu, or set "
            "onnx.provider = 'cpu'"
        )
        raise ConfigError(message)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.log_severity_level = 4  # what goes wrong is raised
    # Weights in other files would be looked for in the working directory: no digest covers them.
    options.add_session_config_entry(
        "session.model_external_initializers_file_folder_path", os.devnull
    )
    # Threads that spin while they wait would take the cores that JAX needs in between.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = runtime.InferenceSession(graph, options, providers=[(name, _OPTIONS[provider])])
    except _errors() as error:
        message = (
            f"the graph cannot be loaded ({error}): expected one ONNX file with its weights; if "
            "they lie in files beside it (external data), save them into it"
        )
        raise InputError(message) from error
    if name not in session.get_providers():
        message = (
            f"onnx.provider = {provider!r}: {name} does not start on this machine: check driver "
            "and libraries, or set onnx.provider = 'cpu'"
        )
        raise ConfigError(message)
    return session


def check_signature(
    session: "InferenceSession", kind: GraphKind
) -> tuple[tuple[str, ...], tuple[int, int]]:
    """Names of the inputs in the order of the kind, and the number of latitudes and longitudes.

    Raises:
        InputError: the graph takes or gives something else.
    """
    inputs, outputs = session.get_inputs(), session.get_outputs()[: len(kind.outputs)]
    names = [a.name for shape in kind.inputs for a in inputs if _takes(a.shape, shape)]
    given = [_gives(a.shape, shape) for a, shape in zip(outputs, kind.outputs, strict=False)]
    whole = len(names) == len(inputs) == len(kind.inputs) and len(given) == len(kind.outputs)
    if not whole or not all(given):
        message = (
            f"expected a graph of onnx.kind = {kind.name!r} that takes {_shapes(kind.inputs)} and "
            f"gives {_shapes(kind.outputs)}, the graph takes {_told(inputs)} and gives "
            f"{_told(session.get_outputs())}: set onnx.kind to what the graph is"
        )
        raise InputError(message)
    wrong = [array for array in (*inputs, *outputs) if array.type != "tensor(float)"]
    if wrong:
        message = (
            f"expected numbers of 32 bits, tensor(float), the graph has {wrong[0].type} in "
            f"{wrong[0].name!r}: export it in single precision"
        )
        raise InputError(message)
    grids = {tuple(array.shape[-2:]) for array in inputs}
    rows, columns = grids.pop()
    fixed = isinstance(rows, int) and isinstance(columns, int) and rows > 1
    if grids or not fixed:
        message = (
            "expected the same fixed numbers of latitudes (2 or more) and longitudes in every "
            f"input, the graph takes {_told(inputs)}: export it with fixed shapes"
        )
        raise InputError(message)
    return tuple(names), (rows, columns)


def run_session(
    session: "InferenceSession",
    kind: GraphKind,
    names: Sequence[str],
    frames: Float32[np.ndarray, "channels lat lon"],
) -> Float32[np.ndarray, "channel lat lon"]:
    """The next frame.

    Args:
        session: of the graph.
        kind: what it takes and gives.
        names: of its inputs, in the order of the kind.
        frames: the channels of all frames that it takes, as the graph wants them.

    Raises:
        InputError: the graph fails, or gives other shapes than its kind.
    """
    grid = frames.shape[1:]
    ends = np.cumsum([math.prod(shape) for shape in kind.inputs])[:-1]
    feeds = {
        name: part.reshape(*shape, *grid)
        for name, part, shape in zip(names, np.split(frames, ends), kind.inputs, strict=True)
    }
    try:
        outputs = session.run(None, feeds)[: len(kind.outputs)]
    except _errors() as error:
        message = f"the graph fails in a step of the forecast ({error}): check its export"
        raise InputError(message) from error
    for output, shape in zip(outputs, kind.outputs, strict=True):
        if output.shape[-2:] != grid or not _gives(output.shape, shape):
            message = (
                f"expected an output of shape {(*shape, *grid)}, the graph gave {output.shape}: "
                "check its export"
            )
            raise InputError(message)
    parts = [
        output[..., : shape[-1], :, :].reshape(-1, *grid)
        for output, shape in zip(outputs, kind.outputs, strict=True)
    ]
    return np.concatenate(parts)


def _runtime() -> Any:  # noqa: ANN401 (a module without types)
    """ONNX Runtime.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        import onnxruntime  # noqa: PLC0415 (an extra)
    except ImportError as error:
        message = "world.model = 'onnx' needs a package that is missing (onnxruntime): "
        message += "pip install 'align-da[onnx]'"
        raise ConfigError(message) from error
    return onnxruntime


def _errors() -> tuple[type[Exception], ...]:
    """Everything that ONNX Runtime raises; its classes have no base of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state  # noqa: PLC0415 (an extra)

    found = (value for value in vars(state).values() if isinstance(value, type))
    return (ValueError, RuntimeError, *(e for e in found if issubclass(e, Exception)))


def _takes(found: Sequence[int | str | None], shape: tuple[int, ...]) -> bool:
    """Whether an input has the axes of a kind before its grid; a batch of one may be left open."""
    return len(found) == len(shape) + 2 and all(
        axis == wanted or (wanted == 1 and not isinstance(axis, int))
        for axis, wanted in zip(found, shape, strict=False)
    )


def _gives(found: Sequence[int | str | None], shape: tuple[int, ...]) -> bool:
    """Whether an output may have the axes of a kind before its grid, and enough channels.

    Axes that the graph leaves open are judged when it has run.
    """
    if not found:
        return True
    if len(found) != len(shape) + 2:
        return False
    *leading, (channels, wanted) = zip(found, shape, strict=False)
    same = all(axis == size for axis, size in leading if isinstance(axis, int))
    return same and (not isinstance(channels, int) or channels >= wanted)


def _shapes(kind: Sequence[tuple[int, ...]]) -> str:
    """The shapes of a kind as a message tells them."""
    return " and ".join(f"({', '.join(map(str, shape))}, lat, lon)" for shape in kind)


def _told(arrays: Sequence[Any]) -> str:
    """The arrays of a graph as a message tells them."""
    return " and ".join(
        f"{array.name!r} ({', '.join(map(str, array.shape))})" for array in arrays[:4]
    )
