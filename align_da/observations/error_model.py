"""Standard deviation of the observation error of each variable: the diagonal of R."""

from align_da.atmosphere import variable_named
from align_da.config import ErrorsConfig
from align_da.errors import ConfigError


def observation_error(variable: str, config: ErrorsConfig) -> float:
    """Standard deviation of the error of an observed variable.

    Args:
        variable: WeatherBench 2 name.
        config: the errors of a source by kind of quantity.

    Returns:
        The standard deviation in the SI unit of the variable.

    Raises:
        ConfigError: no error is configured for this variable.
    """
    errors = {
        "u_component_of_wind": config.wind_error,
        "v_component_of_wind": config.wind_error,
        "10m_u_component_of_wind": config.wind_error,
        "10m_v_component_of_wind": config.wind_error,
        "temperature": config.temperature_error,
        "2m_temperature": config.temperature_error,
        "specific_humidity": config.humidity_error,
        "geopotential": config.geopotential_error,
        "surface_pressure": config.surface_pressure_error,
        "mean_sea_level_pressure": config.surface_pressure_error,
    }
    error = errors.get(variable, variable_named(variable).observation_error)
    if error is None:
        message = f"no observation error for {variable!r}: expected one of {', '.join(errors)}"
        raise ConfigError(message)
    return error
