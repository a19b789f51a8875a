"""The learned method: guided draws from the latent prior, one for each background member."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.assimilation.contract import AnalysisDiagnostics
from align_da.assimilation.diagnostics import diagnose
from align_da.atmosphere import Layout, State
from align_da.atmosphere.state import check_state
from align_da.autoencoder.latent_space import Values
from align_da.checks import check_count, check_kind
from align_da.diffusion.effort import Effort, told_by
from align_da.guidance.contract import PosteriorSampler
from align_da.guidance.prior_variance import estimate_prior_variance
from align_da.keys import keys_for_members
from align_da.observations.batch import ObservationBatch
from align_da.observations.contract import (
    ErrorsFor,
    ObservationErrors,
    ObservationOperator,
    check_operator_for,
)
from align_da.observations.likelihood import Likelihood, check_errors
from align_da.prior.errors_of_the_day import ErrorsOfTheDay
from align_da.prior.latent_prior import PRIOR, Control, LatentPrior

MEMBER_AXIS = "member"
"""The axis of the members of a micro-batch, over which noise may be centred."""
_POSTERIOR = "a PosteriorSampler such as GuidedSampler(guidance, sampler)"
_VARIANCE_DRAWS = 16  # the variance within about a third; not computed where it is not used


@dataclass(frozen=True)
class LatentScoreAnalysis:
    """Analysis by draws from the posterior.

    Attributes:
        prior: the learned prior.
        posterior: draws from it given the observations; its noise may be centred over
            `MEMBER_AXIS` where every micro-batch is full.
        operator_for: gives H for the observations of a cycle.
        micro_batch: members computed at once. It is part of the result: another size changes the
            last bits, a larger ensemble does not.
        condition_on: the background that a member is drawn for: its own, or the ensemble mean. In
            a cycle the mean is the better estimate, and draws for single members add their noise
            to the next background cycle after cycle.
        errors_of_the_day: what the cycle itself tells of the background errors.
        draws: how many for the ensemble mean; one a member if None.
        observation_errors: how they are correlated, or how long their tails are; see
            `likelihood_of`.
    """

    prior: LatentPrior
    posterior: PosteriorSampler
    operator_for: Callable[[ObservationBatch, Layout], ObservationOperator]
    micro_batch: int
    condition_on: Literal["member", "mean"] = "member"
    errors_of_the_day: ErrorsOfTheDay = field(default_factory=ErrorsOfTheDay)
    draws: int | None = None
    observation_errors: ObservationErrors | ErrorsFor | None = None

    def __post_init__(self) -> None:
        check_kind("the prior of an analysis", self.prior, LatentPrior, PRIOR)
        check_kind("what draws from the posterior", self.posterior, PosteriorSampler, _POSTERIOR)
        check_operator_for(self.operator_for)
        check_count("micro_batch", self.micro_batch)
        check_errors(self.observation_errors)

    def __call__(
        self,
        background: State,
        observations: ObservationBatch,
        lead_hours: float,
        key: jax.Array,
    ) -> tuple[State, AnalysisDiagnostics]:
        """One analysis; see `align_da.assimilation.contract.Analysis`."""
        check_state("the background of an analysis", background)
        operator = self.operator_for(observations, background.layout)
        likelihood = self.prior.likelihood(
            observations, operator, background, lead_hours, self.observation_errors
        )
        prior, factor = self.errors_of_the_day.applied_to(
            self.prior, operator, likelihood, background, lead_hours, key
        )
        analysis, effort = self._draw(prior, background, operator, likelihood, lead_hours, key)
        report = diagnose(operator, observations, background, analysis, factor, effort)
        return analysis, replace(report, learned_share=prior.learned_share)

    def _draw(
        self,
        prior: LatentPrior,
        background: State,
        operator: ObservationOperator,
        likelihood: Likelihood,
        lead_hours: float,
        key: jax.Array,
    ) -> tuple[State, Effort]:
        """One draw a background, values [member, lat, lon, channel] in SI units."""
        values = background.values
        members = self.draws or values.shape[0]
        padding = -members % self.micro_batch
        if self.condition_on == "mean" or self.draws is not None:
            values = jnp.broadcast_to(values.mean(axis=0), (members, *values.shape[1:]))
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
                self.posterior,
            )
            for start in range(0, members + padding, self.micro_batch)
        ]
        values, efforts = jax.tree.map(lambda *parts: jnp.concatenate(parts)[:members], *drawn)
        return State(values, background.layout), efforts


@partial(jax.jit, static_argnames="posterior")
def _draw_batch(
    prior: LatentPrior,
    operator: ObservationOperator,
    likelihood: Likelihood,
    background: State,
    lead_hours: Float[Array, ""],
    keys: jax.Array,
    posterior: PosteriorSampler,
) -> tuple[Float[Array, "member lat lon channel"], Effort]:
    """Guided draws of one micro-batch, and what each took."""

    def draw_one(values: Values, key: jax.Array) -> tuple[Values, Effort]:
        latent = prior.space.encode(values)

        def analysis_of(z: Control) -> Values:
            return prior.analysis(values, latent, z, lead_hours)

        def equivalent(z: Control) -> Float[Array, " observation"]:
            return operator(State(analysis_of(z), background.layout))

        shape = prior.control_shape
        draws = jax.random.normal(jax.random.fold_in(key, 0), (_VARIANCE_DRAWS, *shape))
        informed = replace(likelihood, prior_variance=estimate_prior_variance(equivalent, draws))
        denoiser = prior.denoiser(latent, lead_hours)
        own = jax.random.fold_in(key, 1)
        drawn, effort = told_by(posterior, denoiser, equivalent, informed, own, shape)
        return analysis_of(drawn), effort

    return jax.vmap(draw_one, axis_name=MEMBER_AXIS)(background.values, keys)
