"""Forecast models behind one contract."""

from align_da.forecast.contract import ForecastModel
from align_da.forecast.corrected import CorrectedForecastModel
from align_da.forecast.function_model import FunctionForecastModel
from align_da.forecast.lorenz63 import Lorenz63ForecastModel
from align_da.forecast.lorenz96 import Lorenz96ForecastModel

__all__ = [
    "CorrectedForecastModel",
    "ForecastModel",
    "FunctionForecastModel",
    "Lorenz63ForecastModel",
    "Lorenz96ForecastModel",
]
