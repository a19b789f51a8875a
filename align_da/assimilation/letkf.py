"""The local ensemble transform Kalman filter, and without localisation the global one (ETKF).

Every point of the grid has an ensemble transform of its own, in which the weight of an observation
falls with its distance (R-localisation: the inverse error variance times a Gaspari-Cohn taper). A
point looks at the observations within reach alone, and blocks of columns come one after the other,
so that neither time nor memory grows with the number of observations times that of points.
Inflation: the perturbations of the background are multiplied before the analysis, and the spread
of the analysis is relaxed to that of the background after it (RTPS, Whitaker and Hamill 2012, Mon.
Wea. Rev. 140, 3078-3089, equation 2).

Where no observation reaches, the transform is the identity and the inflation is all that happens:
spread grows there by (1 − α) ρ + α a cycle, ρ being the inflation and α the relaxation, until the
forecasts bound it. Inflation can be kept to what is observed: it is then 1 + t (ρ − 1) with t the
largest taper of a used observation, and ρ in Y, which is at the observations.

Observation errors that are correlated are whitened where there is no localisation, and tapered as
`correlated_spread` says where there is. Those with long tails are Gaussian ones of another
variance, given by the departure of the background mean and the spread of the ensemble; see
`align_da.observations.robust_errors`.

Of observations at their own times (`align_da.observations.own_times`) Y holds the members at these
times: the 4D-LETKF. Its report takes the increment as the same all through the window.

Source: Hunt, Kostelich and Szunyogh 2007, Physica D 230, 112-126.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from align_da.assimilation.contract import AnalysisDiagnostics
from align_da.assimilation.diagnostics import diagnose
from align_da.assimilation.ensemble_transform import (
    correlated_spread,
    ensemble_transform,
    observed_spread,
    random_rotation,
)
from align_da.assimilation.neighbourhoods import Neighbourhoods, largest_divisor, neighbourhoods
from align_da.atmosphere import Grid, Layout, State
from align_da.atmosphere.localisation import column_positions, gaspari_cohn, great_circle_distance
from align_da.atmosphere.state import check_state
from align_da.atmosphere.truncation import SpectralTruncation
from align_da.checks import check_kind, check_positive, check_share
from align_da.errors import InputError
from align_da.observations.batch import ObservationBatch
from align_da.observations.contract import (
    ErrorsFor,
    GaussianErrors,
    ObservationErrors,
    ObservationOperator,
    check_operator_for,
)
from align_da.observations.interpolation import observed_places, vertical_place
from align_da.observations.likelihood import Likelihood, check_errors, likelihood_of
from align_da.prior.calibration import background_factor

_SMALLEST_SPREAD = 1e-12  # a channel in which all members agree has nothing to relax
_NUMBERS = 2**21  # float32 that are computed at once, 8 MB: more is no faster
_MATRICES = 8  # members x members a place that the transform holds


Inflated = Literal["everywhere", "observed"]
"""Where perturbations are inflated."""


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
        inflated: where both of these act: everywhere, or where an observation reaches.
        observation_errors: how they are correlated, or how long their tails are; see
            `likelihood_of`. Correlated ones with localisation factorise a matrix of the
            observations near every block at every point and level.
    """

    operator_for: Callable[[ObservationBatch, Layout], ObservationOperator]
    localisation: Localisation = Localisation()
    inflation: float = 1.0
    relaxation: float = 0.0
    rotate: bool = False
    truncation: SpectralTruncation | None = None
    calibrates: bool = False
    observation_errors: ObservationErrors | ErrorsFor | None = None
    inflated: Inflated = "everywhere"

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
        likelihood = likelihood_of(observations, self.observation_errors)
        factor = self._factor(operator, likelihood, background)
        turn = random_rotation(key, members) if self.rotate else jnp.eye(members)
        analysis = _update(
            operator,
            observations,
            *_correlation_apart(likelihood, self.localisation),
            background,
            _near(self.localisation, observations, background.layout),
            _Spread(self.inflation * jnp.sqrt(factor), jnp.float32(self.relaxation), turn),
            self.truncation,
            observations.used.astype(jnp.float32) if self.inflated == "observed" else None,
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


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class _Near:
    """Which observations are near which points.

    Attributes:
        blocks: of columns, with the observations within reach; one block of all without a radius.
        radius: half width of the horizontal taper, metres, or None.
        vertical: taper of every observation at every level; one row of ones without a depth.
    """

    blocks: Neighbourhoods
    radius: Float[Array, ""] | None
    vertical: Float[Array, "level observation"]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class _Spread:
    """What becomes of the perturbations besides the transform.

    Attributes:
        inflation: factor on those of the background; of a block it may be [column, channel].
        relaxation: share of their spread that is given back.
        turn: rotation of those of the analysis.
    """

    inflation: Float[Array, "..."]
    relaxation: Float[Array, ""]
    turn: Float[Array, "member member"]


def _near(localisation: Localisation, observations: ObservationBatch, layout: Layout) -> _Near:
    """What is near what; traced positions are near everything, and must not have a depth."""
    grid, count = layout.grid, observations.value.shape[0]
    if localisation.radius is None:
        latitude, longitude = column_positions(grid.latitude, grid.longitude)
        blocks = Neighbourhoods(latitude[None], longitude[None], jnp.arange(count)[None])
        return _Near(blocks, None, vertical_taper(localisation.depth, observations, grid))
    blocks = neighbourhoods(observations, grid, localisation.radius)
    vertical = vertical_taper(localisation.depth, observations, grid)
    return _Near(blocks, jnp.float32(localisation.radius), vertical)


def vertical_taper(
    depth: float | None, observations: ObservationBatch, grid: Grid
) -> Float[Array, "level observation"]:
    """Taper of every observation at every level, or one row of ones.

    Args:
        depth: half width, see `Localisation`.
        observations: at known levels, unless there is no depth.
        grid: of the states.
    """
    if depth is None:
        return jnp.ones((1, observations.value.shape[0]))
    known = vertical_place(np.asarray(grid.vertical.levels), grid.vertical)
    own = observed_places(observations, grid.vertical)
    return gaspari_cohn(jnp.asarray(np.abs(known[:, None] - own), jnp.float32), depth)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class _Seen:
    """What every block takes its part of: observations last, in units of √R.

    Attributes:
        perturbations: Y, inflated.
        innovation: d.
        latitude: degrees north.
        longitude: degrees east.
        vertical: see `_Near`.
        used: 1 where an observation is; None where inflation does not ask for it.
    """

    perturbations: Float[Array, "member observation"]
    innovation: Float[Array, " observation"]
    latitude: Float[Array, " observation"]
    longitude: Float[Array, " observation"]
    vertical: Float[Array, "level observation"]
    used: Float[Array, " observation"] | None = None


@jax.jit
def _update(
    operator: ObservationOperator,
    observations: ObservationBatch,
    likelihood: Likelihood,
    correlation: Float[Array, "observation observation"] | None,
    background: State,
    near: _Near,
    spread: _Spread,
    truncation: SpectralTruncation | None,
    inflated_by: Float[Array, " observation"] | None,
) -> State:
    """The analysis ensemble; the background itself where no observation is used."""
    perturbations, innovation = _in_observation_space(
        operator, observations, likelihood, background, spread.inflation
    )
    layout, place = background.layout, (observations.latitude, observations.longitude)
    seen = _Seen(spread.inflation * perturbations, innovation, *place, near.vertical, inflated_by)

    def move(block: tuple[Neighbourhoods, Float[Array, "member column channel"]]) -> Array:
        columns, values = block
        own, taper = _tapered(seen, columns, near.radius)
        weights = _transforms(own, taper, correlation, columns)
        here = replace(spread, inflation=_inflation(spread.inflation, own, taper, layout))
        return _moved(weights, values, here, layout)

    members, blocks = background.values.shape[0], near.blocks.index.shape[0]
    of_blocks = background.values.reshape(members, blocks, -1, len(layout.channels))
    together = _blocks_together(near, members, correlated=correlation is not None)
    increments = jax.lax.map(
        move, (near.blocks, jnp.moveaxis(of_blocks, 1, 0)), batch_size=together
    )
    increments = jnp.moveaxis(increments, 0, 1).reshape(background.values.shape)
    if truncation is not None:
        increments = truncation(increments)
    kept = background.values + jnp.where(jnp.any(observations.used), increments, 0.0)
    return replace(background, values=kept)


def _blocks_together(near: _Near, members: int, *, correlated: bool) -> int:
    """How many blocks are computed at once: a divisor of all, for which there is memory."""
    blocks, longest = near.blocks.index.shape
    if correlated:
        return 1  # which factorise matrices of all neighbours, point by point
    columns = 1 if near.radius is None else near.blocks.latitude.shape[1]
    places = columns * near.vertical.shape[0]
    one = members * (min(places, members) * longest + _MATRICES * places * members)
    return largest_divisor(blocks, max(1, _NUMBERS // one))


def _tapered(
    seen: _Seen, block: Neighbourhoods, radius: Float[Array, ""] | None
) -> tuple[_Seen, Float[Array, "column level neighbour"]]:
    """The neighbours of a block and their taper; one column or level where it is the same."""
    own = jax.tree.map(lambda array: _neighbours(array, block), seen)
    taper = own.vertical[None]  # 0 where the list has ended
    if radius is None:
        return own, taper
    places = block.latitude, block.longitude, own.latitude, own.longitude
    return own, gaspari_cohn(great_circle_distance(*places), radius)[:, None] * taper


def _neighbours(
    array: Float[Array, "*batch observation"], block: Neighbourhoods
) -> Float[Array, "*batch neighbour"]:
    """The part of an array that a block looks at, 0 where its list has ended."""
    return jnp.take(array, block.index, axis=-1, mode="fill", fill_value=0.0)


def _transforms(
    own: _Seen,
    taper: Float[Array, "column level neighbour"],
    correlation: Float[Array, "observation observation"] | None,
    block: Neighbourhoods,
) -> Float[Array, "column level member member"]:
    """W + w of a block; one column or level where they are the same for all."""
    if correlation is None:
        return ensemble_transform(observed_spread(own.perturbations, own.innovation, taper))
    together = _neighbours(_neighbours(correlation, block).T, block)
    return ensemble_transform(
        correlated_spread(own.perturbations, own.innovation, taper, together)
    )


def _inflation(
    inflation: Float[Array, ""],
    own: _Seen,
    taper: Float[Array, "column level neighbour"],
    layout: Layout,
) -> Float[Array, "..."]:
    """The inflation of a block: everywhere the same, or [column, channel] as far as it is seen."""
    if own.used is None:
        return inflation
    reached = jnp.max(taper * own.used, axis=-1, initial=0.0)
    by_level = jnp.broadcast_to(reached, (reached.shape[0], layout.grid.level_count))
    return 1 + (inflation - 1) * by_level[:, channel_levels(layout)]


def _moved(
    weights: Float[Array, "place level member member"],
    background: Float[Array, "member column channel"],
    spread: _Spread,
    layout: Layout,
) -> Float[Array, "member column channel"]:
    """The increments of the members of a block."""
    channels, order = _channels_of_levels(layout)
    mean = background.mean(axis=0)
    apart = background - mean
    stacked = jnp.moveaxis(spread.inflation * apart, 0, -1)
    by_level = jnp.take(stacked, channels, axis=1, mode="clip") @ weights
    moved = by_level.reshape(stacked.shape[0], -1, stacked.shape[-1])[:, order]
    shift = moved.mean(axis=-1)
    around = jnp.moveaxis((moved - shift[..., None]) @ spread.turn, -1, 0)
    return mean + shift + _relaxed(around, apart, spread.relaxation) - background


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
    analysis: Float[Array, "member column channel"],
    background: Float[Array, "member column channel"],
    relaxation: Float[Array, ""],
) -> Float[Array, "member column channel"]:
    """Analysis perturbations with their spread relaxed to that of the background."""
    before, after = background.std(axis=0), analysis.std(axis=0)
    return analysis * (1 + relaxation * (before - after) / jnp.maximum(after, _SMALLEST_SPREAD))


def _channels_of_levels(
    layout: Layout,
) -> tuple[Int[np.ndarray, "level slot"], Int[np.ndarray, " channel"]]:
    """The channels that each level transforms, and where each is found among them.

    Levels of fewer channels repeat their last one.
    """
    of_channel = channel_levels(layout)
    levels = range(layout.grid.level_count)
    lists = [np.flatnonzero(of_channel == level) for level in levels]
    slots = max(own.size for own in lists)
    channels = np.stack(
        [np.resize(own, slots) if own.size else np.zeros(slots, int) for own in lists]
    )
    order = [
        level * slots + int(np.argmax(channels[level] == i)) for i, level in enumerate(of_channel)
    ]
    return channels, np.asarray(order)


def channel_levels(layout: Layout) -> Int[np.ndarray, " channel"]:
    """Index of the level whose observations move a channel; the surface is the lowest level."""
    lowest = layout.grid.level_count - 1
    return np.asarray(
        [lowest if channel.level is None else channel.level for channel in layout.channels]
    )
