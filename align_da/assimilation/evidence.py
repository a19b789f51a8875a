"""What an assimilation cycle tells about the errors of its analysis, as fields on the grid.

A correction that is learned can use whatever a cycle knows and its analysis method does not use
to the full: the weather, the spread of the day, what the observations have changed. All fields are
in standard deviations of the states, so that one network takes them together.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.assimilation.contract import Evidence
from align_da.atmosphere import Normalisation, State
from align_da.atmosphere.state import ensemble_mean
from align_da.errors import InputError
from align_da.observations.batch import ObservationBatch
from align_da.observations.contract import ObservationOperator

_SMALLEST_SPREAD = 1e-4  # standard deviations: members that agree have no logarithm
_Field = Float[Array, "lat lon channel"]


def gather_evidence(
    kinds: tuple[str, ...],
    normalisation: Normalisation,
    background: State,
    analysis: State,
    observations: ObservationBatch,
    operator: ObservationOperator,
    static: Float[Array, "lat lon channel"] | None = None,
) -> Evidence:
    """Fields of the kinds that are asked for, in their order.

    Args:
        kinds: of `EVIDENCE`.
        normalisation: statistics of the states.
        background: ensemble, values [member, lat, lon, channel], SI units.
        analysis: likewise; the background itself before there is one.
        observations: of the cycle, quality controlled.
        operator: H, bound to them.
        static: what a method with static errors changes of the mean of the analysis, SI units; for
            the kind "static".

    Raises:
        InputError: there is no such kind, or nothing for it.
    """
    unknown = [kind for kind in kinds if kind not in EVIDENCE]
    if unknown or not kinds:
        message = f"expected kinds of evidence among {', '.join(EVIDENCE)}, got {kinds}"
        raise InputError(message)
    before, after = (
        (ensemble.values - normalisation.mean) / normalisation.std
        for ensemble in (background, analysis)
    )

    def gradient() -> _Field:
        return _innovation_gradient(background, normalisation, observations, operator)

    def static_increment() -> _Field:
        if static is None:
            message = (
                'expected the increment of a method with static errors for "static", got none'
            )
            raise InputError(message)
        return static / normalisation.std

    known = _Known(before, after, gradient, static_increment)
    return jnp.concatenate([EVIDENCE[kind](known) for kind in kinds], axis=-1)


def _innovation_gradient(
    background: State,
    normalisation: Normalisation,
    observations: ObservationBatch,
    operator: ObservationOperator,
) -> _Field:
    """Hᵀ R⁻¹ (y − H x_b) of the ensemble mean, its states in standard deviations."""
    used, mean = observations.used, ensemble_mean(background)

    def fit(moved: _Field) -> Float[Array, ""]:
        equivalent = operator(replace(mean, values=mean.values + moved * normalisation.std))
        apart = jnp.where(used, observations.value, 0.0) - jnp.where(used, equivalent, 0.0)
        return -0.5 * jnp.sum((apart / jnp.where(used, observations.error, 1.0)) ** 2)

    found: _Field = jax.grad(fit)(jnp.zeros(background.layout.shape))
    return found


def _log_spread(members: Float[Array, "member lat lon channel"]) -> _Field:
    return jnp.log(jnp.maximum(members.std(axis=0, ddof=1), _SMALLEST_SPREAD))


@dataclass(frozen=True)
class _Known:
    """Background and analysis in standard deviations, and what is computed if it is asked for."""

    before: Float[Array, "member lat lon channel"]
    after: Float[Array, "member lat lon channel"]
    gradient: Callable[[], _Field]
    static_increment: Callable[[], _Field]


EVIDENCE: Mapping[str, Callable[[_Known], _Field]] = {
    "background": lambda known: known.before.mean(axis=0),
    "spread": lambda known: _log_spread(known.before),
    "gradient": lambda known: known.gradient(),
    "increment": lambda known: known.after.mean(axis=0) - known.before.mean(axis=0),
    "reduction": lambda known: _log_spread(known.after) - _log_spread(known.before),
    "static": lambda known: known.static_increment(),
}
"""Kinds of evidence: the mean of the background, the logarithm of its spread, what the innovations
pull at; after the analysis its increment, the logarithm of what is left of the spread, and what
static errors would still change."""
INCREMENTS = ("increment", "static")
"""Kinds that are increments themselves: a share of them, learned of point and weather, is a
correction. With that of a method of static errors it is a hybrid gain (Penny 2014, Mon. Wea. Rev.
142, 1752-1764) whose weights are fields."""
