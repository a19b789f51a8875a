"""Names of parts in a configuration: those that are installed, see `align_da.registry`.

The builder that a name stands for is described where it is used, in `align_da.runs`.
"""

from typing import Annotated

from pydantic import AfterValidator

from align_da.registry import Registry

FORECAST_MODELS = Registry("align_da.forecast_models", "forecast model")
ANALYSES = Registry("align_da.analyses", "analysis method")
GUIDANCES = Registry("align_da.guidances", "guidance")
SAMPLERS = Registry("align_da.samplers", "sampler")
REWARDS = Registry("align_da.rewards", "reward")
OBJECTIVES = Registry("align_da.objectives", "objective")
OBSERVATION_OPERATORS = Registry("align_da.observation_operators", "observation operator")
VARIABLES = Registry("align_da.variables", "state variable")

REGISTRIES = (
    *(FORECAST_MODELS, ANALYSES, GUIDANCES, SAMPLERS),
    *(REWARDS, OBJECTIVES, OBSERVATION_OPERATORS, VARIABLES),
)

ForecastModelName = Annotated[str, AfterValidator(FORECAST_MODELS.checked)]
AnalysisName = Annotated[str, AfterValidator(ANALYSES.checked)]
GuidanceName = Annotated[str, AfterValidator(GUIDANCES.checked)]
SamplerName = Annotated[str, AfterValidator(SAMPLERS.checked)]
RewardName = Annotated[str, AfterValidator(REWARDS.checked)]
ObjectiveName = Annotated[str, AfterValidator(OBJECTIVES.checked)]
OperatorName = Annotated[str, AfterValidator(OBSERVATION_OPERATORS.checked)]
