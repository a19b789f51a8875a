"""From the configuration to a forecast model."""

import io
from collections.abc import Callable
from functools import cache

import numpy as np

from align_da.config import NeuralGcmConfig, OnnxConfig, WorldConfig
from align_da.errors import ConfigError, InputError
from align_da.forecast.contract import ForecastModel
from align_da.forecast.graph_kinds import graph_kind
from align_da.forecast.lorenz96 import Lorenz96ForecastModel
from align_da.forecast.named_file import Read, named_content
from align_da.forecast.neuralgcm_checkpoint import neuralgcm_from_files
from align_da.forecast.onnx import OnnxForecastModel, frame_scaling


@cache
def build_forecast_model(
    config: WorldConfig,
    onnx: OnnxConfig | None = None,
    read: Read | None = None,
    neuralgcm: NeuralGcmConfig | None = None,
) -> ForecastModel:
    """The forecast model of the cycle (not the nature run) that `config` names.

    The same object for the same configuration, since a model is compiled by its first forecast.

    Args:
        config: names the model.
        onnx: the graph, where the model is one.
        read: reads the files of the model.
        neuralgcm: the checkpoint, where the model is one.

    Raises:
        ConfigError: the model needs a package that is not installed, or a file.
        StorageError: a file of the model cannot be read, or is not the one that was named.
        InputError: it is no such file.
    """
    if config.model == "onnx":
        return _onnx(onnx, read)
    if config.model == "neuralgcm":
        return _neuralgcm(neuralgcm, read)
    return _BUILDERS[config.model](config)


def _lorenz96(config: WorldConfig) -> ForecastModel:
    return Lorenz96ForecastModel()


def _jcm(config: WorldConfig) -> ForecastModel:
    try:
        # Only here, so that align_da can be imported and used without JCM.
        from align_da.forecast.jcm import JcmForecastModel  # noqa: PLC0415
    except ImportError as error:
        message = f"world.model = 'jcm' needs a package that is missing ({error.name}): "
        message += "pip install 'align-da[world]'"
        raise ConfigError(message) from error
    return JcmForecastModel(
        grid_truncation=config.grid_truncation, perturbed_physics=config.perturbed_physics
    )


def _onnx(config: OnnxConfig | None, read: Read | None) -> ForecastModel:
    if config is None or read is None:
        message = "world.model = 'onnx' needs a graph: name its file in onnx.path"
        raise ConfigError(message)
    kind = graph_kind(config)
    mean, std = (
        None if path is None else _numbers(read(path), f"{name} = {path!r}")
        for name, path in (("onnx.mean", config.mean), ("onnx.std", config.std))
    )
    scaling = frame_scaling(mean, std, len(kind.channels))
    graph = named_content(read, "onnx", config.path, config.sha256)
    return OnnxForecastModel(graph, config, scaling)


def _neuralgcm(config: NeuralGcmConfig | None, read: Read | None) -> ForecastModel:
    if config is None or read is None:
        message = "world.model = 'neuralgcm' needs a checkpoint: name its file in neuralgcm.path"
        raise ConfigError(message)
    return neuralgcm_from_files(config, read)


def _numbers(content: bytes, what: str) -> np.ndarray:
    """The array in an npy file.

    Raises:
        InputError: it is none.
    """
    try:
        array = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        message = f"{what} is no npy file of numbers ({error})"
        raise InputError(message) from error
    if not isinstance(array, np.ndarray):  # an archive of several
        message = f"{what}: expected one array in an npy file, got an archive"
        raise InputError(message)
    return array


_BUILDERS: dict[str, Callable[[WorldConfig], ForecastModel]] = {
    "jcm": _jcm,
    "lorenz96": _lorenz96,
}
