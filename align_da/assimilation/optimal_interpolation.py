"""Ensemble optimal interpolation: the Kalman update with a static, localised error ensemble.

    x_a = x_b + (ρ ∘ P Hᵀ) (ρ ∘ H P Hᵀ + R)⁻¹ (y − H x_b),   P = α E Eᵀ / (N − 1)

with E the matrix of N past background errors (Evensen 2003, equation 36; localisation in
observation space as in Houtekamer and Mitchell 2001). The errors stand still where observations
have times of their own. Members are updated with perturbed
observations whose perturbations have zero mean over the ensemble, so that a single member is
updated with y itself. Observation errors with long tails are Gaussian ones of another variance,
given by the departure of the background mean and by H P Hᵀ; see
`align_da.observations.robust_errors`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.assimilation.contract import AnalysisDiagnostics
from align_da.assimilation.diagnostics import diagnose
from align_da.assimilation.perturbed_observations import observation_perturbations
from align_da.atmosphere import Layout, State
from align_da.atmosphere.localisation import column_positions, gaspari_cohn, great_circle_distance
from align_da.atmosphere.state import check_state
from align_da.atmosphere.truncation import SpectralTruncation
from align_da.checks import check_positive
from align_da.observations.batch import ObservationBatch
from align_da.observations.contract import (
    ErrorsFor,
    GaussianErrors,
    ObservationErrors,
    ObservationOperator,
    check_operator_for,
)
from align_da.observations.likelihood import Likelihood, likelihood_of


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class OptimalInterpolation:
    """The method with its static background error statistics.

    Attributes:
        errors: past background errors (forecast − truth), values [sample, lat, lon, channel],
            SI units, mean removed.
        variance_factor: α, factor on the sample covariance.
        radius: half width of the localisation in metres.
        operator_for: gives H for the observations of a cycle.
        truncation: what of an increment the forecast model can hold; None keeps it all.
        observation_errors: how they are correlated, or how long their tails are; see
            `likelihood_of`.
    """

    errors: State
    variance_factor: Float[Array, ""] | float
    radius: float = field(metadata={"static": True})
    operator_for: Callable[[ObservationBatch, Layout], ObservationOperator] = field(
        metadata={"static": True}
    )
    truncation: SpectralTruncation | None = None
    observation_errors: ObservationErrors | ErrorsFor | None = None

    def __post_init__(self) -> None:
        # The rest may be what JAX puts in its place while it transforms the method.
        check_positive("radius of optimal interpolation", self.radius)
        check_operator_for(self.operator_for)

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
        likelihood = likelihood_of(observations, self.observation_errors)
        # The likelihood holds them now; a function of the observations is no argument for JAX.
        method = replace(self, observation_errors=None)
        analysis = _update(method, operator, background, observations, likelihood, key)
        return analysis, diagnose(operator, observations, background, analysis)


@jax.jit
def _update(
    method: OptimalInterpolation,
    operator: ObservationOperator,
    background: State,
    observations: ObservationBatch,
    likelihood: Likelihood,
    key: jax.Array,
) -> State:
    """The analysis ensemble; the background itself where no observation is used."""
    equivalent = operator(background)
    scale = jnp.sqrt(method.variance_factor / (method.errors.values.shape[0] - 1))
    spread = operator(method.errors) * scale
    error, correlation = _error_statistics(observations, likelihood, equivalent, spread)
    noise = observation_perturbations(key, equivalent.shape[0], observations.used)
    if isinstance(likelihood.errors, GaussianErrors):
        noise = noise @ jnp.linalg.cholesky(correlation).T
    innovation = _scaled_innovation(observations, equivalent, error) + noise
    projected = jnp.where(observations.used, spread / error, 0.0)
    increments = _increments(method, observations, innovation, projected, correlation)
    if method.truncation is not None:
        increments = method.truncation(increments)
    values = background.values + increments
    kept = jnp.where(jnp.any(observations.used), values, background.values)
    return replace(background, values=kept)


def _error_statistics(
    observations: ObservationBatch,
    likelihood: Likelihood,
    equivalent: Float[Array, "member observation"],
    spread: Float[Array, "sample observation"],
) -> tuple[Float[Array, " observation"], Float[Array, "observation observation"]]:
    """√R_ii, 1 where an observation is not used, and the correlation of observation errors.

    Args:
        observations: of the cycle.
        likelihood: of the same.
        equivalent: H x_b.
        spread: H E over √(N − 1).
    """
    used, unit = observations.used, jnp.eye(observations.value.shape[0])
    if likelihood.errors is None:
        return jnp.where(used, observations.error, 1.0), unit
    near = likelihood.near(equivalent.mean(axis=0), jnp.square(spread).sum(axis=0))
    error = jnp.sqrt(jnp.where(used, near.variance, 1.0))
    if isinstance(near.errors, GaussianErrors):
        return error, near.errors.correlation(near.variance, used)
    return error, unit


def _scaled_innovation(
    observations: ObservationBatch,
    equivalent: Float[Array, "member observation"],
    error: Float[Array, " observation"],
) -> Float[Array, "member observation"]:
    """(y − H x_m) / √R_ii, zero where an observation is not used."""
    used = observations.used
    difference = jnp.where(used, observations.value, 0.0) - jnp.where(used, equivalent, 0.0)
    return difference / error


def _increments(
    method: OptimalInterpolation,
    observations: ObservationBatch,
    innovation: Float[Array, "member observation"],
    projected: Float[Array, "sample observation"],
    correlation: Float[Array, "observation observation"],
) -> Float[Array, "member lat lon channel"]:
    """Localised gain applied to the innovation of every member, SI units.

    Args:
        method: the method.
        observations: gives places.
        innovation: perturbed, in units of √R_ii.
        projected: H E over √(N − 1) in units of √R_ii.
        correlation: of observation errors.
    """
    layout, samples = method.errors.layout, method.errors.values.shape[0]
    scale = jnp.sqrt(method.variance_factor / (samples - 1))
    place = observations.latitude, observations.longitude
    taper = gaspari_cohn(great_circle_distance(*place, *place), method.radius)
    covariance = taper * (projected.T @ projected) + correlation
    factor = jax.scipy.linalg.cho_factor(covariance)
    weights = jax.scipy.linalg.cho_solve(factor, innovation.T)
    columns = column_positions(layout.grid.latitude, layout.grid.longitude)
    to_grid = gaspari_cohn(great_circle_distance(*columns, *place), method.radius)
    errors = method.errors.values.reshape(samples, -1, layout.shape[-1]) * scale

    def increment(weight: Float[Array, " observation"]) -> Float[Array, "lat lon channel"]:
        amplitude = to_grid @ (projected.T * weight[:, None])
        return jnp.einsum("gn,ngc->gc", amplitude, errors).reshape(layout.shape)

    increments: Float[Array, "member lat lon channel"] = jax.lax.map(increment, weights.T)
    return increments
