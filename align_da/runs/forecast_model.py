"""The forecast model of the configuration, and the files that define it."""

import numpy as np
import xarray as xr

from align_da.atmosphere import Layout, State
from align_da.config import Config
from align_da.forecast import ForecastModel, build_forecast_model
from align_da.storage.gridded import read_times
from align_da.storage.model_files import model_file_digests, read_model_file


def configured_forecast_model(config: Config) -> ForecastModel:
    """The forecast model of a run; the same object for the same configuration.

    A model that runs a graph cannot be sent to another process: each worker builds its own.

    Raises:
        ConfigError: a package or a provider is missing.
        StorageError: a file of the model cannot be read, or is not the one that was named.
        InputError: a file is not what the configuration says.
    """
    return build_forecast_model(config.world, config.onnx, read_model_file, config.neuralgcm)


def forecast_model_digests(config: Config) -> dict[str, str]:
    """Digest of every file that defines the forecast model, by its key; none of embedded ones.

    Raises:
        StorageError: a file cannot be read.
    """
    section = config.onnx or config.neuralgcm
    return {} if section is None else model_file_digests(section.files)


def forecast_model_definition(config: Config) -> list[object]:
    """What a stage that forecasts is defined by, beside its own sections.

    Nothing for an embedded model, which [world] defines.
    """
    digests = forecast_model_digests(config)
    return [config.onnx or config.neuralgcm, sorted(digests.items())] if digests else []


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
