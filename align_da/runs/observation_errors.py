"""The observation errors of a section of the configuration."""

from align_da.config import ErrorsConfig
from align_da.observations.error_model import InstrumentErrors


def errors_of(section: ErrorsConfig) -> InstrumentErrors:
    """The errors of the stations of [observations], or of the cells of [coarse_map]."""
    return InstrumentErrors(
        section.wind_error,
        section.temperature_error,
        section.humidity_error,
        section.surface_pressure_error,
        section.geopotential_error,
    )
