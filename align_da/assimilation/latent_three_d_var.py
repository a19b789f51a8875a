"""Latent 3D-Var: the variational analysis in the control variable of the learned prior.

    J(z) = ½ zᵀ z + ½ |R^-½ (y − H(x(z)))|²,    x(z) as `LatentPrior.analysis` decodes it

The background error covariance is that of the latent prior without its network. J is minimised by
Gauss-Newton iterations, each a dual problem solved in observation space to a tolerance:
with A the Jacobian of R^-½ H(x(z)) at z and r the residual there,

    z ← Aᵀ (I + A Aᵀ)⁻¹ (r + A z).

Members are updated with perturbed observations, as an ensemble of data assimilations; or the mean
alone, with the observations as they are, where another method gives the perturbations.

Observation errors with long tails are Gaussian ones of another variance at every iteration, see
`align_da.observations.robust_errors`: J has then their −log p, and `outer` iterations (some ten)
are needed although the operator be linear.

Sources: Courtier 1997 (dual formulation), Q. J. R. Meteorol. Soc. 123, 2449-2461; Melinc and
Zaplotnik 2024 (3D-Var in the latent space of an autoencoder), Q. J. R. Meteorol. Soc. 150.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.assimilation.contract import AnalysisDiagnostics
from align_da.assimilation.diagnostics import diagnose
from align_da.assimilation.perturbed_observations import observation_perturbations
from align_da.atmosphere import Layout, State
from align_da.atmosphere.state import check_state, ensemble_of_mean
from align_da.checks import check_count, check_kind
from align_da.diffusion.effort import Effort
from align_da.guidance.dual import dual_gradient
from align_da.guidance.krylov import Krylov
from align_da.guidance.near_estimate import near_estimate
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


@dataclass(frozen=True)
class LatentThreeDVar:
    """The method with its background error covariance.

    Attributes:
        prior: gives the control variable; its network is not used.
        operator_for: gives H for the observations of a cycle.
        outer: Gauss-Newton iterations.
        inner: iterations of the solver in each, at most.
        errors_of_the_day: what the cycle itself tells of the background errors.
        observation_errors: how they are correlated, or how long their tails are; see
            `likelihood_of`.
        tolerance: of the system of each, in standard deviations of the observation errors; see
            `align_da.guidance.krylov`.
        of_mean: analyses the mean of the ensemble alone; the result has one member.
    """

    prior: LatentPrior
    operator_for: Callable[[ObservationBatch, Layout], ObservationOperator]
    outer: int
    inner: int
    errors_of_the_day: ErrorsOfTheDay = field(default_factory=ErrorsOfTheDay)
    observation_errors: ObservationErrors | ErrorsFor | None = None
    tolerance: float = 0.01
    of_mean: bool = False

    def __post_init__(self) -> None:
        check_kind("the prior of 3D-Var", self.prior, LatentPrior, PRIOR)
        check_operator_for(self.operator_for)
        check_count("outer iterations of 3D-Var", self.outer)
        check_count("inner iterations of 3D-Var", self.inner)
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
        analysed, noise = self._analysed(background, likelihood, key)
        analysis, effort = _analyse(
            prior,
            operator,
            likelihood,
            analysed,
            jnp.float32(lead_hours),
            noise,
            outer=self.outer,
            solver=Krylov(self.tolerance, self.inner),
        )
        report = diagnose(operator, observations, background, analysis, factor, effort)
        return analysis, report

    def _analysed(
        self, background: State, likelihood: Likelihood, key: jax.Array
    ) -> tuple[State, Float[Array, "member observation"]]:
        """The states that are analysed, and the perturbations of the observations of each."""
        if self.of_mean:
            return ensemble_of_mean(background), jnp.zeros((1, likelihood.value.shape[0]))
        members = background.values.shape[0]
        return background, observation_perturbations(key, members, likelihood.noisy)


@partial(jax.jit, static_argnames=("outer", "solver"))
def _analyse(
    prior: LatentPrior,
    operator: ObservationOperator,
    likelihood: Likelihood,
    background: State,
    lead_hours: Float[Array, ""],
    noise: Float[Array, "member observation"],
    *,
    outer: int,
    solver: Krylov,
) -> tuple[State, Effort]:
    """The analysis of every member, one after the other, and what each took."""

    def analyse_one(
        member: tuple[State, Float[Array, " observation"]],
    ) -> tuple[State, Effort]:
        state, perturbation = member
        latent = prior.space.encode(state.values)

        def equivalent(z: Control) -> Float[Array, " observation"]:
            return operator(prior.analysed(state, latent, z, lead_hours))

        def improve(z: Control, _: None) -> tuple[Control, Effort]:
            near = near_estimate(likelihood, equivalent, z, jnp.zeros(()))
            at_z, forward = jax.linearize(lambda z: near.residual(equivalent(z)) + perturbation, z)
            count = jnp.sum(likelihood.used)
            # The tangent of the residual is −A.
            moved, effort = dual_gradient(forward, z, at_z - forward(z), 1.0, count, solver)
            return -moved, effort

        minimum, effort = jax.lax.scan(improve, jnp.zeros(prior.control_shape), length=outer)
        return prior.analysed(state, latent, minimum, lead_hours), effort.hardest()

    analysed, effort = jax.lax.map(analyse_one, (background, noise))
    kept = partial(jnp.where, jnp.any(likelihood.used))
    return jax.tree.map(kept, analysed, background), effort
