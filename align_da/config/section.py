"""What every section of the configuration is, and the numbers that they hold."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[int, Field(gt=0)]
PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegativeFloat = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
PeerName = Literal["optimal_interpolation", "three_d_var", "latent_three_d_var"]
GuidanceName = Literal["none", "dps", "sda", "mmps", "jfps", "repaint", "split_gibbs"]


class Section(BaseModel):
    """A frozen part of the configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid")
