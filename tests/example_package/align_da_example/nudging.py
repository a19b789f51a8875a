"""An analysis: the state is pulled towards the observations at the points around them."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from pydantic import Field

from align_da.assimilation.contract import Analysis, AnalysisDiagnostics
from align_da.assimilation.diagnostics import diagnose
from align_da.atmosphere import State
from align_da.config import Section
from align_da.observations.batch import ObservationBatch
from align_da.runs.analyses import AnalysisPart, Use
from align_da.runs.parts import settings_of
from align_da.runs.run import BindOperator, Run


class NudgingConfig(Section):
    """The table [parts.nudging]."""

    strength: float = Field(0.3, gt=0, le=1)


@dataclass(frozen=True)
class Nudging:
    """x_a = x_b + s Hᵀ (y − H x_b) / (Hᵀ 1) where anything is observed."""

    operator_for: BindOperator
    strength: float

    def __call__(
        self,
        background: State,
        observations: ObservationBatch,
        lead_hours: float,
        key: jax.Array,
    ) -> tuple[State, AnalysisDiagnostics]:
        """Every member is pulled by its own innovations."""
        operator = self.operator_for(observations, background.layout)

        def equivalent(values: jax.Array) -> jax.Array:
            return operator(State(values, background.layout))

        def pulled(values: jax.Array) -> jax.Array:
            predicted, pull = jax.vjp(equivalent, values)
            departure = jnp.where(observations.used, observations.value - predicted, 0.0)
            near = pull(observations.used.astype(values.dtype))[0]
            return values + self.strength * pull(departure)[0] / jnp.maximum(near, 1.0)

        analysis = State(jax.vmap(pulled)(background.values), background.layout)
        return analysis, diagnose(operator, observations, background, analysis)


def build(run: Run, _: Use) -> Analysis:
    """The method with the strength of the configuration."""
    settings = settings_of(run.config, "nudging", NudgingConfig)
    return Nudging(run.operator_for, settings.strength)


PART = AnalysisPart(build, "nudging")
