"""Standard deviation of the observation error of each variable: the diagonal of R."""

from dataclasses import dataclass

from align_da.atmosphere import variable_named
from align_da.errors import ConfigError


@dataclass(frozen=True)
class InstrumentErrors:
    """Standard deviations of the errors of a source of observations, SI units.

    Attributes:
        wind: m/s.
        temperature: K.
        humidity: kg/kg.
        surface_pressure: Pa.
        geopotential: m2 s-2; the default is ten metres of height.
    """

    wind: float = 1.0
    temperature: float = 1.0
    humidity: float = 1.0e-4
    surface_pressure: float = 100.0
    geopotential: float = 100.0

    def of(self, variable: str) -> float:
        """Standard deviation of the error of an observed variable, in its SI unit.

        Args:
            variable: WeatherBench 2 name.

        Raises:
            ConfigError: no error is known for this variable.
        """
        errors = {
            "u_component_of_wind": self.wind,
            "v_component_of_wind": self.wind,
            "10m_u_component_of_wind": self.wind,
            "10m_v_component_of_wind": self.wind,
            "temperature": self.temperature,
            "2m_temperature": self.temperature,
            "specific_humidity": self.humidity,
            "geopotential": self.geopotential,
            "surface_pressure": self.surface_pressure,
            "mean_sea_level_pressure": self.surface_pressure,
        }
        error = errors.get(variable, variable_named(variable).observation_error)
        if error is None:
            message = f"no observation error for {variable!r}: expected one of {', '.join(errors)}"
            raise ConfigError(message)
        return error
