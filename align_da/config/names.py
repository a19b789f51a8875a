"""Names of parts in a configuration: those that are installed, see `align_da.registry`."""

from typing import Annotated

from pydantic import AfterValidator

from align_da.registry import (
    ANALYSES,
    FORECAST_MODELS,
    GUIDANCES,
    OBJECTIVES,
    OBSERVATION_OPERATORS,
    REWARDS,
    SAMPLERS,
)

ForecastModelName = Annotated[str, AfterValidator(FORECAST_MODELS.checked)]
AnalysisName = Annotated[str, AfterValidator(ANALYSES.checked)]
GuidanceName = Annotated[str, AfterValidator(GUIDANCES.checked)]
SamplerName = Annotated[str, AfterValidator(SAMPLERS.checked)]
RewardName = Annotated[str, AfterValidator(REWARDS.checked)]
ObjectiveName = Annotated[str, AfterValidator(OBJECTIVES.checked)]
OperatorName = Annotated[str, AfterValidator(OBSERVATION_OPERATORS.checked)]
