"""The local ensemble transform Kalman filter, and without localisation the global one (ETKF).

Every point of the grid has an ensemble transform of its own, in which the weight of an observation
falls with its distance (R-localisation: the inverse error variance times a Gaspari-Cohn taper).
Inflation: the perturbations of the background are multiplied before the analysis, and the spread
of the analysis is relaxed to that of the background after it (RTPS, Whitaker and Hamill 2012, Mon.
Wea. Rev. 140, 3078-3089, equation 2).

Observation errors that are correlated are whitened where there is no localisation, and tapered as
`correlated_spread` says where there is. Those with long tails are Gaussian ones of another
variance, given by the departure of the background mean and the spread of the ensemble; see
`align_da.observations.robust_errors`.

Source: Hunt, Kostelich and Szunyogh 2007, Physica D 230, 112-126.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from align_da.assimilation.contract import AnalysisDiagnostics
from align_da.assimilation.diagnostics import diagnose
from align_da.assimilation.ensemble_transform import (
    ObservedSpread,
    correlated_spread,
    ensemble_transform,
    observed_spread,
    random_rotation,
)
from align_da.atmosphere import Layout, State
from align_da.atmosphere.localisation import column_positions, gaspari_cohn, great_circle_distance
from align_da.atmosphere.state import check_state
from align_da.atmosphere.truncation import SpectralTruncation
from align_da.checks import check_kind, check_positive, check_share
from align_da.errors import InputError
from align_da.observations.batch import ObservationBatch, Vertical
from align_da.observations.contract import (
    ErrorsFor,
    GaussianErrors,
    ObservationErrors,
    ObservationOperator,
    check_operator_for,
)
from align_da.observations.interpolation import vertical_place
from align_da.observations.likelihood import Likelihood, check_errors, likelihood_of
from align_da.prior.calibration import background_factor

_SMALLEST_SPREAD = 1e-12  # a channel in which all members agree has nothing to relax


@dataclass(frozen=True)
class Localisation:
    """Half widths of the Gaspari-Cohn tapers; None is no localisation in that direction.

    Attributes:
        radius: horizontal, metres.
        depth: vertical, in the logarithm of the level (in levels of an abstract index).
    """

    radius: float | None = None
    depth: float | None = None

    def __post_init__(self) -> None:
        for name, width in {"radius": self.radius, "depth": self.depth}.items():
            if width is not None:
                check_positive(f"the {name} of a localisation", width)


@dataclass(frozen=True)
class LETKF:
    """The method and what it is tuned with.

    Attributes:
        operator_for: gives H for the observations of a cycle.
        localisation: none at all makes it the ETKF.
        inflation: factor on the perturbations of the background.
        relaxation: share of the spread of the background that is given back (RTPS), 0 to 1.
        rotate: turn the analysis perturbations at random, with their mean kept.
        truncation: what of an increment the forecast model can hold; None keeps it all.
        calibrates: inflates beyond that by what the innovations of the cycle ask for.
        observation_errors: how they are correlated, or how long their tails are; see
            `likelihood_of`. Correlated ones with localisation factorise a matrix of all
            observations at every point and level.
    """

    operator_for: Callable[[ObservationBatch, Layout], ObservationOperator]
    localisation: Localisation = Localisation()
    inflation: float = 1.0
    relaxation: float = 0.0
    rotate: bool = False
    truncation: SpectralTruncation | None = None
    calibrates: bool = False
    observation_errors: ObservationErrors | ErrorsFor | None = None

    def __post_init__(self) -> None:
        check_operator_for(self.operator_for)
        check_kind("localisation of a LETKF", self.localisation, Localisation, "a Localisation")
        check_positive("inflation of a LETKF", self.inflation)
        check_share("relaxation of a LETKF", self.relaxation)
        check_errors(self.observation_errors)

    def __call__(
        self,
        background: State,
        observations: ObservationBatch,
        lead_hours: float,
        key: jax.Array,
    ) -> tuple[State, AnalysisDiagnostics]:
        """One analysis; see `align_da.assimilation.contract.Analysis`.

        Raises:
            InputError: the ensemble has one member only; see also `likelihood_of`.
        """
        check_state("the background of an analysis", background)
        members = background.values.shape[0]
        if members < 2:
            message = f"expected an ensemble of at least two members for a LETKF, got {members}"
            raise InputError(message)
        operator = self.operator_for(observations, background.layout)
        horizontal, vertical = _tapers(self.localisation, observations, background.layout)
        turn = random_rotation(key, members) if self.rotate else jnp.eye(members)
        likelihood = likelihood_of(observations, self.observation_errors)
        factor = self._factor(operator, likelihood, background)
        analysis = _update(
            operator,
            observations,
            *_correlation_apart(likelihood, self.localisation),
            background,
            (horizontal, vertical),
            turn,
            self.inflation * jnp.sqrt(factor),
            jnp.float32(self.relaxation),
            self.truncation,
        )
        return analysis, diagnose(operator, observations, background, analysis, factor)

    def _factor(
        self, operator: ObservationOperator, likelihood: Likelihood, background: State
    ) -> Float[Array, ""]:
        """What the variance of the background ensemble is multiplied by before inflation."""
        if not self.calibrates:
            return jnp.ones(())
        equivalent = operator(background)
        return background_factor(
            likelihood, equivalent.mean(axis=0), equivalent.var(axis=0, ddof=1)
        )


def _correlation_apart(
    likelihood: Likelihood, localisation: Localisation
) -> tuple[Likelihood, Float[Array, "observation observation"] | None]:
    """The likelihood without the correlation of its errors, and that, where it is tapered."""
    errors = likelihood.errors
    if localisation == Localisation() or not isinstance(errors, GaussianErrors):
        return likelihood, None
    tapered = errors.correlation(likelihood.variance, likelihood.used)
    return replace(likelihood, errors=None), tapered


def _tapers(
    localisation: Localisation, observations: ObservationBatch, layout: Layout
) -> tuple[Float[Array, "lat lon observation"], Float[Array, "level observation"]]:
    """Taper of every observation at every column, and at every level."""
    shape = (*layout.grid.shape, observations.value.shape[0])
    horizontal, vertical = jnp.ones(shape), jnp.ones((layout.grid.level_count, shape[-1]))
    if localisation.radius is not None:
        latitude, longitude = column_positions(layout.grid.latitude, layout.grid.longitude)
        place = observations.latitude, observations.longitude
        distance = great_circle_distance(latitude, longitude, *place)
        horizontal = gaspari_cohn(distance, localisation.radius).reshape(shape)
    if localisation.depth is not None:
        known = vertical_place(np.asarray(layout.grid.vertical.levels), layout.grid.vertical)
        own = vertical_place(np.asarray(observations.level), layout.grid.vertical)
        own = np.where(np.asarray(observations.vertical) == Vertical.SURFACE, known[-1], own)
        apart = jnp.asarray(np.abs(known[:, None] - own), jnp.float32)
        vertical = gaspari_cohn(apart, localisation.depth)
    return horizontal, vertical


@jax.jit
def _update(
    operator: ObservationOperator,
    observations: ObservationBatch,
    likelihood: Likelihood,
    correlation: Float[Array, "observation observation"] | None,
    background: State,
    tapers: tuple[Float[Array, "lat lon observation"], Float[Array, "level observation"]],
    turn: Float[Array, "member member"],
    inflation: Float[Array, ""],
    relaxation: Float[Array, ""],
    truncation: SpectralTruncation | None,
) -> State:
    """The analysis ensemble; the background itself where no observation is used."""
    perturbations, innovation = _in_observation_space(
        operator, observations, likelihood, background, inflation
    )
    horizontal, vertical = tapers

    def observe(row: Float[Array, "lon observation"]) -> ObservedSpread:
        taper = row[:, None] * vertical
        if correlation is not None:
            return correlated_spread(inflation * perturbations, innovation, taper, correlation)
        return observed_spread(inflation * perturbations, innovation, taper)

    weights = ensemble_transform(jax.lax.map(observe, horizontal))
    levels = jnp.asarray(_level_of_channels(background.layout))
    mean = background.values.mean(axis=0)
    apart = background.values - mean

    def combine(
        row: tuple[Float[Array, "lon level member member"], Float[Array, "member lon channel"]],
    ) -> Float[Array, "member lon channel"]:
        of_levels, around = row
        return jnp.einsum("ixc,xcij->jxc", inflation * around, of_levels[:, levels])

    moved = jax.lax.map(combine, (weights, jnp.moveaxis(apart, 1, 0)))
    moved = jnp.moveaxis(moved, 0, 1)
    shift = moved.mean(axis=0)
    around = jnp.einsum("iyxc,ij->jyxc", moved - shift, turn)
    increments = mean + shift + _relaxed(around, apart, relaxation) - background.values
    if truncation is not None:
        increments = truncation(increments)
    kept = background.values + jnp.where(jnp.any(observations.used), increments, 0.0)
    return State(kept, background.layout)


def _in_observation_space(
    operator: ObservationOperator,
    observations: ObservationBatch,
    likelihood: Likelihood,
    background: State,
    inflation: Float[Array, ""],
) -> tuple[Float[Array, "member observation"], Float[Array, " observation"]]:
    """Y and d in units of √R, 0 where an observation is not used (unless R^-½ mixes them)."""
    used = observations.used
    equivalent = jnp.where(used, operator(background), 0.0)
    error = jnp.where(used, observations.error, 1.0)
    centre = equivalent.mean(axis=0)
    innovation = jnp.where(used, observations.value, 0.0) - centre
    apart = equivalent - centre
    if likelihood.errors is None:
        return apart / error, innovation / error
    near = likelihood.near(centre, inflation**2 * equivalent.var(axis=0, ddof=1))
    return jax.vmap(near.whiten)(apart), near.whiten(innovation)


def _relaxed(
    analysis: Float[Array, "member lat lon channel"],
    background: Float[Array, "member lat lon channel"],
    relaxation: Float[Array, ""],
) -> Float[Array, "member lat lon channel"]:
    """Analysis perturbations with their spread relaxed to that of the background."""
    before, after = background.std(axis=0), analysis.std(axis=0)
    return analysis * (1 + relaxation * (before - after) / jnp.maximum(after, _SMALLEST_SPREAD))


def _level_of_channels(layout: Layout) -> list[int]:
    """The level that each channel is localised at; the surface counts as the lowest level."""
    lowest = layout.grid.level_count - 1
    return [lowest if channel.level is None else channel.level for channel in layout.channels]
