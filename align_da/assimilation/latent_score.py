"""The learned method: guided draws from the latent prior, one for each background member."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.assimilation.contract import AnalysisDiagnostics
from align_da.assimilation.diagnostics import diagnose
from align_da.assimilation.hybrid import Hybrid
from align_da.assimilation.latent_prior import Control, LatentPrior
from align_da.atmosphere import Layout, State
from align_da.autoencoder.latent_space import Values
from align_da.diffusion.contract import Sampler
from align_da.guidance.contract import Guidance, Likelihood, likelihood_of
from align_da.guidance.prior_variance import estimate_prior_variance
from align_da.keys import keys_for_members
from align_da.observations.batch import ObservationBatch
from align_da.observations.contract import ObservationOperator

MEMBER_AXIS = "member"
"""The axis of the members of a micro-batch, over which noise may be centred."""
_VARIANCE_DRAWS = 16  # the variance within about a third; not computed where it is not used


@dataclass(frozen=True)
class LatentScoreAnalysis:
    """Analysis by guided sampling.

    Attributes:
        prior: the learned prior.
        sampler: integrates the reverse process; its noise may be centred over `MEMBER_AXIS` where
            every micro-batch is full.
        guidance: how the observations steer it.
        operator_for: gives H for the observations of a cycle.
        micro_batch: members computed at once. It is part of the result: another size changes the
            last bits, a larger ensemble does not.
        condition_on: the background that a member is drawn for: its own, or the ensemble mean. In
            a cycle the mean is the better estimate, and draws for single members add their noise
            to the next background cycle after cycle.
        hybrid: adds the errors of the background ensemble to those of the prior.
    """

    prior: LatentPrior
    sampler: Sampler
    guidance: Guidance
    operator_for: Callable[[ObservationBatch, Layout], ObservationOperator]
    micro_batch: int
    condition_on: Literal["member", "mean"] = "member"
    hybrid: Hybrid | None = None

    def __call__(
        self,
        background: State,
        observations: ObservationBatch,
        lead_hours: float,
        key: jax.Array,
    ) -> tuple[State, AnalysisDiagnostics]:
        """One analysis; see `align_da.assimilation.contract.Analysis`."""
        operator = self.operator_for(observations, background.layout)
        analysis = self.draw(background, operator, observations, lead_hours, key)
        return analysis, diagnose(operator, observations, background, analysis)

    def draw(
        self,
        background: State,
        operator: ObservationOperator,
        observations: ObservationBatch,
        lead_hours: float,
        key: jax.Array,
    ) -> State:
        """One guided draw a background, values [member, lat, lon, channel] in SI units."""
        likelihood = likelihood_of(observations)
        members = background.values.shape[0]
        padding = -members % self.micro_batch
        values, prior = background.values, self.prior
        if self.hybrid is not None:
            prior = self.hybrid.applied_to(prior, values)
        if self.condition_on == "mean":
            values = jnp.broadcast_to(values.mean(axis=0), values.shape)
        padded = jnp.concatenate([values, jnp.repeat(values[:1], padding, 0)])
        keys = keys_for_members(key, members + padding)
        drawn = [
            _draw_batch(
                prior,
                operator,
                likelihood,
                State(padded[start : start + self.micro_batch], background.layout),
                jnp.float32(lead_hours),
                keys[start : start + self.micro_batch],
                self.sampler,
                self.guidance,
            )
            for start in range(0, members + padding, self.micro_batch)
        ]
        return State(jnp.concatenate(drawn)[:members], background.layout)


@partial(jax.jit, static_argnames=("sampler", "guidance"))
def _draw_batch(
    prior: LatentPrior,
    operator: ObservationOperator,
    likelihood: Likelihood,
    background: State,
    lead_hours: Float[Array, ""],
    keys: jax.Array,
    sampler: Sampler,
    guidance: Guidance,
) -> Float[Array, "member lat lon channel"]:
    """Guided draws of one micro-batch."""

    def draw_one(values: Values, key: jax.Array) -> Values:
        latent = prior.space.encode(values)

        def analysis_of(z: Control) -> Values:
            return prior.analysis(values, latent, z, lead_hours)

        def equivalent(z: Control) -> Float[Array, " observation"]:
            return operator(State(analysis_of(z), background.layout))

        shape = prior.control_shape
        draws = jax.random.normal(jax.random.fold_in(key, 0), (_VARIANCE_DRAWS, *shape))
        informed = replace(likelihood, prior_variance=estimate_prior_variance(equivalent, draws))
        guided = guidance(prior.denoiser(latent, lead_hours), equivalent, informed)
        return analysis_of(sampler(guided, jax.random.fold_in(key, 1), shape))

    return jax.vmap(draw_one, axis_name=MEMBER_AXIS)(background.values, keys)
