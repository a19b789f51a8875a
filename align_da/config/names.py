"""Names of parts in a configuration: those that are installed, see `align_da.registry`."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator

from align_da.registry import (
    ANALYSES,
    FORECAST_MODELS,
    GUIDANCES,
    OBJECTIVES,
    OBSERVATION_OPERATORS,
    REWARDS,
    SAMPLERS,
    Registry,
)


@dataclass(frozen=True)
class _Names:
    """Tells a JSON schema what is installed, when it is asked for.

    Attributes:
        registry: of the parts.
    """

    registry: Registry

    def __get_pydantic_json_schema__(self, _: Any, __: Any) -> dict[str, Any]:  # noqa: ANN401
        return {
            "type": "string",
            "title": self.registry.what,
            "enum": list(self.registry.names),
        }


ForecastModelName = Annotated[
    str, AfterValidator(FORECAST_MODELS.checked), _Names(FORECAST_MODELS)
]
AnalysisName = Annotated[str, AfterValidator(ANALYSES.checked), _Names(ANALYSES)]
GuidanceName = Annotated[str, AfterValidator(GUIDANCES.checked), _Names(GUIDANCES)]
SamplerName = Annotated[str, AfterValidator(SAMPLERS.checked), _Names(SAMPLERS)]
RewardName = Annotated[str, AfterValidator(REWARDS.checked), _Names(REWARDS)]
ObjectiveName = Annotated[str, AfterValidator(OBJECTIVES.checked), _Names(OBJECTIVES)]
OperatorName = Annotated[
    str, AfterValidator(OBSERVATION_OPERATORS.checked), _Names(OBSERVATION_OPERATORS)
]
