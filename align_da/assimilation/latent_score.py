"""The learned method: guided draws from the latent prior, one for each background member."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from operator import itemgetter
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.assimilation.contract import AnalysisDiagnostics
from align_da.assimilation.diagnostics import diagnose
from align_da.atmosphere import Layout, State
from align_da.atmosphere.state import check_state, ensemble_mean
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
        centres = self._centres(background)
        members = centres.values.shape[0]
        padding = -members % self.micro_batch
        padded = jax.tree.map(
            lambda leaf: jnp.concatenate([leaf, jnp.repeat(leaf[:1], padding, 0)]), centres
        )
        keys = keys_for_members(key, members + padding)
        drawn = [
            _draw_batch(
                prior,
                operator,
                likelihood,
                jax.tree.map(itemgetter(slice(start, start + self.micro_batch)), padded),
                jnp.float32(lead_hours),
                keys[start : start + self.micro_batch],
                self.posterior,
            )
            for start in range(0, members + padding, self.micro_batch)
        ]
        together: tuple[State, Effort] = jax.tree.map(
            lambda *parts: jnp.concatenate(parts)[:members], *drawn
        )
        return together

    def _centres(self, background: State) -> State:
        """The state that each draw is drawn for."""
        if self.condition_on == "member" and self.draws is None:
            return background
        members = self.draws or background.values.shape[0]
        repeated: State = jax.tree.map(
            lambda leaf: jnp.broadcast_to(leaf, (members, *leaf.shape)), ensemble_mean(background)
        )
        return repeated


@partial(jax.jit, static_argnames="posterior")
def _draw_batch(
    prior: LatentPrior,
    operator: ObservationOperator,
    likelihood: Likelihood,
    background: State,
    lead_hours: Float[Array, ""],
    keys: jax.Array,
    posterior: PosteriorSampler,
) -> tuple[State, Effort]:
    """Guided draws of one micro-batch, and what each took."""

    def draw_one(state: State, key: jax.Array) -> tuple[State, Effort]:
        latent = prior.space.encode(state.values)

        def equivalent(z: Control) -> Float[Array, " observation"]:
            return operator(prior.analysed(state, latent, z, lead_hours))

        shape = prior.control_shape
        draws = jax.random.normal(jax.random.fold_in(key, 0), (_VARIANCE_DRAWS, *shape))
        informed = replace(likelihood, prior_variance=estimate_prior_variance(equivalent, draws))
        denoiser = prior.denoiser(latent, lead_hours)
        own = jax.random.fold_in(key, 1)
        drawn, effort = told_by(posterior, denoiser, equivalent, informed, own, shape)
        return prior.analysed(state, latent, drawn, lead_hours), effort

    drawn: tuple[State, Effort] = jax.vmap(draw_one, axis_name=MEMBER_AXIS)(background, keys)
    return drawn
