"""A forecast model with a correction of its errors after every few hours.

Physics with a learned part, as in Farchi et al. 2021 (Q. J. R. Meteorol. Soc. 147, 3067-3084).
"""

from collections.abc import Callable
from typing import Literal

import numpy as np

from align_da.atmosphere import State
from align_da.forecast.checks import check_request
from align_da.forecast.contract import ForecastModel


class CorrectedForecastModel:
    """A `ForecastModel` that corrects the forecasts of another.

    Attributes:
        layout: that of the other model.
        step_hours: hours between two corrections.
        frames: as the other model, 1 where corrections are further apart than its frames.
        differentiable: whether the other model is.
    """

    def __init__(
        self, model: ForecastModel, correction: Callable[[State], State], step_hours: int
    ) -> None:
        """Wrap a model.

        Args:
            model: forecasts without correction.
            correction: states [batch, lat, lon, channel] after `step_hours` → corrected states.
            step_hours: a multiple of the step of `model`.
        """
        self.layout, self.differentiable = model.layout, model.differentiable
        self.step_hours = step_hours
        # The states before a longer step are no frame of the other model.
        self.frames: Literal[1, 2] = model.frames if step_hours == model.step_hours else 1
        self._model, self._correction = model, correction

    def forecast(
        self,
        states: State,
        valid_time: np.datetime64,
        lead_hours: int,
        previous: State | None = None,
    ) -> State:
        """States `lead_hours` after `valid_time`; see `ForecastModel.forecast`."""
        check_request(states, self.layout, lead_hours, self.step_hours, previous)
        for hours in range(0, lead_hours, self.step_hours):
            time = valid_time + np.timedelta64(hours, "h")
            frame = previous if self.frames == 2 else None
            forecast = self._model.forecast(states, time, self.step_hours, frame)
            previous, states = states, self._correction(forecast)
        return states
