"""A forecast model of an atmosphere that stands still."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from align_da.atmosphere import Layout, State


@dataclass(frozen=True)
class Persistence:
    """Forecasts nothing but what is."""

    layout: Layout
    step_hours: int = 6
    frames: Literal[1, 2] = 1
    differentiable: bool = True

    def forecast(
        self,
        states: State,
        valid_time: np.datetime64,
        lead_hours: int,
        previous: State | None = None,
    ) -> State:
        return states
