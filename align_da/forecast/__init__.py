"""Forecast models behind one contract."""

from align_da.forecast.contract import ForecastModel
from align_da.forecast.corrected import CorrectedForecastModel
from align_da.forecast.lorenz96 import Lorenz96ForecastModel

__all__ = [
    "CorrectedForecastModel",
    "ForecastModel",
    "Lorenz96ForecastModel",
]
