"""Forecast models by name (`align_da.forecast_models`).

A builder takes the configuration and reads of it what it needs: [world], a section of its own.
"""

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr

from align_da.atmosphere import Layout, State
from align_da.atmosphere.variables import VARIABLES
from align_da.config import Config, OnnxConfig
from align_da.digests import digest_of
from align_da.errors import ConfigError, InputError
from align_da.forecast.contract import ForecastModel
from align_da.forecast.graph_kinds import GraphKind, graph_kind
from align_da.forecast.lorenz96 import STEP, STEP_HOURS, Lorenz96ForecastModel
from align_da.forecast.named_file import named_content
from align_da.forecast.neuralgcm_checkpoint import neuralgcm_from_files
from align_da.forecast.onnx import OnnxForecastModel, frame_scaling
from align_da.registry import FORECAST_MODELS
from align_da.runs.parts import built
from align_da.storage.bounded_files import array_of_npy
from align_da.storage.gridded import read_times
from align_da.storage.model_files import read_model_file

ForecastModelBuilder = Callable[[Config], ForecastModel]
_ARCHIVE = b"PK\x03\x04"  # what a zip file begins with
_BUILT: dict[str, ForecastModel] = {}


def configured_forecast_model(config: Config) -> ForecastModel:
    """The forecast model of a run; the same object for the same configuration.

    A model is compiled by its first forecast, hence the same object. A model that runs a graph
    cannot be sent to another process: each worker builds its own.

    Raises:
        ConfigError: a package or a provider is missing, or the part is not what it should be.
        StorageError: a file of the model cannot be read, or is not the one that was named.
        InputError: a file is not what the configuration says.
    """
    sections = config.world, config.onnx, config.neuralgcm
    same = digest_of(*sections, config.parts.get(config.world.model))
    if same not in _BUILT:
        builder: ForecastModelBuilder = FORECAST_MODELS.load(config.world.model)
        model: ForecastModel = built(
            FORECAST_MODELS, config.world.model, builder, ForecastModel, config, config=config
        )
        _check_order(model.layout.variables, config.world.model)
        _BUILT[same] = model
    return _BUILT[same]


def _check_order(variables: Sequence[str], name: str) -> None:
    """Raise a ConfigError for variables in another order than states are read in from a store."""
    order = [known for known in VARIABLES if known in variables]
    if [*variables] != order:
        message = (
            f"{FORECAST_MODELS.owner(name)} has the variables {', '.join(variables)}: expected "
            f"them in the order in which states are read from a store, {', '.join(order)}: give "
            "its layout that order, and its channels with it"
        )
        raise ConfigError(message)


def jcm(config: Config) -> ForecastModel:
    """The embedded general circulation model."""
    try:
        # Only here, so that align_da can be imported and used without JCM.
        from align_da.forecast.jcm import JcmForecastModel  # noqa: PLC0415
    except ImportError as error:
        message = f"world.model = 'jcm' needs a package that is missing ({error.name}): "
        message += "pip install 'align-da[world]'"
        raise ConfigError(message) from error
    return JcmForecastModel(
        grid_truncation=config.world.grid_truncation,
        perturbed_physics=config.world.perturbed_physics,
        step_hours=config.world.step_hours,
    )


def lorenz96(config: Config) -> ForecastModel:
    """Lorenz-96 with 40 variables, whose published step is six hours."""
    hours = config.world.step_hours
    return Lorenz96ForecastModel(step=STEP * (hours / STEP_HOURS), step_hours=hours)


def onnx(config: Config) -> ForecastModel:
    """A network in a graph, see the section [onnx]."""
    section = config.onnx
    if section is None:
        message = "world.model = 'onnx' needs a graph: name its file in onnx.path"
        raise ConfigError(message)
    kind = kind_of(section)
    mean, std = (
        None if path is None else _numbers(read_model_file(path), f"{name} = {path!r}")
        for name, path in (("onnx.mean", section.mean), ("onnx.std", section.std))
    )
    scaling = frame_scaling(mean, std, len(kind.channels))
    graph = named_content(read_model_file, "onnx", section.path, section.sha256)
    return OnnxForecastModel(
        graph,
        kind,
        scaling,
        step_hours=section.step_hours,
        rows=section.rows,
        provider=section.provider,
        threads=section.threads,
    )


def kind_of(section: OnnxConfig) -> GraphKind:
    """The kind of graph of [onnx].

    Raises:
        ConfigError: a variable is unknown, or a variable or level is named twice.
    """
    return graph_kind(section.kind, section.order, section.variables, section.levels)


def neuralgcm(config: Config) -> ForecastModel:
    """NeuralGCM, see the section [neuralgcm]."""
    section = config.neuralgcm
    if section is None:
        message = "world.model = 'neuralgcm' needs a checkpoint: name its file in neuralgcm.path"
        raise ConfigError(message)
    return neuralgcm_from_files(
        section.path, section.forcings, read_model_file, section.seed, section.sha256
    )


def _numbers(content: bytes, what: str) -> np.ndarray:
    """The array in an npy file.

    Raises:
        InputError: it is none.
    """
    if content.startswith(_ARCHIVE):
        message = f"{what}: expected one array in an npy file, got an archive"
        raise InputError(message)
    try:
        return array_of_npy(content)
    except (ValueError, EOFError, OSError) as error:
        message = f"{what} is no npy file of numbers ({error})"
        raise InputError(message) from error


def frame_before(
    model: ForecastModel, states: xr.Dataset, layout: Layout, time: np.datetime64
) -> State | None:
    """The states one step before `time`, where the model looks at them and they are known.

    Args:
        model: the forecast model.
        states: with a time axis; of a nature run or of analyses.
        layout: of the states.
        time: of the states that the forecast starts from.

    Returns:
        Values [1, ..., lat, lon, channel].
    """
    earlier = time - np.timedelta64(model.step_hours, "h")
    if model.frames == 1 or earlier not in states["time"].to_numpy():
        return None
    return read_times(states, layout, np.asarray([earlier]))
