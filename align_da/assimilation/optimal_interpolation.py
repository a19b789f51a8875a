"""Ensemble optimal interpolation: the Kalman update with a static, localised error ensemble.

    x_a = x_b + (ρ ∘ P Hᵀ) (ρ ∘ H P Hᵀ + R)⁻¹ (y − H x_b),   P = α E Eᵀ / (N − 1)

with E the matrix of N past background errors (Evensen 2003, equation 36; localisation in
observation space as in Houtekamer and Mitchell 2001). Members are updated with perturbed
observations whose perturbations have zero mean over the ensemble, so that a single member is
updated with y itself.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.assimilation.contract import AnalysisDiagnostics
from align_da.assimilation.diagnostics import diagnose
from align_da.assimilation.perturbed_observations import observation_perturbations
from align_da.atmosphere import Layout, State
from align_da.atmosphere.localisation import column_positions, gaspari_cohn, great_circle_distance
from align_da.atmosphere.truncation import SpectralTruncation
from align_da.observations.batch import ObservationBatch
from align_da.observations.contract import ObservationOperator


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
    """

    errors: State
    variance_factor: Float[Array, ""] | float
    radius: float = field(metadata={"static": True})
    operator_for: Callable[[ObservationBatch, Layout], ObservationOperator] = field(
        metadata={"static": True}
    )
    truncation: SpectralTruncation | None = None

    def __call__(
        self,
        background: State,
        observations: ObservationBatch,
        lead_hours: float,
        key: jax.Array,
    ) -> tuple[State, AnalysisDiagnostics]:
        """One analysis; see `align_da.assimilation.contract.Analysis`."""
        operator = self.operator_for(observations, background.layout)
        analysis = _update(self, operator, background, observations, key)
        return analysis, diagnose(operator, observations, background, analysis)


@jax.jit
def _update(
    method: OptimalInterpolation,
    operator: ObservationOperator,
    background: State,
    observations: ObservationBatch,
    key: jax.Array,
) -> State:
    """The analysis ensemble; the background itself where no observation is used."""
    innovation = _perturbed_innovation(observations, operator(background), key)
    increments = _increments(method, operator, observations, innovation)
    if method.truncation is not None:
        increments = method.truncation(increments)
    values = background.values + increments
    kept = jnp.where(jnp.any(observations.used), values, background.values)
    return State(kept, background.layout)


def _perturbed_innovation(
    observations: ObservationBatch,
    equivalent: Float[Array, "member observation"],
    key: jax.Array,
) -> Float[Array, "member observation"]:
    """(y + ε_m − H x_m) / √R, with ε of zero ensemble mean; zero where not used."""
    used = observations.used
    noise = observation_perturbations(key, equivalent.shape[0], used)
    difference = jnp.where(used, observations.value, 0.0) - jnp.where(used, equivalent, 0.0)
    return difference / jnp.where(used, observations.error, 1.0) + noise


def _increments(
    method: OptimalInterpolation,
    operator: ObservationOperator,
    observations: ObservationBatch,
    innovation: Float[Array, "member observation"],
) -> Float[Array, "member lat lon channel"]:
    """Localised gain applied to the scaled innovation of every member, SI units."""
    layout, samples = method.errors.layout, method.errors.values.shape[0]
    scale = jnp.sqrt(method.variance_factor / (samples - 1))
    used = observations.used
    projected = operator(method.errors) * scale / jnp.where(used, observations.error, 1.0)
    projected = jnp.where(used, projected, 0.0)
    place = observations.latitude, observations.longitude
    taper = gaspari_cohn(great_circle_distance(*place, *place), method.radius)
    covariance = taper * (projected.T @ projected) + jnp.eye(taper.shape[0])
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
