"""Forecast skill: how often the forecast from a candidate beats those from the others."""

from dataclasses import dataclass

from jaxtyping import Array, Float

from align_da.alignment.contract import AlignmentCase
from align_da.alignment.rewards.win_rate import rmse_win_rate
from align_da.atmosphere import State
from align_da.forecast.contract import ForecastModel


@dataclass(frozen=True)
class ForecastReward:
    """Win rate by RMSE of the forecast; dimensionless, within (0, 1), 1/2 for a middling draw.

    Attributes:
        model: started from every candidate at the valid time of the case.
        lead_hours: when the forecast is compared with `Case.truth_at_lead`.
    """

    model: ForecastModel
    lead_hours: int
    name: str = "forecast"

    @property
    def differentiable(self) -> bool:
        """As the model."""
        return self.model.differentiable

    def __call__(self, candidates: State, case: AlignmentCase) -> Float[Array, " candidate"]:
        """Score a group, see `Reward`; a forecast that is not finite loses to every other.

        Raises:
            BadStateError: no forecast is finite.
        """
        before = case.frames_before(len(candidates.values))
        forecasts = self.model.forecast(candidates, case.valid_time, self.lead_hours, before)
        return rmse_win_rate(forecasts, case.truth_at_lead)
