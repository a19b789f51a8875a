"""From the configuration to a forecast model."""

from collections.abc import Callable
from functools import cache

from align_da.config import WorldConfig
from align_da.errors import ConfigError
from align_da.forecast.contract import ForecastModel
from align_da.forecast.lorenz96 import Lorenz96ForecastModel


@cache
def build_forecast_model(config: WorldConfig) -> ForecastModel:
    """The forecast model of the cycle (not the nature run) that `config` names.

    The same object for the same configuration, since a model is compiled by its first forecast.

    Raises:
        ConfigError: the model needs a package that is not installed.
    """
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
    return JcmForecastModel(perturbed_physics=config.perturbed_physics)


_BUILDERS: dict[str, Callable[[WorldConfig], ForecastModel]] = {
    "jcm": _jcm,
    "lorenz96": _lorenz96,
}
